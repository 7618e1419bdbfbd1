"""Imported by every Python that finds this folder in PYTHONPATH: notes at its end which of our modules it loaded."""

import atexit
import json
import os
import sys
from pathlib import Path


def note():
    scripts = os.path.join(os.getcwd(), "scripts")
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    own = sorted(os.path.relpath(file, scripts) for file in files if file and file.startswith(scripts + os.sep))
    if sys.argv[0].startswith("scripts/"):
        content = {"command": sys.argv, "loaded": [*own, os.path.basename(sys.argv[0])]}
        Path(os.environ["SPURIOUS_NOTES"], f"{os.getpid()}.json").write_text(json.dumps(content), encoding="utf-8")


if "SPURIOUS_NOTES" in os.environ:
    atexit.register(note)
