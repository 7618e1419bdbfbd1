"""What docs/files.md says of the files under results/."""

import re
from collections.abc import Iterator
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs/files.md"
NUMBERS = ("<s>", "<l>", "<i>", "<n>")


def csv_files() -> Iterator[tuple[str, str]]:
    """Every CSV file of the table, as its path below results/ with names in angle brackets, and what the page tells.

    What the page tells of two files is of the first one; of the others it is "".
    """
    folder = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = line.strip("| ").split(" | ")
        names = re.findall(r"`([^`]+)`", cells[0]) if len(cells) == 3 else []
        if not names:
            continue
        first = names[0].replace("...", folder)
        folder = first.partition("/seed<s>")[0]
        beside = [*names[1:], *re.findall(r"`([^`]+)` beside it", cells[2])]
        paths = [first, *(f"{first.rpartition('/')[0]}/{name}" for name in beside)]
        yield from ((path, "" if path != first else cells[2]) for path in paths if path.endswith(".csv"))


def columns(path: str) -> list[str] | None:
    """The columns of the file `path`, below results/; None where the page tells them in words, or only some of them.

    Raises ValueError where the page has no such file.
    """
    told = [(len(re.findall("<", name)), name, words) for name, words in csv_files() if _pattern(name).fullmatch(path)]
    if not told:
        raise ValueError(path)
    found = re.match(r"`([a-z_]+(?:, [a-z_]+)+)`(?!, and)", min(told)[2])  # with the fewest names in angle brackets
    return found[1].split(", ") if found else None


def _pattern(name: str) -> re.Pattern[str]:
    parts = re.split(r"(<\w+>)", name)
    return re.compile("".join(r"\d+" if p in NUMBERS else "[^/]+" if p[:1] == "<" else re.escape(p) for p in parts))
