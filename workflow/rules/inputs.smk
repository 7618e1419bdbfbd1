"""What the rules take in and hand on: values of wildcards, settings, files that depend on the dataset.

They stand apart from the rules, as Snakemake's linter asks, and are called when a job is planned.
"""

# The inputs that the catalogues name otherwise than by a rule's output; rules add theirs.
SOURCES = {}

# Values of wildcards


def seeds(wildcards):
    return seeds_of(wildcards.dataset)


def first_seed(wildcards):
    return seeds(wildcards)[0]


def next_seed(wildcards):
    """The seed after a job's own, the first after the last."""
    every = seeds(wildcards)
    return every[(every.index(int(wildcards.seed)) + 1) % len(every)]


def seeds_of_classifier(wildcards):
    """The seeds of what is trained here; what comes as a file has none, and counts as seed 0."""
    return seeds(wildcards) if is_trained(wildcards) else [0]


def every_label(wildcards):
    return labels_of(wildcards.dataset)


def every_shard(wildcards):
    return range(shards_of(wildcards))


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
    others = ("recipe", "published_as")
    entry = experiment(dataset)["classifiers"][classifier]
    return json.dumps({key: value for key, value in entry.items() if key not in others})


def judge_settings(wildcards):
    """Those of a classifier that says of found images what they are."""
    return entry_of(judge_of(wildcards)[0], wildcards.dataset)


def judge_of(wildcards):
    """(classifier, seed) of a judge."""
    return judges(experiment(wildcards.dataset))[wildcards.judge]


def classifier_source(wildcards):
    """What decides which file a classifier is."""
    settings = own_classifier(wildcards)
    keys = ("torchvision", "weights", "torchscript", "exported", "sha256")
    return json.dumps({key: settings[key] for key in keys if key in settings})


def recipe(wildcards):
    return json.dumps(experiment(wildcards.dataset)["recipes"][own_classifier(wildcards)["recipe"]])


def denoiser(wildcards):
    return json.dumps(experiment(wildcards.dataset)["denoisers"][wildcards.denoiser])


def denoiser_recipes(wildcards):
    """The recipes that a denoiser names."""
    settings = experiment(wildcards.dataset)
    names = settings["denoisers"][wildcards.denoiser]["recipes"].values()
    return json.dumps({name: settings["recipes"][name] for name in names})


def retraining(wildcards):
    """The settings of a classifier's retraining, without those of other jobs."""
    settings = settings_of(experiment(wildcards.dataset), wildcards.classifier)
    kept = {key: value for key, value in settings.items() if key not in ("arms", "recipe", "matters", "judges")}
    named = {key: value for key, value in settings["negatives"].items() if key == wildcards.negatives}
    return json.dumps(kept | {"negatives": named})


def negatives_of_arms():
    """Every name of negatives."""
    return one_of_names({*NEGATIVES, *(arm["negatives"] for own in EXPERIMENTS.values() for arm in arms(own))})


def retraining_recipe(wildcards):
    settings = experiment(wildcards.dataset)
    name = settings_of(settings, wildcards.classifier)["recipe"]
    return json.dumps(settings["recipes"][own_classifier(wildcards)["recipe"] if name == "own" else name])


def shards_of(wildcards):
    return experiment(wildcards.dataset)["smoothing"]["shards"]


def ablation_settings(wildcards):
    return json.dumps(experiment(wildcards.dataset)["backworking"]["ablation"])


def robustness(wildcards):
    """The settings of the attacks on a classifier, without those of other jobs."""
    settings = of_classifier(experiment(wildcards.dataset)["robustness"], wildcards.classifier)
    return json.dumps({key: value for key, value in settings.items() if key not in ("shards", "seeds")})


def robustness_shards(wildcards):
    return experiment(wildcards.dataset)["robustness"]["shards"]


def certification(wildcards):
    """The settings of a classifier's certification, without those of other jobs."""
    settings = of_classifier(experiment(wildcards.dataset)["certification"], wildcards.classifier)
    return json.dumps({key: value for key, value in settings.items() if key not in ("shards", "radii")})


def certification_shards(wildcards):
    return of_classifier(experiment(wildcards.dataset)["certification"], wildcards.classifier)["shards"]


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
    if local and not Path(local).expanduser().is_dir():
        return fault_at(("local_data",), f"{local!r} is not a folder here: correct it, or write null to download")
    try:
        place, folder, urls = (classifier_address if name == "fetch_classifier" else file_addresses)(wildcards)
    except (KeyError, SpuriousError):  # of what the configuration does not name: the job's parameters say so
        return None
    from pipeline.files.downloads import is_nowhere  # planning what is finished does without requests

    if not urls or not is_nowhere(folder, urls, local):
        return None
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


def manifest(wildcards):
    return given(own_dataset(wildcards)["manifest"])


def class_names(wildcards):
    """The table of the classes' names, nothing where they are numbers."""
    names = own_dataset(wildcards).get("class_names", [])
    if isinstance(names, str):
        return given(names)
    return f"results/{wildcards.dataset}/class_names.csv" if names else []


SOURCES["class_names"] = class_names


def listed_class_names(wildcards):
    return json.dumps(own_dataset(wildcards)["class_names"])


def image_urls(wildcards):
    urls = own_dataset(wildcards).get("urls")
    return ["--urls", *urls] if urls else []


def exif_orientation(wildcards):
    """The option that turns photographs upright, nothing where they are taken as they are stored."""
    return ["--exif-orientation"] if own_dataset(wildcards).get("exif_orientation") else []


def example_image(wildcards):
    return f"results/{wildcards.dataset}/images/{own_dataset(wildcards)['example']}"


def source_of(dataset):
    return experiment(dataset)["datasets"][dataset]["source"]


def is_photographs(wildcards):
    return source_of(wildcards.dataset) == "images"


def is_stored(wildcards):
    """Whether linear classifiers see small copies of the images, since the images are photographs or too many."""
    return source_of(wildcards.dataset) in ("images", "store")


PHOTOGRAPHS = ["results/{dataset}/images", "results/{dataset}/images.csv"]


def store_inputs(wildcards):
    """What a store is made of: photographs and their list, or the files that the user brings."""
    if is_photographs(wildcards):
        return PHOTOGRAPHS
    settings = own_dataset(wildcards)
    if "tree" in settings:
        return [settings["tree"]["train"], settings["tree"]["test"]]
    return [*settings["batches"]["train"], *settings["batches"]["test"]]


def store_arguments(wildcards, input):
    if is_photographs(wildcards):
        return ["--photographs", input.files[0], "--list", input.files[1]]
    settings = own_dataset(wildcards)
    kind = "tree" if "tree" in settings else "batches"
    own = [
        *exif_orientation(wildcards),
        "--validation",
        str(settings["validation"]),
        "--seed",
        str(settings.get("seed", 0)),
    ]
    places = {split: [path] if isinstance(path, str) else path for split, path in settings[kind].items()}
    return [*own, f"--{kind}", *(f"{split}={path}" for split, paths in places.items() for path in paths)]


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


def attacked_denoisers(wildcards):
    return denoisers_of("robustness", wildcards, wildcards.attacked)


def sources_of_attack(wildcards):
    """(classifier, seed) that each attack of transfer follows, by the attack's name."""
    return sources(experiment(wildcards.dataset), wildcards.classifier, int(wildcards.attacked))


def attacked_sources(wildcards):
    """The weights of the classifiers that attacks of transfer follow."""
    dataset = wildcards.dataset
    return [
        path
        for name, seed in sources_of_attack(wildcards).values()
        for path in expand(weights_pattern(name, dataset), dataset=dataset, classifier=name, seed=seed)
    ]


def weights_pattern(classifier, dataset):
    """The pattern of the file of a network that is trained here, or fetched."""
    if "architecture" in experiment(dataset)["classifiers"][classifier]:
        return rules.train_classifier.output.weights
    return rules.fetch_classifier.output[0]


def attacked_source_arguments(wildcards, input):
    """`attack=file` of each."""
    return [f"{attack}={path}" for attack, path in zip(sources_of_attack(wildcards), input.sources)]


def attacked_source_entries(wildcards):
    """The entries of these classifiers by the attack."""
    own = {attack: name for attack, (name, seed) in sources_of_attack(wildcards).items()}
    return json.dumps({attack: json.loads(entry_of(name, wildcards.dataset)) for attack, name in own.items()})


def certified_denoisers(wildcards):
    return denoisers_of("certification", wildcards, seeds_of_classifier(wildcards)[0])


def transfer_sources(wildcards):
    """(classifier, seed) of all whose fooling images the others judge."""
    chosen = classifiers_in("transfer", wildcards.dataset)
    return [(name, seed) for name, seeds in chosen.items() for seed in seeds]


def learned_by(classifier, dataset):
    """The pattern of the file in which a classifier that is trained here keeps what it has learned."""
    if is_fitted(classifier, dataset):
        return rules.fit_classifier.output.model
    return rules.train_classifier.output.weights


def learned_by_first_seed(wildcards, classifier=None):
    classifier = classifier or wildcards.classifier
    pattern = learned_by(classifier, wildcards.dataset)
    return collect(pattern, dataset=wildcards.dataset, classifier=classifier, seed=first_seed(wildcards))


def learned_by_judge(wildcards):
    """The file of a classifier that says of found images what they are."""
    classifier, seed = judge_of(wildcards)
    pattern = learned_by(classifier, wildcards.dataset)
    return collect(pattern, dataset=wildcards.dataset, classifier=classifier, seed=seed)


def strong_images_of_arms(wildcards):
    """What the attack that does not give up ended with, in all arms of a classifier and all seeds."""
    return of_arms(rules.retrain_classifier.output.strong_images, wildcards)


def strong_rows_of_arms(wildcards):
    """The rows of these images, file by file."""
    return of_arms(rules.retrain_classifier.output.strong, wildcards)


def of_arms(pattern, wildcards):
    """The file of every arm of a classifier and of every seed."""
    return expanded(pattern, "retraining", ["negatives", "seed", "target"], (), wildcards)


def model_predictions(wildcards):
    """What the classifiers that are searched say of the test images."""
    dataset, seed = wildcards.dataset, first_seed(wildcards)
    names = classifiers_in("black_box", dataset)
    fitted = [name for name in names if is_fitted(name, dataset)]
    trained = [name for name in names if name not in fitted]
    return [
        *expand(
            rules.fit_classifier.output.predictions,
            dataset=dataset,
            seed=seed,
            classifier=fitted,
        ),
        *expand(
            rules.train_classifier.output.predictions,
            dataset=dataset,
            seed=seed,
            classifier=trained,
        ),
    ]


def transfer_models(wildcards):
    sources = transfer_sources(wildcards)
    return [
        path
        for name, seed in sources
        for path in collect(learned_by(name, wildcards.dataset), classifier=name, seed=seed, **wildcards)
    ]


def transfer_arguments(wildcards, input):
    """`name:seed=file` of every source."""
    pairs = zip(transfer_sources(wildcards), input.models)
    return [f"{name}:{seed}={path}" for (name, seed), path in pairs]


def transfer_entries(wildcards):
    """The classifiers' entries by name."""
    entries = experiment(wildcards.dataset)["classifiers"]
    return json.dumps({name: entries[name] for name in classifiers_in("transfer", wildcards.dataset)})


# Smoothing


def smoothing_shards_in_braces(wildcards):
    """The paths of all shards for the shell to expand: written out, 3,000 are longer than Linux lets a command be."""
    all_of_them = f"{{0..{shards_of(wildcards) - 1}}}"
    return collect(rules.smooth_shard.output, shard=all_of_them, **wildcards)
