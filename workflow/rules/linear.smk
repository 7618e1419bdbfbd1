"""From pixels to linear classifiers, how hard they are to fool, and their templates."""

DECODERS = 8  # threads of make_store; no part of the result


rule make_store:
    """Small copies of photographs, or of files that the user brings, as one memory-mapped array for each split."""
    input:
        files=store_inputs,
    output:
        directory("results/{dataset}/store"),
    log:
        "results/logs/{dataset}/make_store.log",
    benchmark:
        "results/logs/{dataset}/make_store.benchmark.tsv"
    conda:
        "../envs/spurious.yaml"
    threads: DECODERS
    resources:
        cpus_per_task=DECODERS,
        mem_mb=growing(SMALL_MB),
        runtime=growing(SMALL_MIN),
    params:
        code=code("make_store.py"),
        source=store_arguments,
        size=of_dataset("size", 64),
        classes=classes,
    message:
        "{wildcards.dataset}: small copies of the images"
    shell:
        program("make_store.py") + " {params.source:q} --size {params.size} --classes {params.classes}"
        " --output {output} --threads {threads} 2>&1 | tee {log} >&2"


SOURCES["linear_data"] = branch(is_stored, then=rules.make_store.output[0], otherwise=rules.prepare_dataset.output[0])


rule train_linear:
    """Softmax regression with every weight decay, from one seed; continues from its checkpoint when it was killed."""
    input:
        data=SOURCES["linear_data"],
    output:
        weights="results/{dataset}/linear/seed{seed}/weights.safetensors",
        predictions="results/{dataset}/linear/seed{seed}/predictions.csv",
        steps="results/{dataset}/linear/seed{seed}/steps.safetensors",
        history="results/{dataset}/linear/seed{seed}/history.csv",
        pair="results/{dataset}/linear/seed{seed}/pair.csv",
    log:
        "results/logs/{dataset}/linear/train_seed{seed}.log",
    benchmark:
        "results/logs/{dataset}/linear/train_seed{seed}.benchmark.tsv"
    conda:
        "../envs/spurious.yaml"
    threads: threads_of("linear")
    resources:
        cpus_per_task=threads_of("linear"),
        gpu=1,
        gres="",
        mem_mb=with_gpu(2500),
        runtime=growing(30),
    params:
        code=code("train_linear.py"),
        settings=section("linear", "published_as"),
        threads=threads_of("linear"),
    message:
        "{wildcards.dataset}: train the linear classifiers, seed {wildcards.seed}"
    shell:
        program("train_linear.py") + " --data {input.data} --seed {wildcards.seed} --settings {params.settings:q}"
        " --weights {output.weights} --predictions {output.predictions} --steps {output.steps} --history {output.history}"
        " --pair {output.pair}"
        " --threads {params.threads} --gpu {resources.gpu} --gres={resources.gres:q} 2>&1 | tee {log} >&2"
