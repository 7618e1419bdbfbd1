"""From weights to images that attack a classifier behind its defences."""


wildcard_constraints:
    attacked="[0-9]+",
    part="[0-9]+",


rule attack_defence:
    """A part of the test images: every defence, attack and size, for a classifier of one seed."""
    input:
        data=IMAGES,
        weights=branch(
            is_trained,
            then=rules.train_classifier.output.weights.replace("{seed}", "{attacked}"),
            otherwise=rules.fetch_classifier.output,
        ),
        denoisers=attacked_denoisers,
        sources=attacked_sources,
    output:
        rows="results/{dataset}/{classifier}/seed{attacked}/robustness/shard{part}.csv",
        found="results/{dataset}/{classifier}/seed{attacked}/robustness/shard{part}.safetensors",
    log:
        "results/logs/{dataset}/{classifier}/attack_seed{attacked}_shard{part}.log",
    benchmark:
        "results/logs/{dataset}/{classifier}/attack_seed{attacked}_shard{part}.benchmark.tsv"
    conda:
        "../envs/spurious.yaml"
    threads: threads_of("robustness")
    resources:
        cpus_per_task=threads_of("robustness"),
        gpu=1,
        gres="",
        mem_mb=with_gpu(SMALL_MB),
        runtime=growing(60),
    params:
        code=code("attack_defence.py"),
        classifier=classifier_settings,
        sources=attacked_source_arguments,
        entries=attacked_source_entries,
        settings=robustness,
        shards=robustness_shards,
        threads=threads_of("robustness"),
    message:
        "{wildcards.dataset}: attack the defences of {wildcards.classifier}, seed {wildcards.attacked}, shard {wildcards.part}"
    shell:
        program("attack_defence.py")
        + " --data {input.data} --weights {input.weights} --denoisers {input.denoisers} --classifier {wildcards.classifier}"
        " --sources {params.sources:q} --source-entries {params.entries:q}"
        " --entry {params.classifier:q} --seed {wildcards.attacked} --settings {params.settings:q} --shard {wildcards.part}"
        " --shards {params.shards} --rows {output.rows} --found {output.found} --threads {params.threads} --gpu {resources.gpu} --gres={resources.gres:q} 2>&1 | tee {log} >&2"
