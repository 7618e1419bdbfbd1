"""The library on its own: the blocks of docs/library.md, and what `pip install .` takes."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import torch

from projects import copy_project
from spurious.report.provenance import VERSION

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.usefixtures("one_thread")
def test_the_page_runs_as_it_stands():
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/library.md").read_text(encoding="utf-8"), re.DOTALL)
    names = {}
    with torch.random.fork_rng():
        exec("\n".join(blocks), names)
    assert names["found"]["log-p"].images.shape == (4, 1, 28, 28)
    assert (names["found"]["log-p"].trace[-1] > 0.6).all()
    assert (names["found"]["log-p"].trace[0] < 0.2).all()
    assert (names["fooled"] - names["images"]).abs().max() <= 0.1 + 1e-6
    assert names["blurred"].shape == names["images"].shape
    assert (names["attacked"].images - names["images"]).abs().max() <= 0.1 + 1e-6
    decision = names["vote"].decide(names["attacked"].images)
    wrong = (decision != names["labels"]) & (decision >= 0)
    assert torch.equal(wrong, names["attacked"].success)
    found = names["certificate"]
    assert found.decision in range(-2, 10)
    assert (found.radius > 0) == (found.decision > -2)


def test_every_package_is_installed_that_the_library_imports():
    modules = set()
    for path in (ROOT / "scripts/spurious").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                modules.add(node.module.partition(".")[0])
    known = packages_distributions()
    needed = {known[name][0].lower() for name in modules - set(sys.stdlib_module_names) - {"spurious", "pydantic_core"}}
    declared = {*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["archive"]}
    assert needed <= declared
    assert declared - needed == {"tabulate"}  # of pandas' to_markdown


def test_every_package_of_the_library_is_taken_with_its_version():
    """setuptools finds packages by their `__init__.py`, and reads the version without importing anything."""
    find = PROJECT["tool"]["setuptools"]["packages"]["find"]
    assert find == {"where": ["scripts"], "include": ["spurious", "spurious.*"]}
    folders = {path.parent for path in (ROOT / "scripts/spurious").rglob("*.py")}
    assert all((folder / "__init__.py").exists() for folder in folders)
    module = ast.parse((ROOT / "scripts/spurious/report/provenance.py").read_text(encoding="utf-8"))
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "spurious.report.provenance.VERSION"}
    assigned = (node for node in module.body if isinstance(node, ast.Assign) and node.targets[0].id == "VERSION")
    assert ast.literal_eval(next(assigned).value) == VERSION


@pytest.mark.slow
def test_pip_installs_the_library_and_nothing_else(tmp_path):
    """Where no part of this clone is on the path."""
    pytest.importorskip("setuptools", minversion="77")
    source, place = copy_project(tmp_path / "source"), tmp_path / "installed"
    offline = ["--no-deps", "--no-index", "--no-build-isolation", "--quiet"]
    subprocess.run([sys.executable, "-m", "pip", "install", *offline, "--target", place, source], check=True)
    shutil.rmtree(source)
    code = f"import sys; sys.path.insert(0, {str(place)!r}); from spurious.attacks import cost; print(cost.__file__)"
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert Path(done.stdout.strip()) == place / "spurious/attacks/cost.py"
    assert {path.name for path in place.iterdir()} == {"spurious", f"spurious-{VERSION}.dist-info"}
    sources = {path.relative_to(ROOT / "scripts") for path in (ROOT / "scripts/spurious").rglob("*.py")}
    assert {path.relative_to(place) for path in place.rglob("*.py")} == sources
