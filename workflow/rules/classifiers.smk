"""From dataset tensors to classifier weights, the predictions of every image, and denoisers."""


wildcard_constraints:
    denoiser=one_of_names({name for own in EXPERIMENTS.values() for name in own["denoisers"]}),


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


rule train_denoiser:
    """What takes noise from the images of one classifier; continues from its checkpoint when it was killed."""
    input:
        data="results/{dataset}/data.safetensors",
        weights=branch(
            is_trained,
            then=rules.train_classifier.output.weights,
            otherwise=rules.fetch_classifier.output,
        ),
    output:
        denoiser="results/{dataset}/{classifier}/seed{seed}/denoisers/{denoiser}.safetensors",
        history="results/{dataset}/{classifier}/seed{seed}/denoisers/{denoiser}.csv",
    log:
        "results/logs/{dataset}/{classifier}/denoiser_{denoiser}_seed{seed}.log",
    benchmark:
        "results/logs/{dataset}/{classifier}/denoiser_{denoiser}_seed{seed}.benchmark.tsv"
    conda:
        "../envs/spurious.yaml"
    threads: threads_of("training")
    resources:
        cpus_per_task=threads_of("training"),
        gpu=1,
        gres="",
        mem_mb=with_gpu(SMALL_MB),
        runtime=growing(60),
    params:
        code=code("train_denoiser.py"),
        classifier=classifier_settings,
        settings=denoiser,
        recipes=denoiser_recipes,
        threads=threads_of("training"),
    message:
        "{wildcards.dataset}: train the denoiser {wildcards.denoiser} of {wildcards.classifier}, seed {wildcards.seed}"
    shell:
        program("train_denoiser.py")
        + " --data {input.data} --weights {input.weights} --entry {params.classifier:q} --name {wildcards.denoiser}"
        " --settings {params.settings:q} --recipes {params.recipes:q} --seed {wildcards.seed}"
        " --output {output.denoiser} --history {output.history}"
        " --threads {params.threads} --gpu {resources.gpu} --gres={resources.gres:q} 2>&1 | tee {log} >&2"
