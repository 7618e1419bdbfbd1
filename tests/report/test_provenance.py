"""Where tables come from: the facts one by one, the record of the tiny demo, results on another machine."""

import dataclasses
import hashlib
import json
import math
import os
import platform
import re
import shutil
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import write_provenance
from pipeline.files.records import read_record
from pipeline.jobs.surroundings import git_state, hardware, installed
from projects import (
    DATASET,
    ROOT,
    carry,
    change_config,
    changed_config,
    commit_all,
    contents,
    edited,
    git,
    planned_jobs,
    planned_results,
    read_config,
    run_snakemake,
    sha256,
)
from spurious import configuration
from spurious.report import provenance, provenance_page
from spurious.report.crate import METADATA, WORKFLOW, hashes
from spurious.report.provenance import Measurement

HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
COLUMNS = {"s", "h:m:s", "max_rss", "cpu_time"}
RECORD = f"results/{DATASET}/{METADATA}"

# Facts


def test_the_version_is_that_of_the_citation_and_of_the_newest_changes():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    newest = re.search(r"^## ([^\s,]+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert str(citation["version"]) == newest[1] == provenance.VERSION


ATTACKED = {"robustness": ["cnn", "mine"], "certification": ["cnn", "mine"]}


def made_up(**changes):
    """A configuration in force, as much of it as provenance looks at."""
    entry = {"seeds": [3, 5], "classifiers": ["cnn"], "backworking": [], "retraining": ["cnn"], "smoothing": ["mine"]}
    return {
        "experiment": entry | {"linear": True, "fooling": [], "black_box": [], "transfer": {"forest": [5]}, **ATTACKED},
        "datasets": {"own": {"source": "npz", "classes": 3, "seed": 7, "files": {"archive": {}}}},
        "retraining": {"arms": [{"negatives": "none", "target": "none"}, {"negatives": "normal", "target": "extra"}]},
        "smoothing": {"shards": 2, "seeds": [0, 1]},
        "backworking": {"searches": {"log-p": {}}},
        "classifiers": {"cnn": {"architecture": "cnn"}, "mine": {"torchscript": "mine.pt"}},
        "robustness": {"images": 20, "shards": 2, "seeds": 1, "classifiers": {}},
        "certification": {"shards": 1, "classifiers": {"cnn": {"shards": 3}}},
    } | changes


def test_the_hash_of_a_configuration_is_that_of_its_content():
    text = '{"a":[1,0.5],"b":{"c":null,"d":"x"}}'
    expected = hashlib.sha256(text.encode()).hexdigest()
    assert provenance.configuration_sha256({"b": {"d": "x", "c": None}, "a": [1, 0.5]}) == expected
    assert provenance.configuration_sha256({"b": {"d": "x", "c": None}, "a": [1, 0.25]}) != expected


def test_seeds_are_those_of_what_is_run():
    assert provenance.seeds(made_up()) == {
        "classifiers": [3, 5],
        "split": 7,
        "noise": [0, 1],
        "transfer": {"forest": [5]},
    }
    bare = made_up(datasets={"own": {"source": "idx"}})
    bare["experiment"] = bare["experiment"] | {"smoothing": [], "transfer": {}}
    assert provenance.seeds(bare) == {"classifiers": [3, 5]}


def test_pins_of_requirements():
    lines = ["# a remark", "-r other.txt", "snakemake[reports]==9.27.1", "torch==2.13.0  # CPU", "loose>=1"]
    text = "\n".join([*lines, "PyYAML==6.0.3; python_version>'3'", ""])
    pinned = {"snakemake": "9.27.1", "torch": "2.13.0", "PyYAML": "6.0.3"}
    assert provenance.pins(text) == pinned
    assert provenance.unlike(pinned, {"snakemake": "9.27.1", "torch": "2.13.0+cpu", "PyYAML": "6.0.3"}) == []
    assert provenance.unlike(pinned, {"snakemake": "9.27.2", "torch": None}) == ["snakemake", "torch", "PyYAML"]


MEASURED = {
    "one job": (HEADER + "2.5\t0:00:02\t100.5\t1\t1\t1\t0\t0\t50\t1.25\n", Measurement(2.5, 1.25, 100.5)),
    "too short to be seen": (HEADER + "0.1\t0:00:00" + "\tNA" * 8 + "\n", Measurement(0.1, None, None)),
    "no value": (HEADER + "0.1\t-" + "\t-" * 8 + "\n", Measurement(0.1, None, None)),
    "repeated": ("s\tmax_rss\tcpu_time\n1\t10\t2\n3\t30\tNA\n", Measurement(4.0, 2.0, 30.0)),
    "other columns": ("cpu_time\tnew\ts\n1\tx\t2\n", Measurement(2.0, 1.0, None)),
    "cut off": (HEADER + "7.5\t0:00:0", Measurement(7.5, None, None)),
    "header alone": (HEADER, None),
    "empty": ("", None),
    "no number": (HEADER + "soon\n", None),
    "not finite": (HEADER + "inf\n", None),
    "negative": (HEADER + "-1\n", None),
}


@pytest.mark.parametrize(("text", "expected"), MEASURED.values(), ids=MEASURED.keys())
def test_what_a_benchmark_file_says(text, expected):
    assert provenance.measurement(text) == expected


@given(st.text(st.sampled_from("s\tmax_rcpuie01.-NAinf\n"), max_size=60) | st.text(max_size=60))
def test_no_benchmark_file_breaks_it(text):
    for start in ("", HEADER):
        found = provenance.measurement(start + text)
        numbers = [value for value in dataclasses.astuple(found) if value is not None] if found else []
        assert all(math.isfinite(value) and value >= 0 for value in numbers)


PATTERNS = {
    "train_classifier": "logs/own/{classifier}/train_seed{seed}.tsv",
    "train_linear": "logs/own/linear/train_seed{seed}.tsv",
    "retrain": "logs/own/{classifier}/retrain_{negatives}-{target}_seed{seed}.tsv",
}


@pytest.mark.parametrize("order", [list(PATTERNS), list(PATTERNS)[::-1]])
def test_the_rule_of_a_benchmark_file(order):
    patterns = {name: PATTERNS[name] for name in order}
    found = {
        "logs/own/cnn/train_seed12.tsv": ("train_classifier", {"classifier": "cnn", "seed": "12"}),
        "logs/own/linear/train_seed0.tsv": ("train_linear", {"seed": "0"}),
        "logs/own/a-b/retrain_none-extra_seed0.tsv": (
            "retrain",
            {"classifier": "a-b", "negatives": "none", "target": "extra", "seed": "0"},
        ),
        "logs/own/a/b/train_seed0.tsv": None,
        "logs/own/cnn/train_seed0xtsv": None,
        "logs/other/cnn/train_seed0.tsv": None,
    }
    assert {path: provenance.source_of(path, patterns) for path in found} == found


@pytest.mark.parametrize(
    ("wildcards", "expected"),
    [
        ({}, True),
        ({"classifier": "mine", "shard": "1"}, True),
        ({"classifier": "forest", "seed": "5"}, True),
        ({"classifier": "softmax"}, False),
        ({"classifier": "cnn", "seed": "0"}, False),
        ({"label": "2"}, True),
        ({"label": "3"}, False),
        ({"shard": "2"}, False),
        ({"negatives": "normal", "target": "extra"}, True),
        ({"negatives": "normal", "target": "none"}, False),
        ({"search": "logit"}, False),
        ({"file": "archive"}, True),
        ({"file": "other"}, False),
        ({"unheard": "of"}, True),
        ({"classifier": "cnn", "attacked": "3", "part": "1"}, True),
        ({"classifier": "cnn", "attacked": "3", "part": "2"}, False),
        ({"classifier": "cnn", "attacked": "5", "part": "0"}, False),
        ({"classifier": "mine", "attacked": "0", "part": "0"}, True),
        ({"classifier": "cnn", "portion": "2"}, True),
        ({"classifier": "mine", "portion": "2"}, False),
    ],
)
def test_jobs_of_an_earlier_configuration_do_not_count(wildcards, expected):
    assert provenance.belongs(wildcards, made_up()) is expected


def test_what_jobs_took_is_added_up_by_rule():
    measured = [
        ("b", Measurement(1.0, None, 5.0)),
        ("a", Measurement(2.0, 1.5, None)),
        ("b", Measurement(4.0, 2.0, 3.0)),
    ]
    a = {"jobs": 1, "wall_s": 2.0, "longest_s": 2.0, "cpu_s": 1.5, "max_rss_mib": None}
    b = {"jobs": 2, "wall_s": 5.0, "longest_s": 4.0, "cpu_s": 2.0, "max_rss_mib": 5.0}
    assert provenance.per_rule(measured) == [{"rule": "a", **a}, {"rule": "b", **b}]
    assert provenance.total(measured) == {"jobs": 3, "wall_s": 7.0, "longest_s": 4.0, "cpu_s": 3.5, "max_rss_mib": 5.0}
    nothing = {"jobs": 0, "wall_s": 0, "longest_s": None, "cpu_s": None, "max_rss_mib": None}
    assert provenance.total([]) == nothing
    assert provenance.per_rule([]) == []


def test_trainings_are_counted_by_device_and_precision():
    gpu = ("b", "NVIDIA H100", "bfloat16")
    silent = ("a", None, None)
    assert provenance.trainings([gpu, silent, ("b", "cpu", "float32"), gpu]) == [
        {"rule": "a", "device": None, "precision": None, "trainings": 1},
        {"rule": "b", "device": "NVIDIA H100", "precision": "bfloat16", "trainings": 2},
        {"rule": "b", "device": "cpu", "precision": "float32", "trainings": 1},
    ]


def test_devices_are_those_of_the_histories(tmp_path):
    """A file may hold the rounds of an arm; a history may be of an earlier version, or of an earlier configuration."""
    histories = {
        "cnn/seed3": "step,device,precision\n1,cpu,float32\n2,cpu,float32\n",
        "cnn/seed5": "step,loss\n1,2.5\n",
        "cnn/seed9": "step,device,precision\n1,cpu,float32\n",
        "cnn/normal-extra/seed3": "round,device,precision\n1,cpu,float32\n2,cpu,float32\n2,cpu,float32\n",
    }
    for place, text in histories.items():
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "history.csv").write_text(text)
    patterns = {
        "train": f"{tmp_path}/{{classifier}}/seed{{seed}}/history.csv",
        "retrain": f"{tmp_path}/{{classifier}}/{{negatives}}-{{target}}/seed{{seed}}/history.csv",
    }
    found = list(write_provenance.devices_of(patterns, made_up()))
    cpu = ("cpu", "float32")
    assert sorted(found, key=str) == sorted([("train", *cpu), ("train", None, None), *2 * [("retrain", *cpu)]], key=str)


# The code that ran


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repository"
    (folder / "inner").mkdir(parents=True)
    git(folder, "init", "--quiet")
    for name in ("one", "two", "inner/three"):
        (folder / name).write_text(f"content of {name}, enough of it to be known again\n")
    return folder


def test_a_clean_checkout(repository):
    commit_all(repository)
    head = git(repository, "rev-parse", "HEAD").strip()
    assert git_state(repository) == {"commit": head, "dirty": False, "changed": [], "reason": None}


def test_a_changed_checkout(repository):
    commit_all(repository)
    (repository / "one").write_text("else")
    (repository / "new file").touch()
    git(repository, "mv", "two", "ünlike two")
    state = git_state(repository)
    assert state["dirty"] is True
    assert state["changed"] == ["new file", "one", "ünlike two"]
    assert state["commit"] == git(repository, "rev-parse", "HEAD").strip()


def test_names_that_are_not_utf_8_are_shown_escaped(repository):
    commit_all(repository)
    with open(os.fsencode(repository) + b"/caf\xe9 \xff", "wb"):
        pass
    (changed,) = git_state(repository)["changed"]
    assert changed == r"caf\xe9 \xff"


def test_a_checkout_whose_own_name_is_not_utf_8(repository, tmp_path):
    commit_all(repository)
    renamed = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xe9"))
    repository.rename(renamed)
    assert git_state(renamed)["changed"] == []
    assert git_state(renamed)["dirty"] is False


def no_commit(state):
    assert (state["commit"], state["dirty"], state["changed"]) == (None, None, [])
    return state["reason"]


def test_without_a_commit_there_is_a_reason(repository, tmp_path, monkeypatch):
    assert "HEAD" in no_commit(git_state(repository)) or "revision" in no_commit(git_state(repository))
    commit_all(repository)
    assert no_commit(git_state(repository / "inner")) == "the folder is not the top of a git repository"
    (tmp_path / "archive").mkdir()
    assert "not a git repository" in no_commit(git_state(tmp_path / "archive"))
    monkeypatch.setenv("GIT_DIR", str(repository / ".git"))  # as a hook of another repository has it
    assert "not a git repository" in no_commit(git_state(tmp_path / "archive"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert no_commit(git_state(repository)) == "git is not installed"


def test_installed_versions():
    assert installed(["numpy", "no-such-package"]) == {"numpy": version("numpy"), "no-such-package": None}


def test_hardware_without_a_gpu_or_its_program(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = hardware()
    assert found["gpus"] == []
    assert found["cpu"]
    assert 1 <= found["usable_cores"] <= found["cores"] == os.cpu_count()
    if Path("/proc/meminfo").exists():
        kib = int(re.search(r"MemTotal: +(\d+) kB", Path("/proc/meminfo").read_text()).group(1))
        assert found["memory_mib"] == kib // 1024


def test_hardware_names_the_gpus(monkeypatch, tmp_path):
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho 'NVIDIA H100'; echo 'NVIDIA A2'\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert hardware()["gpus"] == ["NVIDIA H100", "NVIDIA A2"]
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\nprintf 'NVIDIA \\351\\n'\n")
    assert hardware()["gpus"] == [r"NVIDIA \xe9"]


def test_input_files_as_they_are(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    abc = hashlib.sha256(b"abc").hexdigest()
    described = write_provenance.described
    plain = {"path": str(path), "bytes": 3, "sha256": abc, "declared_sha256": None, "reason": None}
    assert described(str(path), "") == plain
    assert described(str(path), abc[:8].upper()) == plain | {"declared_sha256": abc[:8].upper()}
    other = described(str(path), "0" * 64)
    assert (other["sha256"], other["reason"]) == (abc, "not what was declared")
    gone = described(str(tmp_path / "gone"), abc)
    assert (gone["sha256"], gone["bytes"], gone["reason"]) == (None, None, "not there any more")
    assert described(str(tmp_path), "")["reason"] == "a folder: its files are not hashed"


# The page and the sentence


@pytest.fixture(scope="module")
def record(finished):
    return read_record(finished / RECORD)


def test_sentence_says_nothing_of_time(record):
    other = record | {"written": "later", "total": record["total"] | {"wall_s": 1e9, "max_rss_mib": 1e9}, "rules": []}
    assert provenance_page.sentence(other) == provenance_page.sentence(record)
    clean = {"commit": "0123456789abcdef", "dirty": False, "changed": [], "reason": None}
    expected = f"Commit 0123456789ab; version {provenance.VERSION}; configuration "
    assert provenance_page.sentence(record | {"git": clean}).startswith(expected)
    changed = provenance_page.sentence(record | {"git": clean | {"dirty": True}})
    assert changed.startswith("Commit 0123456789ab, with changes that are not committed; version ")


def test_page_escapes_what_it_shows(record):
    page = provenance_page.to_html(record | {"dataset": "<script>", "written": "a & b", "rules": []})
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "a &amp; b" in page


def test_page_names_the_devices(record):
    row = {"rule": "train_classifier", "device": "NVIDIA H100", "precision": "bfloat16", "trainings": 3}
    cells = '<td>train_classifier</td><td>NVIDIA H100</td><td>bfloat16</td><td class="number">3</td>'
    assert cells in provenance_page.to_html(record | {"trainings": [row]})


# The record of the tiny demo


def benchmarks_by_rule(folder):
    """{rule: benchmark files} of all jobs that ran, by what snakemake wrote down of them and of their logs."""
    found = {}
    for path in (path for path in (folder / ".snakemake/metadata").rglob("*") if path.is_file()):
        job = json.loads(path.read_text())
        benchmark = folder / job["log"][0].replace(".log", ".benchmark.tsv")
        if benchmark.exists():
            found.setdefault(job["rule"], set()).add(benchmark)
    assert set.union(*found.values()) == set(folder.glob("results/logs/**/*.benchmark.tsv"))
    return found


def test_record_says_what_the_jobs_took(finished, record):
    ran = benchmarks_by_rule(finished)
    assert {"train_classifier", "backwork_label", "train_linear", "smooth_shard"} <= ran.keys()
    assert [row["rule"] for row in record["rules"]] == sorted(ran)
    for row in record["rules"]:
        rows = pd.concat([pd.read_csv(path, sep="\t") for path in ran[row["rule"]]])
        assert rows.columns[0] == "s"
        assert set(rows) >= COLUMNS, "snakemake names its columns otherwise"
        assert row["jobs"] == len(ran[row["rule"]]), row
        assert row["wall_s"] == pytest.approx(rows["s"].sum(), abs=0.01)
        assert row["longest_s"] == pytest.approx(rows["s"].max(), abs=0.01)
        assert row["max_rss_mib"] == pytest.approx(rows["max_rss"].max(), abs=0.01)
        assert row["cpu_s"] == pytest.approx(rows["cpu_time"].sum(), abs=0.01)
    assert record["total"]["jobs"] == sum(map(len, ran.values()))
    assert record["total"]["wall_s"] == pytest.approx(sum(row["wall_s"] for row in record["rules"]), abs=0.1)
    assert record["total"]["max_rss_mib"] == max(row["max_rss_mib"] for row in record["rules"])
    assert record["unreadable_benchmarks"] == []


def test_record_says_where_the_trainings_ran(record):
    cpu = {"device": "cpu", "precision": "float32"}
    assert record["trainings"] == [
        {"rule": "retrain_classifier", **cpu, "trainings": 4},  # two arms and seeds, a round each
        {"rule": "train_classifier", **cpu, "trainings": 4},
        {"rule": "train_linear", **cpu, "trainings": 2},
    ]


def test_record_says_what_ran(finished, record):
    config = read_config(finished)
    effective = configuration.settings_for(config, DATASET)
    effective.pop("local_data")
    effective["datasets"] = {DATASET: config["datasets"][DATASET]}
    assert record["configuration"] == effective
    assert record["configuration"]["recipes"]["fast"]["steps"] == 40, "without the override"
    canonical = json.dumps(effective, sort_keys=True, separators=(",", ":")).encode()
    assert record["configuration_sha256"] == hashlib.sha256(canonical).hexdigest()
    noise = config["smoothing"]["seeds"]
    transfer = {"cnn": [0, 1], "softmax": [0], "forest": [0]}
    assert record["seeds"] == {"classifiers": [0, 1], "split": 0, "noise": noise, "transfer": transfer}
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    names = [re.match(r"[\w-]+", line).group() for line in lines if not line.startswith("#")]
    software = {"python": platform.python_version(), "packages": {name: version(name) for name in names}}
    assert record["software"] == software | {"unlike_requirements": []}
    assert record["hardware"] == hardware()
    assert record["dataset"] == DATASET
    assert record["version"] == provenance.VERSION
    assert datetime.fromisoformat(record["written"]).utcoffset().total_seconds() == 0
    assert no_commit(record["git"]), "the copy that the tests run is no repository"


def test_record_holds_the_hashes_of_the_inputs(finished, record):
    declared = read_config(finished)["datasets"][DATASET]["files"]["archive"]["sha256"]
    download, prepared = f"results/downloads/{DATASET}/archive", f"results/{DATASET}/data.safetensors"
    expected = [
        {"path": path, "bytes": (finished / path).stat().st_size, "sha256": sha256(finished / path), "reason": None}
        | {"declared_sha256": hash_}
        for path, hash_ in ((download, declared), (prepared, None))
    ]
    assert record["inputs"] == expected


def test_report_and_front_page_show_it(finished, record):
    tables = finished / "results" / DATASET / "tables"
    page = (tables / "provenance.html").read_text(encoding="utf-8")
    assert page == provenance_page.to_html(record)
    for shown in (*(row["rule"] for row in record["rules"]), *(file["sha256"] for file in record["inputs"])):
        assert f">{shown}</td>" in page
    assert f"- {provenance_page.sentence(record)}\n" in (tables.parent / "summary.rst").read_text(encoding="utf-8")


def test_record_names_every_table_and_the_workflow_with_their_hashes(finished):
    place = (finished / RECORD).parent
    tables = {path.relative_to(place).as_posix() for path in place.glob("tables/*.csv")}
    named = dict(hashes(json.loads((finished / RECORD).read_text(encoding="utf-8"))))
    assert named == {name: sha256(place / name) for name in {*tables, WORKFLOW}}
    assert (place / WORKFLOW).read_bytes() == (finished / "workflow" / WORKFLOW).read_bytes()


def test_record_is_a_workflow_run_crate_of_its_tables(finished, tmp_path, violations):
    place = shutil.copytree((finished / RECORD).parent, tmp_path / "crate")
    assert violations(place) == []
    (place / "tables/classifiers.csv").unlink()
    assert violations(place)


def test_record_says_what_the_run_was_given_and_what_it_took(finished):
    entities = {
        entity["@id"]: entity for entity in json.loads((finished / RECORD).read_text(encoding="utf-8"))["@graph"]
    }
    run = entities[f"#run-{DATASET}"]
    given, took = ({part["@id"] for part in run[key]} for key in ("object", "resourceUsage"))
    assert f"#{DATASET}/configuration" in given
    assert f"#{DATASET}/rules" in took
    assert {"@id": "tables/classifiers.csv"} in run["result"]


def rewritten(folder):
    """The record when it is written anew, by its rule alone."""
    done = run_snakemake(folder, RECORD, "--forcerun", "write_provenance", "--printshellcmds")
    assert [script for script, _ in planned_jobs(done)] == ["write_provenance.py"]
    assert re.search(r"^input files: 100% (\d+)/\1 \[", done.stderr, re.MULTILINE)
    return read_record(folder / RECORD)


def test_what_is_missing_or_left_over_costs_nothing_but_itself(finished, record, tmp_path):
    folder = shutil.copytree(finished, tmp_path / "project")
    logs = folder / "results/logs" / DATASET
    (logs / "cnn/train_seed0.benchmark.tsv").unlink()
    (logs / "cnn/train_seed1.benchmark.tsv").write_text("half a he")
    shutil.copy(logs / "cnn/fool.benchmark.tsv", logs / "cnn/train_seed9.benchmark.tsv")  # of an earlier configuration
    shutil.rmtree(folder / "results/downloads")
    after = rewritten(folder)
    jobs, before = ({row["rule"]: row["jobs"] for row in each["rules"]} for each in (after, record))
    assert jobs == before | {"train_classifier": before["train_classifier"] - 2}
    assert after["unreadable_benchmarks"] == [f"results/logs/{DATASET}/cnn/train_seed1.benchmark.tsv"]
    assert [file["reason"] for file in after["inputs"]] == ["not there any more", None]
    assert "Nothing to be done" in run_snakemake(folder, RECORD, "-n").stdout


# Another machine


@pytest.fixture(scope="module")
def carried(finished, tmp_path_factory):
    """A clone in another place, with results and metadata copied in as docs/provenance.md says."""
    return carry(finished, tmp_path_factory.mktemp("carried") / "another place")


def nothing_to_do(folder, *arguments):
    return "Nothing to be done" in run_snakemake(folder, "demo", "--dry-run", *arguments).stdout


def test_a_clone_with_results_and_metadata_has_nothing_to_do(finished, carried):
    source, result = carried / "scripts/make_result.py", carried / f"results/{DATASET}/tables/classifiers.csv"
    assert source.stat().st_mtime > result.stat().st_mtime, "a clone's sources are newer than the results"
    assert nothing_to_do(carried)
    assert nothing_to_do(carried, "--config", "local_data=elsewhere")
    assert contents(carried / "results") == contents(finished / "results")


def test_new_times_of_the_results_do_not_matter(carried, tmp_path):
    folder = shutil.copytree(carried, tmp_path / "project")
    for number, path in enumerate(sorted(folder.glob("results/**/*"), key=lambda path: hash(path.name))):
        os.utime(path, (1e9 + number, 1e9 + number))
    assert nothing_to_do(folder)


def test_a_new_commit_alone_makes_nothing_anew(carried):
    before = git_state(carried)
    assert before["dirty"] is False, before["changed"]
    commit_all(carried)
    assert git_state(carried)["commit"] != before["commit"]
    assert nothing_to_do(carried)


def test_a_clone_with_metadata_forgotten_starts_again(carried, tmp_path):
    folder = shutil.copytree(carried, tmp_path / "project", ignore=shutil.ignore_patterns(".snakemake"))
    assert not nothing_to_do(folder)


WRITTEN_LAST = {"make_result.py", "write_provenance.py", "write_summary.py"}


def planned_scripts(folder):
    """{script: reasons} of the jobs that are planned, and the names of the figures among them."""
    done = run_snakemake(folder, "demo", "--dry-run", "--printshellcmds")
    planned = {}
    for script, reason in planned_jobs(done):
        planned.setdefault(script, set()).add(reason)
    return planned, {name for name in planned_results(done) if name.startswith("figures/")}


def test_an_edited_script_is_noticed_in_the_clone(carried):
    with edited(carried / "scripts/smooth_shard.py"):
        planned, figures = planned_scripts(carried)
    (reason,) = planned["smooth_shard.py"]
    assert reason.startswith("Params have changed since last execution")
    assert planned.keys() == WRITTEN_LAST | {"smooth_shard.py", "gather_smoothing.py"}
    assert figures == {"figures/smoothing", "figures/smoothing-gain", "figures/risk-cnn", "figures/risk-softmax"}


def test_a_changed_value_is_noticed_in_the_clone(carried):
    with changed_config(carried, {"fooling": {"rubbish": 21}}):
        planned, figures = planned_scripts(carried)
    (reason,) = planned["fool_classifier.py"]
    assert reason.startswith("Params have changed")
    assert planned.keys() == WRITTEN_LAST | {"fool_classifier.py"}
    assert figures == {"figures/attacks", "figures/fooling-cnn", "figures/fooling-softmax", "figures/gradient-success"}


def test_provenance_is_renewed_with_a_table(carried, tmp_path):
    """... and then says what is true in the clone; what concerns other datasets does not renew it."""
    folder = shutil.copytree(carried, tmp_path / "project")
    change_config(folder, {"datasets": {"mnist": {"validation": 4999}}, "targets": {"paper": []}})
    assert nothing_to_do(folder)
    (folder / f"results/{DATASET}/tables/linear-toy.csv").unlink()
    done = run_snakemake(folder, "demo", "--printshellcmds")
    assert {script for script, _ in planned_jobs(done)} == WRITTEN_LAST
    assert planned_results(done).keys() == {"tables/linear-toy"}
    record = read_record(folder / RECORD)
    assert record["git"]["commit"] == git(folder, "rev-parse", "HEAD").strip()
    assert record["git"]["changed"] == ["config.yaml"]
    assert "with changes that are not committed" in (folder / f"results/{DATASET}/summary.rst").read_text()
