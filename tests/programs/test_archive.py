"""A finished target as one file: its bytes, its description, what is left to do elsewhere, a changed byte."""

import base64
import json
import os
import shutil
import subprocess
import sys
import zipfile

import pytest

import archive
import check_archive
from projects import DATASET, change_config, contents, run_snakemake
from records import write_record
from spurious.errors import SpuriousError
from spurious.report.crate import METADATA, record

TABLE, LONG = f"results/{DATASET}/tables/linear.csv", f"results/{DATASET}/{'long' * 60}/rows.csv"
PHOTOGRAPHS, RECORD = f"results/{DATASET}/images", f"results/{DATASET}/{METADATA}"
FACTS = {"configuration": {"extensions": ["kinds.py"]}, "rules": [{"rule": "train", "wall_s": 1.5}], "version": "0.1.0"}
FILES = {
    **{name: name for name in ("Snakefile", "LICENSE", "README.md", "config.yaml", "scripts/fool.py", "mine.yaml")},
    **{"own data/a.npz": "images", "kinds.py": "VIEW = 1", "results/demo.html": "<html>", TABLE: "a,b", LONG: "c,d"},
    **{f"{PHOTOGRAPHS}/b c.png": "png", f"results/logs/{DATASET}/linear.benchmark.tsv": "s\n1.0"},
}
OTHERS = {
    "results/other/tables/linear.csv": "of another target",
    "scripts/__pycache__/fool.pyc": "",
    "notes.txt": "mine",
}
OUTPUTS = {TABLE, LONG, PHOTOGRAPHS, RECORD}
ELSEWHERE = "/data/elsewhere.npz"


def record_path(path):
    """Where Snakemake keeps the record of an output: its name in base64, in pieces of at most 255 letters."""
    name = base64.urlsafe_b64encode(path.encode()).decode()
    pieces = [name[start : start + 254] for start in range(0, len(name), 254)]
    return "/".join([".snakemake/metadata", *("@" + piece for piece in pieces[:-1]), pieces[-1]])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A made-up finished run, with another target's files beside it; it is the working directory."""
    folder = tmp_path / "run"
    record = {"input": ["own data/a.npz", ELSEWHERE], "starttime": 1e9, "endtime": 1e9 + 60}
    records = {record_path(path): json.dumps(record) for path in (*OUTPUTS, *OTHERS)}
    for name, text in (FILES | OTHERS | records).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    write_record(folder / "results" / DATASET, **FACTS)
    monkeypatch.setattr(archive, "finished", lambda target, given: OUTPUTS)
    monkeypatch.chdir(folder)
    return folder


def pack(output, *options):
    archive.main(["demo", "--configfile", "mine.yaml", "--output", str(output), *options])
    return output


@pytest.fixture
def unpacked(folder, tmp_path):
    with zipfile.ZipFile(pack(tmp_path / "packed.zip")) as packed:
        packed.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked"


def test_the_archive_holds_the_target_and_nothing_else(folder, tmp_path, capsys):
    with zipfile.ZipFile(pack(tmp_path / "packed.zip")) as packed:
        found = set(packed.namelist())
    assert found == {METADATA, RECORD, *FILES, *map(record_path, OUTPUTS)}
    assert f"note: {ELSEWHERE}: is left out, because it is not in this folder" in capsys.readouterr().err


def test_the_same_folder_gives_the_same_bytes(folder, tmp_path, monkeypatch):
    """Wherever it is, whatever the times and rights of its files."""
    copy = tmp_path / "elsewhere" / "copy"
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file():
            (copy / path.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy / path.relative_to(folder))
            os.utime(copy / path.relative_to(folder), (5e8, 5e8))
    (copy / TABLE).chmod(0o600)
    first = pack(tmp_path / "first.zip").read_bytes()
    monkeypatch.chdir(copy)
    assert pack(tmp_path / "second.zip").read_bytes() == first
    (copy / TABLE).write_text("a,c")
    assert pack(tmp_path / "third.zip").read_bytes() != first


def test_the_description_says_what_the_run_read_and_wrote(unpacked):
    entities = {entity["@id"]: entity for entity in json.loads((unpacked / METADATA).read_text())["@graph"]}
    run = entities["#run-demo"]
    read, written = ({part["@id"] for part in run[key]} for key in ("object", "result"))
    assert run["name"] == "snakemake demo --configfile mine.yaml"
    assert (run["startTime"], run["endTime"]) == ("2001-09-09T01:46:40+00:00", "2001-09-09T01:47:40+00:00")
    assert read == {"config.yaml", "mine.yaml", "own%20data/a.npz", "kinds.py", f"#{DATASET}/configuration"}
    assert written == {TABLE, LONG, RECORD, f"{PHOTOGRAPHS}/b%20c.png", "results/demo.html"}
    assert entities["./"]["mainEntity"] == run["instrument"] == {"@id": "Snakefile"}


def test_the_description_holds_the_record_of_each_dataset(unpacked):
    about = json.loads((unpacked / METADATA).read_text())
    assert record(about, DATASET) == FACTS
    entities = {entity["@id"]: entity for entity in about["@graph"]}
    assert entities["#run-demo"]["resourceUsage"] == [{"@id": f"#{DATASET}/rules"}]
    assert {"@id": f"#{DATASET}/version"} in entities["./"]["mentions"]


@pytest.mark.parametrize("path", [f"{PHOTOGRAPHS}/b c.png", LONG, record_path(TABLE)])
def test_a_changed_byte_and_a_missing_file_are_named(unpacked, path, capsys):
    check_archive.main([str(unpacked)])
    assert capsys.readouterr().out == f"{1 + len(FILES) + len(OUTPUTS)} files as packed\n"
    (unpacked / path).write_text((unpacked / path).read_text().swapcase())
    (unpacked / TABLE).unlink()
    with pytest.raises(SpuriousError, match=rf"2 of {1 + len(FILES) + len(OUTPUTS)} files differ; unpack"):
        check_archive.main([str(unpacked)])
    assert set(capsys.readouterr().out.splitlines()) == {f"{path}: changed", f"{TABLE}: missing"}


@pytest.mark.parametrize("text", ["{", "[]", '{"@graph": [1]}', '{"@graph": [{"@id": "a"}]}'])
def test_what_is_no_description_is_one_line(tmp_path, text):
    (tmp_path / METADATA).write_text(text)
    with pytest.raises(SpuriousError, match=METADATA):
        check_archive.main([str(tmp_path)])


def test_without_the_report_there_is_no_archive(folder, tmp_path):
    (folder / "results/demo.html").unlink()
    with pytest.raises(SpuriousError, match=r"results/demo.html: is missing; run snakemake demo --report"):
        pack(tmp_path / "packed.zip")
    assert not (tmp_path / "packed.zip").exists()


SUMMARY = "output_file\tdate\trule\tversion\tlog-file(s)\tstatus\tplan\n"


@pytest.mark.parametrize(
    ("plans", "said"),
    [
        (["update pending", "no update"], "demo: 1 file of it missing or not up to date, such as results/0.csv; run "),
        (
            ["no update", *["update pending"] * 3],
            "demo: 3 files of it missing or not up to date, such as results/1.csv",
        ),
    ],
)
def test_what_is_left_is_counted_with_the_command_that_makes_it(monkeypatch, plans, said):
    rows = "".join(f"results/{number}.csv\t-\t-\t-\t-\t-\t{plan}\n" for number, plan in enumerate(plans))
    done = subprocess.CompletedProcess([], 0, SUMMARY + rows, "")
    monkeypatch.setattr(subprocess, "run", lambda *arguments, **options: done)
    with pytest.raises(SpuriousError, match=r"run snakemake demo --configfile 'my own\.yaml' first$") as raised:
        archive.finished("demo", ["--configfile", "my own.yaml"])
    assert str(raised.value).startswith(said)


# The profile


@pytest.mark.slow
def test_it_is_a_workflow_run_crate(unpacked, violations):
    assert violations(unpacked) == []


@pytest.mark.slow
def test_a_run_without_its_workflow_is_none(unpacked, violations):
    about = json.loads((unpacked / METADATA).read_text())
    for entity in about["@graph"]:
        entity.pop("instrument", None)
    (unpacked / METADATA).write_text(json.dumps(about))
    assert violations(unpacked)


# A real run


@pytest.fixture
def carried(finished, tmp_path, monkeypatch):
    """The tiny demo, packed and unpacked in another place."""
    monkeypatch.chdir(finished)
    archive.main(["demo", "--output", str(tmp_path / "demo.zip")])
    with zipfile.ZipFile(tmp_path / "demo.zip") as packed:
        packed.extractall(tmp_path / "elsewhere")
    return tmp_path / "elsewhere"


def test_elsewhere_nothing_is_left_to_do_and_the_images_hold(finished, carried):
    assert "Nothing to be done" in run_snakemake(carried, "demo", "--dry-run").stdout
    kept = {name: hash_ for name, hash_ in contents(finished / "results").items() if not name.endswith(".zip")}
    assert contents(carried / "results") == kept
    for program in (["check_archive.py"], ["verify.py", "results"]):
        command = [sys.executable, f"scripts/{program[0]}", *program[1:]]
        done = subprocess.run(command, cwd=carried, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_not_finished_is_not_packed(carried, tmp_path, monkeypatch):
    monkeypatch.chdir(carried)
    change_config(carried, {"fooling": {"rubbish": 21}})
    for target, said in (
        ("demo", r"^demo: \d+ files of it missing or not up to date, such as results/.*; run snakemake demo first$"),
        ("dmeo", "No rule"),
    ):
        with pytest.raises(SpuriousError, match=said):
            archive.main([target, "--output", str(tmp_path / "none.zip")])
    assert not (tmp_path / "none.zip").exists()
