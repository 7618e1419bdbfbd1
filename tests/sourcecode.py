"""The modules of scripts/ as sources, and what they import."""

import ast
from collections.abc import Iterator
from pathlib import Path

SCRIPTS = Path(__file__).parents[1] / "scripts"
ROOTS = {"spurious", "spurious.experiments"}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(SCRIPTS).with_suffix("").parts).removesuffix(".__init__")


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that the code imports, wherever the import stands; a name that may be a module as one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "an import names the whole module"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules(folder: Path = SCRIPTS) -> dict[str, str]:
    """The source of every module below a folder, without those that only make a package of it."""
    sources = {module_of(path): path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.py"))}
    return {module: source for module, source in sources.items() if module not in ROOTS}
