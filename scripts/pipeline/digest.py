"""The code of a job as one number: a job runs again when a file that its program reaches was edited, and only then."""

import ast
import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1]
BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")  # where a statement holds others


@functools.cache
def digest(*roots: str) -> str:
    """SHA-256, its first 16 hexadecimal digits, of every file that `reached` finds from these modules."""
    found = hashlib.sha256()
    for name, content in sorted((_name(path), _content(path)) for path in reached(*roots)):  # wherever own files lie
        found.update(f"{name}\0".encode() + content)
    return found.hexdigest()[:16]


def _name(path: Path) -> str:
    return path.relative_to(SCRIPTS).as_posix() if SCRIPTS in path.parents else path.name


@functools.cache
def reached(*roots: str) -> list[Path]:
    """The files of our modules `roots`, such as "train_classifier", and of all that they import, sorted.

    A root may also be the path of somebody's own file, such as "mine.py": it counts with what it imports of ours.

    Imports count wherever they are in a file, but for those that only a type checker sees. Whole files count, never
    parts: a job that runs once too often costs less than a stale number.
    """
    found: set[Path] = set()
    waiting = [file for root in roots for file in files_of(root)]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _followed_by(path)
    return sorted(found)


@functools.cache
def files_of(module: str) -> list[Path]:
    """The file of a module of ours, and those of the packages that it is in; none where it is another's."""
    if module.endswith(".py"):
        return [Path(module).resolve()]
    place = SCRIPTS.joinpath(*module.split("."))
    own = [path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()]
    packages = [parent / "__init__.py" for parent in place.parents if SCRIPTS in parent.parents]
    return [*own, *filter(Path.is_file, packages)] if own else []


@functools.cache
def _content(path: Path) -> bytes:
    return path.read_bytes()


@functools.cache
def _followed_by(path: Path) -> set[Path]:
    """The files of ours that a Python file imports; jobs share most modules, so each is read once."""
    return {file for name in _imported(path) for file in files_of(name)}


def _imported(path: Path) -> list[str]:
    """Names of what a Python file imports."""
    names = []
    for node in _executed(ast.parse(_content(path))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


def _executed(tree: ast.Module) -> Iterator[ast.AST]:
    """All statements but those under `if TYPE_CHECKING`; no expression is looked into, since none holds an import."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        guarded = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        blocks = ("orelse",) if guarded else BLOCKS
        waiting += [child for block in blocks for child in getattr(node, block, [])]
