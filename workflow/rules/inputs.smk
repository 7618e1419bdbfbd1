"""What the rules take in and hand on: input and parameter functions, by stage.

They stand apart from the rules, as Snakemake's linter asks, and are called when a job is planned.
"""

# Data


def local_data(wildcards, resources):
    """`--local-data folder`, nothing where there is none.

    Snakemake does not compare parameters that are made of resources with those of the last run: where a machine keeps
    its files is, as they are, no reason to fetch everything again.
    """
    return ["--local-data", config["local_data"]] if config["local_data"] else []


def file_settings(wildcards):
    return experiment(wildcards.dataset)["datasets"][wildcards.dataset]["files"][wildcards.file]


def file_urls(wildcards):
    return file_settings(wildcards)["urls"]


def file_sha256(wildcards):
    return file_settings(wildcards)["sha256"]


def dataset_settings(wildcards):
    settings = experiment(wildcards.dataset)["datasets"][wildcards.dataset]
    return json.dumps({key: value for key, value in settings.items() if key != "files"})


def source_files(wildcards):
    names = experiment(wildcards.dataset)["datasets"][wildcards.dataset].get("files", {})
    return expand("results/downloads/{dataset}/{file}", dataset=wildcards.dataset, file=names)


def source_arguments(wildcards):
    names = experiment(wildcards.dataset)["datasets"][wildcards.dataset].get("files", {})
    pairs = [f"{name}=results/downloads/{wildcards.dataset}/{name}" for name in names]
    return ["--files", *pairs] if pairs else []


def image_settings(wildcards, key):
    """A setting of a dataset of photographs, None where it has none."""
    return experiment(wildcards.dataset)["datasets"][wildcards.dataset].get(key)


def is_photographs(dataset):
    return experiment(dataset)["datasets"][dataset]["source"] == "images"


def manifest(wildcards):
    return image_settings(wildcards, "manifest")


def class_names(wildcards):
    """The list of the classes' names, nothing where they are numbers."""
    return image_settings(wildcards, "class_names") or []


def image_folder(wildcards):
    return image_settings(wildcards, "folder")


def image_urls(wildcards):
    urls = image_settings(wildcards, "urls")
    return ["--urls", *urls] if urls else []


def example_id(wildcards):
    return image_settings(wildcards, "example")


def example_image(wildcards):
    return f"results/{wildcards.dataset}/images/{example_id(wildcards)}"


def grey_below(wildcards):
    return image_settings(wildcards, "grey_below") or 0


def classes(wildcards):
    return len(labels_of(wildcards.dataset))


# Classifiers

PRETRAINED = "results/{dataset}/{classifier}/pretrained"

WEIGHTS = "results/{dataset}/{classifier}/seed{seed}/weights.safetensors"


def architecture(wildcards):
    settings = experiment(wildcards.dataset)["classifiers"][wildcards.classifier]
    return json.dumps({key: value for key, value in settings.items() if key not in ("recipe", "published_as")})


def classifier_settings(wildcards):
    """All that opening a classifier needs to know."""
    settings = experiment(wildcards.dataset)["classifiers"][wildcards.classifier]
    return json.dumps({key: value for key, value in settings.items() if key not in ("recipe", "published_as")})


def classifier_source(wildcards):
    """What decides which file a classifier is."""
    settings = experiment(wildcards.dataset)["classifiers"][wildcards.classifier]
    keys = ("torchvision", "weights", "torchscript", "exported", "sha256")
    return json.dumps({key: settings[key] for key in keys if key in settings})


def recipe(wildcards):
    settings = experiment(wildcards.dataset)
    return json.dumps(settings["recipes"][settings["classifiers"][wildcards.classifier]["recipe"]])


def weights_of_all_seeds(wildcards):
    return expand(WEIGHTS, seed=seeds_of(wildcards.dataset), allow_missing=True)


def first_seed(wildcards):
    return seeds_of(wildcards.dataset)[0]


def weights_of_first_seed(wildcards):
    return expand(WEIGHTS, seed=first_seed(wildcards), allow_missing=True)


# Backworking


def backworking_settings(wildcards):
    return json.dumps(experiment(wildcards.dataset)["backworking"])


# Retraining


def retraining_settings(wildcards):
    settings = experiment(wildcards.dataset)
    chosen = {key: value for key, value in settings["retraining"].items() if key != "arms"}
    return json.dumps(chosen | {"recipe": settings["recipes"][chosen["recipe"]]})


def control_weights(wildcards):
    """The unretrained classifier of the next seed."""
    seeds = seeds_of(wildcards.dataset)
    following = seeds[(seeds.index(int(wildcards.seed)) + 1) % len(seeds)]
    return expand(WEIGHTS, seed=following, allow_missing=True)


def found_images(wildcards):
    labels = labels_of(wildcards.dataset)
    return expand(rules.backwork_label.output.images, label=labels, allow_missing=True)


def found_rows(wildcards):
    labels = labels_of(wildcards.dataset)
    return expand(rules.backwork_label.output.rows, label=labels, allow_missing=True)


# Smoothing


def photographs_and_list(wildcards):
    return ["results/{dataset}/images", "results/{dataset}/images.csv"]


def images_of_classifier(wildcards):
    """The dataset's tensors, or its folder of photographs and their list."""
    return (
        photographs_and_list(wildcards) if is_photographs(wildcards.dataset) else "results/{dataset}/data.safetensors"
    )


def smoothing_weights(wildcards):
    """What was trained with the first seed, or the file that was brought along."""
    trained = "architecture" in experiment(wildcards.dataset)["classifiers"][wildcards.classifier]
    return weights_of_first_seed(wildcards) if trained else PRETRAINED


def smoothing_settings(wildcards):
    settings = experiment(wildcards.dataset)["smoothing"]
    return json.dumps({key: value for key, value in settings.items() if key != "shards"})


def shards_of(wildcards):
    return experiment(wildcards.dataset)["smoothing"]["shards"]


def smoothing_shards(wildcards):
    return expand(rules.smooth_shard.output, shard=range(shards_of(wildcards)), allow_missing=True)


def smoothing_shards_in_braces(wildcards):
    """The paths of all shards for the shell to expand: written out, 3,000 are longer than Linux lets a command be."""
    all_of_them = f"{{0..{shards_of(wildcards) - 1}}}"
    return expand(rules.smooth_shard.output, shard=all_of_them, **wildcards)


# Linear classifiers

STORE = "results/{dataset}/store"


def source_of(dataset):
    return experiment(dataset)["datasets"][dataset]["source"]


def store_inputs(wildcards):
    """What a store is made of: photographs and their list, or the files that the user brings."""
    if is_photographs(wildcards.dataset):
        return photographs_and_list(wildcards)
    settings = experiment(wildcards.dataset)["datasets"][wildcards.dataset]
    if "tree" in settings:
        return [settings["tree"]["train"], settings["tree"]["test"]]
    return [*settings["batches"]["train"], *settings["batches"]["test"]]


def store_arguments(wildcards, input):
    settings = experiment(wildcards.dataset)["datasets"][wildcards.dataset]
    if is_photographs(wildcards.dataset):
        return ["--photographs", input.files[0], "--list", input.files[1]]
    kind = "tree" if "tree" in settings else "batches"
    own = ["--validation", str(settings["validation"]), "--seed", str(settings.get("seed", 0))]
    places = {split: [path] if isinstance(path, str) else path for split, path in settings[kind].items()}
    return [*own, f"--{kind}", *(f"{split}={path}" for split, paths in places.items() for path in paths)]


def store_size(wildcards):
    return experiment(wildcards.dataset)["datasets"][wildcards.dataset].get("size", 64)


def linear_data(wildcards):
    """The dataset's tensors, or its store."""
    return STORE if source_of(wildcards.dataset) in ("images", "store") else "results/{dataset}/data.safetensors"


def linear_settings(wildcards):
    return json.dumps(experiment(wildcards.dataset)["linear"])


def linear_files(name):
    """An input function: one of the files that the sweep leaves, of all seeds."""

    def files(wildcards):
        return expand(
            getattr(rules.train_linear.output, name),
            dataset=wildcards.dataset,
            seed=seeds_of(wildcards.dataset),
        )

    return files


def linear_file_of_first_seed(name):
    def file(wildcards):
        return expand(
            getattr(rules.train_linear.output, name),
            dataset=wildcards.dataset,
            seed=first_seed(wildcards),
        )

    return file


# Fooling, by the gradient and by the scores


def fooling_seeds(wildcards):
    """The seeds of what is trained here; what was brought along has none, and counts as seed 0."""
    trained = "architecture" in experiment(wildcards.dataset)["classifiers"][wildcards.classifier]
    return seeds_of(wildcards.dataset) if trained else [0]


def fooling_weights(wildcards):
    trained = "architecture" in experiment(wildcards.dataset)["classifiers"][wildcards.classifier]
    return weights_of_all_seeds(wildcards) if trained else PRETRAINED


def fooling_settings(wildcards):
    return json.dumps(experiment(wildcards.dataset)["fooling"])


def model_file(dataset, classifier, seed):
    """Where a classifier that is trained here keeps what it has learnt."""
    fitted = "scikit_learn" in experiment(dataset)["classifiers"][classifier]
    return expand(
        rules.fit_classifier.output.model if fitted else WEIGHTS,
        dataset=dataset,
        classifier=classifier,
        seed=seed,
    )


def model_of_first_seed(wildcards):
    return model_file(wildcards.dataset, wildcards.classifier, first_seed(wildcards))


def black_box_settings(wildcards):
    return json.dumps(experiment(wildcards.dataset)["black_box"])


def transfer_settings(wildcards):
    return json.dumps(experiment(wildcards.dataset)["transfer"])


def transfer_sources(wildcards):
    """(classifier, seed) of all whose fooling images the others judge."""
    chosen = classifiers_in("transfer", wildcards.dataset)
    return [(name, seed) for name, seeds in chosen.items() for seed in seeds]


def transfer_models(wildcards):
    return [path for source in transfer_sources(wildcards) for path in model_file(wildcards.dataset, *source)]


def transfer_arguments(wildcards, input):
    """`name:seed=file` of every source."""
    pairs = zip(transfer_sources(wildcards), input.models)
    return [f"{name}:{seed}={path}" for (name, seed), path in pairs]


def transfer_entries(wildcards):
    """The classifiers' entries by name."""
    entries = experiment(wildcards.dataset)["classifiers"]
    return json.dumps({name: entries[name] for name in classifiers_in("transfer", wildcards.dataset)})


# Tables, figures and the front page

RETRAINING_FILE = "results/{dataset}/{classifier}/retraining/{negatives}-{target}/seed{seed}/{rows}.csv"

TITLES = {
    "images": "Images",
    "classifiers": "Classifiers",
    "backworking": "Backworking",
    "retraining": "Retraining",
    "smoothing": "Smoothing",
    "linear": "Linear classifiers",
    "fooling": "Fooling by the gradient",
    "black_box": "Fooling by scores alone",
    "transfer": "Transfer",
}


def classifiers_in(stage, dataset):
    return experiment(dataset)["experiment"][stage]


def prediction_rows(wildcards):
    return expand(
        rules.train_classifier.output.predictions,
        dataset=wildcards.dataset,
        classifier=classifiers_in("classifiers", wildcards.dataset),
        seed=seeds_of(wildcards.dataset),
    )


def backworking_rows(wildcards):
    return expand(
        rules.backwork_label.output.rows,
        dataset=wildcards.dataset,
        classifier=classifiers_in("backworking", wildcards.dataset),
        label=labels_of(wildcards.dataset),
    )


def retraining_rows(wildcards, rows):
    return [
        path
        for arm in experiment(wildcards.dataset)["retraining"]["arms"]
        for path in expand(
            RETRAINING_FILE,
            dataset=wildcards.dataset,
            classifier=classifiers_in("retraining", wildcards.dataset),
            seed=seeds_of(wildcards.dataset),
            rows=rows,
            **arm,
        )
    ]


def files_of_stage(pattern, stage, wildcards):
    """A file of every classifier of a stage."""
    names = classifiers_in(stage, wildcards.dataset)
    return expand(pattern, dataset=wildcards.dataset, classifier=names)


def smoothing_tables(wildcards):
    return files_of_stage(rules.gather_smoothing.output.summary, "smoothing", wildcards)


def smoothing_votes(wildcards):
    return files_of_stage(rules.gather_smoothing.output.votes, "smoothing", wildcards)


def fooling_rows(wildcards):
    return files_of_stage(rules.fool_classifier.output.rows, "fooling", wildcards)


def rubbish_rows(wildcards):
    return files_of_stage(rules.fool_classifier.output.rubbish, "fooling", wildcards)


def black_box_rows(wildcards):
    return files_of_stage(rules.search_scores.output.rows, "black_box", wildcards)


def black_box_images(wildcards):
    return files_of_stage(rules.search_scores.output.images, "black_box", wildcards)


def black_box_predictions(wildcards):
    """What the classifiers that are searched say of the test images."""
    seed = first_seed(wildcards)
    names = classifiers_in("black_box", wildcards.dataset)
    entries = experiment(wildcards.dataset)["classifiers"]
    fitted = [name for name in names if "scikit_learn" in entries[name]]
    trained = [name for name in names if name not in fitted]
    common = {"dataset": wildcards.dataset, "seed": seed}
    return [
        *expand(rules.fit_classifier.output.predictions, classifier=fitted, **common),
        *expand(rules.train_classifier.output.predictions, classifier=trained, **common),
    ]


ATTACKS = functools.partial(retraining_rows, rows="attacks")

OLD = functools.partial(retraining_rows, rows="old")

RETRAINED = functools.partial(retraining_rows, rows="predictions")

TABLES = {
    "images-excluded": {"list": "results/{dataset}/images.csv"},
    "classifiers": {"predictions": prediction_rows},
    "backworking": {"rows": backworking_rows},
    "backworking-summary": {"rows": backworking_rows},
    "retraining": {"attacks": ATTACKS, "old": OLD, "predictions": RETRAINED},
    "retraining-summary": {"attacks": ATTACKS, "old": OLD, "predictions": RETRAINED},
    "smoothing": {"rows": smoothing_tables},
    "smoothing-seeds": {"votes": smoothing_votes},
    "smoothing-variants": {"votes": smoothing_votes},
    "smoothing-tests": {"votes": smoothing_votes},
    "smoothing-agreement": {"votes": smoothing_votes},
    "smoothing-risk": {"votes": smoothing_votes},
    "linear": {name: linear_files(name) for name in ("predictions", "steps", "weights", "history")},
    "linear-tests": {name: linear_files(name) for name in ("predictions", "steps")},
    "linear-pair": {"rows": linear_files("pair")},
    "linear-toy": {},
    "fooling": {"rows": fooling_rows},
    "fooling-rubbish": {"rows": rubbish_rows},
    "black_box": {"rows": black_box_rows, "predictions": black_box_predictions},
    "transfer": {"rows": "results/{dataset}/transfer.csv"},
}


# Figures of one dataset, by name: the stage, the command that draws them and its inputs, each given as --<input>.
TEMPLATES = {
    "weights": linear_file_of_first_seed("weights"),
    "data": linear_data,
    "class_names": class_names,
}

FIGURES = {
    "linear": ("linear", "draw_linear.py linear", {"table": "results/{dataset}/tables/linear.csv"}),
    "templates": ("linear", "draw_linear.py templates", TEMPLATES),
    "template-images": ("linear", "draw_linear.py template-images", TEMPLATES),
    "template-noise": ("linear", "draw_linear.py template-noise", TEMPLATES),
    "black_box": ("black_box", "draw_black_box.py black-box", {"rows": black_box_rows}),
    "black_box-images": (
        "black_box",
        "draw_black_box.py black-box-images",
        {"rows": black_box_rows, "images": black_box_images},
    ),
    "transfer": ("transfer", "draw_black_box.py transfer", {"rows": "results/{dataset}/transfer.csv"}),
}


def settings_of_figure(inputs):
    """A parameter function: the settings that a figure of templates needs beside its inputs."""

    def settings(wildcards):
        return ["--settings", linear_settings(wildcards)] if inputs is TEMPLATES else []

    return settings


def stage_of(table):
    return table.split("-")[0]


def has_table(name, dataset):
    """Whether a dataset's experiment has what a table is about."""
    if name == "images-excluded":
        return is_photographs(dataset)
    settings = experiment(dataset)["smoothing"]
    enough = {
        "smoothing-seeds": len(settings["seeds"]) > 1,
        "smoothing-variants": len(settings["variants"]) > 1,
        "linear-pair": experiment(dataset)["linear"]["pair"] is not None,
    }
    return bool(classifiers_in(stage_of(name), dataset)) and enough.get(name, True)


def tables_of(dataset):
    """The tables of the stages that a dataset's experiment has."""
    names = [name for name in TABLES if has_table(name, dataset)]
    return expand(
        "results/{dataset}/tables/{name}.{kind}",
        dataset=dataset,
        name=names,
        kind=["csv", "md", "html"],
    )


def input_arguments(wildcards, input):
    """`--name file file ...` for every named input that is not empty."""
    words = []
    for name, files in input.items():
        if files:
            words += [f"--{name.replace('_', '-')}", *([files] if isinstance(files, str) else files)]
    return words


def found_above(wildcards):
    return experiment(wildcards.dataset)["backworking"]["found_above"]


def traces_of_classifier(wildcards):
    return expand(
        rules.backwork_label.output.trace,
        label=labels_of(wildcards.dataset),
        allow_missing=True,
    )


def predictions_of_first_seed(wildcards):
    return expand(
        rules.train_classifier.output.predictions,
        seed=first_seed(wildcards),
        allow_missing=True,
    )


def votes_of_classifier(wildcards):
    return expand(rules.gather_smoothing.output.votes, allow_missing=True)


def picture_of(wildcards):
    """The front page's picture: photographs under noise, or what the first search found in the first classifier."""
    if is_photographs(wildcards.dataset):
        return expand(
            "results/{dataset}/figures/{name}.png",
            dataset=wildcards.dataset,
            name=photograph_figures(wildcards.dataset)[:1],
        )
    classifiers = classifiers_in("backworking", wildcards.dataset)[:1]
    return expand(
        "results/{dataset}/figures/overview-{classifier}-{search}.png",
        dataset=wildcards.dataset,
        classifier=classifiers,
        search=list(experiment(wildcards.dataset)["backworking"]["searches"])[:1],
    )


def published_as(wildcards):
    """`classifier=name` for every classifier that a write-up has numbers of."""
    classifiers = experiment(wildcards.dataset)["classifiers"]
    stages = ("smoothing", "fooling")
    names = dict.fromkeys(name for stage in stages for name in classifiers_in(stage, wildcards.dataset))
    return [f"{name}={classifiers[name]['published_as']}" for name in names if "published_as" in classifiers[name]]


def published_table(name):
    """An input function: a table of the dataset, nothing where its experiment has none."""

    def table(wildcards):
        return f"results/{wildcards.dataset}/tables/{name}.csv" if has_table(name, wildcards.dataset) else []

    return table


def summary_tables(wildcards):
    """The tables that the front page speaks of, those of the stages that the experiment has."""
    names = ["classifiers", "backworking-summary", "retraining-summary", "smoothing", "smoothing-tests"]
    names += ["linear", "linear-tests", "fooling", "black_box", "transfer"]
    chosen = [name for name in names if has_table(name, wildcards.dataset)]
    return expand("results/{dataset}/tables/{name}.csv", dataset=wildcards.dataset, name=chosen)


def summary_arguments(wildcards, input):
    """`--<table> file` for every table of the front page, and its picture."""
    words = [word for path in input.tables for word in (f"--{Path(path).stem}", path)]
    return words + [word for path in input.picture for word in ("--picture", path)]


def summary_of(dataset):
    return f"results/{dataset}/summary.rst"


def tables_that_are_due(wildcards):
    """Every table that a target has of a dataset."""
    dataset = wildcards.dataset
    tables = [path for path in tables_of(dataset) if path.endswith(".csv")]
    in_paper = dataset in config["targets"]["paper"]
    return [*tables, f"results/{dataset}/tables/published.csv"] if in_paper else tables


def configuration_in_force(wildcards):
    """What holds for a dataset: nothing of the other datasets, nor where this machine keeps its files."""
    settings = experiment(wildcards.dataset)
    own = {wildcards.dataset: settings["datasets"][wildcards.dataset]}
    shared = {key: value for key, value in settings.items() if key != "local_data"}
    return json.dumps({**shared, "datasets": own})


def files_of_origin(wildcards):
    """`sha256=file` of every file that a dataset's results rest on, `=file` where the configuration declares none.

    They are no inputs: one that is gone, now that everything is made of it, is not fetched again for its hash.
    """
    dataset = wildcards.dataset
    settings = experiment(dataset)["datasets"][dataset]
    files = {
        f"results/downloads/{dataset}/{name}": entry["sha256"] for name, entry in settings.get("files", {}).items()
    }
    named = [settings[key] for key in ("manifest", "class_names") if key in settings]
    brought = settings.get("tree") or settings.get("batches") or {}
    named += [path for paths in brought.values() for path in ([paths] if isinstance(paths, str) else paths)]
    if source_of(dataset) not in ("images", "store"):
        named.append(f"results/{dataset}/data.safetensors")
    files |= dict.fromkeys(named, "")
    return [f"{sha256}={path}" for path, sha256 in (files | pretrained_files(dataset)).items()]


def pretrained_files(dataset):
    """{file: declared sha256} of the classifiers that a dataset's experiment takes as they are."""
    entries = experiment(dataset)["classifiers"]
    names = dict.fromkeys(name for stage in configuration.STAGES for name in classifiers_in(stage, dataset))
    taken = [name for name in names if not {"architecture", "scikit_learn"} & entries[name].keys()]
    paths = {name: PRETRAINED.format(dataset=dataset, classifier=name) for name in taken}
    return {path: entries[name].get("sha256", "") for name, path in paths.items()}


def benchmark_patterns(wildcards):
    """`rule=pattern` of the benchmark files of all rules but those of figures and of pages."""
    benchmarks = {rule.name: rule.benchmark for rule in workflow.rules if rule.benchmark}
    patterns = {name: str(strip_wildcard_constraints(path)) for name, path in benchmarks.items()}
    return [
        f"{name}={pattern.replace('{dataset}', wildcards.dataset)}"
        for name, pattern in patterns.items()
        if "{dataset}" in pattern and not name.startswith(("draw_", "write_"))
    ]


def provenance_of(dataset):
    return [f"results/{dataset}/tables/provenance.{kind}" for kind in ("json", "html")]


def photograph_figures(dataset):
    """Figures that show photographs, where a dataset is of them."""
    settings = experiment(dataset)["datasets"][dataset]
    kinds = ["example", "gallery"] if "example" in settings else ["gallery"]
    return (
        expand(
            "{kind}-{classifier}",
            kind=kinds,
            classifier=classifiers_in("smoothing", dataset),
        )
        if is_photographs(dataset)
        else []
    )


def figures_of(dataset):
    """The figures of the stages that a dataset's experiment has."""
    searches = experiment(dataset)["backworking"]["searches"]
    names = expand(
        "{kind}-{classifier}",
        kind=["worst", "salient"],
        classifier=classifiers_in("classifiers", dataset),
    )
    backworked = classifiers_in("backworking", dataset)
    names += expand("found-{classifier}-{search}", classifier=backworked, search=searches)
    names += expand(
        "overview-{classifier}-{search}",
        classifier=backworked,
        search=list(searches)[:1],
    )
    names += expand("trace-{classifier}", classifier=backworked)
    names += [stage for stage in ("retraining", "smoothing") if classifiers_in(stage, dataset)]
    names += expand("risk-{classifier}", classifier=classifiers_in("smoothing", dataset))
    names += photograph_figures(dataset)
    names += [name for name, (stage, _, _) in FIGURES.items() if classifiers_in(stage, dataset)]
    names += expand("fooling-{classifier}", classifier=classifiers_in("fooling", dataset))
    return expand(
        "results/{dataset}/figures/{name}.{kind}",
        dataset=dataset,
        name=names,
        kind=["png", "svg"],
    )
