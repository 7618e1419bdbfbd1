"""Typed settings and registries of kinds: a mapping of the configuration becomes a checked, frozen object.

A kind (a view, a noise, an architecture) is a subclass that names it; it is parsed, and is in the schema, from then
on. Planning imports all settings, so nothing here, and no declaration of a kind, may import torch or pandas: what a
kind needs to compute is imported where it computes.
"""

import importlib.util
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationError, model_validator
from pydantic_core import CoreSchema

from spurious.errors import SpuriousError, reason_of, unknown_name
from spurious.problems import TOO_DEEP, Problem, misfit, most_telling, shown, unusable

Parsed = TypeVar("Parsed", bound="Settings")

_loaded: dict[Path, ModuleType] = {}


class Settings(BaseModel):
    """Frozen values with defaults, checked when they are made.

    The description of a field says what is allowed there: it is the remedy of an error line, and the text of the schema
    and of the table of parameters. Strict: no text for a number, no True or 2.0 for a whole number, nothing infinite.
    `remedy` says what may stand for the whole where no field does.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False, regex_engine="python-re")
    remedy: ClassVar[str] = ""

    def changed(self, **values: Any) -> Self:
        """These settings with other `values`; SpuriousError, as `parse` raises it, where they do not fit."""
        return parse(type(self), {name: getattr(self, name) for name in self.model_fields_set} | values)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The schema, described by the remedy: docstrings are for those who read the code."""
        schema = {
            key: value for key, value in handler.resolve_ref_schema(handler(core)).items() if key != "description"
        }
        return {"description": cls.remedy, **schema} if cls.remedy else schema


class Entry(Settings):
    """A kind and its parameters.

    A direct subclass begins a family, `class View(Entry)`, and a subclass of that is one of its kinds, `class
    Median(View, kind="median")`. In the configuration a kind is a mapping with its name under the family's `key` and
    its parameters, `{kind: median, size: 5}`, or the bare name, `median`, which leaves all at their defaults. Two kinds
    of one name in a family raise SpuriousError. `usual` is the kind of a mapping that names none. `needed` are keys
    that the configuration must have although they have a default: jobs do without them.
    """

    key: ClassVar[str | None] = "kind"
    kind: ClassVar[str | None] = None
    kinds: ClassVar[dict[str, type["Entry"]]] = {}
    usual: ClassVar[str | None] = None
    needed: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, *, kind: str | None = None, key: str | None = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        if kind is not None and cls.kinds.setdefault(kind, cls) is not cls:
            raise SpuriousError(f"two kinds are called {kind!r}: {cls.kinds[kind].__name__} and {cls.__name__}")
        cls.kind = kind
        if Entry in cls.__bases__ or key is not None:
            cls.kind, cls.kinds, cls.key = None, {}, key or cls.key

    @classmethod
    def of(cls, value: Any) -> type[Self]:
        """The class of the kind that `value`, a name or a mapping, asks for; ValidationError where there is none."""
        if cls.kind is not None:
            return cls
        if isinstance(value, Mapping) and cls.key not in value:
            if cls.usual is not None:
                return cls.kinds[cls.usual]
            raise misfit(f"the key '{cls.key}' is missing: {cls.remedy}")
        name, place = (value[cls.key], [cls.key]) if isinstance(value, Mapping) else (value, [])
        if not isinstance(name, str):
            raise misfit(f"{shown(name)} is not allowed: {cls.remedy}", *place, inner=True)
        if name not in cls.kinds:
            raise misfit(f"{shown(name)} is not allowed: {cls.remedy}; {_meant(name, cls.kinds)}", *place, inner=True)
        return cls.kinds[name]

    @model_validator(mode="wrap")
    @classmethod
    def _of_its_kind(cls, value: Any, handler: Any) -> Self:
        if isinstance(value, cls):
            return value
        chosen = cls.of(value)
        if chosen is not cls:
            return chosen.model_validate(value)
        if isinstance(value, Mapping):
            return handler({key: item for key, item in value.items() if (key, item) != (cls.key, cls.kind)})
        return handler({} if value == cls.kind else value)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The parameters with the key that names the kind; of a family, one of its kinds or of their bare names."""
        if cls.kind is None:
            kinds = [
                kind.__get_pydantic_json_schema__(kind.__pydantic_core_schema__, handler) for kind in cls.kinds.values()
            ]
            names = [{"enum": list(cls.kinds)}] if cls.key == "kind" else []
            return {"description": cls.remedy, "oneOf": [*names, *kinds]}
        schema = super().__get_pydantic_json_schema__(core, handler)
        if cls.key is None or cls.key in schema.get("properties", {}):
            return schema
        properties = {cls.key: {"const": cls.kind, "description": cls.remedy}, **schema.get("properties", {})}
        named = [] if cls.kind == cls.usual else [cls.key]
        return {**schema, "properties": properties, "required": [*named, *cls.needed, *schema.get("required", [])]}


def _meant(name: str, known: Iterable[str]) -> str:
    return unknown_name("kind", name, list(known)).split("; ", 1)[1]


def parse(cls: type[Parsed], value: Any, place: str = "") -> Parsed:
    """`value`, as YAML or JSON gives it, as settings of the class. Lists become tuples.

    Raises SpuriousError, one line of `place`, the key, what is wrong and what is allowed there.
    """
    found = problem_or_parsed(cls, value)
    if isinstance(found, Problem):
        raise SpuriousError(f"{place}: {found}" if place else str(found))
    return found


def as_data(value: Any) -> Any:
    """What `parse` makes these settings of, in types of JSON: kinds named, defaults filled in, None left out."""
    if isinstance(value, Settings):
        kind = {value.key: value.kind} if isinstance(value, Entry) and value.key and value.kind else {}
        own = {name: as_data(getattr(value, name)) for name in type(value).model_fields}
        return kind | {name: item for name, item in own.items() if item is not None}
    if isinstance(value, Mapping):
        return {key: as_data(item) for key, item in value.items()}
    return [as_data(item) for item in value] if isinstance(value, tuple) else value


def problem_or_parsed(cls: type[Parsed], value: Any) -> Problem | Parsed:
    """The settings, or the most telling thing that is wrong with `value`."""
    try:
        problem = next(unusable(value), None)
        return cls.model_validate(_with_tuples(value)) if problem is None else problem
    except ValidationError as error:
        return most_telling(error, cls, _with_tuples(value))
    except RecursionError:
        return Problem((), TOO_DEEP)


def _with_tuples(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _with_tuples(item) for key, item in value.items()}
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value


def load_extensions(paths: Iterable[str]) -> None:
    """Import Python files, which may declare kinds, each once; SpuriousError, naming the file, where that fails."""
    for path in paths:
        found = Path(path).resolve()
        if found not in _loaded:
            try:
                _loaded[found] = _imported(found)
            except (Exception, SystemExit) as error:
                reason = f"{type(error).__name__}: {reason_of(error)}"[:200]
                raise SpuriousError(f"extensions: {path}: cannot be imported ({reason}); fix it or its path") from None


def _imported(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"spurious_extension_{len(_loaded)}_{path.stem}", path)
    if spec is None:
        raise ImportError("its name does not end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # pickling and typing look a class's module up
    spec.loader.exec_module(module)
    return module
