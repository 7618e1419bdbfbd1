"""Types of settings that several experiments share, each with what is allowed there."""

from collections.abc import Collection
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from spurious.problems import misfit, shown


class Unique:
    """Annotation of a tuple whose items must differ."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(_different, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(core) | {"uniqueItems": True}


def _different(items: tuple[Any, ...]) -> tuple[Any, ...]:
    if any(item in items[:index] for index, item in enumerate(items)):
        raise PydanticCustomError("not_unique", "items must differ")
    return items


class NamesOrTable:
    """Annotation of different names that are not empty, or of the path of a table that holds them."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(_names_or_path)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        text = {"type": "string", "minLength": 1}
        return {"anyOf": [text, {"type": "array", "items": text, "minItems": 1, "uniqueItems": True}]}


def _names_or_path(value: Any) -> str | tuple[str, ...]:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, list | tuple) and all(isinstance(name, str) and name.strip() for name in value):
        return _different(tuple(value))
    raise PydanticCustomError("no_names", "must be names or a path")


class OtherThan:
    """Annotation of a value that must be none of the `reserved` ones; a `remedy` replaces the description.

    With `ignore_case`, for names of files and folders, it must differ from them in more than case.
    """

    def __init__(self, *reserved: str | int, remedy: str = "", ignore_case: bool = False):
        self.reserved, self.remedy, self.ignore_case = reserved, remedy, ignore_case

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._free, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(core) | {"not": {"enum": list(self.reserved)}}

    def _free(self, value: str | int) -> str | int:
        compared, reserved = value, self.reserved
        if self.ignore_case:
            compared, reserved = str(value).casefold(), [str(other).casefold() for other in self.reserved]
        if compared in reserved:
            raise PydanticCustomError("reserved", "is reserved", {"remedy": self.remedy})
        return value


class OneOf:
    """Annotation of a name that must be in a mapping, to which an extension may add."""

    def __init__(self, known: Collection[str]):
        self.known = known

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._known, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"enum": list(self.known)}

    def _known(self, name: str) -> str:
        if name not in self.known:
            raise misfit(f"{shown(name)} is not allowed: one of {', '.join(self.known)}", inner=True)
        return name


def _odd(number: int) -> int:
    if number % 2 == 0:
        raise PydanticCustomError("not_odd", "must be odd")
    return number


class Odd:
    """Annotation of a whole number that must be odd."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(_odd, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(core) | {"not": {"multipleOf": 2}}


Name = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$(?!\n)",
        description="a name made of letters, digits, '_', '.' and '-', not starting with '.' or '-'",
    ),
]
Text = Annotated[str, Field(min_length=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{64}$(?!\n)")]
Seed = Annotated[int, Field(ge=0, description="seed of a training run, a whole number of 0 or more")]
ImageCount = Annotated[int, Field(ge=1, description="number of images, 1 or more")]
Epsilon = Annotated[float, Field(gt=0, description="largest change, in pixel units of [0, 1], above 0")]
Population = Annotated[int, Field(ge=2, description="images that evolve together in one search, 2 or more")]
Queries = Annotated[int, Field(ge=1, description="images that one search may have judged, 1 or more")]
MutationRate = Annotated[
    float,
    Field(gt=0, le=1, description="share of the pixels that change from parent to child, above 0, at most 1"),
]
