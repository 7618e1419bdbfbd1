"""From weights to per-image predictions under noise, and the vote over blurred views."""


wildcard_constraints:
    shard="[0-9]+",


# What was trained with the first seed, or the classifier's file.
WEIGHTS_OF_ONE = branch(
    is_trained,
    then=collect(rules.train_classifier.output.weights, seed=first_seed, allow_missing=True),
    otherwise=rules.fetch_classifier.output,
)


rule smooth_shard:
    """A part of the test images: every sigma, kernel and view."""
    input:
        data=IMAGES,
        weights=WEIGHTS_OF_ONE,
    output:
        "results/{dataset}/{classifier}/smoothing/shard{shard}.csv",
    log:
        "results/logs/{dataset}/{classifier}/smooth_shard{shard}.log",
    benchmark:
        "results/logs/{dataset}/{classifier}/smooth_shard{shard}.benchmark.tsv"
    conda:
        "../envs/spurious.yaml"
    threads: threads_of("smoothing")
    resources:
        cpus_per_task=threads_of("smoothing"),
        gpu=1,
        gres="",
        mem_mb=with_gpu(SMALL_MB),
        runtime=growing(60),
    params:
        code=code("smooth_shard.py"),
        classifier=classifier_settings,
        classes=classes,
        settings=section("smoothing", "shards"),
        shards=shards_of,
        threads=threads_of("smoothing"),
    message:
        "{wildcards.dataset}: noise sweep of {wildcards.classifier}, shard {wildcards.shard}"
    shell:
        program("smooth_shard.py")
        + " --data {input.data} --weights {input.weights} --classifier {params.classifier:q}"
        " --classes {params.classes} --settings {params.settings:q} --shard {wildcards.shard} --shards {params.shards} --output {output}"
        " --threads {params.threads} --gpu {resources.gpu} --gres={resources.gres:q} 2>&1 | tee {log} >&2"


rule gather_smoothing:
    """All shards together, and the rates with their intervals."""
    input:
        shards=collect(rules.smooth_shard.output, shard=every_shard, allow_missing=True),
    output:
        votes="results/{dataset}/{classifier}/smoothing_votes.csv",
        images="results/{dataset}/{classifier}/smoothing_images.csv",
        summary="results/{dataset}/{classifier}/smoothing.csv",
    log:
        "results/logs/{dataset}/{classifier}/gather_smoothing.log",
    conda:
        "../envs/spurious.yaml"
    resources:
        mem_mb=by_size,
        runtime=growing(SMALL_MIN),
    params:
        code=code("gather_smoothing.py"),
        classes=classes,
        shards=smoothing_shards_in_braces,
    message:
        "{wildcards.dataset}: gather the noise sweep of {wildcards.classifier}"
    shell:
        program("gather_smoothing.py") + " --shards {params.shards} --classifier {wildcards.classifier}"
        " --classes {params.classes} --votes {output.votes} --images {output.images} --summary {output.summary} 2>&1 | tee {log} >&2"


rule draw_example:
    """One photograph under every noise and blur."""
    input:
        images="results/{dataset}/images",
        weights=WEIGHTS_OF_ONE,
        class_names=class_names,
    output:
        png=report(
            "results/{dataset}/figures/example-{classifier}.png",
            caption="../report/figure_example.rst",
            category=category("smoothing"),
            subcategory="{dataset}",
            labels={"result": "figure: worked example, {classifier}"},
        ),
        svg="results/{dataset}/figures/example-{classifier}.svg",
        rows="results/{dataset}/{classifier}/example.csv",
    log:
        "results/logs/{dataset}/figure_example-{classifier}.log",
    conda:
        "../envs/spurious.yaml"
    resources:
        mem_mb=growing(SMALL_MB),
        runtime=growing(SMALL_MIN),
    params:
        code=code("classify.py"),
        image=example_image,
        id=of_dataset("example"),
        classifier=classifier_settings,
        settings=section("smoothing", "shards"),
        prefix=subpath(output.png, strip_suffix=".png"),
        turned=exif_orientation,
    message:
        "{wildcards.dataset}: figure example-{wildcards.classifier}"
    shell:
        "> {log} && "
        + program("classify.py")
        + " {params.image:q} --id={params.id:q} --classifier {wildcards.classifier}"
        " --weights {input.weights} --entry {params.classifier:q} --settings {params.settings:q} --class-names {input.class_names:q}"
        " {params.turned} --output {params.prefix} --rows {output.rows} 2>&1 >> {log} | tee -a {log} >&2"
