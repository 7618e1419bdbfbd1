"""A job runs what snakemake read when it was started: where code or configuration were edited since, it ends.

The run would otherwise be recorded with the old code and the old settings, but computed with the new ones.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

from spurious.errors import SpuriousError

STARTED_WITH = "SPURIOUS_STARTED_WITH"  # set for the jobs: JSON, what `started_with` returns
PROJECT = Path(__file__).resolve().parents[3]
OWN = ("pipeline", "spurious")
REMEDY = "changed since snakemake was started; start it again (finished results stay)"


def started_with(extensions: Iterable[str], config: Any) -> str:
    """What the jobs of this run are to find, as JSON: hashes of the sources, rules, extensions and configuration."""
    rules = [*PROJECT.glob("workflow/**/*.smk"), PROJECT / "workflow/Snakefile"]
    files = {"code": PROJECT.glob("scripts/**/*.py"), "rules": rules, "extensions": map(Path, extensions)}
    hashes = {kind: {_name(path): _file_hash(path) for path in paths} for kind, paths in files.items()}
    return json.dumps({**hashes, "configuration": _configuration_hash(config)})


def end_after_edits() -> None:
    """Raise SpuriousError, naming the file, where this process has imported a file that was edited since the start.

    What it imports later is held against the start, too. Without effect where no snakemake started it.
    """
    started = _started()
    if started is None:
        return
    _check(started["extensions"], [PROJECT / name for name in started["extensions"]])
    modules = [module for name, module in list(sys.modules.items()) if name.partition(".")[0] in OWN]
    _check(started["code"], [Path(module.__file__) for module in modules if module.__file__])
    program = Path(sys.argv[0]).resolve()
    _check(started["code"], [program] if program.parent == PROJECT / "scripts" else [])
    sys.meta_path.insert(0, _AsStarted(started["code"]))


def end_after_edits_of_rules(config: Any, files: Iterable[object]) -> None:
    """`end_after_edits` for a snakemake that runs one job of another: it reads the rules and `config` again.

    `files` are those that it has read the configuration from.
    """
    started = _started()
    if started is None:
        return
    if started["configuration"] != _configuration_hash(config):
        raise SpuriousError(f"{', '.join(map(str, files))}: {REMEDY}")
    _check(started["rules"], [PROJECT / name for name in started["rules"]])
    end_after_edits()


class _AsStarted(MetaPathFinder):
    """Finds our modules as Python does, and ends the process where one is not among these hashes."""

    def __init__(self, hashes: Mapping[str, str | None]):
        self.hashes = hashes

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if fullname.partition(".")[0] not in OWN:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        try:
            _check(self.hashes, [Path(spec.origin)] if spec and spec.origin else [])
        except SpuriousError as error:
            sys.exit(f"error: {error}")  # who imports may take an exception for a module that is not there
        return spec


def _started() -> dict[str, Any] | None:
    text = os.environ.get(STARTED_WITH)
    return json.loads(text) if text else None


def _check(hashes: Mapping[str, str | None], files: Iterable[Path]) -> None:
    """Raise SpuriousError for the first file whose hash is not the one of its name here."""
    for path in files:
        if hashes.get(_name(path), "") != _file_hash(path):
            raise SpuriousError(f"{_name(path)}: {REMEDY}")


def _name(path: Path) -> str:
    """A path that means the same to every job: relative in the checkout, else absolute."""
    whole = path.resolve()
    return whole.relative_to(PROJECT).as_posix() if whole.is_relative_to(PROJECT) else str(whole)


def _file_hash(path: Path) -> str | None:
    """That of a file's content; None where it cannot be read."""
    try:
        return _hash(path.read_bytes())
    except OSError:
        return None


def _configuration_hash(config: Any) -> str:
    return _hash(repr(config).encode("utf-8", "surrogatepass"))


def _hash(content: bytes) -> str:
    """The first digits of the SHA-256, enough to tell an edit from none."""
    return hashlib.sha256(content).hexdigest()[:8]
