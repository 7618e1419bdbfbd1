"""Fooling without gradients, by what a classifier says of an image."""

SOURCES["model_predictions"] = model_predictions


rule fit_classifier:
    """A classifier of scikit-learn with one seed."""
    input:
        data="results/{dataset}/data.safetensors",
    output:
        model="results/{dataset}/{classifier}/seed{seed}/model.skops",
        predictions="results/{dataset}/{classifier}/seed{seed}/model_predictions.csv",
    log:
        "results/logs/{dataset}/{classifier}/fit_seed{seed}.log",
    benchmark:
        "results/logs/{dataset}/{classifier}/fit_seed{seed}.benchmark.tsv"
    conda:
        "../envs/spurious.yaml"
    threads: threads_of("training")
    resources:
        cpus_per_task=threads_of("training"),
        mem_mb=growing(SMALL_MB),
        runtime=growing(SMALL_MIN),
    params:
        code=code("fit_classifier.py"),
        classifier=classifier_settings,
        threads=threads_of("training"),
    message:
        "{wildcards.dataset}: fit {wildcards.classifier}, seed {wildcards.seed}"
    shell:
        program("fit_classifier.py") + " --data {input.data} --classifier {wildcards.classifier}"
        " --entry {params.classifier:q} --seed {wildcards.seed} --model {output.model}"
        " --predictions {output.predictions} --threads {params.threads} 2>&1 | tee {log} >&2"


rule search_scores:
    """Evolution against the scores of a classifier, from images and from noise, and random search beside it."""
    input:
        data="results/{dataset}/data.safetensors",
        model=learned_by_first_seed,
    output:
        rows="results/{dataset}/{classifier}/black_box.csv",
        images="results/{dataset}/{classifier}/black_box.safetensors",
        elites="results/{dataset}/{classifier}/map_elites.csv",
    log:
        "results/logs/{dataset}/{classifier}/search_scores.log",
    benchmark:
        "results/logs/{dataset}/{classifier}/search_scores.benchmark.tsv"
    conda:
        "../envs/spurious.yaml"
    threads: threads_of("black_box")
    resources:
        cpus_per_task=threads_of("black_box"),
        gpu=1,
        gres="",
        mem_mb=with_gpu(SMALL_MB),
        runtime=growing(30),
    params:
        code=code("search_scores.py"),
        classifier=classifier_settings,
        settings=section("black_box"),
        seed=first_seed,
        threads=threads_of("black_box"),
    message:
        "{wildcards.dataset}: fool {wildcards.classifier} by its scores alone"
    shell:
        program("search_scores.py")
        + " --data {input.data} --weights {input.model} --classifier {wildcards.classifier}"
        " --entry {params.classifier:q} --seed {params.seed} --settings {params.settings:q} --rows {output.rows}"
        " --images {output.images} --elites {output.elites} --threads {params.threads} --gpu {resources.gpu} --gres={resources.gres:q} 2>&1 | tee {log} >&2"
