"""A target of one's own makes everything of its datasets; it may not be called as a rule."""

from planning import planned_by_rule
from projects import DATASET, change_config, error_lines, run_snakemake

OPTIONS = ("--dry-run", "--quiet", "rules")


def test_a_target_of_ones_own_is_planned_as_the_demo(fresh):
    change_config(fresh, {"targets": {"mine": [DATASET]}})
    demo, mine = (planned_by_rule(run_snakemake(fresh, target, *OPTIONS).stdout) for target in ("demo", "mine"))
    assert mine.pop("mine") == demo.pop("demo") == 1
    assert mine == demo
    assert mine["train_classifier"] == 4


def test_a_target_that_is_called_as_a_rule_is_refused(fresh):
    change_config(fresh, {"targets": {"smooth_shard": [DATASET]}})
    done = run_snakemake(fresh, "demo", *OPTIONS, check=False)
    assert error_lines(done) == ["error: config.yaml: targets: 'smooth_shard' is the name of a rule; choose another"]
    assert done.returncode
