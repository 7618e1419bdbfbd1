"""What an experiment shows: its tables, figures and findings as data, which the rules read and no job imports.

They are in the module `catalogue` of its package, beside its room (see `spurious.experiments.rooms`): `RESULTS` are
its tables and figures, `FINDINGS` its part of the front page.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

Settings = Mapping[str, Any]
Source = str | tuple[str, ...]


def always(settings: Settings) -> bool:
    """Wherever the experiment takes part."""
    return True


def number_of_classes(settings: Settings) -> int:
    """How many the dataset has."""
    return settings["dataset"].get("classes", 10)


def of_photographs(settings: Settings) -> bool:
    """Whether the dataset is of photographs, each of its own size."""
    return settings["dataset"]["source"] == "images"


def of_classifier(section: Settings, classifier: str) -> dict[str, Any]:
    """A section as it holds for a classifier: what is different for it, under `classifiers`, put in place."""
    shared = {key: value for key, value in section.items() if key != "classifiers"}
    own = section.get("classifiers", {}).get(classifier, {})
    return {**shared, **{key: value for key, value in own.items() if value is not None}}


CLASSES = {"classes": number_of_classes}
NAMES = {"class_names": "class_names"}  # an input


@dataclass(frozen=True)
class Result:
    """A table or a figure of a dataset.

    `name` is that of its files; with "{classifier}" in it there is one for each value. `function` is
    "module:function" or "file.py:function". Its keywords are those of `inputs` and `settings`, and the wildcards of
    `name` that it asks for. An input is "rule.output" or several of these, "table.<name>" (the CSV file of a table),
    "resource.<file>", or one of the rules' own sources; its annotation decides how the files are read. A wildcard that
    `name` lacks takes all of its values; those in `first` the first one. A setting is a dotted key of the settings that
    hold for the dataset, or a function of them.
    """

    name: str
    function: str
    inputs: Mapping[str, Source] = field(default_factory=dict)
    settings: Mapping[str, str | Callable[[Settings], Any]] = field(default_factory=dict)
    first: tuple[str, ...] = ()
    label: str = ""  # in the report's menu and above a table, in words; the name if left out
    when: Callable[[Settings], bool] = always
    kind: ClassVar[str]
    files: ClassVar[tuple[str, ...]]

    @property
    def stem(self) -> str:
        """The name without its wildcards."""
        return re.sub(r"-\{\w+\}", "", self.name)

    @property
    def wildcards(self) -> tuple[str, ...]:
        """The wildcards of the name."""
        return tuple(re.findall(r"\{(\w+)\}", self.name))


class Table(Result):
    """A function to a data frame; written as CSV, Markdown and HTML."""

    kind, files = "table", ("csv", "md", "html")


class Figure(Result):
    """A function to a matplotlib figure; written as PNG and SVG."""

    kind, files = "figure", ("png", "svg")


@dataclass(frozen=True)
class Findings:
    """What the report says of an experiment: on its front page a heading, the question and the main figure.

    `function` yields sentences from tables, by keyword, for the caption of the first one; a table that the dataset does
    not have is None. `figure` is the name of a figure of the experiment, or "".
    """

    title: str
    function: str
    tables: Mapping[str, str]
    settings: Mapping[str, str | Callable[[Settings], Any]] = field(default_factory=dict)
    question: str = ""
    figure: str = ""


def named_classifiers(settings: Settings) -> list[str]:
    """The classifiers that the experiments of a dataset name, from the first one on; some are only switched on."""
    entry = settings["experiment"]
    lists = [names for stage, names in entry.items() if stage != "seeds" and not isinstance(names, bool)]
    return list(dict.fromkeys(name for names in lists for name in names))


def setting(settings: Settings, key: str | Callable[[Settings], Any]) -> Any:
    """The value of a dotted key, "backworking.found_above" or "experiment.seeds.0", or of a function."""
    if callable(key):
        return key(settings)
    value: Any = settings
    for part in key.split("."):
        value = value[int(part)] if isinstance(value, list | tuple) else value[part]
    return value
