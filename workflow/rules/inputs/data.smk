"""Which files a dataset is made of, and how its programs are told."""


def dataset_settings(wildcards):
    others = ("files", "class_names")
    return json.dumps({key: value for key, value in own_dataset(wildcards).items() if key not in others})


def source_files(wildcards):
    names = own_dataset(wildcards).get("files", {})
    return collect("results/downloads/{dataset}/{file}", dataset=wildcards.dataset, file=names)


def source_arguments(wildcards, input):
    """`--files name=file` of every source file, and what the configuration calls it: messages name the user's file."""
    files = own_dataset(wildcards).get("files", {})
    paths = [f"{name}={path}" for name, path in zip(files, input)]
    names = [f"{name}={entry['urls'][0]}" for name, entry in files.items()]
    return ["--files", *paths, "--names", *names] if files else []


def listed_class_names(wildcards):
    return json.dumps(own_dataset(wildcards)["class_names"])


def image_urls(wildcards):
    urls = own_dataset(wildcards).get("urls")
    return ["--urls", *urls] if urls else []
