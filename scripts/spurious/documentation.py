"""The documentation of the configuration, made from its settings: the JSON schema, and a table of the parameters."""

import json
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from spurious.problems import field_place
from spurious.registry import Entry, Settings
from spurious.sections import Configuration

HEAD = ("key", "default", "what is allowed")


def schema() -> dict[str, Any]:
    """The JSON schema of config.yaml, for editors: what the settings refuse beyond it, they name by themselves."""
    made = Configuration.model_json_schema()
    overridden = made["$defs"]["Override"]["properties"]
    whole = [name for name in overridden if not _in_parts(field_place(Configuration.model_fields[name])[0])]
    overridden |= {name: made["properties"][name] for name in whole}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_plain(made)}


def _plain(value: Any) -> Any:
    """What pydantic makes of the settings, without titles (they repeat the keys) and defaults that are mappings.

    A length belongs to a text or to a list, and names that do not match the pattern of a mapping's are not allowed.
    """
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    dropped = {"title"} if isinstance(value.get("title"), str) else set()
    if isinstance(value.get("default", {}), Mapping) or value["default"] is None:
        dropped.add("default")
    lengths = {"minLength": "minItems", "maxLength": "maxItems"} if value.get("type") == "array" else {}
    plain = {lengths.get(key, key): _plain(item) for key, item in value.items() if key not in dropped}
    return plain | ({"additionalProperties": False} if "patternProperties" in plain else {})


def rows() -> list[tuple[str, str, str]]:
    """A row of HEAD for every key of config.yaml; <name> stands for names that the user chooses."""
    return list(_rows(Configuration, ""))


def _rows(cls: type[Settings], place: str, kind: str = "") -> Iterator[tuple[str, str, str]]:
    for name, field in cls.model_fields.items():
        hint, remedy = field_place(field)
        needed = field.is_required() or name in getattr(cls, "needed", ())
        nullable = type(None) in typing.get_args(field.annotation)
        default = "" if needed or (field.default is None and not nullable) else _shown(field.default)
        yield f"`{place}{name}`{kind}", default, remedy
        yield from _inside(hint, f"{place}{name}", kind)


def _inside(hint: Any, key: str, kind: str = "") -> Iterator[tuple[str, str, str]]:
    """The rows below a key of this kind of entry, by the type of what is there."""
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is dict:
        yield from _inside(_bare(arguments[1]), f"{key}.<name>", kind)
    elif typing.get_origin(hint) is tuple:
        yield from _inside(_bare(arguments[0]), f"{key}[]", kind)
    elif isinstance(hint, type) and issubclass(hint, Entry):
        yield from _kinds(hint, key)
    elif isinstance(hint, type) and issubclass(hint, Settings):
        yield from _rows(hint, f"{key}.", kind)


def _in_parts(hint: Any) -> bool:
    """Whether there are entries by name below it: an override may name a part of them only."""
    if typing.get_origin(hint) is dict:
        inside = _bare(typing.get_args(hint)[1])
        return isinstance(inside, type) and issubclass(inside, Settings)
    if not (isinstance(hint, type) and issubclass(hint, Settings)):
        return False
    return any(_in_parts(field_place(field)[0]) for field in hint.model_fields.values())


def _bare(hint: Any) -> Any:
    return typing.get_args(hint)[0] if hasattr(hint, "__metadata__") else hint


def _kinds(family: type[Entry], key: str) -> Iterator[tuple[str, str, str]]:
    """The keys of every kind of a family."""
    for name, kind in family.kinds.items():
        if kind.kind is None:
            yield from _kinds(kind, key)
        else:
            yield from _rows(kind, f"{key}.", f" ({kind.key}: {name})" if kind.key else f" ({name})")


def _shown(default: Any) -> str:
    """A default as YAML writes it; what is too long is in config.yaml."""
    if isinstance(default, Settings | Mapping):
        return ""
    text = json.dumps(default)
    return text if len(text) <= 40 else "see config.yaml"
