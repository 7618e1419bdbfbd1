"""A target of one's own makes everything of its datasets; it may not be called as a rule."""

import re

from planning import planned_by_rule
from projects import DATASET, change_config, error_lines, planned_commands, run_snakemake

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


def test_the_list_has_a_sentence_for_every_rule(fresh):
    """`snakemake --list`: of a table or figure, the first one of its caption."""
    change_config(fresh, {"targets": {"mine": [DATASET]}})
    listed = run_snakemake(fresh, "--list").stdout.splitlines()
    sentences = dict(line.removesuffix(")").partition(" (")[::2] for line in listed)
    assert {"all", "demo", "mine", "train_classifier", "make_table_linear", "draw_worst"} <= sentences.keys()
    assert [name for name, words in sentences.items() if not re.fullmatch(r"[A-Za-z].*[.?]", words)] == []
    assert sentences["draw_templates"].startswith("What linear classifiers have learnt: the weights of every class")
    assert not [words for words in sentences.values() if re.search(r"{{|``", words)]


def test_the_record_names_a_file_that_only_an_attack_of_transfer_follows(fresh):
    (fresh / "mine.pt").touch()
    mine = {"torchscript": "mine.pt", "sha256": "0" * 64}
    attack = {"kind": "transfer", "classifier": "mine"}
    change_config(fresh, {"classifiers": {"mine": mine}, "robustness": {"attacks": {"follows": attack}}})
    planned = run_snakemake(fresh, "demo", "--dry-run", "--printshellcmds")
    (record,) = (block for script, block, _ in planned_commands(planned) if script == "write_provenance.py")
    assert f"{mine['sha256']}=results/{DATASET}/mine/pretrained" in record
