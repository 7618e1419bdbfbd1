"""What the report's front page and the table of published numbers make of the tables of attacks."""

import csv

import pandas as pd
import pytest

from projects import ROOT
from spurious.experiments.black_box import findings
from spurious.experiments.fooling import findings as fooling_findings
from spurious.experiments.fooling import success
from spurious.experiments.linear import findings as linear_findings
from spurious.experiments.linear.toy import toy
from spurious.experiments.transfer import figure
from spurious.experiments.transfer import findings as transfer_findings
from spurious.experiments.transfer import table as transfer_table_module
from spurious.figures.style import render
from spurious.wording import NO_BREAK, plural
from spurious.writeups import cohen, goodfellow, linear, published

NUMBERS = pd.read_csv(ROOT / "workflow/resources/published.csv")
FOOLING_ROW = {"classifier": "cnn", "method": "pgd", "start": "image", "goal": "untargeted", "norm": "linf"}
FOOLING_ROW |= {
    "epsilon": 0.1,
    "steps": 1,
    "clamp": True,
    "seed": 0,
    "id": 0,
    "label": 0,
    "target": float("nan"),
    "p": 0.5,
}
FOOLING_ROW |= {"l2": 1.0, "linf": 0.1}


def text(sentences):
    return "\n".join(sentences).replace(NO_BREAK, " ")


def linear_table():
    rows = []
    for decay, accuracy, step in ((0.0, 0.92, 1.0), (0.01, 0.9, 2.5), (1.0, 0.5, 2.0)):
        for seed in (4, "all"):
            rates = {"accuracy": accuracy, "low": accuracy - 0.01, "high": accuracy + 0.01, "n": 1000, "seeds": 1}
            row = {"weight_decay": decay, "seed": seed, "split": "test", "l2_median": step, "initial_loss": 6.93}
            rows.append(row | rates | {"l2_low": step - 0.25, "l2_high": step + 0.25})
    return pd.DataFrame(rows)


def test_linear_names_the_most_resistant_and_what_is_significantly_worse():
    rows = [(0.01, 0.0, -0.4, -1.0, 0.2, "within noise"), (1.0, 0.0, -42.0, -45.0, -39.0, "lower")]
    columns = ["weight_decay", "against", "accuracy_difference", "low", "high", "accuracy_verdict"]
    tests = pd.DataFrame(rows, columns=columns).assign(n=1000)
    said = text(linear_findings.linear(linear_table(), tests))
    assert "1,000 test images (one seed): accuracy 92.00 %, 95 % interval 91.00 to 93.00 %, with" in said
    assert "; 50.00 %, 95 % interval 49.00 to 51.00 %, with a weight decay of 1." in said
    assert "than 2.5 (L2, 95 % interval 2.25 to 2.75) with a weight decay of 0.01: 2.5 times as long" in said
    assert "significantly less accurate: 1 (-42.00 points, -45.00 to -39.00)" in said
    several = text(linear_findings.linear(linear_table().assign(n=3000, seeds=3), tests))
    assert "1,000 test images (means over 3 seeds)" in several
    none = tests.assign(accuracy_verdict="within noise")
    assert "no other is significantly less accurate" in text(linear_findings.linear(linear_table(), none))


def test_fooling_shows_every_method_beside_its_control():
    rows = [("cnn", "fgsm", 3, 9, 0.9, 0.1), ("cnn", "fgsm", "all", 9, 0.5, 0.5), ("cnn", "pgd", 3, 9, 1.0, 0.05)]
    bounds = {"low": 0.2, "high": 0.95, "control_low": 0.01, "control_high": 0.3}
    table = pd.DataFrame(rows, columns=["classifier", "method", "seed", "n", "success", "control"]).assign(**bounds)
    said = text(fooling_findings.fooling(table))
    fgsm = "*fgsm* 90 %, 95 % interval 20 to 95 %, of 9 [10 %, 95 % interval 1 to 30 %]; *pgd*"
    assert fgsm in said
    assert said.endswith("(seed 3).")


def test_fooling_of_a_classifier_that_was_right_nowhere():
    rows = pd.DataFrame(FOOLING_ROW, index=range(2)).assign(clean_predicted=1, predicted=1, control_predicted=1)
    said = text(fooling_findings.fooling(success.fooling(rows)))
    assert "*pgd* nothing (no image was right before) (seed 0)" in said
    assert "nan" not in said


NAN = float("nan")


@pytest.mark.parametrize(
    ("queries", "low", "high", "told"),
    [
        (57.5, 40.0, 77.0, "after 58 queries (median, 95 % interval 40 to 77);"),
        (57.5, NAN, NAN, "after 58 queries (median);"),
        (NAN, NAN, NAN, "to 40 %; random"),
    ],
)
def test_black_box_shows_evolution_beside_random_search(queries, low, high, told):
    first = {
        "classifier": "forest",
        "accuracy": 0.96,
        "start": "image",
        "low": 0.2,
        "high": 0.4,
        "described": "",
        "n": 9,
        "queries_low": low,
        "queries_high": high,
    }
    rows = [
        {**first, "search": "evolution", "success": 0.3, "queries_median": queries},
        {**first, "search": "random", "success": 0.1, "queries_median": 9},
    ]
    said = text(findings.black_box(pd.DataFrame(rows)))
    assert "30 %, 95 % interval 20 to 40 %" in said
    assert told in said
    assert said.endswith("random search in 10 %, 95 % interval 20 to 40 % (n = 9 each).")


def test_nearest_neighbours_are_described_and_attacked_by_distances():
    first = {"classifier": "nearest", "accuracy": 0.96, "start": "image", "low": 0.2, "high": 0.4, "n": 9}
    first |= {"queries_median": float("nan"), "described": "10 neighbours weighted by inverse distance"}
    searches = {"evolution": 0.3, "random": 0.1, "distances": 0.9}
    rows = [{**first, "search": search, "success": success} for search, success in searches.items()]
    said = text(findings.black_box(pd.DataFrame(rows)))
    assert "(accuracy 96 %; 10 neighbours weighted by inverse distance), from test images" in said
    assert "needs no scores, in 90 %, 95 % interval 20 to 40 %." in said


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


def test_one_is_no_plural():
    assert [plural(count, "image") for count in (0, 1, 2, 10000)] == [
        "0 images",
        "1 image",
        "2 images",
        "10,000 images",
    ]


# Published numbers


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
