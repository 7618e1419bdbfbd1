"""An arm of retraining looks the same in every figure, and unlike the others."""

import pandas as pd
import pytest

from spurious.experiments.retraining.looks import SEARCHED, arm_keys, arms_of, looks
from spurious.perturbations.negatives import NEGATIVES

PAPER = [
    *NEGATIVES,
    "backworked-log-p",
    "noise-1",
    "noise-10",
    "noise-50",
    "acet",
    "acet-unbounded",
    "growing",
    "evolved",
]


def of(names):
    return looks([(name, "uniform") for name in names])


def test_all_negatives_of_the_paper_can_be_told_apart():
    drawn = of(PAPER)
    assert list(drawn) == PAPER
    assert len({tuple(look.values()) for look in drawn.values()}) == len(PAPER)


@pytest.mark.parametrize("others", [[], ["acet"], ["noise-50", "acet"], PAPER[4:]])
def test_built_in_negatives_keep_their_colour_whatever_stands_beside_them(others):
    drawn = of([*NEGATIVES, *others])
    assert {name: drawn[name] for name in NEGATIVES} == of([*NEGATIVES])
    assert of(["backworked-x"])["backworked-x"]["color"] == SEARCHED


def test_negatives_of_two_arms_take_one_colour():
    arms = [("none", "none"), ("acet", "uniform"), ("acet", "extra"), ("noise-50", "uniform")]
    assert looks(arms) == of(["none", "acet", "noise-50"])


def test_other_names_keep_their_colour_where_a_built_in_one_is_missing():
    assert of(["none", "acet", "noise-1"])["noise-1"] == of([*NEGATIVES, "acet", "noise-1"])["noise-1"]


def test_arms_stand_in_the_order_of_their_negatives():
    given = [("acet", "uniform"), ("backworked-log-p", "uniform"), ("uniform", "extra"), ("none", "none")]
    table = pd.DataFrame([*given, *given], columns=["negatives", "target"])
    expected = [("none", "none"), ("uniform", "extra"), ("backworked-log-p", "uniform"), ("acet", "uniform")]
    assert arms_of(table) == expected


@pytest.mark.parametrize(
    ("targets", "said"),
    [(["uniform"], []), (["extra"], []), (["extra", "uniform"], ["target: uniform labels", "target: extra class"])],
)
def test_the_targets_have_keys_where_there_are_two(targets, said):
    negatives, keys = arm_keys([("none", "none"), *(("normal", target) for target in targets)])
    assert [key.get_label() for key in negatives] == ["negatives: none", "negatives: normal"]
    assert [key.get_label() for key in keys] == said
    assert len({key.get_linestyle() for key in keys}) == len(keys)
