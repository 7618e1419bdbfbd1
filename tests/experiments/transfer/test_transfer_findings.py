"""What the findings say of transfer."""

import pandas as pd
import pytest

from spurious.experiments.transfer import figure
from spurious.experiments.transfer import findings as transfer_findings
from spurious.experiments.transfer import table as transfer_table_module
from spurious.figures.style import render
from spurious.wording import NO_BREAK


def test_transfer_names_the_ends_but_not_a_classifier_with_itself():
    bounds = {
        "low": 0.1,
        "high": 0.9,
        "chance": 0.02,
        "chance_low": 0.0,
        "chance_high": 0.1,
        "mcnemar_p": 1e-9,
        "n": 500,
    }
    pairs = [("a", "a", 1.0), ("a", "b", 0.7), ("b", "a", 0.3), ("b", "b", 0.0)]
    table = pd.DataFrame([{"source": s, "judge": j, "fooled": share, **bounds} for s, j, share in pairs])
    most, least, _ = (sentence.replace(NO_BREAK, " ") for sentence in transfer_findings.transfer(table))
    assert "transfer most from **a** to **b**: it gets 70.0 %" in most
    assert "transfer least from **b** to **a**: it gets 30.0 %" in least


def test_transfer_beyond_chance_is_what_the_test_says_and_more_than_chance():
    """Neither a small p where the images fool less often than random signs, nor a larger share without one, counts."""
    bounds = {"low": 0.1, "high": 0.9, "chance": 0.4, "chance_low": 0.0, "chance_high": 0.1, "n": 50}
    pairs = [("a", "b", 0.7, 1e-9), ("a", "c", 0.1, 1e-9), ("b", "a", 0.45, 0.02), ("b", "c", 0.5, 0.02)]
    pairs += [("c", "a", 0.1, 1e-9), ("c", "b", 0.45, 1.0)]
    names = ("source", "judge", "fooled", "mcnemar_p")
    table = pd.DataFrame([bounds | dict(zip(names, pair, strict=True)) for pair in pairs])
    *_, said = transfer_findings.transfer(table)
    assert said.startswith("Of 6 pairs, 1 transfer more than random signs of the same size do (exact McNemar test")
    assert "; to no judge those made to fool **b**, **c**. Every source spends" in said
    *_, said = transfer_findings.transfer(table[table["source"] == "a"])
    assert "to no judge" not in said


@pytest.mark.parametrize(
    ("names", "fooled", "said"),
    [
        ("a", True, "**a, seed 0** stands alone: there is no other classifier to transfer to."),
        ("a", False, "**a, seed 0** stands alone: there is no other classifier to transfer to."),
        ("ab", False, "No image fools the classifier that it was made for, so there is nothing to transfer."),
    ],
)
def test_transfer_says_why_there_is_none(names, fooled, said):
    row = {"source_seed": 0, "judge_seed": 0, "id": 0, "label": 0, "fooled_source": fooled, "predicted": int(fooled)}
    row |= {"control_predicted": 0, "queries": 11}
    pairs = [row | {"source": source, "judge": judge} for source in names for judge in names]
    table = transfer_table_module.transfer(pd.DataFrame(pairs))
    assert list(transfer_findings.transfer(table)) == [said]
    render(figure.transfer(table, transfer_table_module.chance(pd.DataFrame(pairs)), ""), "png")


def test_transfer_of_one_that_fools_and_one_that_does_not():
    row = {"source_seed": 0, "judge_seed": 0, "id": 0, "label": 0, "control_predicted": 0, "queries": 11}
    pairs = [("a", "a", True, 1), ("a", "b", True, 1), ("b", "a", False, 0), ("b", "b", False, 0)]
    names = ("source", "judge", "fooled_source", "predicted")
    table = transfer_table_module.transfer(pd.DataFrame([row | dict(zip(names, pair, strict=True)) for pair in pairs]))
    most, least, _ = transfer_findings.transfer(table)
    assert "from **a, seed 0** to **b, seed 0**" in most
    assert "from **a, seed 0** to **b, seed 0**" in least
