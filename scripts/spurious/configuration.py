"""The configuration: completed by the defaults, checked in one go, merged by dataset."""

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from spurious.consistency import dataset_problems, experiment_problems, reference_problems
from spurious.errors import SpuriousError, unknown_name
from spurious.problems import TOO_DEEP, Place, Problem, unusable
from spurious.registry import Settings, load_extensions, problem_or_parsed
from spurious.sections import Configuration, Experiment, Extensions, Shared

Config = Mapping[str, Any]


def check(
    config: Config,
    located: Callable[[str], str] = str,
    named: Callable[[Place], str] = lambda place: "config.yaml",
    published: Collection[str] | None = None,
) -> None:
    """Raise SpuriousError, in one line, for the first thing that is wrong with `config`.

    First every key by itself and with those beside it; then names that do not exist, numbers that do not fit together,
    and an override that makes the configuration invalid. The files under `extensions` are imported before, each from
    where it is `located`. The line begins with what `named` calls the file that holds a key. `published`: the names
    that `published_as` may take; None is any.
    """
    try:
        problem = next(_problems(config, located, published), None)
    except RecursionError:
        problem = Problem((), TOO_DEEP)
    if problem is not None:
        key = () if problem.key is None else (problem.key,)
        raise SpuriousError(f"{named((*problem.place, *key))}: {problem}")


def completed(config: Config) -> dict[str, Any]:
    """`config` with the defaults of what it leaves out: sections, keys of sections at any depth, and named entries.

    Datasets, classifiers and recipes are added to the known ones; searches, methods and variants replace those.
    """
    defaults, fields = _defaults(Configuration), Configuration.model_fields
    own = {key: _filled(config[key], fields[key].default) for key in defaults if key in config}
    return {
        **{key: own.get(key, default) for key, default in defaults.items()},
        **{key: value for key, value in config.items() if key not in defaults},
    }


def settings_for(config: Config, dataset: str) -> dict[str, Any]:
    """The completed configuration as it holds for `dataset`: its override merged in, its own entry as "experiment".

    The keys "experiments" and "targets", which concern all datasets, are left out. Raises SpuriousError
    where nothing is to be run on `dataset`.
    """
    if dataset not in config["experiments"]:
        raise SpuriousError(f"config.yaml: experiments: {unknown_name('dataset', dataset, config['experiments'])}")
    entry = _section(config["experiments"][dataset], Experiment)
    shared = {key: value for key, value in completed(config).items() if key not in ("experiments", "targets")}
    return {**deep_merge(shared, entry.pop("override")), "experiment": entry}


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


def _filled(value: Any, default: Any) -> Any:
    """A section, or entries that have a name, with the defaults of what it leaves out."""
    if isinstance(default, Settings):
        return _section(value, type(default))
    return {**_plain(default), **value} if isinstance(value, Mapping) and isinstance(default, Mapping) else value


def _section(value: Any, cls: type[Settings]) -> Any:
    """A section with the defaults of the keys that it leaves out, and so the sections inside it."""
    if not isinstance(value, Mapping):
        return value
    inside = {name: field.default for name, field in cls.model_fields.items() if isinstance(field.default, Settings)}
    filled = {name: _section(value[name], type(default)) for name, default in inside.items() if name in value}
    return {**_defaults(cls), **value, **filled}


def _defaults(cls: type[Settings]) -> dict[str, Any]:
    """The defaults of the keys that have one, as YAML would give them."""
    return {name: _plain(field.default) for name, field in cls.model_fields.items() if not field.is_required()}


def _plain(value: Any) -> Any:
    if isinstance(value, Settings):
        return _defaults(type(value))
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _problems(config: Config, located: Callable[[str], str], published: Collection[str] | None) -> Iterator[Problem]:
    """What is wrong, the most telling first; a later check may rely on the earlier ones having passed."""
    yield from unusable(config)
    if isinstance(config, Mapping):
        yield from _extensions(config, located)
        config = completed(config)
    found = problem_or_parsed(Configuration, config)
    if isinstance(found, Problem):
        yield found
        return
    yield from dataset_problems(found)
    yield from reference_problems(found, published)
    for dataset, entry in found.experiments.items():
        place = ("experiments", dataset)
        merged = deep_merge(config, entry.override.model_dump(exclude_unset=True))
        own = problem_or_parsed(Shared, {key: merged[key] for key in Shared.model_fields})
        problems = [own] if isinstance(own, Problem) else reference_problems(own, published)
        yield from (_in_override(problem, config["experiments"][dataset], place) for problem in problems)
        yield from experiment_problems(own, found.datasets[dataset], entry, place)


def _extensions(config: Config, located: Callable[[str], str]) -> Iterator[Problem]:
    """What is wrong with the files that declare kinds of their own, which are imported."""
    found = problem_or_parsed(Extensions, {key: config[key] for key in Extensions.model_fields if key in config})
    if isinstance(found, Problem):
        yield found
        return
    try:
        load_extensions(map(located, found.extensions))
    except SpuriousError as error:
        yield Problem((), str(error), key="extensions")


def _in_override(problem: Problem, experiment: Config, place: Place) -> Problem:
    """The problem of a merged configuration, at the key of the override where that is what is wrong."""
    inside: Any = experiment.get("override")
    for part in problem.place:
        within = part in inside if isinstance(inside, Mapping) else isinstance(inside, list) and isinstance(part, int)
        if not (problem.inner and within):
            return Problem((*place, "override"), str(problem))
        inside = inside[part]
    return problem._replace(place=(*place, "override", *problem.place))
