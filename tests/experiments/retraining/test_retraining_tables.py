"""The tables of retraining, their verdicts and findings."""

import itertools
import re

import numpy as np
import pandas as pd
import pytest

from making import make
from pipeline.files.rows import read_rows
from samplerows import RETRAINED_BY, retraining_inputs
from spurious.errors import SpuriousError
from spurious.experiments.retraining import findings, rounds, settings, verdicts
from spurious.experiments.retraining import summary as retraining_summary
from spurious.perturbations.negatives import is_backworked
from spurious.rates import over_seeds
from spurious.statistics.proportions import wilson


def test_retraining_golden():
    table = rounds.retraining(*retraining_inputs())
    design = "classifier negatives target round seed accuracy old_p_mean attack found steps"
    last = "accuracy_low accuracy_high control_p_mean images negatives_found_share held_out_p_mean"
    assert list(table) == [*design.split(), *last.split()]
    assert len(table) == 9
    backworked = table[table["negatives"] == "backworked"].iloc[1]
    assert backworked[[*RETRAINED_BY, "attack", "found", "images", "steps"]].tolist() == [
        "cnn", "backworked", "uniform", 1, 1, "log-p", 0, 6, 25.0,
    ]  # fmt: skip
    means = ["accuracy", "old_p_mean", "control_p_mean", "held_out_p_mean"]
    assert backworked[means].tolist() == pytest.approx([0.8, 0.1, 0.2, 0.7])
    assert backworked[["accuracy_low", "accuracy_high"]].tolist() == pytest.approx(wilson(16, 20))


def test_the_share_of_found_negatives_counts_all_that_are_in_the_training_set():
    attacks, old, judged, negatives = retraining_inputs()
    later = [frame[frame["round"] == 1].assign(round=2) for frame in (attacks, old, judged)]
    more = [pd.concat(parts) for parts in zip((attacks, old, judged), later, strict=True)]
    added = negatives.assign(round=2, p=1.0)
    table = rounds.retraining(*more, pd.concat([negatives, added]))
    shares = table[table["negatives"] == "backworked"].groupby("round")["negatives_found_share"].unique()
    assert {number: share.tolist() for number, share in shares.items()} == {1: [0.5], 2: [0.75]}
    assert table.loc[table["negatives"] == "none", "negatives_found_share"].isna().all()


def two_classifiers():
    """The rows of two classifiers, of which the second is right everywhere and never fooled."""
    attacks, old, judged, negatives = retraining_inputs()
    attacks = pd.concat([attacks, attacks.assign(classifier="other", p=0.0)])
    judged = pd.concat([judged, judged.assign(classifier="other", predicted=1)])
    old, negatives = (pd.concat([frame, frame.assign(classifier="other", p=0.0)]) for frame in (old, negatives))
    return attacks, old, judged, negatives


def test_two_classifiers_are_not_pooled():
    for make_table in (rounds.retraining, retraining_summary.retraining_summary):
        table = make_table(*two_classifiers())
        own = table[table["classifier"] == "cnn"].reset_index(drop=True)
        pd.testing.assert_frame_equal(own, make_table(*retraining_inputs()))
        other = table[table["classifier"] == "other"]
        assert set(other["accuracy"]) == {1}
        assert set(other["found"]) == {0}
        assert set(other["negatives_found_share"].dropna()) == {0}


def test_findings_say_which_classifier():
    sentences = list(findings.retraining(retraining_summary.retraining_summary(*two_classifiers())))
    assert len(sentences) == 2 * 3
    assert [sentence.split(",")[0] for sentence in sentences] == ["**cnn"] * 3 + ["**other"] * 3
    assert "Of its negatives 50\N{NO-BREAK SPACE}% fooled the net that they were made against." in sentences[1]
    assert "gives a mean p of 0.70 (0.10 to those that it was trained on); an unretrained net" in sentences[1]
    assert "gives a mean p of 0.70; an unretrained net" in sentences[2]


@pytest.mark.parametrize(
    ("negatives", "seen"),
    [("backworked", True), ("backworked-log-p", True), ("uniform", False), ("noise-50", False), ("growing", False)],
)
def test_only_images_of_the_training_set_are_called_so(negatives, seen):
    assert is_backworked(negatives) == seen


def test_round_0_has_no_old_images():
    table = rounds.retraining(*retraining_inputs())
    assert table.loc[table["round"] == 0, ["old_p_mean", "control_p_mean", "held_out_p_mean"]].isna().all(axis=None)


def test_round_0_brought_along_twice_counts_once():
    *frames, negatives = retraining_inputs()
    twice = rounds.retraining(*(pd.concat([frame, frame]) for frame in frames), negatives)
    pd.testing.assert_frame_equal(twice, rounds.retraining(*frames, negatives))


def test_an_attacked_net_without_predictions_is_an_error():
    attacks, old, judged, negatives = retraining_inputs()
    with pytest.raises(SpuriousError, match=r"predictions: none for .*'round': 1, 'seed': 2"):
        rounds.retraining(attacks, old, judged.query("seed < 2 or round == 0"), negatives)


def summary(**inputs):
    return retraining_summary.retraining_summary(*retraining_inputs(**inputs))


def arms_summary(found, right=None, images=80, tests=2000, matters=None, attack="log-p", rounds=(1,)):
    """The summary of two arms, {arm: found images per seed} and {arm: right test images per seed}."""
    attacks, judged = [], []
    for (negatives, counts), number in itertools.product(found.items(), rounds):
        arm = ("cnn", negatives, "none" if negatives == "none" else "uniform", number)
        for seed, count in enumerate(counts):
            hits = (np.arange(images) + 3 * seed) % images < count
            attacks += [(*arm, seed, attack, i % 10, i, 9, 0.9995 if hit else 0.4) for i, hit in enumerate(hits)]
            good = (right or {}).get(negatives, [tests - 20] * len(counts))[seed]
            judged += [(*arm, seed, i, 1, int(i < good)) for i in range(tests)]
    attacks = pd.DataFrame(attacks, columns=[*RETRAINED_BY, "attack", "label", "image", "steps", "p"])
    judged = pd.DataFrame(judged, columns=[*RETRAINED_BY, "id", "label", "predicted"])
    types = {"round": int, "seed": int, "p": float}
    old = pd.DataFrame(columns=[*RETRAINED_BY, "run", "judge", "p"]).astype(types)
    negatives = pd.DataFrame(columns=[*RETRAINED_BY, "p"]).astype(types)
    others = {"matters": matters} if matters else {}
    return retraining_summary.retraining_summary(attacks, old, judged, negatives, **others)


NONE = [70, 66, 75]
VERDICTS = {  # found images per seed of the other arm: verdict
    "higher": [79, 76, 79],
    "lower": [20, 12, 22],
    "no change that matters": [70, 65, 75],
    "cannot tell (n = 3)": [50, 62, 40],
}


@pytest.mark.parametrize("verdict", VERDICTS)
def test_every_verdict_of_found_images_is_reached(verdict):
    matters = settings.Matters(found=0.3) if verdict == "no change that matters" else settings.Matters(found=0.01)
    none = [20, 12, 25] if verdict == "higher" else NONE
    table = arms_summary({"none": none, "backworked": VERDICTS[verdict]}, matters=matters)
    arm = table.query("negatives == 'backworked'").iloc[0]
    assert arm["found_verdict"] == verdict
    assert arm["found_difference"] == pytest.approx(np.mean(VERDICTS[verdict]) - np.mean(none))
    ends = arm["found_difference_low"] - arm["found_difference"], arm["found_difference_high"] - arm["found_difference"]
    assert arm["found_visible"] == pytest.approx(max(map(abs, ends)))
    assert (arm["found_n"], arm["found_share"]) == (240, pytest.approx(np.mean(VERDICTS[verdict]) / 80))


@pytest.mark.parametrize(
    ("right", "limit", "verdict"),
    [
        ([1980, 1981, 1979], 0.01, "no change that matters"),
        ([1980, 1981, 1979], 0.0005, "cannot tell (n = 3)"),
        ([1700, 1710, 1705], 0.01, "lower"),
        ([2000, 2000, 1999], 0.01, "higher"),
    ],
)
def test_every_verdict_of_the_accuracy_is_reached(right, limit, verdict):
    counts = {"none": [1980] * 3, "backworked": right}
    table = arms_summary({"none": NONE, "backworked": NONE}, counts, matters=settings.Matters(accuracy=limit))
    assert table.query("negatives == 'backworked'")["accuracy_verdict"].tolist() == [verdict]


def test_eighteen_of_eighty_are_not_within_noise():
    """Three seeds cannot tell a change of 18 images from none, and say so."""
    arm = arms_summary({"none": [75, 62, 70], "backworked": [45, 63, 45]}).query("negatives == 'backworked'").iloc[0]
    assert arm["found_difference"] == -18
    assert arm["found_difference_low"] < -18 < 0 < arm["found_difference_high"]
    assert arm["found_verdict"] == "cannot tell (n = 3)"


def test_the_interval_of_a_difference_has_the_uncertainty_of_the_images():
    """Every seed loses exactly one of 20 images: Student's t alone would be sure of it."""
    arm = summary().query("negatives == 'backworked'").iloc[0]
    assert arm["seeds"] == 3
    assert arm["accuracy_difference"] == pytest.approx(-0.05)
    assert arm["accuracy_difference_low"] < -0.1
    assert arm["accuracy_difference_high"] > 0.02
    assert arm["accuracy_verdict"] == "cannot tell (n = 3)"
    assert arm["accuracy_mcnemar_p"] == pytest.approx(0.25)
    assert arm["found_difference"] == pytest.approx(-3)
    assert arm["found_sd"] == 0
    assert arm[["old_p_mean", "control_p_mean", "held_out_p_mean"]].tolist() == pytest.approx([0.1, 0.2, 0.7])


def test_intervals_of_an_arm_are_of_seeds_and_clusters():
    """Several nets judge an image, and a net finds several images of a label: they depend on each other."""
    attacks, old, judged, negatives = retraining_inputs()
    table = retraining_summary.retraining_summary(attacks, old, judged, negatives)
    arm = table.query("negatives == 'backworked'").iloc[0]
    own = judged[judged["negatives"] == "backworked"].reset_index(drop=True)
    share = over_seeds(own["predicted"] == own["label"], own["seed"], own["id"])
    assert (arm["accuracy_low"], arm["accuracy_high"]) == pytest.approx((share.low, share.high))
    row = table.query("negatives == 'none' and round == 1").iloc[0]
    own = attacks[(attacks["negatives"] == "none") & (attacks["round"] == 1)].reset_index(drop=True)
    share = over_seeds(own["p"] > 0.999, own["seed"], own.groupby(["seed", "label"]).ngroup())
    assert (row["found_low"], row["found_high"]) == pytest.approx((share.low, share.high))


def test_primary_are_the_arms_in_the_last_round_under_ascent_on_log_p():
    arms = {"none": NONE, "backworked": [20, 12, 22]}
    table = arms_summary(arms, rounds=(1, 2))
    assert table.loc[table["primary"] == "yes", ["negatives", "round"]].to_numpy().tolist() == [["backworked", 2]]
    assert set(arms_summary(arms, attack="published")["primary"]) == {""}


def test_findings_give_images_intervals_and_verdicts():
    table = arms_summary({"none": [75, 62, 70], "backworked": [45, 63, 45]})
    before = table[table["negatives"] == "none"].assign(round=0)
    said = [text.replace("\N{NO-BREAK SPACE}", " ") for text in findings.retraining(pd.concat([before, table]))]
    assert said[0].startswith("**cnn, before retraining** (means over 3 seeds): ")
    assert said[0].endswith(", of 2,000 test images.")
    assert "finds 69.0 of 80 (95 % interval " in said[0]
    arm = next(text for text in said if "backworked" in text)
    assert "finds 51.0 of 80 (95 % interval " in arm
    assert "; against no negatives -18.0 (" in arm
    assert re.search(
        r"\): cannot tell \(n = 3\), \d+\.\d or more would have been seen\); accuracy 99\.00.%, 95.% in", arm
    )
    assert "points (" in arm
    fresh = findings.retraining(pd.concat([before, table.assign(negatives_found_share=float("nan"))]))
    assert "Of its negatives" not in "\n".join(fresh)
    assert "nan" not in "\n".join(fresh)


def test_mcnemar_decides_nothing():
    table = arms_summary({"none": NONE, "backworked": [50, 62, 40]}).query("negatives == 'backworked'").iloc[0]
    assert table["found_mcnemar_p"] < 1e-6
    assert table["found_verdict"] == "cannot tell (n = 3)"


def decide(rows):
    """Made-up rows of a summary, (negatives, low, high) of found images of 80, with what is decided of them."""
    frame = pd.DataFrame(rows, columns=["negatives", "found_difference_low", "found_difference_high"])
    frame["found_difference"] = (frame["found_difference_low"] + frame["found_difference_high"]) / 2
    frame = frame.assign(classifier="cnn", round=1, attack="log-p", seeds=3, found_n=240, accuracy_n=300)
    frame = frame.assign(accuracy_difference=0.0, accuracy_difference_low=-0.1, accuracy_difference_high=0.1)
    return verdicts.decided(frame, settings.Matters())


def test_holm_takes_back_what_one_of_several_arms_shows_by_chance():
    alone = decide([("normal", -20.0, -1.0)])
    assert alone["found_verdict"].tolist() == ["lower"]
    assert alone["found_p"].tolist() == alone["found_p_holm"].tolist()
    table = decide([("normal", -20.0, -1.0), ("uniform", -5.0, 5.0), ("backworked", -41.0, -39.0)])
    assert table["found_p_holm"].tolist() == pytest.approx((table["found_p"] * [2, 1, 3]).tolist())
    assert table["found_verdict"].tolist() == ["cannot tell (n = 3)", "no change that matters", "lower"]


def test_p_is_a_twentieth_where_the_interval_ends_at_0():
    assert decide([("normal", -20.0, 0.0)])["found_p"].tolist() == pytest.approx([0.05])
    assert decide([("normal", 0.0, 8.0)])["found_p"].tolist() == pytest.approx([0.05])


def test_the_order_of_the_seeds_does_not_matter():
    inputs = retraining_inputs()
    shuffled = retraining_summary.retraining_summary(*(frame.sample(frac=1, random_state=1) for frame in inputs))
    pd.testing.assert_frame_equal(shuffled, retraining_summary.retraining_summary(*inputs))


def test_the_reference_arm_is_not_compared_with_itself():
    table = summary()
    none = table[table["negatives"] == "none"]
    assert none["accuracy_difference"].isna().all()
    assert none["found_verdict"].tolist() == ["", ""]


def test_one_seed_gives_no_verdict():
    table = summary(seeds=(0,))
    assert table.query("negatives == 'backworked'")["accuracy_verdict"].tolist() == ["cannot tell (n = 1)"]


def test_retraining_summary_reads_three_kinds_of_rows(tmp_path):
    files = {name: tmp_path / f"{name}.csv" for name in ("attacks", "old", "predictions", "negatives_rows")}
    for path, frame in zip(files.values(), retraining_inputs(), strict=True):
        frame.to_csv(path, index=False)
    made = make(tmp_path, "table", "retraining-summary", files, found_above=0.999)
    assert read_rows([made["csv"]])["negatives"].tolist() == ["backworked", "none", "none"]
