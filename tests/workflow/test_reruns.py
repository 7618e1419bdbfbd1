"""How often the workflow makes something: the same files in each run, nothing twice, only what a change reaches."""

import re
from modulefinder import ModuleFinder

import pandas as pd
import pytest

from cluster import slurm
from pipeline.digest import SCRIPTS, reached
from pipeline.files.readers import readers_of
from projects import (
    DATASET,
    SINGLE,
    TINY,
    change_config,
    contents,
    edited,
    planned_commands,
    planned_jobs,
    planned_results,
    run_snakemake,
    times,
)
from spurious.experiments.rooms import catalogues

SWEEP, INTERVALS = "spurious.experiments.smoothing.sweep", "spurious.statistics.intervals"
EXPERIMENT = TINY["experiments"][DATASET]
COMPUTING = {"train_classifier.py", "backwork_label.py", "retrain_classifier.py", "smooth_shard.py"}
COMPUTING |= {"train_linear.py", "fool_classifier.py", "fit_classifier.py", "search_scores.py", "transfer_images.py"}
COMPUTING |= {"attack_defence.py", "certify_classifier.py", "train_denoiser.py"}


@pytest.mark.skipif(slurm.no_tests() is None, reason="tests/cluster compares the run on Slurm with the local one")
def test_two_runs_and_any_number_of_cores_give_the_same_files(fresh, finished):
    """A job of every rule, and what it needs. Other tests draw every figure twice."""
    linear = f"results/{DATASET}/tables/linear-pair.csv"
    run_snakemake(fresh, *SINGLE, linear, cores=1)
    once, again = (contents(folder / "results", f"{DATASET}/**/*") for folder in (finished, fresh))
    assert len(again) > 40
    assert again == {name: once[name] for name in again}


def codes_of(done):
    """{(script, modules whose functions it calls, and those that read for them): reasons} of the jobs of a run."""
    codes = {}
    for script, command, reason in planned_commands(done):
        called = sorted(set(re.findall(r"\b(spurious\.[\w.]+):\w", command)))
        called += sorted({reader for module in called for reader in readers_of(module)})
        codes.setdefault((script.removesuffix(".py"), *called), set()).add(reason)
    return codes


@pytest.fixture(scope="module")
def codes(finished):
    """What the jobs of the demo run: scripts, with the modules whose functions they call."""
    return set(codes_of(run_snakemake(finished, "demo", "--dry-run", "--forceall", "--printshellcmds")))


def imported(folder, modules):
    """These modules of ours and all that they import, directly or not, by the bytecode."""
    names = set()
    for module in modules:
        finder = ModuleFinder([str(folder / "scripts")])
        finder.run_script(str(folder / f"scripts/{module.replace('.', '/')}.py"))
        names |= {module, *finder.modules}
    return names


@pytest.mark.parametrize(
    "module",
    [
        SWEEP,
        "spurious.attacks.cost",
        INTERVALS,
        "pipeline.files.tensors",
    ],
)
def test_edited_module_reruns_what_imports_it(finished, codes, module):
    expected = {code for code in codes if module in imported(finished, code)}
    assert expected, f"nothing imports {module}"
    assert expected < codes
    with edited(finished / f"scripts/{module.replace('.', '/')}.py"):
        planned = codes_of(run_snakemake(finished, "demo", "--dry-run", "--printshellcmds"))
    assert expected <= planned.keys()
    assert module != SWEEP or {f"{code[0]}.py" for code in planned} & COMPUTING == {"smooth_shard.py"}
    for code, reasons in planned.items():
        for reason in reasons:
            if not reason.startswith("Input files updated by another job"):
                assert code in expected, f"{code} does not import {module}"
                assert reason.startswith("Params have changed since last execution")


def test_edited_table_reruns_that_table_the_claims_and_no_other(finished):
    with edited(finished / "scripts/spurious/experiments/smoothing/pairs.py"):
        done = run_snakemake(finished, "demo", "--dry-run", "--printshellcmds")
    assert planned_results(done).keys() == {"tables/smoothing-pairs", "tables/claims"}
    scripts = sorted(script for script, _ in planned_jobs(done))
    assert scripts == ["make_result.py"] * 2 + ["write_provenance.py", "write_summary.py"]


# What an edit of a kind makes again, beside the record and the front page: the programs, and the tables and figures.
SMOOTHED = {f"tables/smoothing-{name}" for name in ("agreement", "pairs", "risk", "seeds", "tests")}
SMOOTHED |= {
    "tables/smoothing",
    "figures/smoothing",
    "figures/smoothing-gain",
    "figures/risk-cnn",
    "figures/risk-softmax",
}
ATTACKED = {"tables/robustness", "tables/robustness-checks", "tables/robustness-gain"}
ATTACKED |= {"figures/attacks", "figures/robustness", "figures/robustness-images-cnn"}
CERTIFIED = {"tables/certified", "tables/certified-attacks", "figures/certified"}
SWEEPING = {"smooth_shard.py", "gather_smoothing.py"}
KINDS = {
    "perturbations/noises.py": (SWEEPING, SMOOTHED),
    "views/filters.py": (
        SWEEPING | {"attack_defence.py", "certify_classifier.py"},
        SMOOTHED | ATTACKED | CERTIFIED,
    ),
    "attacks/square.py": ({"attack_defence.py"}, ATTACKED),
}


@pytest.mark.parametrize("module", KINDS)
def test_edited_kind_reruns_what_uses_such_kinds_and_no_more(finished, module):
    """A noise, a view (the median), an attack: no dataset is split and no classifier trained again for one."""
    programs, results = KINDS[module]
    with edited(finished / "scripts/spurious" / module):
        done = run_snakemake(finished, "demo", "--dry-run", "--printshellcmds")
    scripts = {script for script, _ in planned_jobs(done)}
    assert scripts - {"make_result.py", "write_provenance.py", "write_summary.py"} == programs
    assert planned_results(done).keys() == results | {"tables/claims"}


TRAINING = {"prepare_dataset", "train_classifier", "train_linear", "fit_classifier"}


@pytest.mark.parametrize(
    ("module", "programs"),
    [
        ("spurious.perturbations.norms", set()),
        ("spurious.attacks.entries", set()),
        ("spurious.rates", set()),
        ("spurious.classifiers.architectures", {"train_classifier"}),
        ("spurious.classifiers.fitted", {"fit_classifier"}),
        ("spurious.classifiers.linear", {"train_linear"}),
    ],
)
def test_what_everything_else_rests_on_is_made_again_for_its_own_code_alone(module, programs):
    """All results are made of these jobs' files: what they reach must stay small."""
    path = SCRIPTS.joinpath(*module.split(".")).with_suffix(".py")
    assert {program for program in TRAINING if path in reached(program)} == programs


def test_edited_intervals_rerun_the_tables_that_reach_them(finished):
    with edited(finished / "scripts/spurious/statistics/intervals.py"):
        done = run_snakemake(finished, "demo", "--dry-run", "--printshellcmds")
    planned = planned_results(done)
    tables = [table for room in catalogues().values() for table in room.RESULTS if table.kind == "table"]
    places = {f"tables/{table.name}": table.function.rpartition(":")[0] for table in tables}
    made = {f"tables/{path.stem}" for path in finished.glob(f"results/{DATASET}/tables/*.csv")}
    reaching = {name for name in made & places.keys() if INTERVALS in imported(finished, [places[name]])}
    assert {"tables/classifiers", "tables/smoothing-agreement", "tables/fooling"} <= reaching <= planned.keys()
    others = {name: reason for name, reason in planned.items() if name.startswith("tables/") and name not in reaching}
    assert "tables/linear-toy" not in planned
    assert all(reason.startswith("Input files updated by another job") for reason in others.values()), others


def test_edited_catalogue_reruns_nothing(finished):
    """What a room shows stands in the parameters of its jobs; its catalogue is no code of theirs."""
    with edited(finished / "scripts/spurious/experiments/smoothing/catalogue.py"):
        assert "Nothing to be done" in run_snakemake(finished, "demo", "--dry-run").stdout


def test_changed_sigmas_rerun_only_smoothing(rerun):
    results = rerun / "results"
    before, before_times = contents(results), times(results)
    change_config(rerun, {"smoothing": {"sigmas": [0.0, 0.5]}})
    done = run_snakemake(rerun, "demo", "--printshellcmds", cores=2)
    assert {script for script, _ in planned_jobs(done)} & COMPUTING == {"smooth_shard.py"}
    after = contents(results)
    changed = {name for name in before if before[name] != after[name]}
    assert before.keys() == after.keys()
    assert {f"{DATASET}/{name}/smoothing.csv" for name in EXPERIMENT["smoothing"]} <= changed
    assert {f"{DATASET}/tables/smoothing.csv", f"{DATASET}/figures/smoothing.png"} <= changed
    assert pd.read_csv(results / DATASET / "tables/smoothing.csv")["sigma"].drop_duplicates().tolist() == [0.0, 0.5]
    kept = [name for name in before if not re.search(r"smoothing|risk-|summary\.rst|published|claims|Snakefile", name)]
    assert len(kept) > 50
    assert [name for name in kept if times(results)[results / name] != before_times[results / name]] == []


def test_another_judge_retrains_nothing(finished):
    config = (finished / "config.yaml").read_text(encoding="utf-8")
    try:
        change_config(finished, {"retraining": {"judges": [{"classifier": "forest"}, {"classifier": "softmax"}]}})
        planned = {
            script for script, _ in planned_jobs(run_snakemake(finished, "demo", "--dry-run", "--printshellcmds"))
        }
    finally:
        (finished / "config.yaml").write_text(config, encoding="utf-8")
    assert "judge_images.py" in planned
    assert not planned & (COMPUTING - {"judge_images.py"})
