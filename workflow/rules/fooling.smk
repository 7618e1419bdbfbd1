"""From classifiers to images that fool them, by their gradient, and to what they say of pure noise."""


rule fool_classifier:
    """Every method on the same images, for every seed of a classifier."""
    input:
        data=IMAGES,
        weights=branch(
            is_trained,
            then=collect(rules.train_classifier.output.weights, seed=seeds, allow_missing=True),
            otherwise=rules.fetch_classifier.output,
        ),
    output:
        rows="results/{dataset}/{classifier}/fooling.csv",
        rubbish="results/{dataset}/{classifier}/rubbish.csv",
        examples="results/{dataset}/{classifier}/fooling.safetensors",
    log:
        "results/logs/{dataset}/{classifier}/fool.log",
    benchmark:
        "results/logs/{dataset}/{classifier}/fool.benchmark.tsv"
    conda:
        "../envs/spurious.yaml"
    threads: threads_of("fooling")
    resources:
        cpus_per_task=threads_of("fooling"),
        gpu=1,
        gres="",
        mem_mb=with_gpu(4000),
        runtime=growing(30),
    params:
        code=code("fool_classifier.py"),
        classifier=classifier_settings,
        classes=classes,
        settings=section("fooling"),
        seeds=seeds_of_classifier,
        threads=threads_of("fooling"),
    message:
        "{wildcards.dataset}: fool {wildcards.classifier} by its gradient"
    shell:
        program("fool_classifier.py") + " --data {input.data} --weights {input.weights} --seeds {params.seeds}"
        " --classifier {wildcards.classifier} --entry {params.classifier:q} --classes {params.classes}"
        " --settings {params.settings:q} --rows {output.rows} --rubbish {output.rubbish} --examples {output.examples}"
        " --threads {params.threads} --gpu {resources.gpu} --gres={resources.gres:q} 2>&1 | tee {log} >&2"
