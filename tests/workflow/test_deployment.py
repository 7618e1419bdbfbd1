"""The workflow run from elsewhere, as a module and by snakedeploy, by the commands of docs/deployment.md."""

import os
import re
import shlex
import shutil
import subprocess

import pytest
import yaml

from planning import planned_by_rule
from projects import (
    ARCHIVE,
    DATASET,
    ROOT,
    commit_all,
    copy_project,
    error_lines,
    git,
    read_config,
    run_snakemake,
    sha256,
    written_rules,
)

TABLE = f"results/{DATASET}/tables/linear-toy.csv"  # needs no data
OF_DIGITS = "results/digits/tables/linear-toy.csv"
MANIFEST = "workflow/resources/imagenet_samples.csv"
DOCUMENT = re.findall(r"```\w+\n(.*?)```", (ROOT / "docs/deployment.md").read_text(encoding="utf-8"), re.DOTALL)
FROM_ELSEWHERE, AS_A_MODULE, BY_SNAKEDEPLOY = DOCUMENT


@pytest.fixture
def mine(tmp_path):
    """A folder that has nothing of the workflow."""
    folder = tmp_path / "a place of mine"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def workflow(checkout, tmp_path_factory):
    """A copy of the workflow with the tiny demo, whose path must survive the shell."""
    return shutil.copytree(checkout, tmp_path_factory.mktemp("workflow") / "the work flow's")


def planned(folder, *arguments):
    return planned_by_rule(run_snakemake(folder, *arguments, "--dry-run", "--quiet", "rules").stdout)


def as_module(folder, workflow, config):
    """Let `folder` be a workflow with ours as its module, as the document has it, and with a rule of its own."""
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    changed = "${{MALLOC_TRIM_THRESHOLD_-}}${{SPURIOUS_HEAD-}}"
    own = f'rule own:\n    output: "own.txt"\n    shell: "echo {changed} > {{output}}"\n'
    (folder / "Snakefile").write_text(AS_A_MODULE.replace("/path/to/spurious", str(workflow)) + own)
    return folder


def without_prefix(jobs):
    return {rule.removeprefix("spurious_"): count for rule, count in jobs.items()}


@pytest.fixture(scope="module")
def demo(workflow):
    """The jobs of the demo in the workflow's own folder."""
    return planned(workflow, "demo")


def test_the_default_target_is_the_demo(workflow, demo):
    default = planned(workflow)
    assert default.pop("all") == demo["demo"] == 1
    assert default == {rule: count for rule, count in demo.items() if rule != "demo"}


def test_from_another_folder(workflow, demo, mine):
    (command,) = FROM_ELSEWHERE.splitlines()
    places = {"/path/to/spurious/Snakefile": str(workflow / "Snakefile"), "/path/to/mine": str(mine)}
    words = [places.get(word, word) for word in command.split()]
    assert words.pop(0) == "snakemake"
    shutil.copytree((workflow / ARCHIVE).parent, (mine / ARCHIVE).parent)  # its path is relative to the new folder
    assert planned(mine.parent, *words) == demo
    run_snakemake(mine, "-s", str(workflow / "Snakefile"), TABLE)
    run_snakemake(workflow, TABLE)
    assert sha256(mine / TABLE) == sha256(workflow / TABLE)
    assert "Nothing to be done" in run_snakemake(mine, "-s", str(workflow / "Snakefile"), TABLE, "--dry-run").stdout
    shutil.rmtree(workflow / "results/own")


def test_a_configuration_of_another_folder_may_be_short(mine):
    (mine / "config.yaml").write_text(
        "targets: {demo: [mnist]}\nexperiments: {mnist: {seeds: [0], classifiers: [softmax]}}\n"
    )
    jobs = planned(mine, "-s", str(ROOT / "Snakefile"))
    assert jobs["fetch_file"] == 4
    assert "train_linear" not in jobs


def test_as_a_module(workflow, demo, mine):
    as_module(mine, workflow, read_config(workflow))
    jobs = planned(mine)
    assert all(rule.startswith("spurious_") for rule in jobs)
    assert without_prefix(jobs) == demo
    run_snakemake(mine, TABLE)
    assert (mine / TABLE).is_file()
    run_snakemake(mine, "own.txt")
    assert (mine / "own.txt").read_text() == "\n", "the environment of a host's jobs was changed"


def test_a_rule_of_the_host_may_make_the_manifest(mine):
    config = read_config(ROOT)
    config["datasets"]["imagenet-samples"]["manifest"] = "lists/mine.csv"
    as_module(mine, ROOT, config)
    own = 'rule list_mine:\n    output: "lists/mine.csv"\n    shell: "touch {output}"\n'
    with (mine / "Snakefile").open("a") as file:
        file.write(own)
    assert planned(mine, "results/imagenet-samples/images.csv")["list_mine"] == 1


def test_a_module_counts_only_its_own_benchmarks(workflow, mine):
    path = f"results/{DATASET}/ro-crate-metadata.json"
    here = run_snakemake(workflow, path, "--dry-run", "--printshellcmds").stdout
    as_module(mine, workflow, read_config(workflow))
    own = 'rule other:\n    output: "{dataset}.txt"\n    benchmark: "{dataset}.tsv"\n    shell: "touch {output}"\n'
    with (mine / "Snakefile").open("a") as file:
        file.write(own)
    there = run_snakemake(mine, path, "--dry-run", "--printshellcmds").stdout
    (expected,), (found,) = (re.findall(r"--benchmarks (.*) --tables", text) for text in (here, there))
    assert found == expected
    names = [word.partition("=")[0] for word in shlex.split(found)]
    assert sorted(names) == sorted(name for name, text in written_rules().items() if "benchmark:" in text)


def test_a_wrong_configuration_of_a_module_is_one_line(workflow, mine):
    done = run_snakemake(as_module(mine, workflow, {"thread": 2}), "--dry-run", check=False)
    assert done.returncode
    assert error_lines(done) == ["error: config.yaml: unknown key 'thread'; did you mean 'threads'?"]


def test_a_file_of_the_working_directory_comes_before_a_shipped_one(mine):
    def manifest():
        target = ["results/imagenet-samples/images.csv", "--dry-run", "--printshellcmds"]
        printed = run_snakemake(mine, "-s", str(ROOT / "Snakefile"), *target).stdout
        return set(re.findall(r"--manifest (\S+)", printed))

    assert manifest() == {str(ROOT / MANIFEST)}
    (mine / MANIFEST).parent.mkdir(parents=True)
    shutil.copy(ROOT / MANIFEST, mine / MANIFEST)
    assert manifest() == {MANIFEST}


def test_the_stylesheet_lies_beside_the_profile():
    profile = ROOT / "profiles/default/config.yaml"
    assert (profile.parent / yaml.safe_load(profile.read_text(encoding="utf-8"))["report-stylesheet"]).is_file()


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """The workflow as a repository on a hosting service: (folder of the service, commit)."""
    service = tmp_path_factory.mktemp("github.com")
    folder = copy_project(service / "OWNER" / "spurious")
    git(folder, "init", "--quiet")
    commit_all(folder)
    return service, git(folder, "rev-parse", "HEAD").strip()


@pytest.fixture
def redirected(repository, monkeypatch, tmp_path):
    """Let git find on this machine what is asked from GitHub, and Snakemake begin with nothing in its cache."""
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{repository[0].as_uri()}/.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://github.com/")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_as_a_module_from_github(repository, redirected, mine):
    source = f'github("OWNER/spurious", path="workflow/Snakefile", commit="{repository[1]}")'
    as_module(mine, ROOT, read_config(ROOT))
    text = (mine / "Snakefile").read_text()
    (mine / "Snakefile").write_text(text.replace(f'"{ROOT}/workflow/Snakefile"', source))
    assert without_prefix(planned(mine)) == planned(ROOT, "demo", "--forceall")
    run_snakemake(mine, OF_DIGITS)
    assert "Nothing to be done" in run_snakemake(mine, OF_DIGITS, "--dry-run").stdout
    assert (mine / OF_DIGITS).is_file()


SNAKEDEPLOY = os.environ.get("SNAKEDEPLOY") or shutil.which("snakedeploy")


@pytest.mark.skipif(SNAKEDEPLOY is None, reason="needs snakedeploy: SNAKEDEPLOY may be its path")
def test_by_snakedeploy(repository, redirected, mine):
    service, commit = repository
    deploy = BY_SNAKEDEPLOY.splitlines()[1].split()[1:]
    deploy = [word.replace("https://github.com", service.as_uri()) for word in deploy]
    places = {"/path/to/mine": str(mine), "--tag": "--commit", "TAG": commit}
    deploy = [places.get(word, word) for word in deploy]
    subprocess.run([SNAKEDEPLOY, *deploy], check=True, capture_output=True)
    assert planned(mine, "demo").keys() >= {"train_classifier", "make_table_linear", "demo"}
    run_snakemake(mine, OF_DIGITS)
    assert (mine / OF_DIGITS).is_file()


def test_an_address_that_is_no_repository_is_refused_in_one_line(repository, mine):
    source = f'gitfile("{repository[0]}/OWNER/spurious", path="workflow/Snakefile", commit="{repository[1]}")'
    as_module(mine, ROOT, {})
    text = (mine / "Snakefile").read_text()
    (mine / "Snakefile").write_text(text.replace(f'"{ROOT}/workflow/Snakefile"', source))
    done = run_snakemake(mine, "--dry-run", check=False)
    assert done.returncode
    (line,) = error_lines(done)
    assert line.endswith("the workflow cannot run from there; clone it and name the clone's workflow/Snakefile")
