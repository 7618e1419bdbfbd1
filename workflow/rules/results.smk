"""What every table, figure and the front page are made of, read from the catalogues of the experiments."""

from types import SimpleNamespace

from jinja2 import Template

ROOMS["writeups"] = importlib.import_module("spurious.writeups.catalogue")

SHOWN = {"table": "html", "figure": "png"}  # which of a result's files the report shows


def classifiers_in(stage, dataset):
    return experiment(dataset)["experiment"][stage]


@functools.cache
def own_settings(dataset):
    """The configuration in force for a dataset, with the dataset's own entry as "dataset"."""
    settings = experiment(dataset)
    return {**settings, "dataset": settings["datasets"][dataset]}


# The values of the wildcards of all rooms.
VALUES = {names: key for catalogue in ROOMS.values() for names, key in catalogue.ROOM.wildcards.items()}


def values_of(stage, wildcard, dataset):
    """Every value that a wildcard takes in an experiment."""
    if wildcard == "classifier":
        return list(classifiers_in(stage, dataset))
    if wildcard in VALUES:
        return list(setting(own_settings(dataset), VALUES[wildcard]))
    return {"seed": seeds_of, "label": labels_of}[wildcard](dataset)


def rule_name(result):
    verb = {"table": "make_table", "figure": "draw"}[result.kind]
    return f"{verb}_{result.stem.replace('-', '_')}"


def caption(result):
    return f"../report/{result.kind}_{result.stem}.rst"


def sentence(result):
    """What `snakemake --list` says of a result: the first sentence of its caption, without Jinja's braces."""
    text = template_of(caption(result)).replace("``", "")
    first = re.split(r"(?<=[.?])(?<! al\.)\s", " ".join(text.split()), maxsplit=1)[0]
    return re.sub(r"{{\W*[^}]*?(\w+)\W*}}", r"{\1}", first)


def labels(result, number):
    """What the report's menu says of a result, in one label.

    Of a second label with two values, each of half of the results, the menu makes a switch, and ends in an error where
    a result has one of them only (`abstract_results.js`, Snakemake 9.27). The menu sorts by letters: `number` is the
    result's place in its catalogue.
    """
    words = result.label or result.name
    own = ", {classifier}" if "classifier" in result.wildcards and "{classifier}" not in words else ""
    return {"result": f"{number} {result.kind}: {words}{own}"}


def page_arguments(result, wildcards):
    """What stands above a table on its page: its title and its caption; nothing of a figure."""
    if result.kind != "table":
        return []
    text, _, _ = template_of(caption(result)).partition(".. include::")
    known = {"config": experiment(wildcards.dataset), "wildcards": wildcards}
    said = Template(text).render(snakemake=SimpleNamespace(**known)).strip()
    return [f"--title={result.label or result.name}", f"--caption={said}"]


@functools.cache
def template_of(name):
    """The text of a caption, Jinja's braces in it."""
    return (PROJECT / "workflow/report" / name).read_text(encoding="utf-8")


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
    together = [names for names in VALUES if isinstance(names, tuple) and {*names} & {*free} - {"classifier"}]
    alone = [name for name in free if not any(name in names for names in together)]
    values = {name: values_of(stage, name, wildcards.dataset) for name in alone}
    values |= {name: values[name][:1] for name in first if name in values}
    settings = own_settings(wildcards.dataset)
    parts = itertools.product(*(setting(settings, VALUES[names]) for names in together))
    rows = [dict(itertools.chain(*(part.items() for part in row))) for row in parts]
    own = [row for row in rows if all(row.get(name, value) == value for name, value in wildcards.items())]
    return [path for row in own for path in expand(pattern, **{**values, **row, **wildcards})]


def result_settings(result, wildcards):
    """The keywords of a result that are no files: its settings and the wildcards, as JSON."""
    settings = own_settings(wildcards.dataset)
    return json.dumps({**wildcards, **{name: setting(settings, key) for name, key in result.settings.items()}})


def code_of_result(function):
    """What stands for the code of a result: the program's and its function's module, or file, with what it reads by."""
    place = function.rpartition(":")[0]
    try:
        return code("make_result.py", place, *readers_of(place))
    except (OSError, SyntaxError) as error:
        sys.exit(f"error: {place}: cannot be read ({reason_of(error)}); correct it, or the catalogue that names it")


def code_of_findings():
    functions = [part.function for room in ROOMS.values() for part in room.FINDINGS]
    places = [name.rpartition(":")[0] for name in functions]
    return code("write_summary.py", *places, *(reader for place in places for reader in readers_of(place)))


@functools.cache
def results_in(dataset):
    """The results that a dataset has, with their experiments: (stage, result)."""
    settings = own_settings(dataset)
    return [
        (stage, result)
        for stage, room in ROOMS.items()
        if takes_part(stage, room.ROOM, settings)
        for result in room.RESULTS
        if result.when(settings)
    ]


def tables_in(dataset):
    """Names of a dataset's tables."""
    return [result.name for _, result in results_in(dataset) if result.kind == "table"]


@functools.cache
def tables_of_claims():
    """The tables that decide the write-ups' claims."""
    with open(shipped("workflow/resources/claims.csv"), encoding="utf-8", newline="") as file:
        return sorted({name for claim in csv.DictReader(file) for name in claim["tables"].split()})


SOURCES["claimed"] = lambda wildcards: [
    path for name in tables_of_claims() for path in [existing_table(name, wildcards)] if path
]


def files_of_results(dataset):
    """Every table and figure that a dataset has; the published numbers belong to paper."""
    return [
        path
        for stage, result in results_in(dataset)
        if result.name != "published"
        for path in expand(
            f"results/{dataset}/{result.kind}s/{result.name}.{{kind}}",
            kind=result.files,
            **{name: own_values(stage, name, result, dataset) for name in result.wildcards},
        )
    ]


def own_values(stage, wildcard, result, dataset):
    values = values_of(stage, wildcard, dataset)
    return values[:1] if wildcard in result.first else values


def figure_of(stage, name, dataset):
    """The PNG file of a figure in a list, with the first value of each wildcard; [] where the dataset has none."""
    return [
        path
        for where, result in results_in(dataset)
        if (where, result.kind, result.name) == (stage, "figure", name)
        for path in expand(
            f"results/{dataset}/figures/{name}.png",
            **{wildcard: values_of(stage, wildcard, dataset)[:1] for wildcard in result.wildcards},
        )
    ]


def findings_in(dataset):
    """(experiment, findings, the tables that are there) of what a dataset has."""
    settings = own_settings(dataset)
    there = tables_in(dataset)
    for stage, room in ROOMS.items():
        if takes_part(stage, room.ROOM, settings):
            for part in room.FINDINGS:
                yield stage, part, {key: name for key, name in part.tables.items() if name in there}


def summary_tables(wildcards):
    """The tables that the front page speaks of."""
    names = [name for _, _, tables in findings_in(wildcards.dataset) for name in tables.values()]
    return expand("results/{dataset}/tables/{name}.csv", dataset=wildcards.dataset, name=["claims", *names])


def summary_figures(wildcards):
    """The front page's pictures: of all attacks, and the main one of every experiment."""
    dataset = wildcards.dataset
    own = [path for stage, part, _ in findings_in(dataset) for path in figure_of(stage, part.figure, dataset)]
    return [*figure_of("writeups", "attacks", dataset), *own]


def summary_findings(wildcards):
    """What the report says of every experiment, as JSON; see `spurious.experiments.catalogue.Findings`."""
    dataset, settings = wildcards.dataset, own_settings(wildcards.dataset)
    parts = [
        {
            "title": part.title,
            "question": part.question,
            "function": part.function,
            "tables": {key: f"results/{dataset}/tables/{name}.csv" for key, name in tables.items()},
            "settings": {name: setting(settings, key) for name, key in part.settings.items()},
            "figure": figure_of(stage, part.figure, dataset),
        }
        for stage, part, tables in findings_in(dataset)
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
    named = [given(settings[key]) for key in ("manifest", "class_names") if isinstance(settings.get(key), str)]
    brought = settings.get("tree") or settings.get("batches") or {}
    named += [path for paths in brought.values() for path in ([paths] if isinstance(paths, str) else paths)]
    if not is_stored(wildcards):
        named.append(f"results/{dataset}/data.safetensors")
    files |= dict.fromkeys(named, "")
    return [f"{sha256}={path}" for path, sha256 in (files | pretrained_files(dataset)).items()]


def pretrained_files(dataset):
    """{file: declared sha256} of the classifiers that a dataset's experiment takes as they are."""
    settings = experiment(dataset)
    entries = settings["classifiers"]
    followed = [sources(settings, row["classifier"], row["attacked"]) for row in attacked(settings)]
    named = [name for stage in consistency.KINDS for name in classifiers_in(stage, dataset)]
    names = dict.fromkeys([*named, *(name for own in followed for name, _ in own.values())])
    taken = [name for name in names if not {"architecture", "scikit_learn"} & entries[name].keys()]
    paths = {name: rules.fetch_classifier.output[0].format(dataset=dataset, classifier=name) for name in taken}
    return {path: entries[name].get("sha256", "") for name, path in paths.items()}


def benchmark_patterns(wildcards):
    """`rule=pattern` of the benchmark files of a dataset."""
    return patterns_of(wildcards, lambda rule: rule.benchmark)


def history_patterns(wildcards):
    """`rule=pattern` of the histories of a dataset's trainings."""
    return patterns_of(wildcards, lambda rule: rule.output.get("history"))


def patterns_of(wildcards, file_of):
    """`rule=pattern` of the file that `file_of` takes from a measured rule, where it has one."""
    measured = [name for room in ROOMS.values() for name in room.ROOM.measured]
    patterns = {name: file_of(getattr(rules, name)) for name in measured}
    filled = {
        name: str(pattern).replace("{dataset}", wildcards.dataset) for name, pattern in patterns.items() if pattern
    }
    return [f"{name}={pattern}" for name, pattern in filled.items()]


def provenance_of(dataset):
    return [f"results/{dataset}/{name}" for name in ("ro-crate-metadata.json", "tables/provenance.html")]


def example_figures(dataset):
    """The worked example of every classifier, where a dataset of photographs names one."""
    if source_of(dataset) != "images" or "example" not in experiment(dataset)["datasets"][dataset]:
        return []
    return expand(
        "results/{dataset}/figures/example-{classifier}.{kind}",
        dataset=dataset,
        classifier=classifiers_in("smoothing", dataset),
        kind=["png", "svg"],
    )
