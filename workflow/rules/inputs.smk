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
    return given(image_settings(wildcards, "manifest"))


def class_names(wildcards):
    """The list of the classes' names, nothing where they are numbers."""
    path = image_settings(wildcards, "class_names")
    return given(path) if path else []


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
    settings = experiment(wildcards.dataset)["retraining"]
    return json.dumps({key: value for key, value in settings.items() if key != "arms"})


def retraining_recipe(wildcards):
    settings = experiment(wildcards.dataset)
    return json.dumps(settings["recipes"][settings["retraining"]["recipe"]])


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

ROOMS = {**catalogues(), "writeups": importlib.import_module("spurious.writeups.catalogue")}

SHOWN = {"table": "html", "figure": "png"}  # which of a result's files the report shows


def classifiers_in(stage, dataset):
    return experiment(dataset)["experiment"][stage]


@functools.cache
def own_settings(dataset):
    """The configuration in force for a dataset, with the dataset's own entry as "dataset"."""
    settings = experiment(dataset)
    return {**settings, "dataset": settings["datasets"][dataset]}


def arms_of(dataset):
    return experiment(dataset)["retraining"]["arms"]


def values_of(stage, wildcard, dataset):
    """Every value that a wildcard takes in an experiment."""
    if wildcard == "classifier":
        return list(classifiers_in(stage, dataset))
    if wildcard == "search":
        return list(experiment(dataset)["backworking"]["searches"])
    return {"seed": seeds_of, "label": labels_of}[wildcard](dataset)


def rule_name(result):
    verb = {"table": "make_table", "figure": "draw"}[result.kind]
    return f"{verb}_{result.stem.replace('-', '_')}"


def caption(result):
    return f"../report/{result.kind}_{result.stem}.rst"


def labels(result):
    """What the report's menu says of a result."""
    own = {name: f"{{{name}}}" for name in result.wildcards if name == "classifier"}
    name = result.label or result.name
    return {"result": result.kind, "name": name} | ({} if "{classifier}" in name else own)


def gathered(stage, result, source):
    """The files of an input, or the function that names them for a dataset (see spurious.experiments.catalogue)."""
    if isinstance(source, tuple):
        parts = [gathered(stage, result, part) for part in source]
        return lambda wildcards: [path for part in parts for path in expand(part, **wildcards)]
    if source in SOURCES:
        return SOURCES[source]
    place, _, name = source.partition(".")
    if place == "resource":
        return shipped(f"workflow/resources/{name}")
    if place == "table":
        return partial(existing_table, name)
    *other, place = place.split("/")
    stage = other[0] if other else stage
    outputs = getattr(rules, place).output
    pattern = getattr(outputs, name) if name else outputs[0]
    free = {*re.findall(r"{(\w+)", pattern)} - {"dataset", *result.wildcards}
    return partial(expanded, pattern, stage, sorted(free), result.first) if free else pattern


def existing_table(name, wildcards):
    """The CSV file of a table, nothing where the dataset does not have it."""
    return f"results/{wildcards.dataset}/tables/{name}.csv" if name in tables_in(wildcards.dataset) else []


def expanded(pattern, stage, free, first, wildcards):
    """The pattern with every value of its free wildcards, the first one of those in `first`."""
    values = {name: values_of(stage, name, wildcards.dataset) for name in free if name not in ("negatives", "target")}
    values |= {name: values[name][:1] for name in first if name in values}
    if "negatives" not in free:
        return expand(pattern, **wildcards, **values)
    return [path for arm in arms_of(wildcards.dataset) for path in expand(pattern, **wildcards, **values, **arm)]


def model_predictions(wildcards):
    """What the classifiers that are searched say of the test images."""
    dataset, seed = wildcards.dataset, first_seed(wildcards)
    entries = experiment(dataset)["classifiers"]
    names = classifiers_in("black_box", dataset)
    fitted = [name for name in names if "scikit_learn" in entries[name]]
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


SOURCES = {
    "linear_data": linear_data,
    "class_names": class_names,
    "model_predictions": model_predictions,
}


def input_arguments(wildcards, input):
    """`--input keyword file file ...` for every named input that is not empty."""
    words = []
    for name, files in input.items():
        if files:
            words += ["--input", name, *([files] if isinstance(files, str) else files)]
    return words


def result_settings(result, wildcards):
    """The keywords of a result that are no files: its settings and the wildcards, as JSON."""
    settings = own_settings(wildcards.dataset)
    return json.dumps({**wildcards, **{name: setting(settings, key) for name, key in result.settings.items()}})


def code_of_result(function):
    """What stands for the code of a result: the program's and its function's module, or file."""
    place = function.rpartition(":")[0]
    try:
        return digest("make_result", place, *config["extensions"])
    except (OSError, SyntaxError) as error:
        sys.exit(f"error: {place}: cannot be read ({reason_of(error)}); correct it, or the catalogue that names it")


def code_of_findings():
    functions = [part.function for room in ROOMS.values() for part in room.FINDINGS]
    return digest("write_summary", *(name.rpartition(":")[0] for name in functions), *config["extensions"])


@functools.cache
def results_in(dataset):
    """The results that a dataset has, with their experiments: (stage, result)."""
    settings = own_settings(dataset)
    return [
        (stage, result)
        for stage, room in ROOMS.items()
        if takes_part(stage, room, settings)
        for result in room.RESULTS
        if result.when(settings)
    ]


def tables_in(dataset):
    """Names of a dataset's tables."""
    return [result.name for _, result in results_in(dataset) if result.kind == "table"]


def files_of_results(dataset):
    """Every table and figure of the experiments that a dataset has; the write-ups' numbers belong to paper."""
    return [
        path
        for stage, result in results_in(dataset)
        if stage != "writeups"
        for path in expand(
            f"results/{dataset}/{result.kind}s/{result.name}.{{kind}}",
            kind=result.files,
            **{name: own_values(stage, name, result, dataset) for name in result.wildcards},
        )
    ]


def own_values(stage, wildcard, result, dataset):
    values = values_of(stage, wildcard, dataset)
    return values[:1] if wildcard in result.first else values


def picture_of(wildcards):
    """The front page's picture: photographs under noise, or what the first search found in the first classifier."""
    figures = f"results/{wildcards.dataset}/figures"
    if is_photographs(wildcards.dataset):
        kind = "example" if image_settings(wildcards, "example") else "gallery"
        names = classifiers_in("smoothing", wildcards.dataset)[:1]
        return [f"{figures}/{kind}-{name}.png" for name in names]
    searches = list(experiment(wildcards.dataset)["backworking"]["searches"])[:1]
    names = classifiers_in("backworking", wildcards.dataset)[:1]
    return [f"{figures}/overview-{name}-{search}.png" for name in names for search in searches]


def findings_in(dataset):
    """The findings of the experiments that a dataset has, with the tables that are there."""
    settings = own_settings(dataset)
    there = tables_in(dataset)
    for stage, room in ROOMS.items():
        if takes_part(stage, room, settings):
            for part in room.FINDINGS:
                yield part, {key: name for key, name in part.tables.items() if name in there}


def summary_tables(wildcards):
    """The tables that the front page speaks of."""
    names = [name for _, tables in findings_in(wildcards.dataset) for name in tables.values()]
    return expand("results/{dataset}/tables/{name}.csv", dataset=wildcards.dataset, name=names)


def summary_findings(wildcards):
    """The front page's sentences, as JSON: title, function, files of its tables, settings."""
    settings = own_settings(wildcards.dataset)
    parts = [
        {
            "title": part.title,
            "function": part.function,
            "tables": {key: f"results/{wildcards.dataset}/tables/{name}.csv" for key, name in tables.items()},
            "settings": {name: setting(settings, key) for name, key in part.settings.items()},
        }
        for part, tables in findings_in(wildcards.dataset)
    ]
    return json.dumps(parts)


def summary_of(dataset):
    return f"results/{dataset}/summary.rst"


def tables_that_are_due(wildcards):
    """Every table that a target has of a dataset."""
    in_paper = wildcards.dataset in config["targets"]["paper"]
    names = [name for name in tables_in(wildcards.dataset) if name != "published" or in_paper]
    return expand("results/{dataset}/tables/{name}.csv", dataset=wildcards.dataset, name=names)


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
    named = [given(settings[key]) for key in ("manifest", "class_names") if key in settings]
    brought = settings.get("tree") or settings.get("batches") or {}
    named += [path for paths in brought.values() for path in ([paths] if isinstance(paths, str) else paths)]
    if source_of(dataset) not in ("images", "store"):
        named.append(f"results/{dataset}/data.safetensors")
    files |= dict.fromkeys(named, "")
    return [f"{sha256}={path}" for path, sha256 in (files | pretrained_files(dataset)).items()]


def pretrained_files(dataset):
    """{file: declared sha256} of the classifiers that a dataset's experiment takes as they are."""
    entries = experiment(dataset)["classifiers"]
    names = dict.fromkeys(name for stage in consistency.STAGES for name in classifiers_in(stage, dataset))
    taken = [name for name in names if not {"architecture", "scikit_learn"} & entries[name].keys()]
    paths = {name: PRETRAINED.format(dataset=dataset, classifier=name) for name in taken}
    return {path: entries[name].get("sha256", "") for name, path in paths.items()}


# Rules with a benchmark, in their order: Snakemake's own list of rules has those of a host, too.
MEASURED = (
    "train_classifier",
    "backwork_label",
    "retrain_classifier",
    "smooth_shard",
    "make_store",
    "train_linear",
    "fool_classifier",
    "fit_classifier",
    "search_scores",
    "transfer_images",
)


def benchmark_patterns(wildcards):
    """`rule=pattern` of the benchmark files of a dataset."""
    patterns = {name: str(getattr(rules, name).benchmark) for name in MEASURED}
    return [f"{name}={pattern.replace('{dataset}', wildcards.dataset)}" for name, pattern in patterns.items()]


def provenance_of(dataset):
    return [f"results/{dataset}/tables/provenance.{kind}" for kind in ("json", "html")]


def example_figures(dataset):
    """The worked example of every classifier, where a dataset of photographs names one."""
    if not is_photographs(dataset) or "example" not in experiment(dataset)["datasets"][dataset]:
        return []
    return expand(
        "results/{dataset}/figures/example-{classifier}.{kind}",
        dataset=dataset,
        classifier=classifiers_in("smoothing", dataset),
        kind=["png", "svg"],
    )
