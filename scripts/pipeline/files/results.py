"""Tables and figures: the function of a result, what its annotations say of its inputs, and the files it becomes."""

import importlib.util
import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.files.arrays import TensorFile
from pipeline.files.atomic import whole_file, write_text
from pipeline.files.readers import LATE
from pipeline.files.rows import read_rows, write_rows
from spurious.errors import SpuriousError
from spurious.frames import Arrays, Tables
from spurious.registry import Settings, parse
from spurious.report import formats

MOST_NAMED = 3  # files that an error names


def called(name: str, files: Mapping[str, Sequence[str]], settings: Mapping[str, Any]) -> Any:
    """What the function "module:function" or "file.py:function" returns.

    Its keywords are the contents of `files`, read as their annotations say, and those of `settings` that it asks for.
    A SpuriousError that begins with the name of an argument begins with its files instead.
    """
    function = function_of(name)
    hints = typing.get_type_hints(function)
    for keyword in files:
        if keyword not in hints:
            raise SpuriousError(f"{name}: there is no annotated argument {keyword!r}; correct it, or the catalogue")
    wanted = inspect.signature(function).parameters
    keywords = {keyword: contents(hints[keyword], paths) for keyword, paths in files.items()}
    keywords |= {key: parsed(hints[key], value) for key, value in settings.items() if key in wanted}
    try:
        return function(**keywords)
    except SpuriousError as error:
        raise SpuriousError(_with_files(str(error), files)) from None


def _with_files(message: str, files: Mapping[str, Sequence[str]]) -> str:
    """The message with the paths of an argument in place of its name: of "rows: ...", or of "rows[2]: ..." the third.

    A function of the library knows the names of its arguments, but no paths.
    """
    found = re.match(r"(\w+)(?:\[(\d+)\])?: ", message)
    if not found or found[1] not in files:
        return message
    paths = [files[found[1]][int(found[2])]] if found[2] else files[found[1]]
    names = ", ".join(paths) if len(paths) <= MOST_NAMED else f"{paths[0]} and {len(paths) - 1} more"
    return f"{names}: {message[found.end() :]}"


def function_of(name: str) -> Callable[..., Any]:
    """The function of this name; a file of somebody's own is imported from its path.

    Raises SpuriousError where the module has no function of this name.
    """
    place, _, function = name.rpartition(":")
    module = _from_path(place) if place.endswith(".py") else importlib.import_module(place)
    if not hasattr(module, function):
        raise SpuriousError(f"{place}: there is no function {function!r}; correct the catalogue that names it")
    return getattr(module, function)


def _from_path(path: str) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def contents(hint: Any, paths: Sequence[str]) -> Any:
    """What the files of one keyword hold, as an argument of the annotated type.

    Raises SpuriousError for a file that cannot be read, and for a type that READERS does not have.
    """
    read = reader_of(hint)
    if read is None:
        place = ", ".join(paths)
        raise SpuriousError(f"{place}: nothing is known to read as {hint}; annotate as READERS or LATE says")
    return read(paths)


def reader_of(hint: Any) -> Callable[[Sequence[str]], Any] | None:
    """What reads files as an argument of the annotated type; None where nothing is known to."""
    hint = _without_none(hint)
    late = LATE.get(getattr(hint, "__name__", ""))
    return function_of(late) if late else next((read for known, read in READERS if hint == known), None)


def parsed(hint: Any, value: Any) -> Any:
    """A value of the configuration as an argument of the annotated type."""
    return parse(hint, value) if isinstance(hint, type) and issubclass(hint, Settings) else value


def _without_none(hint: Any) -> Any:
    if isinstance(hint, types.UnionType):
        (hint,) = (part for part in typing.get_args(hint) if part is not type(None))
    return hint


def _class_names(paths: Sequence[str]) -> list[str]:
    from pipeline.files.photographs import read_class_names

    return [known.name for known in read_class_names(paths[0])]


# The types that most results take; those whose readers bring more of our modules along are named in `readers`.
READERS: list[tuple[Any, Callable[[Sequence[str]], Any]]] = [
    (pd.DataFrame, read_rows),
    (Sequence[pd.DataFrame], lambda paths: [read_rows([path]) for path in paths]),
    (Tables, lambda paths: {Path(path).stem: read_rows([path]) for path in paths}),
    (Arrays, lambda paths: TensorFile(paths[0])),
    (Sequence[Arrays], lambda paths: [TensorFile(path) for path in paths]),
    (Sequence[str], _class_names),
]


def write_result(
    result: Any,
    paths: Sequence[str],
    origin: formats.Origin | None = None,
    heading: formats.Heading = formats.UNTITLED,
) -> None:
    """Write a data frame or a matplotlib figure to files of the kinds that the paths end in, each whole.

    The page of a table has the `heading` above it, and says what its `origin` is.
    """
    for path in sorted(paths):  # PNG before SVG: a layout that was solved once begins from there the next time
        kind = Path(path).suffix[1:]
        if isinstance(result, pd.DataFrame):
            TABLES[kind](path, result, origin, heading)
        else:
            from spurious.figures.style import render

            with whole_file(path) as file:
                file.write_bytes(render(result, kind))


TABLES: dict[str, Callable[[str, pd.DataFrame, formats.Origin | None, formats.Heading], None]] = {
    "csv": lambda path, table, origin, heading: write_rows(path, table),
    "md": lambda path, table, origin, heading: write_text(path, formats.to_markdown(table) + "\n"),
    "html": lambda path, table, origin, heading: write_text(
        path, formats.to_html(table, Path(path).stem, origin, heading)
    ),
}
