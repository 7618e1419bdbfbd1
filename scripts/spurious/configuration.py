"""The configuration: checked in one go, with one line that names the key and the remedy; merged by dataset."""

import itertools
import math
import reprlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from spurious.errors import SpuriousError, unknown_name
from spurious.perturbations.noises import Noise
from spurious.problems import Problem
from spurious.registry import problem_or_parsed
from spurious.settings import SearchSettings
from spurious.views.kinds import View

Config = Mapping[str, Any]

LAYERS = {"cnn": ("input", "conv1", "conv2", "fc", "softmax"), "softmax": ("input", "softmax")}
STAGES = ("classifiers", "backworking", "retraining", "smoothing", "fooling", "black_box", "transfer")
OPTIONAL = {"linear": False, "fooling": (), "black_box": (), "transfer": {}}  # what an experiment without the key has
# The kinds of classifiers that a stage takes. Only what was trained here has seeds, and named layers.
KINDS = {
    "classifiers": ("architecture",),
    "backworking": ("architecture",),
    "retraining": ("architecture",),
    "smoothing": ("architecture", "torchvision", "torchscript", "exported"),
    "fooling": ("architecture", "torchvision", "torchscript", "exported"),
    "black_box": ("architecture", "scikit_learn"),
    "transfer": ("architecture", "scikit_learn"),
}
ON_PHOTOGRAPHS = ("smoothing", "fooling")
DIGITS_IMAGES, DIGITS_CLASSES = 1797, 10
LARGEST = 2**63 - 1


def check(config: Config, schema: Mapping[str, Any]) -> None:
    """Raise SpuriousError, in one line, for the first thing that is wrong with `config`.

    First the shape, by the JSON schema; then what a schema cannot say: names that stand nowhere, numbers
    that do not fit together, and an override that makes the configuration invalid.
    """
    try:
        problem = next(_problems(config, schema), None)
    except RecursionError:
        problem = "lists or mappings lie too deep in each other, or one holds itself by an alias: write them out"
    if problem is not None:
        raise SpuriousError(" ".join(f"config.yaml: {problem}".split()))


def experiment(config: Config, dataset: str) -> dict[str, Any]:
    """The configuration as it holds for `dataset`: its override merged in, its own entry as "experiment".

    The keys "experiments" and "targets", which concern all datasets, are left out. Raises SpuriousError
    where nothing is to be run on `dataset`.
    """
    if dataset not in config["experiments"]:
        raise SpuriousError(f"config.yaml: experiments: {unknown_name('dataset', dataset, config['experiments'])}")
    entry = {**OPTIONAL, **config["experiments"][dataset]}
    override = entry.pop("override", {})
    shared = {key: value for key, value in config.items() if key not in ("experiments", "targets")}
    return {**deep_merge(shared, override), "experiment": entry}


def searched(effective: Config) -> list[tuple[str, str]]:
    """Every classifier whose images can be searched, with every search, under the configuration of a dataset."""
    trained = [name for name, entry in effective["classifiers"].items() if "architecture" in entry]
    return list(itertools.product(trained, effective["backworking"]["searches"]))


def deep_merge(base: Config, override: Config) -> dict[str, Any]:
    """`base` with the values of `override`: mappings merge key by key, anything else is replaced."""
    merged = dict(base)
    for key, value in override.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = deep_merge(merged[key], value) if both else value
    return merged


def _problems(config: Config, schema: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong, the most telling first; a later check may rely on the earlier ones having passed."""
    yield from _unusable(config)
    yield from _shape(config, schema)
    yield from _datasets(config)
    yield from _references(config)
    for dataset in config["experiments"]:
        effective = experiment(config, dataset)
        entry = effective.pop("experiment")
        whole = {**config, **effective}
        for problem in itertools.chain(_shape(whole, schema), _references(whole)):
            yield f"experiments.{dataset}.override: {problem}"
        yield from _experiment(effective, entry, f"experiments.{dataset}")


def _unusable(value: Any, path: str = "") -> Iterator[str]:
    """Keys that YAML did not read as text, e.g. 1 or null, and whole numbers that no tensor holds."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                yield f"{_at(path)}the key {_shown(key)} is not text: put it in quotes"
            else:
                yield from _unusable(item, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _unusable(item, f"{path}[{index}]")
    elif isinstance(value, int) and not -LARGEST <= value <= LARGEST:
        yield f"{_at(path)}{_shown(value)} is not allowed: whole numbers must have less than 64 bits"


def _shown(value: Any) -> str:
    """The value as a message shows it, not too long."""
    try:
        return reprlib.repr(value)
    except ValueError:  # Python writes no whole number of more than 4300 digits
        return "a very long number"


def _shape(config: Config, schema: Mapping[str, Any]) -> Iterator[str]:
    """The most telling of the schema's errors: an unknown key before anything else, then the deepest."""
    errors = _Validator(schema).iter_errors(config)
    telling = max(errors, key=lambda error: (_is_unknown_key(error), len(error.absolute_path)), default=None)
    if telling is not None:
        yield _describe(telling, schema)


def _is_integer(_: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_: Any, value: Any) -> bool:
    return _is_integer(_, value) or (isinstance(value, float) and math.isfinite(value))


# JSON schema takes 2.0 for an integer and infinity for a number; neither can be computed with.
_Validator = extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many({"integer": _is_integer, "number": _is_number}),
)


def _is_unknown_key(error: ValidationError) -> bool:
    return error.validator == "additionalProperties"


def _describe(error: ValidationError, root: Mapping[str, Any]) -> str:
    """The error as "place: what is wrong: remedy"."""
    place = _at(_dotted(error.absolute_path))
    if _is_unknown_key(error):
        known = error.schema["properties"]
        return place + unknown_name("key", next(key for key in error.instance if key not in known), known)
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in error.instance)
        properties = _resolved(error.schema, root)["properties"]
        return f"{place}the key '{missing}' is missing" + _remedy(_resolved(properties[missing], root))
    if isinstance(error.instance, Mapping):
        return place + error.schema["description"]
    return f"{place}{reprlib.repr(error.instance)} is not allowed" + _remedy(error.schema)


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """`schema` with what its "$ref" to one of the definitions says, of whose properties it may describe some anew."""
    if "$ref" not in schema:
        return schema
    referred = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    properties = {**referred.get("properties", {}), **schema.get("properties", {})}
    return {**referred, **schema, "properties": properties}


def _remedy(schema: Mapping[str, Any]) -> str:
    return f": {schema['description']}" if "description" in schema else ""


def _dotted(path: Collection[str | int]) -> str:
    """`smoothing.kernels[1]` of ("smoothing", "kernels", 1)."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def _at(path: str) -> str:
    return f"{path}: " if path else ""


def _datasets(config: Config) -> Iterator[str]:
    for name, dataset in config["datasets"].items():
        if dataset["source"] == "digits" and dataset["validation"] + dataset["test"] > DIGITS_IMAGES - DIGITS_CLASSES:
            yield (
                f"datasets.{name}: validation and test take {dataset['validation'] + dataset['test']} of the "
                f"{DIGITS_IMAGES} images: leave at least {DIGITS_CLASSES} for training"
            )
    for name in config["experiments"]:
        if name not in config["datasets"]:
            yield f"experiments: {unknown_name('dataset', name, config['datasets'])}"
    for target, names in config["targets"].items():
        yield from _all_known(names, config["experiments"], "dataset", f"targets.{target}")


def _references(config: Config) -> Iterator[str]:
    """Recipes and searches that stand nowhere, searches that end before they may, and what is no view or noise."""
    yield from _kinds(config["smoothing"])
    for name, classifier in config["classifiers"].items():
        if classifier.get("crop", 0) > classifier.get("resize", math.inf):
            yield f"classifiers.{name}.crop: {classifier['crop']} exceeds resize ({classifier['resize']})"
        if "recipe" in classifier and classifier["recipe"] not in config["recipes"]:
            yield f"classifiers.{name}.recipe: {unknown_name('recipe', classifier['recipe'], config['recipes'])}"
    retraining, searches = config["retraining"], config["backworking"]["searches"]
    if retraining["recipe"] not in config["recipes"]:
        yield f"retraining.recipe: {unknown_name('recipe', retraining['recipe'], config['recipes'])}"
    yield from _all_known(retraining["attacks"], searches, "search", "retraining.attacks")
    for name, values in searches.items():
        search = SearchSettings(**values)
        if search.min_steps > search.max_steps:
            yield f"backworking.searches.{name}.min_steps: {search.min_steps} exceeds max_steps ({search.max_steps})"


def _kinds(smoothing: Config) -> Iterator[str]:
    """What is wrong with the views that vote and with the noises of the variants."""
    views = [problem_or_parsed(View, view) for view in smoothing.get("views", ())]
    for index, view in enumerate(views):
        if isinstance(view, Problem):
            yield str(view._replace(place=("smoothing", "views", index, *view.place)))
    names = [view.name for view in views if isinstance(view, View)]
    for name in names:
        if names.count(name) > 1:
            yield f"smoothing.views: two views are called {name!r}: give one of them another name"
    for name, variant in smoothing["variants"].items():
        noise = problem_or_parsed(Noise, variant.get("noise", "gaussian"))
        if isinstance(noise, Problem):
            yield str(noise._replace(place=("smoothing", "variants", name, "noise", *noise.place)))


def _experiment(effective: Config, entry: Config, place: str) -> Iterator[str]:
    """What is wrong with an entry of experiments, under the configuration that holds for its dataset."""
    for stage in STAGES:
        yield from _all_known(entry[stage], effective["classifiers"], "classifier", f"{place}.{stage}")
    for stage in STAGES:
        yield from _suitable(effective, entry, stage, place)
    for name, seeds in entry["transfer"].items():
        for seed in seeds:
            if seed not in entry["seeds"]:
                yield f"{place}.transfer.{name}: the seed {seed} is not among the experiment's: use {entry['seeds']}"
    if entry["linear"]:
        yield from _linear_classes(effective, place)
    if entry["retraining"] and len(entry["seeds"]) < 2:
        yield (
            f"{place}.seeds: {entry['seeds']} is not allowed: retraining needs two seeds or more, "
            "since the net of another seed is its control"
        )
    yield from _figure_names(effective, place)
    searches, attacks = effective["backworking"]["searches"], effective["retraining"]["attacks"]
    for stage, names in (("backworking", searches), ("retraining", attacks)):
        for classifier in entry[stage]:
            yield from _layers(effective, classifier, names)


def _suitable(effective: Config, entry: Config, stage: str, place: str) -> Iterator[str]:
    """Classifiers that a stage cannot take: of a kind without what it needs, or on images that it cannot read."""
    source = effective["datasets"][place.split(".", 1)[1]]["source"]
    for index, name in enumerate(entry[stage]):
        here = f"{place}.{stage}[{index}]"
        if source == "store":
            yield f"{here}: a store is only for linear classifiers: leave {name!r} out"
        if source == "images" and stage not in ON_PHOTOGRAPHS:
            allowed = " or ".join(ON_PHOTOGRAPHS)
            yield f"{here}: photographs differ in size, and nothing is trained on them: name {name!r} in {allowed}"
        if not any(kind in effective["classifiers"][name] for kind in KINDS[stage]):
            kinds = effective["classifiers"][name]
            fitting = [other for other in STAGES if any(kind in kinds for kind in KINDS[other])]
            yield (
                f"{here}: {name!r} has no {' or '.join(KINDS[stage])}: give it one, or name it in "
                f"{' or '.join(fitting)} instead"
            )


def _figure_names(effective: Config, place: str) -> Iterator[str]:
    """Searches of two classifiers whose figures would have one name: one would be drawn as the other."""
    named = {}
    for classifier, search in searched(effective):
        other = named.setdefault(f"{classifier}-{search}", (classifier, search))
        if other != (classifier, search):
            yield (
                f"{place}: the search {search!r} of the classifier {classifier!r} and the search {other[1]!r} of"
                f" {other[0]!r} have one name of their figures, found-{classifier}-{search}: rename one of them"
            )


def _linear_classes(effective: Config, place: str) -> Iterator[str]:
    """Classes of the linear classifiers' figures and pair that the dataset does not have."""
    classes = effective["datasets"][place.split(".", 1)[1]].get("classes", DIGITS_CLASSES)
    for key in ("targets", "pair"):
        for target in effective["linear"][key] or ():
            if target >= classes:
                yield f"{place}: linear.{key}: there is no class {target}: use 0 to {classes - 1}"


def _layers(config: Config, classifier: str, searches: Collection[str]) -> Iterator[str]:
    """Layers of `classifier` that a cost among `searches` gives no weight."""
    for name in searches:
        search = SearchSettings(**config["backworking"]["searches"][name])
        for layer in LAYERS[config["classifiers"][classifier]["architecture"]]:
            if search.objective == "cost" and layer not in search.layer_weights:
                yield (
                    f"backworking.searches.{name}.layer_weights: the layer {layer!r} of the classifier "
                    f"{classifier!r} is missing: give it a weight, 0 to ignore it"
                )


def _all_known(names: Collection[str], known: Collection[str], kind: str, place: str) -> Iterator[str]:
    for index, name in enumerate(names):
        if name not in known:
            yield f"{place}[{index}]: {unknown_name(kind, name, known)}"
