"""What is wrong with a mapping of the configuration, as one line: the key, what is wrong, what is allowed there."""

import reprlib
import types
import typing
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from spurious.errors import unknown_name

Place = tuple[str | int, ...]

LARGEST = 2**63 - 1
TOO_DEEP = "lists or mappings lie too deep in each other, or one holds itself by an alias: write them out"


class Problem(NamedTuple):
    """What is wrong at a place in a mapping: the keys and indices that lead there, and the text that follows them.

    `inner`: the value is wrong by itself, rather than beside others. `key`: the one in that place that is wrong.
    """

    place: Place
    text: str
    inner: bool = False
    key: str | None = None

    def __str__(self) -> str:
        return " ".join(f"{at(self.place)}{self.text}".split())


def at(place: Iterable[str | int]) -> str:
    """`smoothing.kernels[1]: ` of ("smoothing", "kernels", 1), nothing of nothing."""
    dotted = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
    return f"{dotted}: " if dotted else ""


def shown(value: Any) -> str:
    """The value as a message shows it, not too long."""
    try:
        return reprlib.repr(_with_lists(value))
    except ValueError:  # Python writes no whole number of more than 4300 digits
        return "a very long number"


def _with_lists(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _with_lists(item) for key, item in value.items()}
    return [_with_lists(item) for item in value] if isinstance(value, list | tuple) else value


def misfit(text: str, *place: str | int, inner: bool = False) -> ValidationError:
    """What a validator raises to say that `text` holds for what lies at `place` in its value; `inner` as in Problem."""
    error = PydanticCustomError("misfit", "{text}", {"text": text, "inner": inner})
    return ValidationError.from_exception_data("settings", [{"type": error, "loc": place, "input": None}])


def unusable(value: Any, place: Place = ()) -> Iterator[Problem]:
    """Keys that YAML did not read as text, e.g. 1 or null, and whole numbers that no tensor holds."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                yield Problem(place, f"the key {shown(key)} is not text: put it in quotes")
            else:
                yield from unusable(item, (*place, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from unusable(item, (*place, index))
    elif isinstance(value, int) and not -LARGEST <= value <= LARGEST:
        yield Problem(place, f"{shown(value)} is not allowed: whole numbers must have less than 64 bits", inner=True)


def most_telling(error: ValidationError, cls: type[BaseModel], value: Any) -> Problem:
    """Of what pydantic found wrong with a `value` for `cls`: an unknown key before anything else, then the deepest."""
    errors = error.errors(include_url=False)
    return _problem(max(errors, key=lambda item: (item["type"] == "extra_forbidden", len(item["loc"]))), cls, value)


def _problem(error: Mapping[str, Any], cls: type[BaseModel], value: Any) -> Problem:
    place, kind = error["loc"], error["type"]
    if kind == "misfit":
        return Problem(place, error["ctx"]["text"], error["ctx"]["inner"])
    if kind == "value_error":
        return Problem(place, str(error["ctx"]["error"]))
    if kind == "extra_forbidden":
        *outer, key = place
        return Problem(tuple(outer), unknown_name("key", key, _known(*_at(outer, cls, value))), True, key)
    if place[-1:] == ("[key]",):
        *outer, name, _ = place
        names = typing.get_args(_at(outer, cls, value).hint)[0]
        remedy = error.get("ctx", {}).get("remedy") or _spot(names, None).remedy
        return Problem(tuple(outer), f"{shown(name)} is not allowed: {remedy}", True, name)
    remedy = _remedy(_at(place, cls, value))
    if kind == "missing":
        return Problem(place[:-1], f"the key '{place[-1]}' is missing{remedy}")
    return Problem(place, f"{shown(error['input'])} is not allowed{remedy}", inner=True)


class _Spot(NamedTuple):
    """A place in a value: its type, what is allowed there, and what is there."""

    hint: Any
    remedy: str
    value: Any


def _remedy(spot: _Spot) -> str:
    return f": {spot.remedy}" if spot.remedy else ""


def _known(hint: Any, remedy: str, value: Any) -> Collection[str]:
    """The keys of a model, after that which names its kind."""
    kind = _of_its_kind(hint, value)
    return list(dict.fromkeys([*([kind.key] if getattr(kind, "key", None) else []), *kind.model_fields]))


def _at(place: Iterable[str | int], cls: type[BaseModel], value: Any) -> _Spot:
    """Follow a place through the types, and through the value to see which kinds it asks for."""
    spot = _Spot(cls, getattr(cls, "remedy", ""), value)
    for part in place:
        inside = spot.value
        if isinstance(inside, Mapping):
            inside = inside.get(part)
        elif isinstance(inside, tuple) and isinstance(part, int):
            inside = inside[part]
        spot = _inner(spot, part, inside)
    return spot


def _inner(spot: _Spot, part: str | int, value: Any) -> _Spot:
    """The place of a key or an index in that of a mapping or a list."""
    arguments = typing.get_args(spot.hint)
    if arguments:  # dict[name, item] or tuple[item, ...]
        return _spot(arguments[1] if typing.get_origin(spot.hint) is dict else arguments[0], value)
    kind = _of_its_kind(spot.hint, spot.value)
    if part in kind.model_fields:
        field = kind.model_fields[part]
        return _spot(field.annotation, value, field.description)
    return _Spot(str, getattr(kind, "remedy", ""), value)


def _spot(hint: Any, value: Any, remedy: str | None = None) -> _Spot:
    """A place of a type, which may be optional and annotated with a description."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        hint = next(one for one in typing.get_args(hint) if one is not type(None))
    for note in getattr(hint, "__metadata__", ()):
        remedy = remedy or (note.description if isinstance(note, FieldInfo) else None)
    hint = typing.get_args(hint)[0] if hasattr(hint, "__metadata__") else hint
    return _Spot(hint, remedy or getattr(hint, "remedy", ""), value)


def field_place(field: FieldInfo) -> tuple[Any, str]:
    """The type of a field without null, and what is allowed there."""
    spot = _spot(field.annotation, None, field.description)
    return spot.hint, spot.remedy


def _of_its_kind(hint: Any, value: Any) -> type[BaseModel]:
    return hint.of(value) if hasattr(hint, "of") else hint
