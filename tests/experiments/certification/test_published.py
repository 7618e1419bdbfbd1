"""Certified accuracies beside the published ones."""

import pandas as pd
import pytest

from pipeline.files.rows import read_rows
from spurious.experiments.certification.published import NEEDED, certified_published
from spurious.writeups import published as writeups
from spurious.writeups.cohen import LARGEST, radii

AS = {"mine": "LeNet, trained with noise 0.25"}


@pytest.fixture
def numbers(pytestconfig):
    return read_rows([pytestconfig.rootpath / "workflow/resources/published_certified.csv"])


def rows(n=100_000, radius=0.9, right=493, defence="none"):
    made = {"classifier": "mine", "defence": defence, "sigma": 0.25, "id": range(500), "label": 3, "n": n, "n0": 100}
    decisions = [3 if image < right else 5 for image in range(500)]
    return pd.DataFrame(made | {"decision": decisions, "radius": radius, "alpha": 0.001})


def test_the_shipped_numbers_are_those_of_three_trainings(numbers):
    assert list(numbers) == NEEDED
    assert numbers.groupby("sigma").size().tolist() == [5, 7, 7]
    assert (numbers["published_low"] <= numbers["published_high"]).all()


def test_only_the_classifier_of_that_name_is_reproduced(numbers):
    table = certified_published(rows(), numbers, AS)
    own = table[table["classifier"] == AS["mine"]].set_index("radius")
    assert table["reproduced"].notna().sum() == len(own) == 5
    assert (own["n"] == 500).all()
    assert own.loc[0, "reproduced"] == 493 / 500
    assert own.loc[0.25, "published"] == pytest.approx(0.985)
    mean = own[own.index.isna()].iloc[0]
    assert mean["reproduced"] == pytest.approx(0.9 * 493 / 500)
    assert own["agrees"].tolist()[:2] == ["yes", "yes"]
    assert mean["agrees"] == "no"


@pytest.mark.parametrize("changes", [{"n": 10_000}, {"defence": "vote"}])
def test_fewer_draws_and_other_defences_are_no_reproduction(numbers, changes):
    table = certified_published(rows(**changes), numbers, AS)
    assert table["reproduced"].isna().all()
    assert (table["agrees"] == "").all()


def test_a_wrong_accuracy_does_not_agree(numbers):
    table = certified_published(rows(right=430), numbers, AS)
    assert set(table["agrees"][table["reproduced"].notna()]) == {"no"}


def test_the_four_radii_of_cohen_are_reproduced(pytestconfig):
    numbers = read_rows([pytestconfig.rootpath / "workflow/resources/published.csv"])
    table = writeups.beside(numbers, radii(numbers))
    own = table[table["quantity"] == LARGEST]
    assert own["agrees"].tolist() == ["yes"] * 4
    wrong = radii(numbers).assign(reproduced=lambda found: 1.2 * found["reproduced"])
    wrong = wrong.assign(low=wrong["reproduced"], high=wrong["reproduced"])
    assert "yes" not in writeups.beside(numbers, wrong)["agrees"].tolist()
