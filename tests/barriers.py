"""Jobs that stop at a barrier, so that what is done to a run is done at an event and not after some seconds."""

import os
from pathlib import Path

# Python imports a module of this name at every start; os.replace and os.rename tell an audit hook before they act.
STOPPING = """
import os, re, sys, time

def stop(event, arguments, renames=[]):
    if event == "os.rename" and os.path.abspath(os.fsdecode(arguments[1])).startswith(os.path.abspath("results")):
        renames.append(arguments)
        if len(renames) == {rename}:
            open(os.path.join({folder!r}, f"stopped-{{os.getpid()}}"), "x").close()
            while not os.path.exists(os.path.join({folder!r}, "open")):
                time.sleep(0.02)

if re.fullmatch({script!r}, "".join(sys.orig_argv[1:2])):
    sys.addaudithook(stop)
"""


class Barrier:
    """Where jobs stop that are started with `environment`, each until the barrier is opened.

    A job is a Python program whose path matches the pattern `script`. It stops where it is about to put a file into
    its place below results/, for the `rename`-th time: before that everything is written beside that place.
    """

    def __init__(self, folder: Path, script: str = r"scripts/\w+\.py", rename: int = 1):
        folder.mkdir()
        text = STOPPING.format(folder=str(folder), script=script, rename=rename)
        (folder / "sitecustomize.py").write_text(text, encoding="utf-8")
        self._folder = folder

    @property
    def environment(self) -> dict[str, str]:
        """The variables to add to those of snakemake."""
        return {"PYTHONPATH": os.pathsep.join(filter(None, [str(self._folder), os.environ.get("PYTHONPATH")]))}

    def stopped(self) -> list[int]:
        """The process ids of the jobs that have come to the barrier."""
        return [int(path.name.partition("-")[2]) for path in self._folder.glob("stopped-*")]

    def open(self) -> None:
        """Let the jobs that have stopped go on, and those that come later pass."""
        (self._folder / "open").touch()
