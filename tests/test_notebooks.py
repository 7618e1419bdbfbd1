"""The notebooks of docs/notebooks: they call the library only, keep their pictures, and run."""

import ast
import os

import nbformat
import pytest
from nbclient import NotebookClient

from projects import ROOT

FOLDER = ROOT / "docs/notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
OURS = {"spurious", "torch", "numpy", "matplotlib"}


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code_of(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def pictures_of(cells):
    return sum("image/png" in output.get("data", {}) for cell in cells for output in cell.outputs)


def test_there_is_one_for_each_write_up():
    assert [path.stem for path in NOTEBOOKS] == ["backworking", "linear", "smoothing"]


def test_it_is_short_and_imports_the_library_alone(notebook):
    assert 10 <= len(notebook.cells) <= 15
    assert notebook.cells[0].source.startswith("# ")
    trees = [ast.parse(cell.source) for cell in code_of(notebook)]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    found = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    found |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    assert {name.partition(".")[0] for name in found} <= OURS


def test_its_pictures_are_in_the_file(notebook):
    assert pictures_of(code_of(notebook)) >= 2
    assert [cell.execution_count for cell in code_of(notebook)] == [*range(1, len(code_of(notebook)) + 1)]


@pytest.mark.slow
def test_it_runs(notebook, monkeypatch):
    """As a reader would run it: from the top, with nothing but the library on the path."""
    kept = pictures_of(code_of(notebook))
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "scripts"))
    monkeypatch.setenv("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))
    NotebookClient(notebook, timeout=None, kernel_name="python3").execute()
    assert "stderr" not in {output.get("name") for cell in code_of(notebook) for output in cell.outputs}
    assert pictures_of(code_of(notebook)) == kept
