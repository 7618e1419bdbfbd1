import gzip
import subprocess

import numpy as np
import pytest

import hashes
import run
import sources
from parts import PARTS, SMALL
from projects import ROOT, read_config

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # users bring such programs


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results"
    for name in ("own/tables/rates.csv", "own/ro-crate-metadata.json", "own/provenance.csv", "logs/own/table.csv"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("name,rate\na,0.5\nb,0.25\n")
    (folder / "own/figure.png").write_bytes(b"figure")
    (folder / "demo.html").write_text("report")
    return folder


def test_only_results_are_hashed(results):
    assert set(hashes.record(results)["files"]) == {"own/tables/rates.csv", "own/figure.png"}


def test_equal_results_give_no_line(results):
    before = hashes.record(results)
    (results / "own/provenance.csv").write_text("another time")
    assert hashes.differences(before, hashes.record(results)) == []


def test_the_commit_in_a_summary_does_not_count_but_the_rest_does(results):
    summary, line = results / "own/summary.rst", "- Commit {}; what the jobs took: in the category Provenance.\n"
    summary.write_text("- 60 images\n" + line.format("abc"))
    before = hashes.record(results)
    summary.write_text("- 60 images\n" + line.format("def"))
    assert hashes.differences(before, hashes.record(results)) == []
    summary.write_text("- 61 images\n" + line.format("abc"))
    assert hashes.differences(before, hashes.record(results)) == ["differs: own/summary.rst"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("name,rate\na,0.5\nb,0.26\n", ["row 2, rate: 0.25 -> 0.26"]),
        ("name,rate\na,0.5\n", ["rows: 2 -> 1"]),
        ("name,share\na,0.5\nb,0.25\n", ["columns: name, rate -> name, share"]),
        ("name,rate\na,0.5\nb,0.250\n", ["row 2, rate: 0.25 -> 0.250"]),
        ("name,rate\r\na,0.5\r\nb,0.25\r\n", ["0 of 4 cells differ"]),
    ],
)
def test_a_changed_table_is_named_with_its_cells(results, text, lines):
    before = hashes.record(results)
    (results / "own/tables/rates.csv").write_bytes(text.encode())
    found = [line.strip() for line in hashes.differences(before, hashes.record(results))]
    assert found[: len(lines) + 1] == ["differs: own/tables/rates.csv", *lines]


def test_the_largest_difference_is_told(results):
    before = hashes.record(results)
    (results / "own/tables/rates.csv").write_text("name,rate\nc,0.5\nb,0.2\n")
    *_, last = hashes.differences(before, hashes.record(results))
    assert last.strip() == "2 of 4 cells differ; numbers differ by at most 0.05, relative 0.2"


def test_missing_new_and_changed_files_are_named(results):
    before = hashes.record(results)
    (results / "own/tables/rates.csv").unlink()
    (results / "own/figure.png").write_bytes(b"another")
    (results / "own/figure.svg").write_text("new")
    found = hashes.differences(before, hashes.record(results))
    assert found == ["differs: own/figure.png", "new: own/figure.svg", "missing: own/tables/rates.csv"]


def call(*arguments):
    with pytest.raises(SystemExit) as status:
        run.main([*map(str, arguments)])
    return status.value.code


def test_finished_results_are_recorded_and_compared(results, tmp_path, capsys):
    record = tmp_path / "before.json"
    run.main([str(results), "--hash-only", "--record", str(record)])
    assert call(results, "--hash-only", "--compare", record) == 0
    assert "all 2 files are equal" in capsys.readouterr().out
    (results / "own/figure.png").write_bytes(b"another")
    assert call(results, "--hash-only", "--compare", record) == 1
    assert "differs: own/figure.png" in capsys.readouterr().out


def test_a_dataset_without_any_result_is_missed(results, tmp_path, capsys):
    record = tmp_path / "before.json"
    run.main([str(results), "--hash-only", "--record", str(record)])
    for path in (results / "own").rglob("*.*"):
        path.unlink()
    assert call(results, "--hash-only", "--compare", record) == 1
    assert "missing: own/figure.png" in capsys.readouterr().out


def test_a_folder_that_is_there_is_not_overwritten(results, tmp_path, capsys):
    assert call(results, "--small", "--record", tmp_path / "before.json") == 2
    assert "is there already" in capsys.readouterr().err
    assert (results / "own/figure.png").read_bytes() == b"figure"


def test_a_run_that_failed_is_told_and_what_was_made_is_kept(tmp_path, monkeypatch):
    def fail(_, *arguments, **options):
        return subprocess.CompletedProcess(arguments, 1, "planned", "error: own.npz: is missing\nTraceback")

    monkeypatch.setattr(run, "run_snakemake", fail)
    told = call(tmp_path / "made", "--parts", "tree", "--record", tmp_path / "before.json")
    assert told.startswith("error: own.npz: is missing\nimagenet64: snakemake failed")
    assert "Traceback" in (tmp_path / "made/logs/gate_imagenet64.log").read_text()
    assert not (tmp_path / "before.json").exists()


@pytest.mark.parametrize("name", SMALL)
def test_each_part_runs_its_dataset_alone_and_leaves_other_settings(name, tmp_path):
    (tmp_path / "workflow").symlink_to(ROOT / "workflow")
    before, part = read_config(ROOT), PARTS[name]
    config = run.configuration(before, part.dataset, part.make(tmp_path, None))
    assert list(config["experiments"]) == config["targets"]["paper"] == [part.dataset]
    assert {key for key in before if config[key] != before[key]} <= {
        *("local_data", "datasets", "classifiers", "backworking", "experiments", "targets")
    }
    assert config["backworking"]["searches"].items() >= before["backworking"]["searches"].items()


def test_idx_files_hold_the_first_images_of_the_first_classes(tmp_path):
    random = np.random.default_rng(0)
    (tmp_path / "mnist").mkdir()
    images, labels = random.integers(0, 256, (50, 28, 28)).astype(np.uint8), np.arange(50, dtype=np.uint8) % 10
    for part in ("train", "test"):
        for kind, array, header in (("images", images, 16), ("labels", labels, 8)):
            path = tmp_path / "mnist" / f"{sources.IDX_FILES[f'{part}_{kind}']}.gz"
            path.write_bytes(gzip.compress(bytes(header) + array.tobytes()))
    sources.idx_files(tmp_path, tmp_path, classes=3, train=7, test=4)
    place = tmp_path / sources.PLACE / "idx"
    content = (place / sources.IDX_FILES["train_images"]).read_bytes()
    assert content[:16] == bytes([0, 0, 8, 3, 0, 0, 0, 7, 0, 0, 0, 28, 0, 0, 0, 28])
    assert content[16:] == images[[0, 1, 2, 10, 11, 12, 20]].tobytes()
    assert (place / sources.IDX_FILES["test_labels"]).read_bytes()[8:] == bytes([0, 1, 2, 0])
