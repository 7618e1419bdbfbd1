"""Rows and rates of attacks on defences, against rates that are counted image by image."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml
from torch import nn

from attacks.subjects import SIZE, RootMeanSquare, network, starts_of
from attacks.subjects import defended as defended_by
from figurechecks import keys_of
from spurious import configuration, registry
from spurious.attacks import white_box
from spurious.attacks.controls import random_directions
from spurious.attacks.on_decisions import DecisionAttack, WithoutDefence
from spurious.attacks.within import Within
from spurious.defences.defended import Defended
from spurious.defences.entries import Threshold, Undefended
from spurious.defences.kinds import Defence
from spurious.errors import SpuriousError
from spurious.experiments.catalogue import of_classifier
from spurious.experiments.robustness.archive import sha256
from spurious.experiments.robustness.figure import figure
from spurious.experiments.robustness.findings import robustness as findings
from spurious.experiments.robustness.rows import COLUMNS, all_rows, attack_rows, fitted_defences, work
from spurious.experiments.robustness.settings import RobustnessSettings
from spurious.experiments.robustness.table import gains, overall, robustness
from spurious.experiments.robustness.verification import image_faults
from spurious.perturbations.norms import NORMS
from spurious.rates import difference_of_images, difference_over_seeds, interval, over_seeds
from spurious.seeding import generator
from spurious.views.preprocessing import Preprocessing

ROOT = Path(__file__).parents[3]
SMALL = {
    "sizes": {"linf": [0.1, 0.04], "l2": [0.5]},
    "attacks": {
        "white-box": {"kind": "white-box", "steps": 6, "targets": 0, "restarts": 1},
        "denial": {"kind": "denial", "steps": 6},
        "random": {"kind": "random", "directions": 3},
    },
    "defences": {
        "none": "none",
        "vote": {"kind": "vote", "views": ["ns", "ss"]},
        "threshold": {"kind": "threshold", "like": "vote"},
    },
}


@pytest.fixture(scope="module")
def rows():
    settings = registry.parse(RobustnessSettings, SMALL)
    model, kept = network(), torch.rand(60, 1, 10, 10, generator=generator("kept"))
    starts = starts_of(defended_by("none"), 10)
    starts.labels[0] = (starts.labels[0] + 1) % 4  # one that the classifier gets wrong
    defences = fitted_defences(settings.defences, model, kept.split(20))
    told = []
    rows, _ = attack_rows(defences, model, starts, settings, 0, told.append)
    assert sum(told) == len(rows) == work(defences, settings, len(starts.ids), 0)
    return rows.assign(classifier="net", seed=0, variant="plain")


def counted(rows, attack, found):
    """Detect and strict errors of one defence and size, image by image."""
    detect = strict = 0
    for _, own in rows.groupby("id"):
        wrong = own["clean"].iloc[0] != own["label"].iloc[0]
        by = own if attack == "worst" else own[own["attack"] == attack]
        hit = any(row[found] and row["goal"] == "wrong" for _, row in by.iterrows())
        denied = any(row[found] and row["goal"] == "rejected" for _, row in own.iterrows())
        detect += wrong or hit
        strict += wrong or hit or denied
    return detect, strict


def test_every_rate_is_that_counted_image_by_image(rows):
    table = robustness(rows)
    assert len(table) == 3 * (3 + 4 + 4)  # sizes, and of each defence attacks with the worst: none never rejects
    for row in table.itertuples():
        own = rows[(rows["defence"] == row.defence) & (rows["norm"] == row.norm) & (rows["epsilon"] == row.epsilon)]
        for found, suffix in (("found", ""), ("found_rounded", "_rounded")):
            detect, strict = counted(own, row.attack, found)
            assert getattr(row, f"robust_error_detect{suffix}") == detect / 10
            assert getattr(row, f"robust_error_strict{suffix}") == strict / 10
        low, high = interval(counted(own, row.attack, "found")[0], 10)
        assert (row.robust_error_detect_low, row.robust_error_detect_high) == (low, high)
        assert row.n == 10


def both_seeds(rows):
    """The rows, and as another seed those in which one image of the vote is found by the white box, too."""
    other = rows.assign(seed=1)
    one = (other["defence"] == "vote") & (other["attack"] == "white-box") & (other["id"] == "image 5")
    assert not other.loc[one, "found"].all()
    other.loc[one, "found"] = True
    return pd.concat([rows, other])


def test_seeds_together_are_a_row_of_their_own(rows):
    rows = both_seeds(rows)
    table = robustness(rows)
    assert (table["seeds"] == table["seed"].map({0: 1, 1: 1, "all": 2})).all()
    row = table.query("seed == 'all' and defence == 'vote' and attack == 'white-box' and epsilon == 0.1").iloc[0]
    own = rows.query("defence == 'vote' and attack == 'white-box' and epsilon == 0.1").reset_index(drop=True)
    wrong = own["found"] | (own["clean"] != own["label"])
    expected = over_seeds(wrong, own["seed"], own["id"])
    assert row["robust_error_detect"] == expected.rate
    assert (row["robust_error_detect_low"], row["robust_error_detect_high"]) == (expected.low, expected.high)
    assert row["n"] == 20
    assert set(overall(table)["seed"]) == {"all"}
    assert set(overall(robustness(rows[rows["seed"] == 0]))["seed"]) == {0}


def gained(rows, beside, attack):
    """The gains, detecting and strict, of some rows of one defence on those of another, with intervals, by a loop."""
    changes = {}
    for who, own in (("defence", rows), ("beside", beside)):
        for (seed, name), image in own.groupby(["seed", "id"]):
            changes.setdefault((seed, name), {})[who] = counted(image, attack, "found")
    both = {key: each for key, each in changes.items() if len(each) == 2}
    seeds, ids = (pd.Series([key[place] for key in both]) for place in (0, 1))
    for kind in (0, 1):
        change = pd.Series([int(each["beside"][kind]) - int(each["defence"][kind]) for each in both.values()])
        several = seeds.nunique() > 1
        yield difference_over_seeds(change, seeds, ids) if several else difference_of_images(change)


def assert_gains(row, rows, beside):
    at = [own[(own["norm"] == row.norm) & (own["epsilon"] == row.epsilon)] for own in (rows, beside)]
    for name, expected in zip(("gain_detect", "gain_strict"), gained(*at, row.attack), strict=True):
        found = tuple(getattr(row, column) for column in (name, f"{name}_low", f"{name}_high"))
        assert found == pytest.approx(expected), (name, row)


def test_a_gain_is_that_counted_image_by_image(rows):
    for own in (rows, both_seeds(rows)):
        table = gains(own)
        seeds = own["seed"].nunique()
        pairs = {("none", "vote"), ("none", "threshold"), ("vote", "threshold")}
        assert set(zip(table["beside"], table["defence"], strict=True)) == pairs
        by_defence = dict(iter(own.groupby("defence")))
        for row in table.query("attack == 'white-box'").itertuples():
            assert_gains(row, by_defence[row.defence], by_defence[row.beside])
            assert (row.n, row.seeds) == (10 * seeds, seeds)
        assert (table["gain_detect"] != table["gain_strict"]).any()


def test_a_defence_is_held_against_another_classifier_whose_defence_claims_to_hold(rows):
    some = [f"image {place}" for place in (8, 3, 5, 4, 7, 2)]
    other = rows[(rows["defence"] == "none")].set_index("id").loc[some].reset_index()
    other = other.assign(classifier="trained", found=other["id"].isin(["image 7", "image 5"]))
    claimed = other.assign(claimed=(other["norm"] == "linf") & (other["epsilon"] == 0.1))
    silent = other.assign(defence="blur", claimed=False)
    earlier = both_seeds(rows).drop(columns="claimed")
    table = gains(pd.concat([earlier, silent, claimed, claimed.assign(defence="twice")]))
    own = table[table["classifier"] == "net"]
    assert set(own["beside"]) == {"none", "vote", "trained/none", "trained/twice"}
    assert not table.loc[table["classifier"] == "trained", "beside"].str.contains("/").any()
    beside = own[own["beside"] == "trained/none"]
    assert set(beside["defence"]) == {"none", "vote", "threshold"}
    assert set(beside["epsilon"]) == set(rows["epsilon"])  # beyond the claim, too
    assert "denial" not in set(beside["attack"])  # was not run on the undefended one
    first = earlier[earlier["seed"] == 0]
    for row in beside.query("attack == 'white-box'").itertuples():
        assert (row.n, row.seeds) == (6, 1)
        assert_gains(row, first[first["defence"] == row.defence], claimed)


def test_a_defence_beside_itself_gains_nothing(rows):
    twice = pd.concat([rows[rows["defence"] == "vote"], rows[rows["defence"] == "vote"].assign(defence="again")])
    table = gains(twice)
    assert (table["gain_detect"] == 0).all()
    assert (table["gain_strict"] == 0).all()
    assert (table["gain_detect_low"] < 0).all()


@pytest.mark.parametrize("coverage", [{"coverage": 0.9}, {"like": "vote"}])
def test_a_threshold_answers_the_share_that_it_was_chosen_for_of_images_that_are_resized(coverage):
    """The border lies at one of these images: prepared in another way, its rounding would decide."""
    preprocessing = Preprocessing(resize=SIZE, crop=SIZE - 2)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear((SIZE - 2) ** 2, 4)).requires_grad_(False)
    for trial in range(10):
        kept = torch.rand(40, 1, 17, 19, generator=generator("resized", trial))
        defences = {"vote": registry.parse(Defence, "vote"), "threshold": Threshold(**coverage)}
        fitted = fitted_defences(defences, model, kept.split(20), preprocessing)
        answered = {name: sum((own.decide(kept) >= 0).tolist()) for name, own in fitted.items()}
        assert answered["threshold"] == (answered["vote"] if "like" in coverage else 36)


def test_variants_of_the_white_box_start_anew_at_one_size_on_the_first_images():
    settings = registry.parse(RobustnessSettings, SMALL | {"checks": {"images": 8, "epsilon": 0.04, "more": 3}})
    white_box = settings.attacks["white-box"].model_copy(update={"targets": 2})
    settings = settings.model_copy(update={"defences": {"none": Undefended()}, "attacks": {"white-box": white_box}})
    model, starts = network(), replace(starts_of(defended_by("none"), 10), ids=range(10))
    defences = fitted_defences(settings.defences, model, starts.images.split(20))
    told = []
    rows, _ = all_rows(defences, model, starts, settings, 0, settings.checks.images, told.append)
    assert sum(told) == work(defences, settings, 10, 8) == 3 * 10 + 6 * 8
    checked = rows[rows["variant"] != "plain"]
    assert rows["id"].dtype == "int64"
    assert set(checked["epsilon"]) == {0.04}
    assert set(checked["id"]) == set(range(8))

    def found(**changes):
        attack, plain = white_box.model_copy(update=changes), defences["none"]
        ball = Within(norm="linf", epsilon=0.04)
        success = attack(plain, plain, starts.at(torch.arange(8)), ball, seed=0).success
        return set(success.nonzero().flatten().tolist())

    alone = found()
    assert 0 < len(alone) < 8
    for variant, changes, among in (
        ("alone", {}, set(range(8))),
        ("one step", {"steps": 1}, set(range(8))),
        ("more steps", {"steps": 18}, set(range(8)) - alone),
        ("more restarts", {"restarts": 3}, set(range(8)) - alone),
        ("untargeted", {"targets": 0}, alone),
        ("targeted", {"away": False}, alone),
    ):
        own = checked[checked["variant"] == variant]
        assert set(own["id"]) == among
        assert set(own.loc[own["found"], "id"]) == found(**changes) & among
    assert found(targets=0) | found(away=False) == alone
    pd.testing.assert_frame_equal(
        rows[rows["variant"] == "plain"].drop(columns="variant"), attack_rows(defences, model, starts, settings, 0)[0]
    )


def unpruned(sizes, **checks):
    """Rows of two attacks beside the white box, what they told of, the settings and what was attacked."""
    attacks = {"hop": {"kind": "hop-skip-jump", "rounds": 2}, "wild": {"kind": "random", "directions": 30}}
    changes = {"sizes": {"linf": sizes}, "attacks": SMALL["attacks"] | attacks, "defences": {"none": "none"}}
    settings = registry.parse(RobustnessSettings, SMALL | changes | {"checks": {"images": 6, **checks}})
    model, starts = network(), replace(starts_of(defended_by("none"), 10), ids=range(10))
    defences, told = fitted_defences(settings.defences, model, ()), []
    rows, _ = all_rows(defences, model, starts, settings, 0, settings.checks.images, told.append)
    assert sum(told) == work(defences, settings, 10, 6)
    return rows, settings, defences["none"], starts


def test_every_other_attack_starts_from_every_checked_image_at_the_size_of_the_checks():
    rows, settings, plain, starts = unpruned([0.05, 0.15, 0.3], epsilon=0.2)
    own = rows[rows["variant"] == "unpruned"]
    assert set(own["attack"]) == {"hop", "wild", "random"}  # neither the white box nor what makes a defence reject
    assert set(zip(own["norm"], own["epsilon"], strict=True)) == {("linf", 0.2)}
    for name, alone in own.groupby("attack"):
        ball, first = Within(norm="linf", epsilon=0.2), starts.at(torch.arange(6))
        found = settings.attacks[name](plain, plain, first, ball, seed=0)
        assert alone["id"].tolist() == list(range(6))
        assert alone["found"].tolist() == found.success.tolist()
    assert own["found"].any()
    pd.testing.assert_frame_equal(
        rows[rows["variant"] == "plain"].drop(columns="variant"),
        attack_rows({"none": plain}, plain.logits, starts, settings, 0)[0],
    )


def test_at_the_smallest_size_nothing_is_attacked_again():
    rows, *_ = unpruned([0.1, 0.3], epsilon=0.1)
    own, plain = (rows[rows["variant"] == variant].drop(columns="variant") for variant in ("unpruned", "plain"))
    expected = plain[(plain["epsilon"] == 0.1) & plain["attack"].isin(("hop", "wild", "random")) & (plain["id"] < 6)]
    pd.testing.assert_frame_equal(own.reset_index(drop=True), expected.reset_index(drop=True))
    assert len(own) == 3 * 6


@pytest.mark.parametrize("sizes", [[0.1, 0.3], [0.05, 0.3]])
def test_the_checks_try_as_many_random_changes_as_they_ask_for(sizes):
    rows, _, plain, starts = unpruned(sizes, epsilon=0.1, directions=200)
    own = rows[rows["variant"] == "unpruned"]
    assert own.groupby("attack").size().to_dict() == {"hop": 6, "wild": 6, "random": 6}
    first, ball = starts.at(torch.arange(6)), Within(norm="linf", epsilon=0.1)
    many, few = (
        random_directions(plain, first, ball, seed=0, directions=tries).success.tolist() for tries in (200, 30)
    )
    assert own.loc[own["attack"] == "wild", "found"].tolist() == many
    assert sum(many) > sum(few)
    there = (rows["variant"] == "plain") & (rows["attack"] == "wild") & (rows["epsilon"] == 0.1) & (rows["id"] < 6)
    assert sizes[0] != 0.1 or rows.loc[there, "found"].tolist() == few


def test_an_image_that_is_not_answered_rightly_is_not_searched_either():
    """HopSkipJump needs no size and is run before the sizes are: of all it would pay for images that nobody counts."""
    plain, judged = defended_by("none"), []
    starts = starts_of(plain, 10)
    wrong = replace(starts, labels=torch.where(torch.arange(10) < 7, (starts.labels + 1) % 3, starts.labels))

    def logits(images):
        judged.append(len(images))
        return plain.logits(images)

    attacks = {"hop": {"kind": "hop-skip-jump", "rounds": 2}}
    settings = registry.parse(RobustnessSettings, SMALL | {"attacks": attacks, "defences": {"none": "none"}})

    def of(own):
        judged.clear()
        rows, _ = attack_rows({"none": Defended(Undefended(), logits)}, logits, own, settings, 0)
        return rows, sum(judged)

    rows, passes = of(wrong)
    alone, fewer = of(wrong.at(torch.arange(7, 10)))
    both = rows[rows["id"].isin(wrong.ids[7:])].reset_index(drop=True)
    pd.testing.assert_frame_equal(both, alone)
    assert passes - fewer < 7 * 40  # to be judged before and after; a search would take hundreds of passes each
    assert of(wrong.at(torch.arange(7)))[0]["found"].sum() == 0


def test_rows_are_those_of_attacks_that_keep_nothing_for_the_next_defence(monkeypatch):
    model, searches = network(), []
    plain = Defended(Undefended(), model)
    attacks = {kind: {"kind": kind, "steps": 6, "restarts": 2} for kind in ("oblivious", "transfer")}
    settings = registry.parse(RobustnessSettings, SMALL | {"attacks": attacks, "batch_size": 4})
    source = Defended(Undefended(), network(2))
    settings.attacks["transfer"] = settings.attacks["transfer"].following(source)
    defences = fitted_defences(settings.defences, model, torch.rand(60, 1, 10, 10).split(20))
    ascend = white_box.ascend
    monkeypatch.setattr(white_box, "ascend", lambda *words, **options: searches.append(1) or ascend(*words, **options))

    def made():
        searches.clear()
        rows, _ = attack_rows(defences, model, starts_of(plain, 10), settings, 0)
        return rows, len(searches)

    kept, few = made()
    monkeypatch.setattr(WithoutDefence, "for_one_batch", lambda self: self)
    alone, many = made()
    pd.testing.assert_frame_equal(kept, alone, rtol=1e-5, atol=1e-6)
    assert few < many / 2


def test_rows_are_as_they_say(rows):
    assert list(rows) == [*COLUMNS, "classifier", "seed", "variant"]
    assert (rows["linf"] <= rows["epsilon"] + 1e-6)[rows["norm"] == "linf"].all()
    assert (rows["l2"] <= rows["epsilon"] + 1e-6)[rows["norm"] == "l2"].all()
    wrong = rows[(rows["goal"] == "wrong") & rows["found"]]
    assert len(wrong)
    assert ((wrong["predicted"] != wrong["label"]) & (wrong["predicted"] >= 0)).all()
    denied = rows[(rows["goal"] == "rejected") & rows["found"]]
    assert len(denied)
    assert (denied["predicted"] == -1).all()
    assert not rows["found"][rows["clean"] != rows["label"]].any()


def test_what_was_found_counts_at_larger_sizes(rows):
    linf = rows[rows["norm"] == "linf"]
    small, large = (linf[linf["epsilon"] == size].set_index(["defence", "attack", "id"]) for size in (0.04, 0.1))
    assert small["found"].any()
    assert large["found"][small["found"]].all()
    assert (large["found_at"][small["found"]] == 0.04).all()
    errors = robustness(rows).query("norm == 'linf'").groupby(["defence", "attack"], sort=False)
    assert all(own["robust_error_detect"].is_monotonic_increasing for _, own in errors)


def test_the_worst_is_at_least_every_attack(rows):
    for _, own in robustness(rows).groupby(["defence", "norm", "epsilon"]):
        worst = own[own["attack"] == "worst"].iloc[0]
        assert (own["robust_error_detect"] <= worst["robust_error_detect"]).all()
        assert (own["robust_error_strict"] <= worst["robust_error_strict"]).all()


def test_a_defence_that_never_rejects_is_not_attacked_by_denial(rows):
    assert set(rows["defence"][rows["attack"] == "denial"]) == {"vote", "threshold"}
    table = robustness(rows)
    none = table[table["defence"] == "none"]
    assert (none["robust_error_strict"] == none["robust_error_detect"]).all()


def test_an_attack_that_needs_no_size_finds_in_one_search_what_it_finds_at_each():
    attacks = {"hop-skip-jump": {"kind": "hop-skip-jump", "rounds": 2}}
    sizes = {"linf": [0.05, 0.1, 0.3], "l2": [0.5, 2.0]}
    settings = registry.parse(RobustnessSettings, {"sizes": sizes, "attacks": attacks, "defences": {"none": "none"}})
    model = network()
    starts, plain = starts_of(defended_by("none"), 10), Defended(Undefended(), model)
    rows, _ = attack_rows({"none": plain}, model, starts, settings, 0)
    (attack,) = settings.attacks.values()
    for (norm, epsilon), own in rows.groupby(["norm", "epsilon"]):
        alone = attack(plain, plain, starts, Within(norm=norm, epsilon=epsilon), seed=0)
        assert own["found"].tolist() == alone.success.tolist()
    assert rows["found"].any()
    assert not rows["found"].all()


def test_a_threshold_answers_as_often_as_the_vote():
    settings = registry.parse(RobustnessSettings, SMALL)
    model, kept = network(), torch.rand(60, 1, 10, 10, generator=generator("kept"))
    defences = fitted_defences(settings.defences, model, kept.split(20))
    answered = {name: int((defended.decide(kept) >= 0).sum()) for name, defended in defences.items()}
    assert answered["threshold"] == answered["vote"] < answered["none"] == len(kept)


@pytest.mark.parametrize("dataset", ["mnist", "imagenet-samples"])
def test_paper_has_thresholds_that_answer_as_often_as_the_vote_and_two_given_shares(dataset):
    shipped = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    section = configuration.settings_for(configuration.completed(shipped), dataset)["robustness"]
    settings = registry.parse(RobustnessSettings, section)
    model, kept = network(), torch.rand(200, 1, 10, 10, generator=generator("kept"))
    defences = fitted_defences(settings.defences, model, kept.split(20))
    shares = {name: (defended.decide(kept) >= 0).float().mean().item() for name, defended in defences.items()}
    assert shares["threshold"] == pytest.approx(shares["vote"])
    assert shares["threshold-0.99"] == pytest.approx(0.99)
    assert shares["threshold-0.95"] == pytest.approx(0.95)


def test_rows_of_shards_are_those_of_all(rows):
    settings = registry.parse(RobustnessSettings, SMALL | {"batch_size": 3})
    model, kept = network(), torch.rand(60, 1, 10, 10, generator=generator("kept"))
    starts = starts_of(defended_by("none"), 10)
    starts.labels[0] = (starts.labels[0] + 1) % 4
    defences = fitted_defences(settings.defences, model, kept.split(20))
    parts = [attack_rows(defences, model, starts.at(torch.arange(10)[shard::2]), settings, 0)[0] for shard in (0, 1)]
    keys = ["defence", "attack", "norm", "epsilon", "id"]
    joined = pd.concat(parts).set_index(keys).sort_index()
    expected = rows.set_index(keys).sort_index()
    for name in ("found", "found_at", "predicted", "found_rounded"):
        pd.testing.assert_series_equal(joined[name], expected[name])


def test_the_figure_and_the_findings_are_of_the_worst(rows):
    table = robustness(rows)
    drawn = figure(table)
    (left, right) = drawn.axes
    assert [text for text, _ in keys_of(drawn)] == ["none", "vote", "threshold"]
    alone = figure(table[table["defence"] == "vote"])
    assert not alone.legends
    assert alone.get_suptitle().endswith("of the defence vote")
    none = table.query("defence == 'none' and attack == 'worst' and norm == 'linf'").sort_values("epsilon")
    expected = [none["clean_correct"].iloc[0], *(1 - none["robust_error_detect"])]
    assert left.lines[0].get_ydata().tolist() == pytest.approx(expected)
    assert right.get_title() == "net, seed 0, L2, n = 10"
    sentences = list(findings(table))
    assert len(sentences) == 2
    assert "0.04 (linf)" in sentences[0]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"sizes": {"linf": [0.0]}}, r"sizes.linf\[0\]: 0.0 is not allowed: largest change"),
        ({"sizes": {"linf": [-0.1]}}, r"sizes.linf\[0\]: -0.1 is not allowed"),
        ({"sizes": {"l3": [0.1]}}, "'l3' is not allowed"),
        ({"defences": {"vote": {"kind": "vote", "views": ["ns", "fog"]}}}, "'fog' is not allowed: a view"),
        ({"defences": {"t": {"kind": "threshold", "like": "vote"}}}, "defences.t.like.*vote"),
        ({"attacks": {"worst": "random"}}, "worst"),
    ],
)
def test_bad_settings_are_one_line(changes, line):
    with pytest.raises(SpuriousError, match=line) as caught:
        registry.parse(RobustnessSettings, SMALL | changes)
    assert "\n" not in str(caught.value)


def test_what_a_defence_claims_is_a_column_a_sentence_and_a_line():
    """Of the sizes in the norm of the claim, up to its size."""
    value = {"kind": "none", "claim": {"norm": "linf", "epsilon": 0.1}}
    sizes = {"linf": [0.04, 0.1, 0.2], "l2": [0.05]}
    settings = registry.parse(RobustnessSettings, SMALL | {"sizes": sizes, "defences": {"own": value, "none": "none"}})
    model, starts = network(), starts_of(defended_by("none"), 10)
    rows, _ = attack_rows(fitted_defences(settings.defences, model, ()), model, starts, settings, 0)
    table = robustness(rows.assign(classifier="net", seed=0, variant="plain"))
    claimed = table[table["claimed"]]
    assert set(claimed["defence"]) == {"own"}
    assert set(zip(claimed["norm"], claimed["epsilon"], strict=True)) == {("linf", 0.04), ("linf", 0.1)}
    sentence = next(line for line in findings(table) if "claims" in line)
    worst = table.query("defence == 'own' and attack == 'worst' and epsilon == 0.1")["robust_error_detect"].iloc[0]
    assert "(*own*) claims to hold up to 0.1 (linf)" in sentence
    assert f"{worst:.0%}".rstrip("%") in sentence
    assert sum("claims" in line for line in findings(table)) == 1
    left, right = figure(table).axes
    dotted = [[line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == ":"] for axes in (left, right)]
    assert dotted == [[0.1], []]


def test_rows_of_a_run_without_claims_claim_nothing(rows):
    earlier = rows.drop(columns="claimed")
    assert not robustness(earlier)["claimed"].any()
    beside = robustness(pd.concat([earlier, rows.assign(classifier="later", claimed=True)]))
    assert beside.groupby("classifier")["claimed"].all().to_dict() == {"net": False, "later": True}


def test_an_attack_that_does_not_know_a_norm_refuses_it(monkeypatch):
    """A norm from outside: the squares of L2 are not its own, and would be counted as if they were."""
    monkeypatch.setitem(NORMS, "rms", RootMeanSquare())
    changes = {"sizes": {"linf": [0.1], "rms": [0.1]}, "attacks": {"by-squares": "square"}}
    line = (
        "attacks.by-squares: knows the norms linf and l2 only, and sizes has 'rms':"
        " leave the attack out, or 'rms' out of sizes"
    )
    with pytest.raises(SpuriousError) as caught:
        registry.parse(RobustnessSettings, SMALL | changes)
    assert str(caught.value) == line
    every = ("random", "oblivious", "white-box", "denial", "hop-skip-jump")
    assert registry.parse(RobustnessSettings, SMALL | changes | {"attacks": {name: name for name in every}})
    own = {"sizes": {"linf": [0.1]}, "classifiers": {"cnn": {"sizes": {"rms": [0.1]}}}}
    with pytest.raises(SpuriousError, match=r"^attacks\.by-squares: knows the norms"):
        registry.parse(RobustnessSettings, SMALL | own | {"attacks": {"by-squares": "square"}})


def test_a_classifier_may_be_checked_at_a_size_of_its_own():
    """A trained defence holds at the size of the others' checks, where nothing is found that could be compared."""
    own = {"checks": {"images": 3}, "classifiers": {"cnn": {"checks": {"images": 2, "epsilon": 0.3}}}}
    settings = registry.parse(RobustnessSettings, SMALL | own).model_dump()
    found = {name: of_classifier(settings, name)["checks"] for name in ("cnn", "softmax")}
    assert {name: (checks["images"], checks["epsilon"]) for name, checks in found.items()} == {
        "cnn": (2, 0.3),
        "softmax": (3, 0.1),
    }


def test_a_classifier_with_sizes_in_one_norm_leaves_the_other_panel_out(rows):
    table = robustness(rows)
    other = table[table["norm"] == "linf"].assign(classifier="other")
    panels = figure(pd.concat([other, table], ignore_index=True)).axes
    assert [axes.get_visible() for axes in panels].count(False) == 1
    assert len(panels) == 4


def test_a_norm_from_outside_attacks_as_the_one_that_it_is_a_multiple_of(monkeypatch):
    """L2 in another unit: the same images are fooled at the same places by every attack that takes it."""
    monkeypatch.setitem(NORMS, "rms", RootMeanSquare())
    attacked = defended_by()
    own = starts_of(attacked, 6)
    small = {"random": {"directions": 3}, "oblivious": {"steps": 6}, "white-box": {"steps": 6, "targets": 2}}
    for name, options in (small | {"hop-skip-jump": {"rounds": 2}}).items():
        attack = registry.parse(DecisionAttack, {"kind": name, **options})
        balls = Within(norm="l2", epsilon=2.0), Within(norm="rms", epsilon=2.0 / SIZE)
        expected, found = (attack(attacked, attacked, own, ball, seed=0) for ball in balls)
        torch.testing.assert_close(found.images, expected.images, rtol=0, atol=1e-4, msg=name)


def test_a_norm_that_no_plain_call_measures_is_one_line():
    row = {
        "name": "n",
        "id": 0,
        "label": 0,
        "stored": True,
        "norm": "rms",
        "epsilon": 0.1,
        "sha256": sha256(torch.zeros(1, 2, 2)),
    }
    about = {"starts": [], "found": [row], "defences": {}}
    image = torch.zeros(1, 2, 2)
    with pytest.raises(SpuriousError, match=r"^rms: a norm that cannot be measured by plain calls$"):
        list(image_faults(about, lambda name: image, lambda name: image, {0: 0}, None))


def test_a_defence_may_not_be_called_as_the_folder_of_the_figures_images():
    """Its archive would say that images are missing, for ever."""
    with pytest.raises(SpuriousError, match="a name other than 'examples'"):
        registry.parse(RobustnessSettings, {"defences": {"examples": "none"}})


def test_a_missing_column_is_one_line(rows):
    with pytest.raises(SpuriousError, match="rows of attacks on defences: the column goal is missing"):
        robustness(rows.drop(columns="goal"))
