"""From found images to retrained classifiers, attacked again."""


wildcard_constraints:
    negatives=negatives_of_arms(),
    target="none|uniform|extra",
    judge="[A-Za-z0-9_.-]+",


rule retrain_classifier:
    """All rounds of one arm with one seed."""
    input:
        data="results/{dataset}/data.safetensors",
        weights=rules.train_classifier.output.weights,
        control=collect(rules.train_classifier.output.weights, seed=next_seed, allow_missing=True),
        found=collect(rules.backwork_label.output.images, label=every_label, allow_missing=True),
        found_rows=collect(rules.backwork_label.output.rows, label=every_label, allow_missing=True),
    output:
        attacks="results/{dataset}/{classifier}/retraining/{negatives}-{target}/seed{seed}/attacks.csv",
        old="results/{dataset}/{classifier}/retraining/{negatives}-{target}/seed{seed}/old.csv",
        predictions="results/{dataset}/{classifier}/retraining/{negatives}-{target}/seed{seed}/predictions.csv",
        negatives_rows="results/{dataset}/{classifier}/retraining/{negatives}-{target}/seed{seed}/negatives.csv",
        history="results/{dataset}/{classifier}/retraining/{negatives}-{target}/seed{seed}/history.csv",
        strong="results/{dataset}/{classifier}/retraining/{negatives}-{target}/seed{seed}/strong.csv",
        noise="results/{dataset}/{classifier}/retraining/{negatives}-{target}/seed{seed}/noise.csv",
        strong_images="results/{dataset}/{classifier}/retraining/{negatives}-{target}/seed{seed}/strong.safetensors",
        negatives="results/{dataset}/{classifier}/retraining/{negatives}-{target}/seed{seed}/negatives.safetensors",
    log:
        "results/logs/{dataset}/{classifier}/retrain_{negatives}-{target}_seed{seed}.log",
    benchmark:
        "results/logs/{dataset}/{classifier}/retrain_{negatives}-{target}_seed{seed}.benchmark.tsv"
    conda:
        "../envs/spurious.yaml"
    threads: threads_of("retraining")
    resources:
        cpus_per_task=threads_of("retraining"),
        gpu=1,
        gres="",
        mem_mb=with_gpu(3000),
        runtime=growing(60),
    params:
        code=code("retrain_classifier.py"),
        architecture=classifier_settings,
        settings=retraining,
        recipe=retraining_recipe,
        searches=section("backworking", "ablation"),
        threads=threads_of("retraining"),
    message:
        "{wildcards.dataset}: retrain {wildcards.classifier} with {wildcards.negatives} negatives (target {wildcards.target}), seed {wildcards.seed}"
    shell:
        program("retrain_classifier.py") + " --data {input.data} --classifier {wildcards.classifier}"
        " --weights {input.weights} --architecture {params.architecture:q}"
        " --control {input.control} --found {input.found} --found-rows {input.found_rows} --negatives {wildcards.negatives}"
        " --target {wildcards.target} --seed {wildcards.seed} --settings {params.settings:q}"
        " --recipe {params.recipe:q} --searches {params.searches:q} --attacks-rows {output.attacks} --old-rows {output.old}"
        " --predictions-rows {output.predictions} --negatives-rows {output.negatives_rows}"
        " --history-rows {output.history} --negatives-file {output.negatives} --strong-rows {output.strong}"
        " --noise-rows {output.noise} --strong-file {output.strong_images}"
        " --threads {params.threads} --gpu {resources.gpu} --gres={resources.gres:q} 2>&1 | tee {log} >&2"


rule judge_images:
    """What an independent judge says of the stored images that the attack ends with in all arms of a classifier."""
    input:
        data="results/{dataset}/data.safetensors",
        judge=learned_by_judge,
        images=strong_images_of_arms,
        strong=strong_rows_of_arms,
    output:
        "results/{dataset}/{classifier}/retraining/judged/{judge}.csv",
    log:
        "results/logs/{dataset}/{classifier}/judge_{judge}.log",
    conda:
        "../envs/spurious.yaml"
    threads: threads_of("retraining")
    resources:  # few images, once: a processor is enough
        cpus_per_task=threads_of("retraining"),
        mem_mb=growing(3000),
        runtime=growing(SMALL_MIN),
    params:
        code=code("judge_images.py"),
        entry=judge_settings,
        threads=threads_of("retraining"),
    message:
        "{wildcards.dataset}: ask {wildcards.judge} what still fools {wildcards.classifier} after retraining"
    shell:
        program("judge_images.py") + " --data {input.data} --judge {input.judge} --entry {params.entry:q}"
        " --name {wildcards.judge} --images {input.images} --strong {input.strong} --rows {output}"
        " --threads {params.threads} 2>&1 | tee {log} >&2"
