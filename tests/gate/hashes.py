"""Hashes of a folder of results, and what differs between two of them in words."""

import hashlib
import io
import os
import platform
from importlib.metadata import version
from pathlib import Path

import pandas as pd

SUFFIXES = (".csv", ".png", ".svg", ".safetensors", ".md", ".html", ".rst", ".npy", ".txt")
KEPT = 200_000  # bytes: a smaller CSV file stands beside the hashes, so that its cells can be compared
SHOWN = 5  # differing cells of a file
PROVENANCE = b"in the category Provenance"  # of the report
KEYS = ("files", "tables")
LEFT_OUT = ("logs", "downloads", "images")  # images: links to the sources, or copies of them


def record(folder):
    """{"made": by what, "files": {path: sha256}, "tables": {path: text of a small CSV file}} of a folder of results.

    Logs, benchmark files and provenance, which say when and how long, are left out, as are sources.
    """
    files, tables = {}, {}
    for path in sorted(_results(folder)):
        content, name = _content(path), path.relative_to(folder).as_posix()
        files[name] = hashlib.sha256(content).hexdigest()
        if path.suffix == ".csv" and len(content) < KEPT:
            tables[name] = content.decode()
    return {"made": made_by(), "files": files, "tables": tables}


def made_by():
    """What the last digits hang on, beside the code."""
    libraries = {name: version(name) for name in ("torch", "numpy", "scikit-learn", "matplotlib", "pillow")}
    return {"processor": _processor(), "python": platform.python_version(), **libraries}


def differences(before, after):
    """Lines that name what differs between two records; none where they are equal."""
    lines = []
    for name in sorted({*before["files"], *after["files"]}):
        old, new = (which["files"].get(name) for which in (before, after))
        if old is None or new is None:
            lines.append(f"{'new' if old is None else 'missing'}: {name}")
        elif old != new:
            lines.append(f"differs: {name}")
            lines += [f"    {line}" for line in _cells(before["tables"].get(name), after["tables"].get(name))]
    return lines


def of_datasets(made, datasets):
    """The part of a record that is about these datasets (None: all)."""
    return {
        key: {name: value for name, value in made[key].items() if datasets is None or name.split("/")[0] in datasets}
        for key in KEYS
    }


def _results(folder):
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in LEFT_OUT]
        if place == str(folder):
            continue  # the report and a README
        for name in names:
            if name.endswith(SUFFIXES) and not name.startswith("provenance."):
                yield Path(place, name)


def _content(path):
    """The bytes of a file, of a summary without the line that names the commit."""
    content = path.read_bytes()
    if path.suffix != ".rst":
        return content
    return b"".join(line for line in content.splitlines(keepends=True) if PROVENANCE not in line)


def _cells(old, new):
    """The first differing cells of two CSV texts, and how large the differences of numbers are."""
    if old is None or new is None:
        return
    old, new = (pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False) for text in (old, new))
    if list(old) != list(new):
        yield f"columns: {', '.join(old)} -> {', '.join(new)}"
        return
    if len(old) != len(new):
        yield f"rows: {len(old)} -> {len(new)}"
    rows = min(len(old), len(new))
    old, new = old[:rows], new[:rows]
    places = [(row, column) for row, column in zip(*(old.to_numpy() != new.to_numpy()).nonzero(), strict=True)]
    pairs = [(old.iat[place], new.iat[place]) for place in places]
    for (row, column), (was, now) in list(zip(places, pairs, strict=True))[:SHOWN]:
        yield f"row {row + 1}, {old.columns[column]}: {was} -> {now}"
    numbers = pd.DataFrame(pairs, columns=["old", "new"]).apply(pd.to_numeric, errors="coerce").dropna()
    size = (numbers["new"] - numbers["old"]).abs()
    largest = f"; numbers differ by at most {size.max():.3g}, relative {_relative(size, numbers):.3g}"
    yield f"{len(pairs)} of {old.size} cells differ{largest if len(numbers) else ''}"


def _relative(size, numbers):
    return (size / numbers.abs().max(axis=1)).max()


def _processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()
