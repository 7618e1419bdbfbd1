"""Tables, findings and figures of the attack that does not give up, and of the confidence in noise."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from figurechecks import keys_of
from samplerows import confidence_rows, judged_rows, retraining_inputs, strong_rows
from spurious.attacks.settings import FROM_NOISE
from spurious.errors import SpuriousError
from spurious.experiments.retraining import images_figure, strong_figure
from spurious.experiments.retraining.confidence import auroc, false_positives, retraining_noise
from spurious.experiments.retraining.findings import persistence
from spurious.experiments.retraining.judges import retraining_judges
from spurious.experiments.retraining.persistence import retraining_strong
from spurious.experiments.retraining.settings import Matters
from spurious.figures.style import BLACK
from spurious.perturbations.noise_images import NOISE
from spurious.rates import over_seeds


def strong_table(strong=None, attacks=None):
    return retraining_strong(
        strong_rows() if strong is None else strong, retraining_inputs()[0] if attacks is None else attacks
    )


def said_of(table):
    return list(persistence(table, retraining_judges(strong_rows(), judged_rows())))


def row_of(table, **key):
    own = table.query(" and ".join(f"{name} == {value!r}" for name, value in key.items()))
    assert len(own) == 1
    return own.iloc[0]


# --- retraining-strong


def test_strong_golden():
    table = strong_table()
    assert len(table) == 3 * 3  # nets, attacks
    arm = {"negatives": "backworked", "round": 1}
    every, noise, old = (row_of(table, attack=name, **arm) for name in ("strong", "strong, from noise", "log-p"))
    assert (every["found_share"], noise["found_share"], old["found_share"]) == (1, 0.5, 0)
    assert (every["found_n"], every["seeds"]) == (24, 3)
    assert every["control_p"] == pytest.approx(0.2)
    assert (every["distance_ratio"], every["flat_share"], every["training_cost"]) == (1.5, 0.25, 2)
    assert noise["found_difference"] == -0.5
    assert noise["found_visible"] == max(noise["found_difference_high"] + 0.5, -0.5 - noise["found_difference_low"])
    assert every["found_difference"] == 0
    plain = row_of(table, attack="strong", negatives="none", round=0)
    assert np.isnan(plain["training_cost"])
    assert np.isnan(plain["found_difference"])
    assert row_of(table, attack="strong", negatives="none", round=1)["training_cost"] == 1


def test_intervals_are_those_of_clustered_rates():
    noise = row_of(strong_table(), attack="strong, from noise", negatives="backworked")
    rows = strong_rows().query("negatives == 'backworked'").reset_index(drop=True)
    share = over_seeds(rows["start"].isin(FROM_NOISE), rows["seed"], rows.groupby(["seed", "label"]).ngroup())
    assert (noise["found_low"], noise["found_high"]) == (share.low, share.high)
    assert noise["found_low"] < 0.5 < noise["found_high"]


def test_the_order_of_rows_and_rows_that_several_arms_bring_do_not_matter():
    twice = pd.concat([strong_rows(), strong_rows()]).sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(strong_table(twice), strong_table())


def test_what_is_not_found_is_like_nothing():
    lost = strong_table(strong_rows().assign(p=0.999))
    assert (lost[lost["attack"] != "log-p"]["found_share"] == 0).all()
    assert lost[["control_p", "distance_ratio"]].isna().all(axis=None)
    assert any("no gradient" in text for text in said_of(lost))


def test_a_missing_column_is_named():
    with pytest.raises(SpuriousError, match="rows of the strong attack: the column start is missing"):
        strong_table(strong_rows().drop(columns="start"))


def test_starts_from_noise_are_kinds_of_noise():
    assert set(FROM_NOISE) - {"evolution"} == set(NOISE) - {"mixture"}


# --- the findings

HIDDEN, HELPS, NOTHING, UNSURE = "The arm hides", "The arm helps", "finds no less, by", "Cannot tell"
EFFECTS = {"hides": HIDDEN, "helps": HELPS, "no effect": NOTHING, "cannot tell": UNSURE}


def arms_of(seeds=(0, 1, 2), labels=10, arms=1):
    """Strong rows and old attacks of as many images, all found from noise, with `arms` beside none."""
    one = strong_rows(seeds).query("round == 1 and image < 2").assign(start="uniform", p=0.9995)
    one = pd.concat([one[one["label"] == 0].assign(label=label) for label in range(labels)])
    plain, other = (one[one["negatives"] == name] for name in ("none", "backworked"))
    rows = pd.concat([plain, *(other.assign(negatives=f"arm{number}") for number in range(arms))])
    return rows.reset_index(drop=True), rows.assign(attack="log-p").reset_index(drop=True)


@pytest.mark.parametrize(
    ("old", "strong", "effect"),
    [(0.1, 0.9995, "hides"), (0.1, 0.1, "helps"), (0.9995, 0.9995, "no effect"), (0.9995, 0.1, "helps")],
)
def test_an_arm_that_only_the_old_attack_misses_is_named(old, strong, effect):
    rows, attacks = arms_of()
    for frame, p in ((rows, strong), (attacks, old)):
        frame.loc[frame["negatives"] == "arm0", "p"] = p
    table = strong_table(rows, attacks)
    assert row_of(table, negatives="arm0", attack="strong, from noise")["effect"] == effect
    assert set(table["effect"]) == {"", effect}
    said = [text for text in said_of(table) if "arm0" in text]
    assert [text for text in EFFECTS.values() if text in said[0]] == [EFFECTS[effect]]
    assert "or more would have been seen in one test by itself" in said[0]
    assert "(n = 60)" in said[0]
    assert "Holm" in said[0]
    assert "2.0 times as many passes" in said[0]


def less_by_seed(shares, arms=1, old=0.9995, **matters):
    """The row from noise of the first of `arms`, in which these shares of the seeds' images are not found.

    The old attack gets its images to the p `old`.
    """
    rows, attacks = arms_of(arms=arms)
    attacks.loc[attacks["negatives"] == "arm0", "p"] = old
    for seed, share in enumerate(shares):
        own = rows.index[(rows["negatives"] == "arm0") & (rows["seed"] == seed)]
        rows.loc[own[: round(share * len(own))], "p"] = 0.1
    table = retraining_strong(rows, attacks, matters=Matters(**matters))
    return row_of(table, negatives="arm0", attack="strong, from noise")


def test_a_drop_that_one_arm_shows_is_not_told_among_many():
    alone, among = (less_by_seed((0.4, 0.5, 0.6), arms) for arms in (1, 8))
    assert alone["found_p"] == among["found_p"] == alone["found_p_holm"]
    assert (alone["effect"], alone["found_verdict"]) == ("helps", "lower")
    assert among["found_p_holm"] == pytest.approx(8 * among["found_p"])
    assert (among["effect"], among["found_verdict"]) == ("cannot tell", "cannot tell (n = 3)")


@pytest.mark.parametrize(("shares", "effect"), [((0.2, 0.3, 0.4), "hides"), ((0.4, 0.7, 1.0), "cannot tell")])
def test_a_drop_that_is_surely_smaller_than_the_old_attacks_is_named(shares, effect):
    row = less_by_seed(shares, arms=8, old=0.1)
    assert (row["effect"], row["found_verdict"]) == (effect, "cannot tell (n = 3)")


@pytest.mark.parametrize(("matters", "effect"), [(0.4, "helps"), (0.6, "too little")])
def test_a_drop_smaller_than_what_matters_is_no_help(matters, effect):
    assert less_by_seed((0.4, 0.5, 0.6), found=matters)["effect"] == effect


def test_one_seed_decides_nothing():
    rows, attacks = arms_of(seeds=(0,))
    attacks.loc[attacks["negatives"] == "arm0", "p"] = 0.1
    said = [text for text in said_of(strong_table(rows, attacks)) if "arm0" in text]
    assert UNSURE in said[0]
    assert "one seed tells no difference" in said[0]


# --- retraining-noise


def test_noise_golden():
    table = retraining_noise(confidence_rows())
    assert len(table) == 3 * 2  # nets, noises
    plain, moved = (row_of(table, noise=name, negatives="backworked") for name in ("uniform", "adversarial"))
    assert plain["mean_confidence"] == pytest.approx((0.2 + 0.25 + 0.1 + 0.5) / 4)
    assert plain["auroc"] == pytest.approx((4 + 4 + 4 + 3) / 16)
    assert plain["fpr95"] == 0.25
    assert (moved["auroc"], moved["fpr95"]) == (0.5, 1)
    assert (moved["confident_share"], plain["confident_share"]) == (0.25, 0)
    assert (moved["seeds"], moved["confident_n"], moved["mean_confidence_sd"]) == (2, 8, 0)
    rows = confidence_rows().query("noise == 'adversarial' and negatives == 'backworked'").reset_index(drop=True)
    share = over_seeds(rows["confidence"] > 0.95, rows["seed"], rows.groupby(["seed", "image"]).ngroup())
    assert (moved["confident_low"], moved["confident_high"]) == pytest.approx((share.low, share.high))


@pytest.mark.parametrize("seed", [0, 1])
def test_auroc_and_false_positives_are_those_of_scikit_learn(seed):
    draw = np.random.default_rng(seed)
    real, noise = draw.integers(3, 30, 80) / 30, draw.integers(0, 25, 60) / 30
    truth, scores = np.r_[np.ones(80), np.zeros(60)], np.r_[real, noise]
    assert auroc(real, noise) == pytest.approx(roc_auc_score(truth, scores))
    wrong, right, _ = roc_curve(truth, scores, drop_intermediate=False)
    assert false_positives(real, noise) == pytest.approx(wrong[right >= 0.95].min())


# --- the figures


def test_the_figure_has_a_mark_per_arm_and_attack_and_a_line_per_arm():
    noise = retraining_noise(confidence_rows())
    drawn = strong_figure.figure(strong_table(), noise)
    found, sure, confidence, accepted = drawn.axes
    assert [text.get_text() for text in found.get_yticklabels()] == ["none", "backworked"]
    assert len(found.containers) == 3
    assert len(sure.lines) == len(confidence.lines) == len(accepted.lines) == 2
    (above,) = [line.get_ydata() for line in sure.lines if line.get_color() == BLACK]
    assert above.tolist() == [0.25]
    assert sure.get_title() == "share above .95"
    (low,) = [line.get_ydata() for line in accepted.lines if line.get_color() == BLACK]
    assert low.tolist() == [1]
    assert [text for text, _ in keys_of(drawn)][3:] == ["negatives: none", "negatives: backworked"]


def test_the_strongest_images_are_of_the_last_round_and_from_noise_where_there_are_such():
    rows = strong_rows((0,))
    arms = [rows[rows["negatives"] == name].reset_index(drop=True) for name in ("none", "backworked")]
    arms[1].loc[3, "p"] = 0.99999  # from averages
    images = [{f"round{number}": np.full((8, 1, 4, 4), 0.1 * number, np.float32) for number in (0, 1)} for _ in arms]
    images[1]["round1"][1] = 0.9
    drawn = images_figure.figure(images, arms, "cnn", 0.999)
    shown = [axes for axes in drawn.axes if axes.images]
    assert len(shown) == 2 * 2
    assert [axes.get_ylabel() for axes in shown if axes.get_ylabel()] == ["none", "backworked-uniform"]
    assert [axes.get_title() for axes in shown] == ["0", "1", "", ""]
    assert shown[0].images[0].get_array().max() == pytest.approx(0.1)
    assert shown[2].images[0].get_array().max() == pytest.approx(0.9)
    assert shown[2].get_xlabel().split("\n")[1] == "evolution"
