"""The experiments that there are, each as its own package declares it.

A package of `spurious.experiments` with a module `catalogue` is an experiment. The catalogue holds its `ROOM`, and as
`RESULTS` and `FINDINGS` what it shows. The sections of config.yaml, the checks of the configuration, the values of
wildcards and the rules of the workflow follow from the rooms; no list of experiments is kept elsewhere.
"""

import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Annotated, Any

from pydantic import Field
from pydantic.fields import FieldInfo

import spurious.experiments
from spurious.errors import SpuriousError, unknown_name
from spurious.parameters import Unique
from spurious.registry import Settings

Key = str | Callable[[Mapping[str, Any]], Any]
ClassifierNames = Annotated[tuple[Annotated[str, Field(description="name of one of the classifiers")], ...], Unique()]
WITH_GRADIENT = ("architecture", "torchvision", "torchscript", "exported")
TRAINED = ("architecture",)


@dataclass(frozen=True)
class Room:
    """How an experiment takes part in the workflow.

    `title` is its category of the report. Its rules and its section come somewhere behind those of the experiment
    `after`, whose rules its own may name. Everything else may be left out:

    - `settings`: the class of its section of config.yaml, which a dataset may override
    - `threads`: the key under `threads` of its jobs, where the last digits of what they compute depend on it
    - `runs`: type and field of its entry under `experiments.<dataset>`, such as `names_of(...)`
    - `kinds`: the kinds of classifiers that its entry may name; `photographs`: also on photographs
    - `one_class`: whether it reads the logits as those of a softmax, where one class of all is there: it may not name
      a classifier whose classes are independent
    - `wildcards`: the values of the wildcards of its rules, beside classifier, seed and label: a dotted key of the
      settings that hold for a dataset, or a function of them. Several wildcards in one key take their values together,
      from a list of mappings; with the classifier among them, those of each classifier are its own.
    - `measured`: its rules with a benchmark, which the provenance adds up
    - `reserved`: files and folders of a dataset beside the folders of its classifiers, which cannot have these names
    - `present`: where it takes part, a function of these settings; without it, where its entry names something
    """

    title: str
    after: str = ""
    settings: type[Settings] | None = None
    threads: str = ""
    runs: tuple[Any, FieldInfo] | None = None
    kinds: tuple[str, ...] = ()
    photographs: bool = False
    one_class: bool = False
    wildcards: Mapping[str | tuple[str, ...], Key] = field(default_factory=dict)
    measured: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ()
    present: Callable[[Mapping[str, Any]], bool] | None = None


def names_of(description: str, **limits: Any) -> tuple[Any, FieldInfo]:
    """The entry of an experiment that is run on classifiers: their names."""
    return ClassifierNames, Field((), description=description, **limits)


@functools.cache
def catalogues() -> dict[str, ModuleType]:
    """The catalogue of every experiment by its name, each behind the one that its room is after."""
    names = sorted(module.name for module in pkgutil.iter_modules(spurious.experiments.__path__) if module.ispkg)
    found = {name: importlib.import_module(f"spurious.experiments.{name}.catalogue") for name in names}
    ordered = in_order({name: catalogue.ROOM.after for name, catalogue in found.items()})
    return {name: found[name] for name in ordered}


def in_order(after: Mapping[str, str]) -> list[str]:
    """The names, each behind the one that it is `after` ("": the first); several that are after one are sorted by name.

    Raises SpuriousError for a name that is after none of the others.
    """

    def behind(place: str) -> list[str]:
        return [each for name in sorted(after) if after[name] == place for each in (name, *behind(name))]

    ordered = behind("")
    for name in after:
        if name not in ordered:
            remedy = unknown_name("experiment", after[name], ordered)
            raise SpuriousError(f"spurious.experiments.{name}.catalogue: ROOM.after: {remedy}")
    return ordered


def rooms() -> dict[str, Room]:
    """The room of every experiment by its name, in the order of the data."""
    return {name: catalogue.ROOM for name, catalogue in catalogues().items()}


def takes_part(name: str, room: Room, settings: Mapping[str, Any]) -> bool:
    """Whether the dataset with these settings has the experiment of this name."""
    return room.present(settings) if room.present else bool(settings["experiment"][name])
