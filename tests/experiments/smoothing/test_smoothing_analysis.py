"""The tables of the votes against slow references: plain loops over rows, ties by enumeration of the orders."""

import json
import math
from functools import partial
from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import write_summary
from making import ROOMS, make
from pipeline.files.rows import read_rows
from samplerows import RNG_SEED, VIEWS, majority, make_votes
from spurious import wording
from spurious.defences.rejection import REJECTED
from spurious.errors import SpuriousError
from spurious.experiments.smoothing import agreement, clean, comparisons, decisions, findings, long_form, pairs, risk
from spurious.experiments.smoothing import seeds as smoothing_seeds
from spurious.experiments.smoothing import variants as smoothing_variants
from spurious.experiments.smoothing.rates import main_rows, summarize
from spurious.statistics.comparisons import holm
from spurious.statistics.intervals import paired_interval
from spurious.statistics.proportions import wilson
from spurious.writeups import published as writeups_published
from spurious.writeups import smoothing

SCORES = (*VIEWS, "vote", "combined")
RATES = (*(f"acc_{view}" for view in VIEWS), "acc_maj", "acc_maj_all", "reject_rate")


VOTES = make_votes()


def settings(votes, **conditions):
    """(classifier, kernel, sigma) and its rows as dictionaries, under the conditions."""
    chosen = [row for row in votes.to_dict("records") if all(row[name] == value for name, value in conditions.items())]
    keys = dict.fromkeys((row["classifier"], row["kernel"], row["sigma"]) for row in chosen)
    for key in keys:
        yield key, [row for row in chosen if (row["classifier"], row["kernel"], row["sigma"]) == key]


MAIN = {"variant": "published", "seed": 4}
SETTINGS = list(settings(VOTES, **MAIN))


def only(table, key, **conditions):
    """The one row of a table for a setting."""
    wanted = dict(zip(("classifier", "kernel", "sigma"), key, strict=True)) | conditions
    (row,) = [row for row in table.to_dict("records") if all(row[name] == value for name, value in wanted.items())]
    return row


def counts(rows, name):
    """What a rate counts: (successes, n)."""
    accepted = [row for row in rows if row["decision"] != REJECTED]
    if name == "reject_rate":
        return len(rows) - len(accepted), len(rows)
    if name in ("acc_maj", "acc_maj_all"):
        own = accepted if name == "acc_maj" else rows
        return sum(row["decision"] == row["label"] for row in own), len(own)
    return sum(row[name[4:]] == row["label"] for row in rows), len(rows)


def binomial_p(first, second):
    return stats.binomtest(first, first + second).pvalue if first + second else 1.0


def test_the_votes_hold_every_kind_of_outcome():
    main = pd.DataFrame([row for _, rows in SETTINGS for row in rows])
    agreeing = decisions.decided(main)["agreeing"]
    assert set(agreeing) == {1, 2, 3}
    assert {False, True} == set(main["decision"] == main["label"])
    assert main.groupby(["classifier", "kernel", "sigma"])["p_ss"].nunique().max() < 6


# noise seeds


@pytest.mark.parametrize("rate", RATES)
def test_seeds_are_the_slow_reference(rate):
    table = smoothing_seeds.seeds(VOTES)
    for key, first in SETTINGS:
        per_seed = [counts(first, rate)]
        per_seed += [counts(rows, rate) for other, rows in settings(VOTES, variant="published", seed=1) if other == key]
        values = [successes / n for successes, n in per_seed]
        row = only(table, key, rate=rate)
        assert (row["seeds"], row["n"], row["first"]) == (len(values), per_seed[0][1], pytest.approx(values[0]))
        assert (row["low"], row["high"]) == pytest.approx(wilson(*per_seed[0]))
        assert (row["mean"], row["min"], row["max"]) == pytest.approx((np.mean(values), min(values), max(values)))
        assert row["sd"] == pytest.approx(np.std(values, ddof=1) if key[2] else math.nan, nan_ok=True)
        assert row["sampling_sd"] == pytest.approx(np.sqrt(row["mean"] * (1 - row["mean"]) / row["n"]))
    assert len(table) == len(SETTINGS) * len(RATES)


def test_long_form_counts_the_accepted_for_the_majority_after_a_round_trip_through_csv(tmp_path):
    (_, rows), *_ = SETTINGS
    summarize(pd.DataFrame(rows), "cnn").to_csv(tmp_path / "s.csv", index=False, float_format="%.7g")
    long = long_form.in_long_form(read_rows([tmp_path / "s.csv"])).set_index("rate")
    assert {rate: long.loc[rate, "n"] for rate in RATES} == {rate: counts(rows, rate)[1] for rate in RATES}
    assert long.loc["acc_maj", "n"] < long.loc["acc_ns", "n"]


# variants


def test_variants_are_the_slow_reference():
    table = smoothing_variants.variants(VOTES)
    published = {key: {row["image"]: row for row in rows} for key, rows in SETTINGS}
    p = {}
    for key, rows in settings(VOTES, variant="antialias", seed=4):
        pairs = [(row, published[key][row["image"]]) for row in rows]
        right = [(a["decision"] == a["label"], b["decision"] == b["label"]) for a, b in pairs]
        gained, lost = right.count((True, False)), right.count((False, True))
        row = only(table, key, variant="antialias")
        assert row["changed_ns"] == pytest.approx(np.mean([a["ns"] != b["ns"] for a, b in pairs]))
        assert (row["gained"], row["lost"], row["n"]) == (gained, lost, len(rows))
        assert row["p"] == pytest.approx(binomial_p(gained, lost))
        for rate in RATES:
            assert (row[f"{rate}_low"], row[f"{rate}_high"]) == pytest.approx(wilson(*counts(rows, rate)))
        p.setdefault(key[0], []).append((row["p"], row["p_holm"]))
    for values in p.values():
        assert [corrected for _, corrected in values] == pytest.approx(holm([value for value, _ in values]))
    assert len(table) == 2 * len(SETTINGS)


def test_the_published_variant_is_not_compared_with_itself():
    table = smoothing_variants.variants(VOTES)
    own = table[table["variant"] == "published"]
    assert own[["changed_ns", "gained", "lost", "p", "p_holm"]].isna().all(axis=None)
    assert set(own["verdict"]) == {""}
    alone = smoothing_variants.variants(VOTES[VOTES["variant"] == "published"])
    assert list(alone) == list(table)
    assert len(alone) == len(own)


@pytest.mark.parametrize(("shift", "verdict"), [(0, "within noise"), (1, "lower")])
def test_a_variant_that_is_always_wrong_is_lower(shift, verdict):
    votes = make_votes(images=60, variants=("published",))
    right = votes.assign(**dict.fromkeys((*VIEWS, "decision"), votes["label"]))
    other = right.assign(variant="other", **{name: (right[name] + shift) % 3 for name in (*VIEWS, "decision")})
    table = smoothing_variants.variants(pd.concat([right, other])).query("variant == 'other'")
    assert set(table["verdict"]) == {verdict}
    assert table["changed_ns"].tolist() == [shift] * len(table)


def test_an_image_that_the_published_variant_lacks_is_named():
    gone = (VOTES["variant"] == "published") & (VOTES["image"] == "n3") & (VOTES["kernel"] == 7)
    with pytest.raises(SpuriousError, match="'antialias' has the image n3, which 'published' lacks"):
        smoothing_variants.variants(VOTES[~gone])


# tests


def test_tests_are_the_slow_reference():
    table = comparisons.tests(VOTES)
    names = {**{view: view for view in VIEWS}, "majority": "decision"}
    for key, rows in SETTINGS:
        for first, second in combinations(names, 2):
            right = [tuple(row[names[name]] == row["label"] for name in (first, second)) for row in rows]
            row = only(table, key, first=first, second=second)
            expected = right.count((True, False)), right.count((False, True))
            assert (row["n"], row["only_first"], row["only_second"]) == (len(rows), *expected)
            assert row["p"] == pytest.approx(binomial_p(*expected))
            accuracies = row["accuracy_first"], row["accuracy_second"]
            assert accuracies == pytest.approx(tuple(np.mean(right, axis=0)))
    assert len(table) == len(SETTINGS) * 6


def test_tests_are_corrected_over_all_of_a_classifier():
    votes = make_votes(images=60)
    votes["ss"] = votes["ss"].where(votes["image"].str.endswith(("1", "2", "3", "4")), votes["label"])  # a better view
    for _, own in comparisons.tests(votes).groupby("classifier"):
        assert own["p_holm"].tolist() == pytest.approx(holm(own["p"]))
        assert (own["p_holm"] < 0.99 * np.minimum(1, own["p"] * len(own))).any()  # not Bonferroni's


def test_verdicts_follow_the_corrected_p():
    """Of 12 images that only ss gets right, p = 2 / 2^12 survives 12 tests; of 8 images, 2 / 2^8 does not."""
    for images, verdict, other in ((12, "second", "first"), (8, "within noise", "within noise")):
        votes = make_votes(images, classes=1, classifiers=("cnn",), variants=("published",), seeds=(0,))
        votes = votes[votes["sigma"] == 0].assign(ns=1, ss=0, ds=1, decision=1)
        table = comparisons.tests(votes)
        row = only(table, ("cnn", 5, 0.0), first="ns", second="ss")
        assert row["p"] == 2 / 2**images < 0.05
        assert row["verdict"] == verdict
        assert only(table, ("cnn", 5, 0.0), first="ss", second="majority")["verdict"] == other


def test_a_rejection_is_wrong():
    votes = VOTES.assign(decision=REJECTED)
    table = comparisons.tests(votes).query("second == 'majority'")
    assert set(table["accuracy_second"]) == {0}


# agreement


def test_agreement_is_the_slow_reference():
    table = agreement.agreement(VOTES)
    names = {1: "three", 2: "two", 3: "none"}  # by how many classes the views name
    for key, rows in SETTINGS:
        for classes, name in names.items():
            own = [row for row in rows if len({row[view] for view in VIEWS}) == classes]
            row = only(table, key, agreement=name)
            assert (row["n"], row["share"]) == (len(own), pytest.approx(len(own) / len(rows)))
            assert (row["share_low"], row["share_high"]) == pytest.approx(wilson(len(own), len(rows)))
            rates = {"acc_ns": counts(own, "acc_ns")}
            rates["accuracy"] = (0, 0) if name == "none" else counts(own, "acc_maj_all")
            for rate, (successes, n) in rates.items():
                assert row[rate] == pytest.approx(successes / n if n else math.nan, nan_ok=True)
                bounds = row[f"{rate}_low"], row[f"{rate}_high"]
                assert bounds == pytest.approx(wilson(successes, n), nan_ok=True)
    assert table["agreement"].tolist() == ["three", "two", "none"] * len(SETTINGS)


def test_agreement_of_two_views_is_the_slow_reference():
    table = pairs.pairs(VOTES)
    for key, rows in SETTINGS:
        for first, second in (("ns", "ss"), ("ns", "ds"), ("ss", "ds")):
            row = only(table, key, first=first, second=second)
            same = [own for own in rows if own[first] == own[second]]
            right = [own for own in same if own[second] == own["label"]]
            for name, held in (("same", same), ("both_right", right)):
                assert row[name] == pytest.approx(len(held) / len(rows))
                assert (row[f"{name}_low"], row[f"{name}_high"]) == pytest.approx(wilson(len(held), len(rows)))
            assert row["n"] == len(rows)
    assert len(table) == 3 * len(SETTINGS)


def test_agreement_of_four_views_is_the_slow_reference():
    """Two against two is a rejection; its class is that of ss, or of the first view."""
    rng = np.random.default_rng(RNG_SEED)
    views = ["median", "ns", "jpeg", "ss"]
    votes = VOTES.drop(columns=["ns", "ss", "ds", "p_ns", "p_ss", "p_ds"])
    for place, view in enumerate(views):
        votes.insert(list(votes).index("decision"), view, rng.integers(2 + place % 2, size=len(votes)))
        votes[f"p_{view}"] = rng.random(len(votes))
    labels = votes[views].to_numpy().tolist()
    votes["decision"] = [next((own for own in row if row.count(own) > 2), REJECTED) for row in labels]
    table = agreement.agreement(votes)
    for key, rows in settings(votes, **MAIN):
        for name, count in {"4 of 4": 4, "3 of 4": 3, "none": 0}.items():
            alike = [max([row[view] for view in views].count(own) for own in range(3)) for row in rows]
            own = [row for row, most in zip(rows, alike, strict=True) if most == count or (not count and most < 3)]
            row = only(table, key, agreement=name)
            assert row["n"] == len(own)
            right = sum(row["decision"] == row["label"] for row in own)
            assert row["accuracy"] == pytest.approx(right / len(own) if own and count else math.nan, nan_ok=True)
    main = main_rows(votes[votes["classifier"] == "cnn"])
    told = decisions.decided(main)
    for (_, row), answer in zip(main.iterrows(), told.itertuples(), strict=True):
        named = row["decision"] if row["decision"] != REJECTED else row["ss"]
        assert answer.right == (named == row["label"])
        assert answer.agreeing == sum(row[view] == named for view in views)
        assert answer.p == max(row[f"p_{view}"] for view in views if row[view] == named)
    assert set(risk.risk(votes)["best_view"]) <= {*views, ""}


# the reject option


def expected_risks(rows, score):
    """The mean over all orders of the images that a stable sort by the score can meet."""
    ranked = []
    for row in rows:
        answer = row["decision"] if row["decision"] != REJECTED else row["ss"]
        if score in VIEWS:
            ranked.append((row[f"p_{score}"], row[score] != row["label"]))
            continue
        agreeing = [view for view in VIEWS if row[view] == answer]
        p = max(row[f"p_{view}"] for view in agreeing) if score == "combined" else 0
        ranked.append(((len(agreeing), p), answer != row["label"]))
    curves = []
    for order in permutations(ranked):
        wrong = [error for _, error in sorted(order, key=lambda image: image[0], reverse=True)]
        curves.append([sum(wrong[:taken]) / taken for taken in range(1, len(wrong) + 1)])
    return np.mean(curves, axis=0)


@pytest.mark.parametrize("score", SCORES)
def test_risk_is_the_expectation_over_all_orders(score):
    table, curves = risk.risk(VOTES), risk.risk_curves(VOTES)
    for key, rows in SETTINGS:
        expected = expected_risks(rows, score)
        row = only(table, key)
        assert row[f"aurc_{score}"] == pytest.approx(expected.mean())
        own = curves.set_index(["classifier", "kernel", "sigma", "score"]).loc[[(*key, score)]]
        assert own["coverage"].tolist() == pytest.approx((np.arange(len(rows)) + 1) / len(rows))
        assert own["risk"].tolist() == pytest.approx(expected.tolist())
        if score in VIEWS:
            taken = counts(rows, "acc_maj")[1]
            accuracy = 1 - expected[taken - 1]
            assert row[f"{score}_threshold"] == pytest.approx(accuracy)
            bounds = row[f"{score}_threshold_low"], row[f"{score}_threshold_high"]
            assert bounds == pytest.approx(wilson(accuracy * taken, taken))


def expected_discordant(rows, view, taken):
    """The images that only a threshold on the view's p accepts and gets right, and those that only the vote does.

    Means over all orders of the images that a stable sort by p can meet.
    """
    found = []
    for order in permutations(rows):
        chosen = sorted(order, key=lambda row: row[f"p_{view}"], reverse=True)[:taken]
        by_threshold = {row["image"] for row in chosen if row[view] == row["label"]}
        by_vote = {row["image"] for row in rows if row["decision"] == row["label"]}
        found.append((len(by_threshold - by_vote), len(by_vote - by_threshold)))
    return np.mean(found, axis=0)


@pytest.mark.parametrize("view", VIEWS)
def test_a_threshold_beside_the_vote_is_paired_by_image(view):
    table = risk.risk(VOTES)
    assert table[f"{view}_gain"].tolist() == pytest.approx((table[f"{view}_threshold"] - table["acc_vote"]).tolist())
    for key, rows in SETTINGS:
        taken, row = counts(rows, "acc_maj")[1], only(table, key)
        first, second = expected_discordant(rows, view, taken)
        bounds = [bound * len(rows) / taken for bound in paired_interval(first, second, len(rows))]
        assert [row[f"{view}_gain_low"], row[f"{view}_gain_high"]] == pytest.approx(bounds)


def test_risk_of_the_vote_is_the_slow_reference():
    table = risk.risk(VOTES)
    for key, rows in SETTINGS:
        accepted = [row for row in rows if row["decision"] != REJECTED]
        row = only(table, key)
        assert (row["n"], row["accepted"]) == (len(rows), len(accepted))
        assert row["coverage"] == pytest.approx(len(accepted) / len(rows))
        right, n = counts(rows, "acc_maj")
        rate = row["acc_vote"], row["acc_vote_low"], row["acc_vote_high"]
        assert rate == pytest.approx((right / n, *wilson(right, n)))
        best = {view: counts(accepted, f"acc_{view}")[0] for view in VIEWS}
        assert best[row["best_view"]] == max(best.values())
        assert row["acc_best_view"] == pytest.approx(max(best.values()) / n)
    assert len(table) == len(SETTINGS)


def test_risk_where_everything_is_rejected():
    votes = VOTES.assign(ns=0, ss=1, ds=2, decision=REJECTED)
    table, curves = risk.risk(votes), risk.risk_curves(votes)
    assert set(table["coverage"]) == {0}
    assert table.filter(regex="^acc_|threshold|gain").isna().all(axis=None)
    assert set(table["best_view"]) == {""}
    # all that is left to name is the class of the image blurred once
    assert table["aurc_combined"].tolist() == pytest.approx(table["aurc_ss"].tolist())
    assert curves.query("score == 'vote' and coverage == 1")["risk"].tolist() == [2 / 3] * len(SETTINGS)


def test_a_vote_that_knows_its_errors_beats_every_threshold():
    """Right where all agree, wrong where all differ, with one p for all: the vote's order is perfect, p's is random."""
    votes = VOTES.assign(p_ns=0.9, p_ss=0.9, p_ds=0.9)
    certain = votes["image"].isin(["n0", "n1", "n2"])
    for view, other in zip(VIEWS, (1, 2, 3), strict=True):
        votes[view] = votes["label"].where(certain, votes["label"] + other)
    votes["decision"] = votes["label"].where(certain, REJECTED)
    table = risk.risk(votes)
    assert set(table["acc_vote"]) == {1}
    assert table["ns_threshold"].tolist() == pytest.approx([0.5] * len(table))
    assert table["aurc_vote"].tolist() == pytest.approx([(1 / 4 + 2 / 5 + 3 / 6) / 6] * len(table))
    assert table["aurc_ns"].tolist() == pytest.approx([0.5] * len(table))


def test_votes_reach_as_many_images_as_agree():
    """Ends of ties: of three views all, two or none agree; p ranks image by image."""
    votes = make_votes(images=731, variants=("published",))
    curves = risk.risk_curves(votes).set_index(["classifier", "kernel", "sigma"])
    for key, rows in votes[votes["seed"] == votes["seed"].iloc[0]].groupby(["classifier", "kernel", "sigma"]):
        own = curves.loc[[key]]
        different = rows[list(VIEWS)].nunique(axis=1)
        expected = sorted({(different <= most).mean() for most in (1, 2, 3)} - {0})
        reached = own[(own["score"] == "vote") & own["reached"]]
        assert reached["coverage"].tolist() == pytest.approx(expected)


def test_curves_are_thinned_and_end_at_full_coverage():
    votes = make_votes(images=731, variants=("published",))
    curves = risk.risk_curves(votes)
    for _, own in curves.groupby(["classifier", "kernel", "sigma", "score"]):
        added = own["reached"].sum() if own["score"].iloc[0] == "vote" else 0
        assert risk.POINTS <= len(own) <= risk.POINTS + added
        assert own["coverage"].is_monotonic_increasing
        assert own["coverage"].iloc[[0, -1]].tolist() == pytest.approx([1 / 731, 1])
    ends = curves.query("coverage == 1 and score == 'ds'")["risk"].to_numpy()
    summary = pd.concat(summarize(main_rows(own), name) for name, own in votes.groupby("classifier", sort=False))
    assert ends == pytest.approx(1 - summary["acc_ds"].to_numpy())


# every table

TABLES = {
    "smoothing-clean": partial(clean.clean, classes=10),
    "smoothing-seeds": smoothing_seeds.seeds,
    "smoothing-variants": smoothing_variants.variants,
    "smoothing-tests": comparisons.tests,
    "smoothing-agreement": agreement.agreement,
    "smoothing-pairs": pairs.pairs,
    "smoothing-risk": risk.risk,
}


@pytest.mark.parametrize("make", TABLES.values(), ids=TABLES)
def test_the_order_of_the_images_does_not_matter(make):
    main = main_rows(VOTES).index
    shuffled = pd.concat([part.sample(frac=1, random_state=1) for part in (VOTES.loc[main], VOTES.drop(index=main))])
    shuffled = shuffled.sort_values("classifier", key=lambda names: names != "resnet50", kind="stable")
    pd.testing.assert_frame_equal(make(shuffled), make(VOTES))


@pytest.mark.parametrize("make", TABLES.values(), ids=TABLES)
def test_one_classifier_does_not_change_another(make):
    table, alone = make(VOTES), make(VOTES[VOTES["classifier"] == "cnn"])
    assert table["classifier"].drop_duplicates().tolist() == ["resnet50", "cnn"]
    pd.testing.assert_frame_equal(table[table["classifier"] == "cnn"].reset_index(drop=True), alone)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_reads_the_votes_of_every_classifier(name, tmp_path):
    paths = [tmp_path / f"{classifier}.csv" for classifier in ("resnet50", "cnn")]
    for path in paths:
        VOTES[VOTES["classifier"] == path.stem].to_csv(path, index=False)
    made = read_rows([make(tmp_path, "table", name, {"votes": paths}, classes=10)["csv"]])
    expected = TABLES[name](VOTES)
    counted = expected.columns.intersection(["gained", "lost"])
    expected = expected.astype(dict.fromkeys(counted, "float")).replace({"": np.nan})
    pd.testing.assert_frame_equal(made, expected, rtol=1e-6, check_dtype=False)


@pytest.mark.parametrize(
    ("votes", "message"),
    [
        (VOTES.drop(columns="p_ss"), "votes: the column p_ss is missing"),
        (VOTES.drop(columns=["ns", "ss", "ds"]), "votes: no view between the columns sigma and decision"),
        (VOTES[:0], "there are no rows"),
        (VOTES.query("variant != 'published' or classifier == 'cnn'"), "variant 'published' for resnet50"),
        (pd.concat([VOTES, VOTES[-1:]]), "an image occurs twice"),
    ],
    ids=["column", "views", "empty", "variant", "twice"],
)
@pytest.mark.parametrize("make", TABLES.values(), ids=TABLES)
def test_wrong_votes_raise_one_clear_line(make, votes, message):
    with pytest.raises(SpuriousError, match=message):
        make(votes)


# published numbers

PUBLISHED_AS = {"resnet50": "ResNet50"}


@pytest.fixture
def numbers(pytestconfig):
    return read_rows([pytestconfig.rootpath / "workflow" / "resources" / "published.csv"])


def sweep_summary():
    """smoothing.csv of two classifiers, at more settings than were published."""
    votes = pd.concat([main_rows(VOTES).assign(sigma=sigma) for sigma in (0.0, 0.125, 0.25, 0.375, 0.5)])
    votes = votes.drop_duplicates(["classifier", "kernel", "sigma", "image"])
    return pd.concat([summarize(own, name) for name, own in votes.groupby("classifier", sort=False)])


def test_every_rate_of_the_write_up_is_reproduced(numbers):
    summary = sweep_summary()
    rows = smoothing.smoothing(summary, numbers, dataset="imagenet-samples", published_as=PUBLISHED_AS)
    table = writeups_published.beside(numbers, rows)
    filled = table[table["reproduced"].notna()]
    assert filled["setting"].str.startswith("imagenet-samples, ResNet50, 5 taps").all()
    assert len(filled) == len(rows) == 20
    source = only(summary, ("resnet50", 5, 0.25))
    names = {"accuracy, no smoothing": "acc_ns", "accuracy, single smoothing": "acc_ss",
             "accuracy, double smoothing": "acc_ds", "accuracy, majority of the accepted": "acc_maj",
             "reject rate": "reject_rate"}  # fmt: skip
    own = filled[filled["setting"].str.endswith("sigma 0.25")]
    assert set(own["quantity"]) == set(names)
    for row in own.to_dict("records"):
        rate = names[row["quantity"]]
        expected = source[rate], source[f"{rate}_low"], source[f"{rate}_high"]
        assert (row["reproduced"], row["low"], row["high"]) == pytest.approx(expected)
    accepted = round(source["n"] * (1 - source["reject_rate"]))
    assert own.set_index("quantity")["n"].to_dict() == dict.fromkeys(names, source["n"]) | {
        "accuracy, majority of the accepted": accepted
    }


@pytest.mark.parametrize(("dataset", "names"), [("mnist", PUBLISHED_AS), ("imagenet-samples", {})])
def test_what_nobody_published_is_left_out(numbers, dataset, names):
    assert smoothing.smoothing(sweep_summary(), numbers, dataset=dataset, published_as=names).empty


def test_wrong_published_names_are_errors(numbers):
    with pytest.raises(SpuriousError, match="'Resnet50' on imagenet-samples; use ResNet50"):
        smoothing.smoothing(sweep_summary(), numbers, dataset="imagenet-samples", published_as={"resnet50": "Resnet50"})


def test_one_published_name_of_two_classifiers_is_an_error_whatever_was_run(numbers):
    """Else their rows would be one mean."""
    names = {"resnet50": "ResNet50", "cnn": "ResNet50"}
    with pytest.raises(SpuriousError, match="'ResNet50' stands for several classifiers"):
        writeups_published.table(numbers, "mnist", names)


@pytest.mark.parametrize(("sweep", "count"), [(["smoothing"], 24), ([], 4)])  # 4 need no data
def test_the_table_published_takes_the_sweep_where_there_is_one(sweep, count, numbers, tmp_path):
    files = {name: tmp_path / f"{name}.csv" for name in ("published", *sweep)}
    numbers.to_csv(files["published"], index=False)
    if sweep:
        sweep_summary().to_csv(files["smoothing"], index=False)
    settings = {"dataset": "imagenet-samples", "published_as": PUBLISHED_AS}
    table = read_rows([make(tmp_path / "out", "table", "published", files, **settings)["csv"]])
    assert table["published"].tolist() == pytest.approx(numbers["published"].tolist(), rel=1e-6)
    assert table["reproduced"].notna().sum() == (table["agrees"].isin(["yes", "no"])).sum() == count


# the front page


def test_findings_name_where_a_blur_helps_and_what_the_vote_adds():
    votes = make_votes(images=200, classes=10, classifiers=("cnn",), variants=("published",), seeds=(0,))
    other = (votes["label"] + 1).where(votes["sigma"] > 0, votes["label"])  # without noise all views are right
    votes = votes.assign(ns=other, ss=votes["label"], ds=votes["label"] + 2 * (votes["sigma"] > 0))
    votes["decision"] = [majority(views) for views in votes[list(VIEWS)].to_numpy()]
    summary = summarize(main_rows(votes), "cnn")
    sentences = list(findings.smoothing(summary, comparisons.tests(votes)))
    text = "\n".join(sentences).replace(wording.NO_BREAK, " ")
    assert "200 images under noise of sigma 0.25, 5 taps" in text
    assert "accuracy 0 % (0 to 1.9 %) unblurred, 100 % (98.1 to 100 %) blurred once" in text
    assert "right on 0 % (0 to 1.9 %) of all images." in text
    assert "rejects nothing at sigma 0 and 100 % (98.1 to 100 %) at sigma 0.25." in text
    assert "blurring once helps at sigma 0.25 and makes no significant difference at sigma 0 (exact" in text
    assert "+0.0 points at sigma 0 (unblurred; within noise) and -100.0 points at sigma 0.25 (blurred once;" in text
    assert "nan" not in text
    assert list(findings.smoothing(summary)) == sentences[:2]
    nothing = list(findings.smoothing(summary.assign(reject_rate=0.0)))[1]
    assert nothing == "**cnn** rejects nothing at any sigma."


@pytest.mark.parametrize("with_tests", [False, True])
def test_the_front_page_takes_the_tests_where_they_are(with_tests, tmp_path):
    summary = pd.concat([summarize(main_rows(own), name) for name, own in VOTES.groupby("classifier", sort=False)])
    summary.to_csv(tmp_path / "s.csv", index=False)
    comparisons.tests(VOTES).to_csv(tmp_path / "tests.csv", index=False)
    (part,) = ROOMS["smoothing"].FINDINGS
    tables = {"table": str(tmp_path / "s.csv")} | ({"tests": str(tmp_path / "tests.csv")} if with_tests else {})
    own = {"function": part.function, "tables": tables, "settings": {}, "figure": []}
    parts = [{"title": part.title, "question": part.question, **own}]
    out = tmp_path / "summary.rst"
    write_summary.main(["--dataset", "d", "--findings", json.dumps(parts), "--output", str(out)])
    assert out.read_text().count("**resnet50**") == out.read_text().count("**cnn**") == (4 if with_tests else 2)
