"""The table of published numbers beside this run's: what agrees, what is missing, and why."""

import csv

import numpy as np
import pandas as pd
import pytest

from pipeline.files.rows import read_rows
from projects import ROOT
from samplerows import linear_table
from spurious.errors import SpuriousError
from spurious.experiments.linear.toy import toy
from spurious.writeups import cohen, goodfellow, linear, published

NUMBERS = pd.read_csv(ROOT / "workflow/resources/published.csv")


def test_published_golden():
    numbers = pd.DataFrame(
        {
            "source": "a",
            "quantity": ["q", "q", "r", "s"],
            "setting": ["x", "y", "x", "x"],
            "published": [0.5, 0.7, 2.0, 3.0],
        }
    )
    reproduced = pd.DataFrame(
        {"source": "a", "quantity": ["q", "r", "s"], "setting": ["y", "x", "x"], "reproduced": [0.6, 2.1, 3.0],
         "low": [0.55, 2.0, np.nan], "high": [0.65, 2.2, np.nan], "n": [100, 5, 1]}
    )  # fmt: skip
    table = published.beside(numbers, reproduced)
    design = "source quantity setting published reproduced low high n agrees rounding published_n status why"
    assert list(table) == design.split()
    assert table["agrees"].tolist() == ["", "no", "yes", ""]
    assert table["published"].tolist() == [0.5, 0.7, 2.0, 3.0]
    assert table["n"].isna().tolist() == [True, False, False, False]


def test_a_reproduced_number_that_nobody_published_is_an_error():
    numbers = pd.DataFrame({"source": ["a"], "quantity": ["q"], "setting": ["x"], "published": [0.5]})
    reproduced = pd.DataFrame(
        {"source": ["a"], "quantity": ["q"], "setting": ["typo"], "reproduced": [1], "low": [0], "high": [1], "n": [1]}
    )
    with pytest.raises(SpuriousError, match="'a, q, typo' is not among"):
        published.beside(numbers, reproduced)


def test_the_shipped_published_numbers_are_complete(pytestconfig):
    numbers = read_rows([pytestconfig.rootpath / "workflow" / "resources" / "published.csv"])
    assert not numbers.duplicated(published.NUMBER).any()
    write_up = numbers[numbers["setting"].str.startswith("imagenet-samples")]
    assert write_up["quantity"].str.startswith("accuracy").sum() == 16
    assert (write_up["quantity"] == "reject rate").sum() == 4
    median = numbers[numbers["source"] == "Nguyen et al. 2015"]
    assert median["published"].tolist() == [0.9999]


def agreements(rows):
    table = published.beside(NUMBERS, rows)
    return table[table["reproduced"].notna()].set_index(["quantity", "setting"])["agrees"].to_dict()


def test_the_toy_agrees_with_the_write_up():
    assert set(agreements(linear.toy(toy())).values()) == {"yes"}
    assert len(agreements(linear.toy(toy()))) == 4


@pytest.mark.parametrize(
    ("rounding", "n", "bounds", "agrees"),
    [
        (0.0, None, (0.955, 0.999), "yes"),  # the published number lies in the interval
        (0.0, None, (0.965, 0.999), "no"),
        (0.005, None, (0.965, 0.999), "yes"),  # it may have been .965
        (0.0, 200, (0.965, 0.999), "yes"),  # of 200 images, so nearly anything from .92 to .98
        (0.0, 20000, (0.965, 0.999), "no"),
    ],
)
def test_agreement_holds_both_uncertainties(rounding, n, bounds, agrees):
    key = {"source": "a", "quantity": "q", "setting": "s"}
    numbers = pd.DataFrame([key | {"published": 0.96, "rounding": rounding, "published_n": n}])
    reproduced = pd.DataFrame([key | {"reproduced": 0.98, "low": bounds[0], "high": bounds[1], "n": 10000}])
    assert published.beside(numbers, reproduced)["agrees"].tolist() == [agrees]


def test_the_rounding_of_every_published_number_is_that_of_its_digits():
    with (ROOT / "workflow/resources/published.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if float(row["rounding"]) and row["published"] != "80"]  # "about"
    assert len(rows) > 40
    for row in rows:
        digits = len(row["published"].partition(".")[2])
        assert float(row["rounding"]) == pytest.approx(0.5 * 10**-digits), row


def test_without_named_decays_only_the_best_is_compared():
    rows = linear.linear(linear_table(), 0.0, {})
    assert [setting.split(", ")[-1] for setting in rows["setting"]] == ["best", "1000 classes"]


def test_the_status_says_why_a_number_is_missing():
    table = published.beside(NUMBERS, linear.toy(toy())).set_index(["source", "setting"])["status"]
    assert set(table[NUMBERS["setting"].str.contains("toy").to_numpy()]) == {"computed"}
    assert set(table["Cohen et al. 2019"]) == {"in another run", "not implemented"}
    assert set(table["Nguyen et al. 2015"]) == {"in another run"}
    assert table["Goodfellow et al. 2014", "MNIST, maxout, N(0, I) inputs"] == "in another run"
    assert table["Goodfellow et al. 2014", "MNIST 3 against 7, logistic regression, no attack"] == "in another run"
    assert set(table["smoothing write-up"]) == {"needs a file", "not implemented"}
    logits = NUMBERS["quantity"].str.startswith("logit").to_numpy()
    assert set(table[logits]) == {"not implemented"}


def test_every_number_that_is_missing_says_why_and_no_other():
    table = published.beside(NUMBERS, pd.concat([linear.toy(toy()), cohen.radii(NUMBERS)]))
    made = table["status"] == "computed"
    assert made.sum() == 8
    assert table.loc[made, "why"].eq("").all()
    assert table.loc[~made, "why"].str.len().gt(10).all()


def test_the_largest_radii_of_cohen_et_al_agree():
    assert set(agreements(cohen.radii(NUMBERS)).values()) == {"yes"}
    assert len(cohen.radii(NUMBERS)) == 4


def test_first_losses_of_the_sample_photographs_are_the_published_ones():
    rows = [("sensible", 7.19, 7.13, 7.25), ("usual", 86.2, 86.0, 86.5), ("usual rate", 7.19, 7.13, 7.25)]
    table = pd.DataFrame(rows, columns=["start", "floored", "low", "high"]).assign(n=3)
    found = linear.start(table)
    assert found["reproduced"].tolist() == [7.19, 86.2]
    assert found["setting"].isin(NUMBERS["setting"]).all()
    assert list(agreements(found).values()) == ["no", "yes"]  # .2 above ln 1000, and "about" 80


def test_a_wrong_toy_does_not_agree():
    wrong = toy().assign(p=[0.0476, 0.8], score=[-3, 2.1])
    assert sorted(agreements(linear.toy(wrong)).values()) == ["no", "no", "no", "yes"]


DECAYS = {"high regularization": 0.01, "very low regularization": 0.0}


def test_imagenet_rows_are_the_best_and_the_named_decays():
    rows = linear.linear(linear_table(), 0.0, DECAYS).set_index("setting")["reproduced"]
    found = {setting.split(", ")[-1]: value for setting, value in rows.items()}
    assert found == {"best": 0.92, "high regularization": 0.9, "very low regularization": 0.92, "1000 classes": 6.93}
    assert agreements(linear.linear(linear_table(), 0.0, DECAYS))["initial loss", rows.index[-1]] == "yes"


def test_pair_takes_the_row_of_all_seeds_of_3_against_7_not_clamped():
    rows = [
        ("3, 7", "none", 0.0, "all", 0.016, 4076),
        ("3, 7", "fast gradient sign", 0.25, "all", 0.99, 4076),
        ("3, 7", "fast gradient sign, clamped", 0.25, "all", 0.5, 4076),
        ("3, 7", "random signs", 0.25, "all", 0.02, 4076),
        ("3, 7", "none", 0.0, 6, 0.5, 2038),
    ]
    table = pd.DataFrame(rows, columns=["classes", "attack", "epsilon", "seed", "error", "n"])
    table = table.assign(low=table["error"] - 0.01, high=table["error"] + 0.01)
    assert list(agreements(linear.pair(table)).values()) == ["yes", "yes"]
    assert linear.pair(table.assign(classes="1, 8")).empty
    other = linear.pair(table.assign(epsilon=0.1))
    assert other["setting"].tolist() == ["MNIST 3 against 7, logistic regression, no attack"]


# seed, id, method: label 1, what the classifier says and its p
ATTACKED = [(0, 0, 2, 0.7), (0, 1, 1, 0.9), (1, 0, 2, 0.3), (1, 1, 3, 0.5)]
NOISY = [(0, "normal", 0.6), (0, "normal", 0.5), (1, "normal", 0.8), (1, "normal", 0.9), (0, "test images", 0.4)]


def of_goodfellow(published_as, names="ab", attacked=ATTACKED, noisy=NOISY):
    """What `networks` makes of the same rows of every classifier."""
    common = {"method": "fgsm-unclamped", "label": 1}
    keys = ("seed", "id", "predicted", "p")
    rows = [common | {"classifier": name} | dict(zip(keys, row, strict=True)) for name in names for row in attacked]
    keys = ("seed", "kind", "p")
    rubbish = [{"classifier": name} | dict(zip(keys, row, strict=True)) for name in names for row in noisy]
    columns = {"rows": ["classifier", *common, "seed", "id", "predicted", "p"], "rubbish": ["classifier", *keys]}
    frames = pd.DataFrame(rows, columns=columns["rows"]), pd.DataFrame(rubbish, columns=columns["rubbish"])
    return goodfellow.networks(*frames, NUMBERS, published_as)


def test_every_published_network_is_compared_with_goodfellow():
    found = of_goodfellow({"a": "softmax regression", "b": "maxout", "c": "RBF"}, names="abc")
    values = found.set_index(["quantity", "setting"])["reproduced"]
    attack = "fast gradient sign, ε 0.25, not clipped"
    for network in ("softmax regression", "maxout", "RBF"):
        assert values["error rate", f"MNIST, {network}, {attack}"] == 0.75
        assert values["mean confidence", f"MNIST, {network}, {attack}"] == pytest.approx((0.7 + (0.3 + 0.5) / 2) / 2)
        assert values["share of rubbish inputs with p > 0.5", f"MNIST, {network}, N(0, I) inputs"] == 0.75
    assert values["mean confidence", "MNIST, RBF, no attack"] == 0.4
    sure = "N(0, I) inputs with p > 0.5"
    assert values["mean confidence", f"MNIST, maxout, {sure}"] == pytest.approx((0.6 + (0.8 + 0.9) / 2) / 2)
    own = NUMBERS[(NUMBERS["source"] == "Goodfellow et al. 2014") & ~NUMBERS["setting"].str.contains("3 against 7")]
    assert len(agreements(found)) == len(found) == len(own), "every row of the list is filled"


def test_only_published_numbers_of_classifiers_with_a_published_name_are_taken():
    assert of_goodfellow({}).empty
    assert of_goodfellow({"a": "ResNet50"}).empty
    assert of_goodfellow({"other": "maxout"}).empty
    settings = of_goodfellow({"a": "softmax regression", "b": "maxout"})["setting"]
    assert not settings.str.contains("no attack").any(), "published of the RBF network alone"


def test_a_network_that_is_sure_of_no_noise_has_a_share_of_0_and_no_confidence():
    found = of_goodfellow({"a": "RBF"}, attacked=[], noisy=[(0, "normal", 0.2), (1, "normal", 0.1)])
    assert found["quantity"].tolist() == ["share of rubbish inputs with p > 0.5"]
    assert (found["reproduced"].item(), found["low"].item()) == (0, 0)
    assert list(agreements(found).values()) == ["yes"]
    none_wrong = of_goodfellow({"a": "RBF"}, attacked=[(0, 0, 1, 0.9)], noisy=[])
    assert none_wrong["quantity"].tolist() == ["error rate"]
