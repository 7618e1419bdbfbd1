"""From weights to the radii within which a classifier under noise is certified."""


wildcard_constraints:
    portion="[0-9]+",


rule certify_classifier:
    """A part of the test images: every defence and noise, for what was trained with the first seed or the given file."""
    input:
        data=IMAGES,
        weights=WEIGHTS_OF_ONE,
        denoisers=certified_denoisers,
    output:
        rows="results/{dataset}/{classifier}/certification/shard{portion}.csv",
        attacks="results/{dataset}/{classifier}/certification/attacks{portion}.csv",
    log:
        "results/logs/{dataset}/{classifier}/certify_shard{portion}.log",
    benchmark:
        "results/logs/{dataset}/{classifier}/certify_shard{portion}.benchmark.tsv"
    conda:
        "../envs/spurious.yaml"
    threads: threads_of("certification")
    resources:
        cpus_per_task=threads_of("certification"),
        gpu=1,
        gres="",
        mem_mb=with_gpu(SMALL_MB),
        runtime=growing(60),
    params:
        code=code("certify_classifier.py"),
        classifier=classifier_settings,
        settings=certification,
        shards=certification_shards,
        threads=threads_of("certification"),
    message:
        "{wildcards.dataset}: certify {wildcards.classifier} under noise, shard {wildcards.portion}"
    shell:
        program("certify_classifier.py")
        + " --data {input.data} --weights {input.weights} --denoisers {input.denoisers} --classifier {wildcards.classifier}"
        " --entry {params.classifier:q} --settings {params.settings:q} --shard {wildcards.portion} --shards {params.shards}"
        " --rows {output.rows} --attacks {output.attacks}"
        " --threads {params.threads} --gpu {resources.gpu} --gres={resources.gres:q} 2>&1 | tee {log} >&2"
