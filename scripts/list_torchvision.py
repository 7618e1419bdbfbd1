"""Write the names of torchvision's classifiers and their weights, for planning, which does not import it.

After a new version of torchvision: python scripts/list_torchvision.py
"""

from collections.abc import Collection
from pathlib import Path

from pipeline.files.atomic import write_text
from pipeline.jobs.arguments import Parser, run

OUTPUT = Path(__file__).resolve().parent / "spurious/classifiers/torchvision_names.py"
LINE = 121  # with its end
HEAD = '''"""torchvision's classifiers and their weights, by name: written by scripts/list_torchvision.py."""

TORCHVISION: dict[str, tuple[str, ...]] = {
'''


def main(argv: list[str] | None = None) -> None:
    """Write the names that the installed torchvision has."""
    Parser(description=__doc__).parse_args(argv)
    write_text(OUTPUT, listed())


def listed() -> str:
    """The text of the module."""
    from spurious.vision import models

    names = models.list_models(module=models)
    lines = [_line(name, models.get_model_weights(name).__members__) for name in names]
    return f"{HEAD}{''.join(lines)}}}\n"


def _line(name: str, weights: Collection[str]) -> str:
    """The entry of a classifier, as ruff formats it."""
    quoted = [f'"{each}"' for each in weights]
    line = f'    "{name}": ({", ".join(quoted)}),\n'
    if len(line) <= LINE:
        return line
    return f'    "{name}": (\n' + "".join(f"        {each},\n" for each in quoted) + "    ),\n"


if __name__ == "__main__":
    run(main)
