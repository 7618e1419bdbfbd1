"""From sources to dataset tensors."""


rule fetch_file:
    """A source file from the local folder or the first mirror that serves it, unpacked and checked."""
    output:
        "results/downloads/{dataset}/{file}",
    log:
        "results/logs/downloads/{dataset}/{file}.log",
    retries: 0
    localrule: True
    conda:
        "../envs/spurious.yaml"
    params:
        code=code("fetch_file.py"),
        urls=file_urls,
        sha256=file_sha256,
        local=local_data,
    message:
        "{wildcards.dataset}: fetch {wildcards.file}"
    shell:
        program("fetch_file.py") + " --output {output} --dataset {wildcards.dataset} --sha256 {params.sha256}"
        " --urls {params.urls:q} {params.local:q} 2>&1 | tee {log} >&2"


rule fetch_images:
    """The images of a manifest, each from the local folder or the first mirror that serves it, checked."""
    input:
        manifest=manifest,
    output:
        directory("results/{dataset}/images"),
    log:
        "results/logs/{dataset}/fetch_images.log",
    retries: 0
    localrule: True
    conda:
        "../envs/spurious.yaml"
    params:
        code=code("fetch_images.py"),
        folder=of_dataset("folder"),
        urls=image_urls,
        local=local_data,
    message:
        "{wildcards.dataset}: fetch the images"
    shell:
        program("fetch_images.py") + " --manifest {input.manifest:q} --folder {params.folder:q} {params.urls:q}"
        " {params.local:q} --output {output} 2>&1 | tee {log} >&2"


rule write_class_names:
    """The names that the configuration lists, as the table that a file of them would be."""
    output:
        "results/{dataset}/class_names.csv",
    log:
        "results/logs/{dataset}/write_class_names.log",
    retries: 0
    localrule: True
    conda:
        "../envs/spurious.yaml"
    params:
        code=code("write_class_names.py"),
        names=listed_class_names,
    message:
        "{wildcards.dataset}: write the names of the classes"
    shell:
        program("write_class_names.py") + " --names {params.names:q} --output {output} 2>&1 | tee {log} >&2"


rule prepare_images:
    """The list of the images with what they are, and which are left out."""
    input:
        folder="results/{dataset}/images",
        manifest=manifest,
        class_names=class_names,
    output:
        "results/{dataset}/images.csv",
    log:
        "results/logs/{dataset}/prepare_images.log",
    conda:
        "../envs/spurious.yaml"
    resources:
        mem_mb=growing(SMALL_MB),
        runtime=growing(SMALL_MIN),
    params:
        code=code("prepare_images.py"),
        classes=classes,
        grey_below=of_dataset("grey_below", 0),
        turned=exif_orientation,
    message:
        "{wildcards.dataset}: look at the images"
    shell:
        program("prepare_images.py") + " --folder {input.folder} --manifest {input.manifest:q}"
        " --class-names {input.class_names:q} --classes {params.classes} --grey-below {params.grey_below}"
        " {params.turned} --output {output} 2>&1 | tee {log} >&2"


rule prepare_dataset:
    """Images and labels of the three splits as tensors."""
    input:
        source_files,
    output:
        "results/{dataset}/data.safetensors",
    log:
        "results/logs/{dataset}/prepare_dataset.log",
    conda:
        "../envs/spurious.yaml"
    resources:
        mem_mb=growing(SMALL_MB),
        runtime=growing(SMALL_MIN),
    params:
        code=code("prepare_dataset.py"),
        settings=dataset_settings,
        files=source_arguments,
    message:
        "{wildcards.dataset}: prepare the splits"
    shell:
        program("prepare_dataset.py") + " --output {output} --settings {params.settings:q}"
        " {params.files:q} 2>&1 | tee {log} >&2"


PHOTOGRAPHS = ["results/{dataset}/images", "results/{dataset}/images.csv"]
# The images of a dataset as programs take them with --data: a folder and its list, or tensors.
IMAGES = branch(is_photographs, then=PHOTOGRAPHS, otherwise=rules.prepare_dataset.output)
