"""The comparison of a GPU with the CPU, tried on a CPU: both sides are equal, other roundings agree, errors do not."""

import contextlib
import copy
import importlib.util
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch

import comparing
import subjects
from spurious.classifiers.training import Trainer

FOLDER = Path(__file__).parent
SPEC = importlib.util.spec_from_file_location("compare_gpu", FOLDER / "run.py")  # other folders have a run.py, too
run = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(run)

pytestmark = pytest.mark.usefixtures("one_thread")


def compared(tmp_path, *names):
    """The exit status of a small comparison of the CPU with the CPU, and its table."""
    output = tmp_path / "gpu.csv"
    status = run.main([*names, "--device", "cpu", "--small", "--output", str(output)])
    return status, pd.read_csv(output)


@pytest.fixture
def second_side(monkeypatch):
    """A function that has every path's second side, the GPU's, computed within a context of the caller's."""

    def install(context):
        original, sides = comparing.timed, []

        def timed(*arguments):
            sides.append(arguments)
            with context() if len(sides) % 2 == 0 else contextlib.nullcontext():
                return original(*arguments)

        monkeypatch.setattr(comparing, "timed", timed)

    return install


def test_the_cpu_agrees_with_itself_on_every_path(tmp_path):
    status, table = compared(tmp_path)
    assert status == 0
    columns = "path, precision, device, quantity, cpu, gpu, difference, tolerance, agrees, cpu_rate, gpu_rate, ratio"
    assert ", ".join(table) == f"{columns}, unit, peak_memory_mib"
    expected = {(path.name, path.precision) for path in comparing.PATHS}
    assert set(zip(table["path"], table["precision"], strict=True)) == expected
    assert len(expected) == 17
    assert (table["difference"] == 0).all()
    assert table["agrees"].all()
    assert (table[["cpu_rate", "gpu_rate"]] > 0).all(axis=None)
    assert table["peak_memory_mib"].isna().all()


def test_one_path_by_name_leaves_the_rows_of_the_others(tmp_path):
    """A GPU may be lent for less time than all paths take."""
    others = pd.DataFrame([{"path": "training", "quantity": "accuracy"}, {"path": "prediction", "quantity": "old"}])
    others.to_csv(tmp_path / "gpu.csv", index=False)
    status, table = compared(tmp_path, "prediction")
    assert status == 0
    assert table["path"].drop_duplicates().tolist() == ["training", "prediction"]
    assert "old" not in set(table["quantity"])


def test_another_library_for_the_convolutions_stays_within_the_tolerances(tmp_path, second_side):
    second_side(lambda: torch.backends.mkldnn.flags(enabled=False))
    names = (
        "prediction",
        "image optimization",
        "inner attack",
        "sweep",
        "fooling linf",
        "fooling l2",
        "evolution search",
        "attacks on the vote",
        "certification",
    )
    status, table = compared(tmp_path, *names)
    assert status == 0, table[~table["agrees"]]
    assert (table.groupby("path")["difference"].max() > 0).all()


@contextlib.contextmanager
def rounded_weights():
    """The CNN with weights of 8 bits, about what a GPU makes of them that computes in less than float32."""
    model = subjects.cnn(subjects.SMALL, comparing.CPU)
    kept = copy.deepcopy(model.state_dict())
    model.load_state_dict({name: value.bfloat16().float() for name, value in kept.items()})
    yield
    model.load_state_dict(kept)


@pytest.mark.parametrize("name", ["prediction", "sweep", "evolution search"])
def test_a_lower_precision_is_noticed(tmp_path, second_side, name):
    second_side(rounded_weights)
    status, table = compared(tmp_path, name)
    assert status == 1
    assert not table[table["precision"] == "float32"]["agrees"].all()


def test_a_training_that_does_not_resume_exactly_is_noticed(tmp_path, monkeypatch):
    original = Trainer.restore

    def without_moments(self, tensors):
        original(self, {name: torch.zeros_like(t) if "moment" in name else t for name, t in tensors.items()})

    monkeypatch.setattr(Trainer, "restore", without_moments)
    status, table = compared(tmp_path, "training")
    assert status == 1
    wrong = table[~table["agrees"]]
    assert set(wrong["quantity"]) == {"weights after an interruption"}


def test_values_that_another_run_changes_are_noticed(tmp_path, monkeypatch):
    draws = torch.Generator().manual_seed(0)

    def drifting(bench):
        cpu, gpu = bench.both(lambda device: {"x": torch.rand(3, generator=draws)}, work=3)
        yield comparing.largest("x", cpu["x"], gpu["x"], 1.0)

    monkeypatch.setattr(comparing, "PATHS", [comparing.Path("drifting", "float32", "numbers/s", drifting)])
    status, table = compared(tmp_path)
    assert status == 1
    assert table.set_index("quantity")["agrees"].to_dict() == {"x": True, "values that another run changes": False}


def test_a_path_that_fails_does_not_hide_the_others(tmp_path, monkeypatch):
    def failing(bench):
        raise RuntimeError("out of memory")
        yield

    (prediction,) = (path for path in comparing.PATHS if path.name == "prediction")
    monkeypatch.setattr(comparing, "PATHS", [comparing.Path("failing", "float32", "images/s", failing), prediction])
    status, table = compared(tmp_path)
    assert status == 1
    assert table[table["path"] == "failing"]["quantity"].tolist() == ["failed: RuntimeError"]
    assert table[table["path"] == "prediction"]["agrees"].all()


def test_a_comparison_that_is_ended_leaves_the_paths_before(tmp_path, monkeypatch):
    def ended(bench):
        raise KeyboardInterrupt
        yield

    (prediction,) = (path for path in comparing.PATHS if path.name == "prediction")
    monkeypatch.setattr(comparing, "PATHS", [prediction, comparing.Path("ended", "float32", "images/s", ended)])
    with pytest.raises(KeyboardInterrupt):
        compared(tmp_path)
    assert set(pd.read_csv(tmp_path / "gpu.csv")["path"]) == {"prediction"}


def test_photographs_are_skipped_without_torchvision(tmp_path, monkeypatch):
    subjects.pretrained.cache_clear()
    monkeypatch.setitem(sys.modules, "spurious.classifiers.pretrained", None)
    monkeypatch.delattr("spurious.classifiers.pretrained", raising=False)
    status, table = compared(tmp_path, "sweep of photographs")
    assert status == 0
    assert table["quantity"].str.startswith("skipped: torchvision cannot be imported").all()
    assert table["agrees"].isna().all()


def test_without_a_gpu_it_says_so_and_writes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert run.main(["--output", str(tmp_path / "gpu.csv")]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("skipped: torch sees no GPU")
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_named_in_one_line():
    blocked = "import runpy, sys; sys.modules['kornia'] = None; runpy.run_path(sys.argv[1], run_name='__main__')"
    command = [sys.executable, "-c", blocked, FOLDER / "run.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "error: the package kornia is missing; install it as requirements.txt says\n"


def test_an_unknown_path_is_refused(capsys):
    with pytest.raises(SystemExit):
        run.main(["predictions"])
    assert "there is no path 'predictions'; there are attacks on the vote, certification" in capsys.readouterr().err


def test_differences():
    nan = float("nan")
    one, other = torch.tensor([1.0, 2.0, nan, 4.0]), torch.tensor([1.0, 2.5, nan, 4.0])
    assert comparing.share_of_different(one, other) == 0.25
    assert comparing.largest("", one[:2], other[:2], 0.5) == ("", 1.5, 1.75, 0.5, 0.5)
    assert comparing.largest("", one[:2], other[:2], 0.5).agrees
    assert not comparing.largest("", one[:2], other[:2], 0.4).agrees
    assert not comparing.largest("", one, one, 1e9).agrees, "nan is no agreement"
    assert comparing.mean("", one[:2], torch.tensor([2.0, 1.0]), 0.0).agrees
    assert not comparing.different("", one, other, 0.2).agrees


def test_every_path_says_what_it_compares():
    assert all(path.compare.__doc__ for path in comparing.PATHS)
