"""Results of the catalogues, made as the rules make them: from files, by the function that the catalogue names."""

import importlib
import json

import make_result
from pipeline.files.results import called
from spurious.experiments.rooms import catalogues

ROOMS = {**catalogues(), "writeups": importlib.import_module("spurious.writeups.catalogue")}


def entry(kind, stem):
    """The table or figure of this name, without wildcards, in whatever room."""
    (found,) = (
        result for room in ROOMS.values() for result in room.RESULTS if (result.kind, result.stem) == (kind, stem)
    )
    return found


def make(folder, kind, stem, files, **settings):
    """Write the result to `folder` by make_result.py; returns the path of each kind of file.

    `files`: {keyword: a path or several}; `settings`: the other keywords of its function.
    """
    found = entry(kind, stem)
    outputs = {suffix: folder / f"{stem}.{suffix}" for suffix in found.files}
    words = [word for keyword, paths in listed(files).items() for word in ("--input", keyword, *paths)]
    words += ["--settings", json.dumps(settings), "--output", *map(str, outputs.values())]
    make_result.main([found.function, *words])
    return outputs


def returned(kind, stem, files, **settings):
    """What the function of the result returns for the content of these files: a data frame or a figure."""
    return called(entry(kind, stem).function, listed(files), settings)


def listed(files):
    return {keyword: [*map(str, paths if isinstance(paths, list) else [paths])] for keyword, paths in files.items()}
