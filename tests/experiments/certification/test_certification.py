"""Rows of certification, their tables, figure and findings; attacks within certificates and beyond."""

import pandas as pd
import pytest

from attacks.subjects import defended, network, starts_of
from figurechecks import keys_of
from samplerows import attacked_rows
from spurious import registry
from spurious.defences.defended import Together
from spurious.defences.entries import Threshold
from spurious.defences.rejection import ABSTAINED, REJECTED
from spurious.errors import SpuriousError
from spurious.experiments.catalogue import of_classifier
from spurious.experiments.certification import rows as rows_module
from spurious.experiments.certification.figure import figure
from spurious.experiments.certification.findings import certification as findings
from spurious.experiments.certification.jobs import portions
from spurious.experiments.certification.rows import ATTACKS, COLUMNS, rows_of_image
from spurious.experiments.certification.settings import CertificationSettings
from spurious.experiments.certification.table import attacks, certified
from spurious.rates import interval
from spurious.statistics.randomized_smoothing import certified_radius

SMALL = {
    "sigmas": [0.1, 0.2],
    "n0": 20,
    "n": 200,
    "alpha": 0.01,
    "attack": {"steps": 8, "n": 200, "sizes": [1.0, 6.0]},
    "defences": {"none": "none", "vote": {"kind": "vote", "views": ["ns", "ss", "ds"], "kernel": 3}},
}
SETTINGS = registry.parse(CertificationSettings, SMALL)
RADII = [0.0, 0.1, 0.2, 0.3]


def made(settings=SETTINGS, count=8):
    starts, model = starts_of(defended("none"), count), network()
    subjects = Together(settings.defences, model)
    rows, attacked = [], []
    for image, label, name in zip(starts.images, starts.labels.tolist(), starts.ids, strict=True):
        parts = rows_of_image(subjects, image, name, label, settings, attack=True)
        rows += parts[0]
        attacked += parts[1]
    return pd.DataFrame(rows).assign(classifier="net"), pd.DataFrame(attacked).assign(classifier="net")


@pytest.fixture(scope="module")
def found():
    return made()


def test_rows_are_as_they_say(found):
    rows, attacked = found
    assert list(rows) == [*COLUMNS, "classifier"]
    assert list(attacked) == [*ATTACKS, "classifier"]
    assert len(rows) == 8 * 2 * 2
    for row in rows.itertuples():
        assert row.radius == pytest.approx(certified_radius(row.count, 200, 0.01, row.sigma))
        assert (row.decision == ABSTAINED) == (row.radius == 0)
    assert {*attacked["id"]} == {*rows["id"][rows["radius"] > 0]}


def test_rows_do_not_depend_on_batches(found):
    rows, _ = made(SETTINGS.changed(batch_size=7))
    pd.testing.assert_frame_equal(rows, found[0])


def test_defences_certified_together_are_as_each_alone_and_what_both_look_at_is_classified_once():
    own = {**SMALL, "defences": {**SMALL["defences"], "blur": {"kind": "blur", "kernel": 3}}}
    settings = registry.parse(CertificationSettings, own)
    together, attacked = made(settings, count=3)
    for name, defence in settings.defences.items():
        alone, alone_attacked = made(settings.model_copy(update={"defences": {name: defence}}), count=3)
        for all_rows, rows in ((together, alone), (attacked, alone_attacked)):
            expected = all_rows[all_rows["defence"] == name].reset_index(drop=True)
            pd.testing.assert_frame_equal(rows, expected)
    model, classified = network(), []

    def counted(images):
        classified.append(len(images))
        return model(images)

    starts = starts_of(defended("none"), 1)
    rows_of_image(Together(settings.defences, counted), starts.images[0], "a", 0, settings, attack=False)
    assert sum(classified) == 2 * 220 * 3  # two sigmas, n0 + n draws, three views


def test_a_certified_rejection_is_attacked_as_one(monkeypatch):
    away = []
    monkeypatch.setattr(rows_module, "move_away", lambda *given, **others: away.append(given) or given[1])
    defences = {"threshold": Threshold(log_odds=20.0)}
    settings = SETTINGS.model_copy(update={"defences": defences})
    image = starts_of(defended("none"), 1).images[0]
    rows, attacked = rows_of_image(Together(defences, network()), image, "a", 0, settings, attack=True)
    assert {row["decision"] for row in rows} == {REJECTED}
    assert len(away) == len(attacked) == 4  # two sigmas, two sizes
    for scores, moved, place, *_ in away:
        assert scores(moved[None]).argmax(1).item() == range(5)[place] == 4  # four classes, and the rejection


def test_certified_accuracies_are_those_counted_image_by_image(found):
    rows, _ = found
    table = certified(rows, RADII)
    assert list(table) == [
        *("classifier", "defence", "sigma", "radius", "n", "certified_accuracy", "low", "high"),
        *("abstained", "rejected", "samples", "acr"),
    ]
    assert len(table) == 4 * len(RADII)
    for row in table.itertuples():
        own = [each for each in rows.itertuples() if (each.defence, each.sigma) == (row.defence, row.sigma)]
        right = sum(each.decision == each.label and each.radius >= row.radius for each in own)
        assert row.certified_accuracy == right / 8
        assert (row.low, row.high) == interval(right, 8)
        assert row.acr == pytest.approx(sum(each.radius for each in own if each.decision == each.label) / 8)
        assert row.abstained == sum(each.decision == ABSTAINED for each in own) / 8
        assert row.n == 8
        assert row.samples == 200
    assert table["certified_accuracy"].nunique() > 3


def test_a_certified_rejection_is_neither_right_nor_abstained(found):
    rows = found[0].assign(decision=REJECTED)
    table = certified(rows, [0.0])
    assert (table["rejected"] == 1).all()
    assert (table[["certified_accuracy", "abstained", "acr"]] == 0).all(axis=None)


def test_attacks_stay_within_their_ball_and_fail_inside_the_certificate(found):
    _, attacked = found
    assert (attacked["moved"] <= attacked["size"] * attacked["radius"] + 1e-5).all()
    table = attacks(attacked).set_index(["defence", "sigma", "size"])
    assert (table.xs(1.0, level="size")["changed"] == 0).all()
    assert table.xs(6.0, level="size")["changed"].mean() > 0.5, "the attack finds what is there"
    assert (table["low"] <= table["changed"]).all()


def test_an_attack_after_which_nothing_is_certain_is_undecided():
    table = attacks(attacked_rows())
    assert table["undecided"].tolist() == [0.0, 0.5]
    assert table["changed"].tolist() == [0.0, 0.5]


def test_shards_with_other_draws_are_one_line(found):
    rows = found[0]
    mixed = pd.concat([rows[rows["id"] != rows["id"].iloc[0]], rows[rows["id"] == rows["id"].iloc[0]].assign(n=100)])
    with pytest.raises(SpuriousError, match=r"certification of net: shards with n 200 and 100; delete those") as caught:
        certified(mixed, RADII)
    assert "\n" not in str(caught.value)


def test_the_figure_ends_at_the_largest_radius(found):
    rows, _ = found
    drawn = figure(rows)
    assert [axes.get_title() for axes in drawn.axes] == [
        f"net, σ = {sigma}\nn = 8, 200 draws" for sigma in SETTINGS.sigmas
    ]
    line = next(line for line in drawn.axes[0].lines if line.get_label() == "none")
    own = rows[(rows["defence"] == "none") & (rows["sigma"] == 0.1) & (rows["decision"] == rows["label"])]
    assert line.get_xdata()[-1] == pytest.approx(own["radius"].max())
    assert line.get_ydata()[0] == len(own) / 8


def test_a_single_defence_stands_in_the_title_and_several_in_the_legend(found):
    rows, _ = found
    names = list(dict.fromkeys(rows["defence"]))
    assert [text for text, _ in keys_of(figure(rows))] == names
    alone = figure(rows[rows["defence"] == names[0]])
    assert not alone.legends
    assert alone.get_suptitle().endswith(f": {names[0]}")


def test_findings_say_n_and_draws(found):
    rows, attacked = found
    sentences = list(findings(certified(rows, RADII), attacks(attacked)))
    assert len(sentences) == 3
    assert sentences[0].startswith("**net** under noise of 0.1, 200 draws, n = 8, is certified to be right within")
    assert sentences[-1].startswith("Attacks changed 0 of ")
    table = attacks(attacked)
    counts = table["n"]
    span = f"{counts.max()} images" if counts.nunique() == 1 else f"{counts.min()} to {counts.max()} images"
    assert sentences[-1].endswith(f", {span} for each defence and noise.")
    fewer = table.assign(n=[2, *counts[1:]])
    assert list(findings(certified(rows, RADII), fewer))[-1].endswith(
        f", 2 to {counts.max()} images for each defence and noise."
    )


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"sigmas": [0.0]}, r"sigmas\[0\]: 0.0 is not allowed: standard deviation of the noise"),
        ({"sigmas": [-0.1]}, r"sigmas\[0\]: -0.1 is not allowed"),
        ({"alpha": 0.0}, "alpha: 0.0 is not allowed"),
        ({"n": 0}, "n: 0 is not allowed"),
        ({"radii": [-1.0]}, r"radii\[0\]: -1.0 is not allowed"),
        ({"attack": {"draws": 8}}, "attack.draws: 8 is not allowed: noise draws in each step, 16 or more"),
        ({"defences": {"vote": {"kind": "vote", "views": ["ns", "fog"]}}}, "'fog' is not allowed: a view"),
        (
            {"defences": {"t": {"kind": "threshold", "coverage": 0.9}}},
            "defences.t: a threshold needs its log_odds here",
        ),
    ],
)
def test_bad_settings_are_one_line(changes, line):
    with pytest.raises(SpuriousError, match=line) as caught:
        registry.parse(CertificationSettings, SMALL | changes)
    assert "\n" not in str(caught.value)


def test_a_classifier_has_its_own_draws_and_jobs():
    section = {"n": 10, "shards": 1, "classifiers": {"b": {"n": 99, "shards": 2, "sigmas": None}}}
    assert of_classifier(section, "a") == {"n": 10, "shards": 1}
    assert of_classifier(section, "b") == {"n": 99, "shards": 2}
    settings = {"experiment": {"certification": ["a", "b"]}, "certification": section}
    expected = [{"classifier": "a", "portion": 0}, *({"classifier": "b", "portion": part} for part in (0, 1))]
    assert portions(settings) == expected
