"""Whether what fools one classifier fools the others."""


rule transfer_images:
    """Fooling images of every classifier, judged by every other."""
    input:
        data="results/{dataset}/data.safetensors",
        models=transfer_models,
    output:
        "results/{dataset}/transfer.csv",
    log:
        "results/logs/{dataset}/transfer.log",
    benchmark:
        "results/logs/{dataset}/transfer.benchmark.tsv"
    conda:
        "../envs/spurious.yaml"
    threads: threads_of("transfer")
    resources:
        cpus_per_task=threads_of("transfer"),
        gpu=1,
        gres="",
        mem_mb=with_gpu(SMALL_MB),
        runtime=growing(SMALL_MIN),
    params:
        code=code("transfer_images.py"),
        sources=transfer_arguments,
        entries=transfer_entries,
        settings=section("transfer"),
        threads=threads_of("transfer"),
    message:
        "{wildcards.dataset}: fooling images of every classifier before every other"
    shell:
        program("transfer_images.py")
        + " --data {input.data} --sources {params.sources:q} --entries {params.entries:q}"
        " --settings {params.settings:q} --rows {output}"
        " --threads {params.threads} --gpu {resources.gpu} --gres={resources.gres:q} 2>&1 | tee {log} >&2"
