"""From dataset tensors to classifier weights and the predictions of every image."""


rule train_classifier:
    """One classifier with one seed; continues from its checkpoint when it was killed."""
    input:
        data="results/{dataset}/data.safetensors",
        code=code("train_classifier.py"),
    output:
        weights=WEIGHTS,
        history="results/{dataset}/{classifier}/seed{seed}/history.csv",
        predictions="results/{dataset}/{classifier}/seed{seed}/predictions.csv",
    log:
        "results/logs/{dataset}/{classifier}/train_seed{seed}.log",
    benchmark:
        "results/logs/{dataset}/{classifier}/train_seed{seed}.benchmark.tsv"
    conda:
        "../../environment.yml"
    threads: training_threads
    resources:
        gpu=1,
    params:
        architecture=architecture,
        recipe=recipe,
        threads=training_threads,
    message:
        "{wildcards.dataset}: train {wildcards.classifier}, seed {wildcards.seed}"
    shell:
        "python scripts/train_classifier.py --data {input.data} --classifier {wildcards.classifier}"
        " --architecture {params.architecture:q} --recipe {params.recipe:q} --seed {wildcards.seed}"
        " --weights {output.weights} --history {output.history} --predictions {output.predictions}"
        " --threads {params.threads} --gpu {resources.gpu} 2> >(tee {log} >&2)"
