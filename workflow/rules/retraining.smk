"""From found images to retrained classifiers, attacked again."""


def retraining_settings(wildcards):
    settings = experiment(wildcards.dataset)
    chosen = {
        key: value for key, value in settings["retraining"].items() if key != "arms"
    }
    return json.dumps(chosen | {"recipe": settings["recipes"][chosen["recipe"]]})


def control_weights(wildcards):
    """The unretrained classifier of the next seed."""
    seeds = seeds_of(wildcards.dataset)
    following = seeds[(seeds.index(int(wildcards.seed)) + 1) % len(seeds)]
    return expand(WEIGHTS, seed=following, allow_missing=True)


def found_images(wildcards):
    labels = labels_of(wildcards.dataset)
    return expand(rules.backwork_label.output.images, label=labels, allow_missing=True)


def found_rows(wildcards):
    labels = labels_of(wildcards.dataset)
    return expand(rules.backwork_label.output.rows, label=labels, allow_missing=True)


rule retrain_classifier:
    """All rounds of one arm with one seed."""
    input:
        data="results/{dataset}/data.safetensors",
        weights=WEIGHTS,
        control=control_weights,
        found=found_images,
        found_rows=found_rows,
        code=code("retrain_classifier.py"),
    output:
        attacks="results/{dataset}/{classifier}/retraining/{negatives}-{target}/seed{seed}/attacks.csv",
        old="results/{dataset}/{classifier}/retraining/{negatives}-{target}/seed{seed}/old.csv",
        predictions="results/{dataset}/{classifier}/retraining/{negatives}-{target}/seed{seed}/predictions.csv",
        negatives="results/{dataset}/{classifier}/retraining/{negatives}-{target}/seed{seed}/negatives.safetensors",
    log:
        "results/logs/{dataset}/{classifier}/retrain_{negatives}-{target}_seed{seed}.log",
    benchmark:
        "results/logs/{dataset}/{classifier}/retrain_{negatives}-{target}_seed{seed}.benchmark.tsv"
    conda:
        "../../environment.yml"
    threads: retraining_threads
    resources:
        gpu=1,
    params:
        architecture=architecture,
        settings=retraining_settings,
        searches=backworking_settings,
        threads=retraining_threads,
    message:
        "{wildcards.dataset}: retrain {wildcards.classifier} with {wildcards.negatives} negatives (target {wildcards.target}), seed {wildcards.seed}"
    shell:
        "python scripts/retrain_classifier.py --data {input.data} --weights {input.weights} --architecture {params.architecture:q}"
        " --control {input.control} --found {input.found} --found-rows {input.found_rows} --negatives {wildcards.negatives}"
        " --target {wildcards.target} --seed {wildcards.seed} --settings {params.settings:q}"
        " --searches {params.searches:q} --attacks-rows {output.attacks} --old-rows {output.old}"
        " --predictions-rows {output.predictions} --negatives-file {output.negatives}"
        " --threads {params.threads} --gpu {resources.gpu} 2> >(tee {log} >&2)"
