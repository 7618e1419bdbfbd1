"""The rules ask for what was measured, and more at each attempt; the profiles name rules that are there."""

import math
import os
import re
import shlex
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import yaml

from asking import asked
from projects import DATASET, rules_with_gpu, run_snakemake, written_rules

ROOT = Path(__file__).parents[2]
SLURM = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text(encoding="utf-8"))
MEASURED = pd.read_csv(ROOT / "docs/measured/resources.csv").set_index("rule")


CONTEXT_MB = 3000  # of a job on a GPU


@pytest.fixture(scope="module")
def requests(checkout):
    """What every rule asks for at its first attempt, on a cluster."""
    return asked(checkout, DATASET)


def numbers(request, *names):
    return [request[name] for name in names]


def test_every_rule_that_is_named_exists(checkout):
    listed = run_snakemake(checkout, "--list-rules").stdout.split()
    assert written_rules().keys() <= set(listed)
    assert SLURM["set-resources"].keys() <= set(listed)


def test_memory_grows_with_the_votes_of_the_noise_sweep(checkout, requests):
    """For the rules that read them all, as the commands of a plan show."""
    of_photographs = [f"results/imagenet-samples/tables/smoothing-{name}.csv" for name in ("variants", "clean")]
    printed = run_snakemake(checkout, "demo", *of_photographs, "--dry-run", "--printshellcmds").stdout
    commands = printed.split("make_result.py ")[1:]  # of several lines, as the captions that they hold are
    outputs = [
        re.search(r" --output .*?/tables/(smoothing-\w+)\.csv", own) for own in commands if " --input votes " in own
    ]
    tables = {output[1] for output in outputs if output}
    large = asked(checkout, DATASET, size_mb=501)
    growing = {rule: request["mem_mb"] for rule, request in large.items() if request != requests[rule]}
    of_results = {f"make_table_{name.replace('-', '_')}" for name in tables} | {"draw_gallery", "draw_risk"}
    assert growing == dict.fromkeys({"gather_smoothing"} | of_results, 3006)  # measured: 695 for 167
    assert {requests[rule]["mem_mb"] for rule in growing} == {2000}


def test_every_job_that_a_scheduler_gets_asks_for_memory_and_time(requests):
    without = {rule for rule, request in requests.items() if not {"mem_mb", "runtime"} <= request.keys()}
    targets = {"all", "demo", "paper"}
    assert without == targets | {name for name, text in written_rules().items() if "localrule: True" in text}


def test_a_head_of_one_core_does_not_limit_its_jobs(checkout):
    found = asked(checkout, DATASET, config={"threads": {"training": 3}})
    assert numbers(found["train_classifier"], "_cores", "cpus_per_task") == [1, 3]
    threaded = {rule for rule, text in written_rules().items() if "\n    threads:" in text}
    assert threaded == {rule for rule, request in found.items() if "cpus_per_task" in request}


def test_tables_and_figures_are_grouped_by_experiment(requests):
    grouped = {rule for rule, request in requests.items() if request["group"]}
    assert grouped == {rule for rule in requests if rule.startswith(("make_table_", "draw_"))} - {"draw_example"}
    assert {requests[rule]["turn"] for rule in grouped} == {1}
    groups = {requests[rule]["group"] for rule in grouped}
    assert SLURM["group-components"] == dict.fromkeys(groups, 10)


def test_another_attempt_gets_more_memory_and_time(checkout, requests):
    third = asked(checkout, DATASET, attempt=3)
    for rule, request in requests.items():
        if "mem_mb" in request:
            first = numbers(request, "mem_mb", "runtime")
            assert numbers(third[rule], "mem_mb", "runtime") == [3 * number for number in first]


def test_jobs_of_a_cluster_are_retried_and_those_beside_snakemake_are_not(requests):
    """On one machine nothing is: an error that names a user's mistake would come three times."""
    retried = {rule for rule, request in requests.items() if request["retries"] is None and "mem_mb" in request}
    assert retried == {rule for rule, request in requests.items() if "mem_mb" in request}
    local = {name for name, text in written_rules().items() if "localrule: True" in text}
    assert {requests[rule]["retries"] for rule in local} == {0}
    assert SLURM["retries"] == 2
    assert "retries" not in yaml.safe_load((ROOT / "profiles/default/config.yaml").read_text(encoding="utf-8"))


def test_a_gpu_comes_with_memory_for_its_context(checkout, requests):
    on_cpu = asked(checkout, DATASET, resources={"gpu": 0})
    more = {rule: requests[rule]["mem_mb"] - on_cpu[rule]["mem_mb"] for rule in rules_with_gpu()}
    assert more == dict.fromkeys(rules_with_gpu(), CONTEXT_MB)
    assert {rule for rule in requests if requests[rule] != on_cpu[rule]} == rules_with_gpu()


def test_every_measured_rule_is_a_rule_with_a_benchmark():
    assert set(MEASURED.index) == {name for name, text in written_rules().items() if "benchmark:" in text}


@pytest.mark.parametrize("rule", MEASURED.index)
def test_what_is_asked_for_is_what_was_measured_with_head_room(rule, requests):
    """1.5 times the memory in steps of 500 MB, 4 times the time in steps of 15 minutes; a job may get more time."""
    measured = MEASURED.loc[rule]
    memory = max(2000, math.ceil(1.5 * measured["memory_mb"] / 500) * 500)
    minutes = max(15, math.ceil(4 * measured["seconds"] / 60 / 15) * 15)
    context = CONTEXT_MB if rule in rules_with_gpu() else 0
    assert requests[rule]["mem_mb"] - context == measured["mem_mb"] == memory
    assert minutes == measured["runtime_min"] <= requests[rule]["runtime"] <= 60


def test_gpu_rules_share_the_partition_of_the_anchor():
    text = (ROOT / "profiles/slurm/config.yaml").read_text(encoding="utf-8")
    moved = yaml.safe_load(text.replace("&gpu {gpu: 1}", "&gpu {gpu: 1, slurm_partition: gpu}"))
    rules = {name for name, values in moved["set-resources"].items() if values.get("slurm_partition") == "gpu"}
    assert rules == rules_with_gpu()


@pytest.mark.parametrize("entered", ["run here", "link"])
def test_the_commands_of_recovery_find_the_jobs_of_this_folder_and_no_other(tmp_path, entered):
    """Slurm knows the real folder of a job, while the shell remembers the link by which one came."""
    (tmp_path / "run here").mkdir()
    (tmp_path / "link").symlink_to("run here")
    here = tmp_path.resolve() / "run here"
    jobs = [f"1|spurious_a|{here}", f"2|spurious_b|{here}/inner", f"3|mine|{here}", f"4|spurious_c|{here}"]
    (tmp_path / "squeue").write_text("#!/bin/sh\nprintf '%s\\n' " + shlex.join(jobs))
    (tmp_path / "squeue").chmod(0o755)
    text = (ROOT / "docs/cluster.md").read_text(encoding="utf-8")
    function = re.search(r"^ours\(\) .*", text, re.MULTILINE)[0]
    path = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    command = ["bash", "-ec", f"{function}\ncd {shlex.quote(str(tmp_path / entered))}\nours"]
    done = subprocess.run(command, env=os.environ | path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "4"]


def test_only_plugins_for_a_shared_file_system_are_proposed():
    text = (ROOT / "docs/cluster.md").read_text(encoding="utf-8")
    proposed = text[text.index("## Other schedulers") :].partition("copy the profile")[0]
    assert "kubernetes" not in proposed.lower()
    assert "cluster-generic" in proposed
