"""From classifier weights to images that are strongly classified and look like nothing."""


wildcard_constraints:
    search=searches_of_figures(),
    label="[0-9]+",


rule backwork_label:
    """Every search of one label, for every seed of a classifier."""
    input:
        data="results/{dataset}/data.safetensors",
        weights=collect(rules.train_classifier.output.weights, seed=seeds, allow_missing=True),
    output:
        images="results/{dataset}/{classifier}/backworking/label{label}.safetensors",
        rows="results/{dataset}/{classifier}/backworking/label{label}.csv",
        trace="results/{dataset}/{classifier}/backworking/label{label}_trace.csv",
    log:
        "results/logs/{dataset}/{classifier}/backwork_label{label}.log",
    benchmark:
        "results/logs/{dataset}/{classifier}/backwork_label{label}.benchmark.tsv"
    conda:
        "../envs/spurious.yaml"
    threads: threads_of("backworking")
    resources:
        cpus_per_task=threads_of("backworking"),
        gpu=1,
        gres="",
        mem_mb=with_gpu(SMALL_MB),
        runtime=growing(SMALL_MIN),
    params:
        code=code("backwork_label.py"),
        architecture=classifier_settings,
        settings=section("backworking", "ablation"),
        seeds=seeds,
        threads=threads_of("backworking"),
    message:
        "{wildcards.dataset}: search images that {wildcards.classifier} calls {wildcards.label}"
    shell:
        program("backwork_label.py") + " --data {input.data} --classifier {wildcards.classifier}"
        " --weights {input.weights} --architecture {params.architecture:q} --seeds {params.seeds} --label {wildcards.label}"
        " --settings {params.settings:q} --images {output.images} --rows {output.rows} --trace {output.trace}"
        " --threads {params.threads} --gpu {resources.gpu} --gres={resources.gres:q} 2>&1 | tee {log} >&2"


rule ablate_search:
    """Searches of one label that differ from the published one in one key, for every seed of a classifier."""
    input:
        data="results/{dataset}/data.safetensors",
        weights=collect(rules.train_classifier.output.weights, seed=seeds, allow_missing=True),
    output:
        "results/{dataset}/{classifier}/backworking/ablation{label}.csv",
    log:
        "results/logs/{dataset}/{classifier}/ablate_label{label}.log",
    benchmark:
        "results/logs/{dataset}/{classifier}/ablate_label{label}.benchmark.tsv"
    conda:
        "../envs/spurious.yaml"
    threads: threads_of("backworking")
    resources:
        cpus_per_task=threads_of("backworking"),
        gpu=1,
        gres="",
        mem_mb=with_gpu(SMALL_MB),
        runtime=growing(60),
    params:
        code=code("ablate_search.py"),
        architecture=classifier_settings,
        settings=ablation_settings,
        seeds=seeds,
        threads=threads_of("backworking"),
    message:
        "{wildcards.dataset}: change one key of the search for images that {wildcards.classifier} calls {wildcards.label}"
    shell:
        program("ablate_search.py") + " --data {input.data} --classifier {wildcards.classifier}"
        " --weights {input.weights} --architecture {params.architecture:q} --seeds {params.seeds} --label {wildcards.label}"
        " --settings {params.settings:q} --rows {output}"
        " --threads {params.threads} --gpu {resources.gpu} --gres={resources.gres:q} 2>&1 | tee {log} >&2"
