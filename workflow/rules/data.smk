"""From sources to dataset tensors."""


localrules:
    fetch_file,


rule fetch_file:
    """A source file from the local folder or the first mirror that serves it, unpacked and checked."""
    input:
        code=code("fetch_file.py"),
    output:
        "results/downloads/{dataset}/{file}",
    log:
        "results/logs/downloads/{dataset}/{file}.log",
    conda:
        "../../environment.yml"
    params:
        urls=file_urls,
        sha256=file_sha256,
        local=["--local-data", config["local_data"]] if config["local_data"] else [],
    message:
        "{wildcards.dataset}: fetch {wildcards.file}"
    shell:
        "python scripts/fetch_file.py --output {output} --dataset {wildcards.dataset} --sha256 {params.sha256}"
        " --urls {params.urls:q} {params.local:q} 2> >(tee {log} >&2)"


rule prepare_dataset:
    """Images and labels of the three splits as tensors."""
    input:
        source_files,
        code=code("prepare_dataset.py"),
    output:
        "results/{dataset}/data.safetensors",
    log:
        "results/logs/{dataset}/prepare_dataset.log",
    conda:
        "../../environment.yml"
    params:
        settings=dataset_settings,
        files=source_arguments,
    message:
        "{wildcards.dataset}: prepare the splits"
    shell:
        "python scripts/prepare_dataset.py --output {output} --settings {params.settings:q}"
        " {params.files:q} 2> >(tee {log} >&2)"
