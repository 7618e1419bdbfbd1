"""What rules of several experiments take in and hand on: values of wildcards, settings, files that depend on the dataset.

They stand apart from the rules, as Snakemake's linter asks, and are called when a job is planned. What the rules of one
experiment alone need is in inputs/<its name>.smk.
"""

# The inputs that the catalogues name otherwise than by a rule's output; rules add theirs.
SOURCES = {}

# Values of wildcards


def seeds(wildcards):
    return seeds_of(wildcards.dataset)


def first_seed(wildcards):
    return seeds(wildcards)[0]


def seeds_of_classifier(wildcards):
    """The seeds of what is trained here; what comes as a file has none, and counts as seed 0."""
    return seeds(wildcards) if is_trained(wildcards) else [0]


def every_label(wildcards):
    return labels_of(wildcards.dataset)


# Settings and inputs as options


def input_arguments(wildcards, input):
    """`--input keyword file file ...` for every named input that is not empty."""
    words = []
    for name, files in input.items():
        if files:
            words += ["--input", name, *([files] if isinstance(files, str) else files)]
    return words


def section(name, *others):
    """A parameter function: a dataset's settings of an experiment as JSON, without those of other jobs."""

    def settings(wildcards):
        own = experiment(wildcards.dataset)[name]
        return json.dumps({key: value for key, value in own.items() if key not in others})

    return settings


def of_dataset(key, otherwise=None):
    """A parameter function: a setting of the dataset itself."""
    return lambda wildcards: own_dataset(wildcards).get(key) or otherwise


def own_dataset(wildcards):
    return experiment(wildcards.dataset)["datasets"][wildcards.dataset]


def own_classifier(wildcards):
    return experiment(wildcards.dataset)["classifiers"][wildcards.classifier]


def classifier_settings(wildcards):
    """All that building or opening a classifier needs to know."""
    return entry_of(wildcards.classifier, wildcards.dataset)


def entry_of(classifier, dataset):
    return json.dumps(entry_to_open(classifier, dataset))


def entry_to_open(classifier, dataset):
    """The entry of a classifier without what its file does not depend on."""
    others = ("recipe", "published_as")
    entry = experiment(dataset)["classifiers"][classifier]
    return {key: value for key, value in entry.items() if key not in others}


def recipe(wildcards):
    return json.dumps(experiment(wildcards.dataset)["recipes"][own_classifier(wildcards)["recipe"]])


def local_data(wildcards, resources):
    """`--local-data folder`, nothing where there is none.

    Snakemake does not compare parameters that are made of resources with those of the last run: where a machine keeps
    its files is, as they are, no reason to fetch everything again.
    """
    return ["--local-data", config["local_data"]] if config["local_data"] else []


def classes(wildcards):
    return len(labels_of(wildcards.dataset))


# What lies on this machine


def fault_of_source(name, wildcards):
    """Why a fetch that is planned is certain to bring nothing, in one line; None where it may, or is another job.

    The network is not asked, and photographs are not looked for: the job does that.
    """
    if name not in ("fetch_file", "fetch_images", "fetch_classifier"):
        return None
    local = config["local_data"]
    if local and not Path(os.path.expanduser(local)).is_dir():
        return fault_at(("local_data",), f"{local!r} is not a folder here: correct it, or write null to download")
    try:
        place, folder, urls = (classifier_address if name == "fetch_classifier" else file_addresses)(wildcards)
    except (KeyError, SpuriousError):  # of what the configuration does not name: the job's parameters say so
        return None
    from pipeline.files.downloads import is_nowhere  # planning what is finished does without requests

    try:
        if not urls or not is_nowhere(folder, urls, local):
            return None
    except SpuriousError as error:
        return fault_at(place, str(error))
    names = " or ".join(map(repr, urls))
    return fault_at(place, f"there is no file {names}, nor in {local or '<local_data>'}/{folder}/: put it there")


def fault_at(place, text):
    """The line of an error about a key of the configuration."""
    return f"{holder(sources_of_configuration(), place)}: {Problem(place, text)}"


def classifier_address(wildcards):
    """(place in the configuration, folder in local_data, addresses) of a program; torchvision's have none here."""
    entry = own_classifier(wildcards)
    key = next((key for key in ("torchscript", "exported") if key in entry), None)
    return ("classifiers", wildcards.classifier, key), "models", [entry[key]] if key else []


def file_addresses(wildcards):
    """The same of a dataset's file; none of photographs, which are many."""
    urls = file_urls(wildcards) if "file" in wildcards.keys() else []
    return ("datasets", wildcards.dataset, "files", wildcards.get("file"), "urls"), wildcards.dataset, urls


if not IS_MODULE and workflow.is_main_process:
    check_planned_jobs(fault_of_source)


# Data


def file_settings(wildcards, key):
    return own_dataset(wildcards)["files"][wildcards.file][key]


def file_urls(wildcards):
    return file_settings(wildcards, "urls")


def file_sha256(wildcards):
    return file_settings(wildcards, "sha256")


def brought(path, wildcards, *keys):
    """`given`; where neither this file nor what is made of it is there, the run ends with a line about its key.

    In a module another rule may make it.
    """
    made = [Path("results", wildcards.dataset, name) for name in ("images.csv", "store")]
    if not IS_MODULE and not any(place.exists() for place in (Path(path), PROJECT / path, *made)):
        fault = fault_at(("datasets", wildcards.dataset, *keys), f"there is no {path!r}: correct the path")
        sys.exit(f"error: {fault}")
    return given(path)


def manifest(wildcards):
    return brought(own_dataset(wildcards)["manifest"], wildcards, "manifest")


def class_names(wildcards):
    """The table of the classes' names, nothing where they are numbers."""
    names = own_dataset(wildcards).get("class_names", [])
    if isinstance(names, str):
        return brought(names, wildcards, "class_names")
    return f"results/{wildcards.dataset}/class_names.csv" if names else []


SOURCES["class_names"] = class_names


def exif_orientation(wildcards):
    """The option that turns photographs upright, nothing where they are taken as they are stored."""
    return ["--exif-orientation"] if own_dataset(wildcards).get("exif_orientation") else []


def source_of(dataset):
    return experiment(dataset)["datasets"][dataset]["source"]


def is_photographs(wildcards):
    return source_of(wildcards.dataset) == "images"


# Classifiers


def is_trained(wildcards):
    """Whether a classifier is a network that is trained here; else it comes as a file, or is one of scikit-learn."""
    return "architecture" in own_classifier(wildcards)


def is_fitted(classifier, dataset):
    """Whether a classifier is one of scikit-learn, which has a rule of its own."""
    return "scikit_learn" in experiment(dataset)["classifiers"][classifier]


def denoisers_of(stage, wildcards, seed):
    """The files of the denoisers that the defences of a stage name, for the classifier of one seed."""
    defences = of_classifier(experiment(wildcards.dataset)[stage], wildcards.classifier)["defences"]
    names = [own["denoiser"] for own in defences.values() if isinstance(own, dict) and "denoiser" in own]
    return collect(rules.train_denoiser.output.denoiser, seed=seed, denoiser=names, **wildcards)


def learned_by(classifier, dataset):
    """The pattern of the file that holds what a classifier has learned: here, or wherever its file is from."""
    if is_fitted(classifier, dataset):
        return rules.fit_classifier.output.model
    if "architecture" in experiment(dataset)["classifiers"][classifier]:
        return rules.train_classifier.output.weights
    return rules.fetch_classifier.output[0]


def learned_by_each(trainings, dataset):
    """The files of trainings (classifier, seed); a file from elsewhere is the same for every seed."""
    return [
        path
        for classifier, seed in trainings
        for path in expand(learned_by(classifier, dataset), dataset=dataset, classifier=classifier, seed=seed)
    ]


def learned_by_first_seed(wildcards, classifier=None):
    return learned_by_each([(classifier or wildcards.classifier, first_seed(wildcards))], wildcards.dataset)
