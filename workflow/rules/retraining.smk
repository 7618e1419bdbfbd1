"""From found images to retrained classifiers, attacked again."""


rule retrain_classifier:
    """All rounds of one arm with one seed."""
    input:
        data="results/{dataset}/data.safetensors",
        weights=WEIGHTS,
        control=control_weights,
        found=found_images,
        found_rows=found_rows,
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
        code=code("retrain_classifier.py"),
        architecture=architecture,
        settings=retraining_settings,
        recipe=retraining_recipe,
        searches=backworking_settings,
        threads=retraining_threads,
    message:
        "{wildcards.dataset}: retrain {wildcards.classifier} with {wildcards.negatives} negatives (target {wildcards.target}), seed {wildcards.seed}"
    shell:
        program("retrain_classifier.py")
        + " --data {input.data} --weights {input.weights} --architecture {params.architecture:q}"
        " --control {input.control} --found {input.found} --found-rows {input.found_rows} --negatives {wildcards.negatives}"
        " --target {wildcards.target} --seed {wildcards.seed} --settings {params.settings:q}"
        " --recipe {params.recipe:q} --searches {params.searches:q} --attacks-rows {output.attacks} --old-rows {output.old}"
        " --predictions-rows {output.predictions} --negatives-file {output.negatives}"
        " --threads {params.threads} --gpu {resources.gpu} 2> >(tee {log} >&2)"
