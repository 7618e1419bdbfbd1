"""From dataset tensors to classifier weights and the predictions of every image."""


rule fetch_classifier:
    """The file of a classifier that is not trained here, from the local folder or its address, checked."""
    output:
        "results/{dataset}/{classifier}/pretrained",
    log:
        "results/logs/{dataset}/{classifier}/fetch_classifier.log",
    retries: 0
    localrule: True
    conda:
        "../envs/spurious.yaml"
    params:
        code=code("fetch_classifier.py"),
        settings=classifier_source,
        local=local_data,
    message:
        "{wildcards.dataset}: fetch {wildcards.classifier}"
    shell:
        program("fetch_classifier.py") + " --settings {params.settings:q} {params.local:q} --output {output}"
        " 2>&1 | tee {log} >&2"


rule train_classifier:
    """One classifier with one seed; continues from its checkpoint when it was killed."""
    input:
        data="results/{dataset}/data.safetensors",
    output:
        weights="results/{dataset}/{classifier}/seed{seed}/weights.safetensors",
        history="results/{dataset}/{classifier}/seed{seed}/history.csv",
        predictions="results/{dataset}/{classifier}/seed{seed}/predictions.csv",
    log:
        "results/logs/{dataset}/{classifier}/train_seed{seed}.log",
    benchmark:
        "results/logs/{dataset}/{classifier}/train_seed{seed}.benchmark.tsv"
    conda:
        "../envs/spurious.yaml"
    threads: threads_of("training")
    resources:
        cpus_per_task=threads_of("training"),
        gpu=1,
        gres="",
        mem_mb=with_gpu(SMALL_MB),
        runtime=growing(30),
    params:
        code=code("train_classifier.py"),
        architecture=classifier_settings,
        recipe=recipe,
        threads=threads_of("training"),
    message:
        "{wildcards.dataset}: train {wildcards.classifier}, seed {wildcards.seed}"
    shell:
        program("train_classifier.py") + " --data {input.data} --classifier {wildcards.classifier}"
        " --architecture {params.architecture:q} --recipe {params.recipe:q} --seed {wildcards.seed}"
        " --weights {output.weights} --history {output.history} --predictions {output.predictions}"
        " --threads {params.threads} --gpu {resources.gpu} --gres={resources.gres:q} 2>&1 | tee {log} >&2"
