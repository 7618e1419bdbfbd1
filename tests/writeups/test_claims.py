"""Every claim's rule on made-up tables: supported, contradicted, undecided, and not run where something is missing."""

import csv
import importlib
import re

import numpy as np
import pandas as pd
import pytest

from projects import ROOT
from spurious.statistics.comparisons import mcnemar_exact
from spurious.statistics.proportions import wilson
from spurious.writeups import catalogue, claims
from spurious.writeups.judging import (
    CONTRADICTED,
    NOT_RUN,
    RULES,
    SUPPORTED,
    UNDECIDED,
    above,
    below,
    between,
    decide,
    difference,
)

FILE = ROOT / "workflow/resources/claims.csv"
TABLES = {claim.name: claim.tables.split() for claim in pd.read_csv(FILE).itertuples()}


def frame(*rows, **common):
    """A table of one classifier: the rows, each with the columns that all share."""
    return pd.DataFrame([{"classifier": "cnn", "seed": 0, **common, **row} for row in rows])


def with_ends(share, n=400, name="", prefix=None):
    """A rate and its Wilson interval as columns."""
    low, high = wilson(share * n, n)
    prefix = f"{name}_" if prefix is None else prefix
    return {name: share, f"{prefix}low": low, f"{prefix}high": high}


def sweep(clean, noisy, **of_seven):
    """`smoothing`: rates by name without noise, and under sigma .25; 7 taps as 5 where nothing else is said."""
    levels = []
    for kernel in (5, 7):
        for sigma, rates in ((0.0, clean), (0.25, noisy)):
            own = {"acc_ns": 0.9, "acc_ss": 0.9, "acc_ds": 0.9, "acc_maj": 0.9, "reject_rate": 0.0, **rates}
            own |= of_seven if kernel == 7 else {}
            parts = [with_ends(value, name=name) for name, value in own.items()]
            levels.append({"kernel": kernel, "sigma": sigma} | {k: v for part in parts for k, v in part.items()})
    return {"smoothing": frame(*levels, n=400)}


def rejecting(weak, strong):
    """`smoothing` with two noise levels, by the shares that the vote rejects."""
    first, second = (sweep({}, {"reject_rate": share})["smoothing"] for share in (weak, strong))
    stronger = second[second["sigma"] > 0].assign(sigma=0.5)
    return {"smoothing": pd.concat([first, stronger], ignore_index=True)}


def pairs(*discordant):
    """`smoothing-tests`: (first, second, sigma, only first, only second) of 400 images."""
    rows = [
        dict(zip(("first", "second", "sigma", "only_first", "only_second"), row, strict=True)) for row in discordant
    ]
    table = frame(*rows, n=400, kernel=5)
    p = [mcnemar_exact(a, b) for a, b in zip(table["only_first"], table["only_second"], strict=True)]
    return {"smoothing-tests": table.assign(p_holm=p)}


def two_levels(second, *counts):
    return pairs(*(("ns", second, sigma, *own) for sigma, own in zip((0.1, 0.2), counts, strict=True)))


def one_blur(gain, against_two=(0, 0)):
    return pairs(("ns", "ss", 0.1, *gain), ("ss", "ds", 0.1, *against_two))


def views_agree(first, second, same, sigma):
    other = {"first": "ns", "second": "ds", "sigma": sigma, **with_ends(0.7, name="same")}
    own = {"first": first, "second": second, "sigma": sigma, **with_ends(same, name="same")}
    return {"smoothing-pairs": frame(other, own, kernel=5, n=400)}


def attacked(gain):
    row = {"defence": "vote", "beside": "none", "attack": "worst", "norm": "linf", "epsilon": 0.1, "gain_detect": gain}
    ends = {"gain_detect_low": gain - 0.1, "gain_detect_high": gain + 0.1}
    return {"robustness-gain": frame(row | ends, row | {"attack": "oblivious", "gain_detect": 0.9}, n=400)}


def certified(none, denoised):
    rates = {"none": none, "denoised": denoised}
    rows = [{"defence": name, **with_ends(rate, 400, "certified_accuracy", "")} for name, rate in rates.items()]
    return {"certified": frame(*rows, n=400, sigma=0.25, radius=0.0)}


def searched(*p_max):
    """`backworking`: the largest p of (label, seed) in turn, two labels and two seeds."""
    keys = [(0, 0), (0, 1), (1, 0), (1, 1)]
    rows = [{"label": label, "seed": seed, "p_max": p} for (label, seed), p in zip(keys, p_max, strict=True)]
    other = [{"label": 0, "seed": 0, "p_max": 1.0, "search": "unclamped"}]
    return {"backworking": frame(*rows, *other).fillna({"search": "log-p"})}


def nearest(ratio, half=0.1):
    row = {"search": "log-p", "ratio": ratio, "low": ratio - half, "high": ratio + half}
    return {"backworking-nearest": frame(row, row | {"ratio": 9, "search": "logit"}, n=240)}


def ablated(**collided):
    """`backworking-ablation`: the share of pairs that collide, by setting."""
    rows = [
        {"setting": setting.replace("_", " "), **with_ends(share, 240, "collided")}
        for setting, share in collided.items()
    ]
    table = frame(*rows, n=240)
    renamed = {"batch 128 without": "batch 128, no batch cost", "batch 8 without": "batch 8, no batch cost"}
    table["setting"] = table["setting"].replace(renamed)
    return {"backworking-ablation": table}


def gained(setting, gain, half=0.1, first="published"):
    """`backworking-ablation`: what a setting finds more than the first one, paired; the shares' intervals are wide."""
    wide = {"share": 0.5, "low": 0.0, "high": 1.0}
    base = {"setting": first, "gain": 0.0, "gain_low": -0.05, "gain_high": 0.05} | wide
    own = {"setting": setting, "gain": gain, "gain_low": gain - half, "gain_high": gain + half} | wide
    return {"backworking-ablation": frame(base, own, n=240)}


def retrained(found=0.5, target="uniform", accuracy=(0.0, "cannot tell (n = 3)"), earlier=(1.0, 240)):
    difference, verdict = accuracy
    columns = {"accuracy_difference": difference, "accuracy_difference_low": difference - 0.01}
    columns |= {"accuracy_difference_high": difference + 0.01, "accuracy_verdict": verdict}
    before = {"negatives": "none", "target": "none", "round": 0, "primary": ""} | with_ends(
        *earlier, "found_share", "found_"
    )
    after = {"negatives": "backworked", "target": target, "round": 2, "primary": "yes"}
    after |= with_ends(found, 240, "found_share", "found_") | columns
    return {"retraining-summary": frame(before, after, attack="log-p", found_n=240, accuracy_n=1200)}


def fooled(share, epsilon, start="image"):
    row = {"goal": "targeted", "norm": "linf", "start": start, "clamp": True, "epsilon": epsilon}
    return {"fooling": frame(row | with_ends(share, 180, "success", ""), n=180)}


def transferred(fooled, chance=0.0):
    own = {"source": "a", "judge": "a", "fooled": 1.0, "chance": 0.0, "n": 100}
    return {"transfer": pd.DataFrame([own, own | {"judge": "b", "fooled": fooled, "chance": chance}])}


def regularized(variation=(1.0, 0.5), l2=(1.0, 2.0), error=0.9, seeds=3, attacked=(400, 320)):
    """`linear` and `linear-tests` of two weight decays; `attacked` images, of which so many are right before."""
    steps_n, right_n = attacked
    rows = []
    for seed in [*range(seeds), "all"]:
        for decay, own, step in zip((0.0, 10.0), variation, l2, strict=True):
            jitter = 0.01 * seed * (decay > 0) if seed != "all" else 0
            row = {"seed": seed, "weight_decay": decay, "total_variation": own + jitter}
            row |= {"l2_median": step, "l2_low": step - 0.2, "l2_high": step + 0.2}
            rows.append(row | with_ends(0.8, 400, "accuracy", "") | with_ends(error, 400, "fgsm_error", "fgsm_"))
    tests = frame({"weight_decay": 10.0, "against": 0.0})
    return {"linear": frame(*rows, steps_n=steps_n, right_n=right_n, seeds=1), "linear-tests": tests}


def compared(verdict, best=0.1):
    row = {"weight_decay": 10.0, "against": best, "accuracy_difference": -3, "low": -5, "high": -1}
    weaker = row | {"weight_decay": 0.0, "accuracy_verdict": "lower"}
    return {"linear-tests": frame(weaker, row | {"accuracy_verdict": verdict}, n=400)}


def confident(median):
    rows = [{"weight_decay": decay, "linf_median": median + decay} for decay in (0.0, 1.0)]
    return {"linear-confident": frame(*rows, low=median - 0.005, high=median + 0.005, n=400)}


def scored(*successes, random=0.1, p=1e-6):
    """`black_box`: the success of evolution on a forest from images and noise."""
    rows = []
    for start, share in zip(("image", "noise"), successes, strict=False):
        for search, own in (("evolution", share), ("random", random)):
            rows.append({"start": start, "search": search, "mcnemar_p": p, **with_ends(own, 100, "success", "")})
    return {"black_box": frame(*rows, n=100).assign(classifier="trees", scikit_learn="forest")}


def started(start, loss, after=0.0, classes=1000):
    ends = {"low": loss - 0.2, "high": loss + 0.2, "after_low": after - 1, "after_high": after + 1}
    common = {
        "cross_entropy": 3 * loss,
        "floored": loss,
        "after": after,
        "classes": classes,
        "n": 5,
        "initial_std": 0.01,
    }
    return {"linear-start": frame({"start": start, "steps": 10, "learning_rate": 0.01}, **common, **ends)}


LN = np.log(1000)
STUCK = (0.99999, 0.99999, 0.5, 0.5)
# name: (supported, contradicted, undecided)
CASES = {
    "every-label": (searched(*[0.99999] * 4), searched(*STUCK), searched(0.99999, 0.99999, 0.5, 0.99999)),
    "unlike-training": (nearest(2), nearest(0.5), nearest(1.05)),
    "large-batches-collide": (
        ablated(batch_128_without=0.5, batch_8_without=0.1),
        ablated(batch_128_without=0.0, batch_8_without=0.1),
        ablated(batch_128_without=0.15, batch_8_without=0.1),
    ),
    "batch-term-prevents": (
        ablated(batch_128_without=0.5, batch_128=0.1),
        ablated(batch_128_without=0.1, batch_128=0.5),
        ablated(batch_128_without=0.1, batch_128=0.1),
    ),
    "higher-layers": tuple(gained("equal layer weights", gain) for gain in (-0.2, 0.2, 0.0)),
    "reinitialization": tuple(gained("no re-initialization", gain) for gain in (-0.2, 0.2, 0.0)),
    "retraining-repairs": (retrained(0.1), retrained(0.9), retrained(0.5)),
    "retraining-raises-accuracy": (
        retrained(accuracy=(0.05, "higher")),
        retrained(accuracy=(0.0, "no change that matters")),
        retrained(),
    ),
    "noise-fools": (
        sweep({}, {"acc_ns": 0.5}),
        sweep({}, {"acc_ns": 0.88}),
        sweep({}, {"acc_ns": 0.79}),
    ),
    "blur-costs-little": (pairs(("ns", "ss", 0, 2, 2)), pairs(("ns", "ss", 0, 60, 2)), pairs(("ns", "ss", 0, 20, 2))),
    "vote-harmless": (
        pairs(("ns", "majority", 0, 2, 2)),
        pairs(("ns", "majority", 0, 60, 2)),
        pairs(("ns", "majority", 0, 20, 2)),
    ),
    "blur-helps": (
        two_levels("ss", (0, 30), (0, 30)),
        two_levels("ss", (0, 30), (30, 0)),
        two_levels("ss", (0, 30), (0, 1)),
    ),
    "vote-helps-all": (
        two_levels("majority", (0, 30), (0, 30)),
        two_levels("majority", (0, 30), (30, 0)),
        two_levels("majority", (0, 30), (0, 1)),
    ),
    "two-blurs-help": (
        two_levels("ds", (0, 30), (0, 30)),
        two_levels("ds", (0, 30), (30, 0)),
        two_levels("ds", (0, 30), (0, 1)),
    ),
    "vote-beats-blurs": (
        sweep({}, {"acc_ss": 0.5, "acc_ds": 0.5, "acc_maj": 0.7}),
        sweep({}, {"acc_ss": 0.7, "acc_ds": 0.7, "acc_maj": 0.5}),
        sweep({}, {"acc_ss": 0.5, "acc_ds": 0.9, "acc_maj": 0.7}),
    ),
    "heavy-noise-rejected": (rejecting(0.05, 0.3), rejecting(0.3, 0.05), rejecting(0.1, 0.1)),
    "vote-helps-accepted": (
        sweep({}, {"acc_ns": 0.5, "acc_maj": 0.7}),
        sweep({}, {"acc_ns": 0.7, "acc_maj": 0.5}),
        sweep({}, {"acc_ns": 0.7, "acc_maj": 0.7}),
    ),
    "use-one-blur": (one_blur((0, 30)), one_blur((0, 30), (0, 30)), one_blur((0, 1))),
    "seven-taps-similar": (
        sweep({}, {}),
        sweep({}, {}, acc_ds=0.7),
        sweep({}, {}, acc_ds=0.86),
    ),
    "two-blurs-one-wider": (
        sweep({}, {}),
        sweep({}, {}, acc_ss=0.7),
        sweep({}, {}, acc_ss=0.86),
    ),
    "clean-views-agree": tuple(views_agree("ns", "ss", same, 0.0) for same in (0.99, 0.8, 0.9)),
    "blurred-views-agree": tuple(views_agree("ss", "ds", same, 0.3) for same in (0.7, 0.3, 0.5)),
    "helps-against-adversary": (attacked(0.4), attacked(-0.4), attacked(0.05)),
    "denoised-smoothing-worse": (certified(0.7, 0.5), certified(0.5, 0.7), certified(0.5, 0.5)),
    "any-class": (fooled(1.0, 0.01), fooled(0.5, 0.01), fooled(0.9, 0.01)),
    "any-class-from-noise": (fooled(1.0, 0.3, "noise"), fooled(0.5, 0.3, "noise"), fooled(0.9, 0.3, "noise")),
    "transfers": (transferred(0.6), transferred(0.3, 0.4), transferred(0.15)),
    "linear-fooled": (regularized(error=0.9), regularized(error=0.3), regularized(error=0.6)),
    "smoother-templates": (regularized(), regularized((1.0, 2.0)), regularized(seeds=1)),
    "more-resistant": (regularized(), regularized(l2=(2.0, 1.0)), regularized(l2=(1.0, 1.1))),
    "less-accurate": (compared("lower"), compared("higher"), compared("within noise")),
    "weak-invisible": (confident(0.01), confident(0.1), confident(8 / 255)),
    "scores-suffice": (scored(0.1, 0.9), scored(0.01, 0.02, p=1), scored(0.3, 0.3, random=0.3, p=1)),
    "forests-not-safe": (scored(0.9), scored(0.01, p=1), scored(0.3, random=0.3, p=1)),
    "background-class": (retrained(0.9, "extra"), retrained(0.1, "extra"), retrained(0.5, "extra")),
    "first-loss-sensible": (started("sensible", LN), started("sensible", 80), started("sensible", LN + 0.5)),
    "first-loss-usual": (started("usual", 86), started("usual", 7), started("usual", 70)),
    "usual-rate-explodes": (
        started("usual rate", LN, 999),
        started("usual rate", LN, 5),
        started("usual rate", LN, 10 * LN),
    ),
}
VERDICTS = (SUPPORTED, CONTRADICTED, UNDECIDED)


@pytest.mark.parametrize("name", CASES)
def test_a_rule_tells_the_verdicts_apart(name):
    findings = [decide(name, TABLES[name], tables) for tables in CASES[name]]
    assert [found.verdict for found in findings] == [*VERDICTS], [found.measured for found in findings]
    assert all(found.measured and not np.isnan(found.value) and found.n > 0 for found in findings)
    assert all(not found.value < found.low and not found.value > found.high for found in findings)


def verdict_of(name, tables):
    found = decide(name, TABLES[name], tables)
    return found.verdict, found


def test_all_levels_decide_whether_two_kernels_are_similar():
    """Not the one where they differ most: its neighbour's interval may reach further."""
    near = sweep({"acc_ds": 0.99}, {"acc_ds": 0.6}, acc_ss=0.97)["smoothing"]
    near.loc[(near["kernel"] == 7) & (near["sigma"] > 0), ["acc_ss", "acc_ss_low", "acc_ss_high"]] = with_triple(0.61)
    verdict, found = verdict_of("two-blurs-one-wider", {"smoothing": near})
    assert verdict == UNDECIDED
    assert "at sigma 0.25" in found.measured
    assert found.low < -0.05 < found.value < found.high


def with_triple(share):
    return tuple(with_ends(share, name="share").values())


def test_the_images_that_are_attacked_give_the_accuracy_before_the_step():
    """Of all held-out images it is .8 in this table."""
    found = verdict_of("linear-fooled", regularized(error=1.0, attacked=(200, 52)))[1]
    assert found.value == 0.26
    assert found.measured.endswith("of 26.0%")
    assert found.low < 0.26 < found.high < 0.33


def test_a_share_found_before_that_is_hardly_known_decides_nothing():
    known, unknown = (retrained(0.27, earlier=(0.6, n)) for n in (2000, 5))
    assert [verdict_of("retraining-repairs", tables)[0] for tables in (known, unknown)] == [UNDECIDED, UNDECIDED]
    known, unknown = (retrained(0.15, earlier=(0.6, n)) for n in (2000, 5))
    assert [verdict_of("retraining-repairs", tables)[0] for tables in (known, unknown)] == [SUPPORTED, UNDECIDED]
    known, unknown = (retrained(0.45, "extra", earlier=(0.6, n)) for n in (2000, 5))
    assert [verdict_of("background-class", tables)[0] for tables in (known, unknown)] == [SUPPORTED, UNDECIDED]


def test_where_the_strongest_weight_decay_is_the_best_a_worse_one_contradicts_that_strength_costs_accuracy():
    verdicts = [
        verdict_of("less-accurate", compared(each, best=100.0))[0] for each in ("lower", "within noise", "higher")
    ]
    assert verdicts == [CONTRADICTED, UNDECIDED, UNDECIDED]


def test_a_classifier_that_fools_nothing_has_no_part_in_transfer():
    table = transferred(0.6)["transfer"]
    empty = table.assign(source="c", n=0, fooled=np.nan, chance=np.nan)
    alone, both = (verdict_of("transfers", {"transfer": rows})[1] for rows in (table, pd.concat([table, empty])))
    assert alone == both
    assert verdict_of("transfers", {"transfer": empty})[0] == NOT_RUN


def test_the_smallest_ratio_is_of_a_search_that_found_enough():
    table = nearest(2)["backworking-nearest"]
    few = table.assign(search="few", ratio=0.9, low=np.nan, high=np.nan, n=2)
    verdict, found = verdict_of("unlike-training", {"backworking-nearest": pd.concat([table, few], ignore_index=True)})
    assert (verdict, found.value) == (SUPPORTED, 2)
    assert verdict_of("unlike-training", {"backworking-nearest": few})[0] == UNDECIDED


def test_an_ablation_whose_first_setting_is_another_is_not_run():
    tables = gained("equal layer weights", -0.2)
    first = tables["backworking-ablation"].loc[[0]].assign(setting="batch 32")
    tables["backworking-ablation"] = pd.concat([first, tables["backworking-ablation"]], ignore_index=True)
    verdict, found = verdict_of("higher-layers", tables)
    assert verdict == NOT_RUN
    assert "'published' is not the first" in found.measured


def test_the_first_loss_is_decided_with_the_floor_and_said_without_it_too():
    found = decide("first-loss-usual", TABLES["first-loss-usual"], started("usual", 86))
    assert found.value == 86
    assert found.measured.endswith("(the cross entropy itself is 258)")


@pytest.mark.parametrize("name", CASES)
def test_without_tables_columns_or_rows_a_claim_is_not_run(name):
    tables = CASES[name][0]
    for missing in TABLES[name]:
        others = {own: table for own, table in tables.items() if own != missing}
        assert decide(name, TABLES[name], others).verdict == NOT_RUN
        assert missing in decide(name, TABLES[name], others).measured
        bare = {**tables, missing: tables[missing][["seed" if "seed" in tables[missing] else "source"]]}
        assert decide(name, TABLES[name], bare).verdict == NOT_RUN
    empty = {own: table.iloc[:0] for own, table in tables.items()}
    assert decide(name, TABLES[name], empty).verdict == NOT_RUN


def test_a_sweep_without_noise_a_claim_about_1000_classes_and_large_changes_are_not_run():
    for name, tables, words in (
        ("noise-fools", {"smoothing": sweep({}, {})["smoothing"].query("sigma == 0")}, "no noise"),
        ("first-loss-usual", started("usual", 86, classes=10), "about 1000 classes, the dataset has 10"),
        ("any-class", fooled(1.0, 0.25), "at most 8 of 255"),
        (
            "unlike-training",
            {"backworking-nearest": nearest(2)["backworking-nearest"].assign(n=0)},
            "no rows of found images",
        ),
        (
            "forests-not-safe",
            {"black_box": scored(0.9)["black_box"].assign(classifier="forest", scikit_learn="boosted")},
            "no random forest",
        ),
    ):
        found = decide(name, TABLES[name], tables)
        assert found.verdict == NOT_RUN
        assert words in found.measured


def test_the_file_has_every_rule_once_and_the_table_one_row_for_each():
    with FILE.open(newline="", encoding="utf-8") as file:
        listed = list(csv.DictReader(file))
    assert [row["name"] for row in listed] == list(dict.fromkeys(row["name"] for row in listed))
    assert {row["name"] for row in listed} == {*RULES} == {*CASES}
    assert all(row[column] for row in listed for column in claims.NEEDED)
    table = claims.table(pd.DataFrame(listed), CASES["any-class"][0])
    columns = ["write_up", "claim", "measured", "value", "low", "high", "n", "verdict", "table", "rule"]
    assert list(table) == columns
    assert table["verdict"].value_counts().to_dict() == {NOT_RUN: len(listed) - 1, SUPPORTED: 1}
    assert claims.table(pd.DataFrame(listed))["verdict"].eq(NOT_RUN).all()


def test_the_classifier_that_the_configuration_names_first_is_judged():
    """Tables of searches are sorted by the classifiers' names."""
    first, second = searched(*[0.99999] * 4)["backworking"], searched(*STUCK)["backworking"].assign(classifier="lenet")
    given, listed = {"backworking": pd.concat([first, second])}, pd.read_csv(FILE).query("name == 'every-label'")
    verdicts = [claims.table(listed, given, classifiers=names)["verdict"].item() for names in (["cnn"], ["lenet"])]
    assert verdicts == [SUPPORTED, CONTRADICTED]


def test_a_forest_is_known_by_its_kind_whatever_it_is_called():
    """The table of searches does not say it; the configuration does."""
    searches = scored(0.9)["black_box"].drop(columns="scikit_learn")
    entries = {"trees": {"scikit_learn": "forest"}, "cnn": {"architecture": "cnn"}}
    settings = {"experiment": {"seeds": [0], "linear": True, "black_box": ["trees", "cnn"]}, "classifiers": entries}
    kinds = catalogue.scikit_learn(settings)
    assert kinds == {"trees": "forest"}
    listed = pd.read_csv(FILE).query("name == 'forests-not-safe'")
    verdicts = [
        claims.table(listed, {"black_box": searches.assign(classifier=name)}, scikit_learn=kinds)["verdict"].item()
        for name in entries
    ]
    assert verdicts == [SUPPORTED, NOT_RUN]


def test_every_rule_is_documented_and_stands_with_its_write_up():
    for row in pd.read_csv(FILE).itertuples():
        function = RULES[row.name]
        assert function.__doc__, row.name
        assert function.__module__ == f"spurious.writeups.claims_{row.write_up}"


def test_a_second_rule_of_a_claim_is_refused():
    judging = importlib.import_module("spurious.writeups.judging")
    with pytest.raises(ValueError, match=re.escape("the claim 'any-class' has two rules")):
        judging.rule("any-class")(lambda table: None)


def test_intervals_decide_and_differences_add_squared_distances():
    assert [above(1, 2), above(-2, -1), above(-1, 1), above(np.nan, np.nan)] == [*VERDICTS, UNDECIDED]
    assert [below(-2, -1), below(1, 2), below(-1, 1)] == [*VERDICTS]
    assert difference((0.8, 0.5, 0.9), (0.5, 0.3, 0.9)) == pytest.approx((0.3, 0.3 - 0.5, 0.3 + np.hypot(0.1, 0.2)))


def test_the_page_says_what_would_contradict_each_claim():
    declared = pd.read_csv(FILE)
    shown = claims.table(declared).attrs["on_page"]["measured"]
    assert shown == [f". Would contradict it: {text}" for text in declared["contradicted_by"]]
    assert not declared["contradicted_by"].isna().any()


def test_only_searches_that_keep_pixels_find_an_image_for_a_label():
    found = [{"label": 1, "seed": seed, "p_max": 1.0, "search": "unclamped"} for seed in (0, 1)]
    clipped = [row | {"search": "unclamped, clamped"} for row in found]
    table = pd.concat([searched(*STUCK)["backworking"], frame(*found, *clipped)], ignore_index=True)
    assert verdict_of("every-label", {"backworking": table})[0] == CONTRADICTED


STRONGEST = {
    "larger": ((0.5, 0.01), (1.0, 0.02)),
    "equal": ((1.0, 0.02), (1.0, 0.01)),
    "smaller": ((1.0, 0.01), (0.1, 0.03)),
    "last of a size": ((0.1, 0.02), (1.0, 0.02)),
    "first of a size": ((1.0, 0.02), (0.1, 0.02)),
}


@pytest.mark.parametrize("attacks", STRONGEST.values(), ids=STRONGEST.keys())
def test_the_strongest_of_the_invisible_changes_counts(attacks):
    both = pd.concat([fooled(*attack)["fooling"] for attack in attacks], ignore_index=True)
    found = decide("any-class", TABLES["any-class"], {"fooling": both})
    assert found.verdict == SUPPORTED
    assert f"L-infinity {max(size for share, size in attacks if share == 1):g} " in found.measured


NAN = float("nan")
CLAMPED = pd.concat([searched(*STUCK)["backworking"].assign(search=f"unclamped{end}") for end in ("", ", clamped")])
NOWHERE = sweep({}, {})["smoothing"]
NOWHERE = NOWHERE.assign(**{name: NAN for name in NOWHERE if name.endswith(("_low", "_high"))})
SCORED = pd.concat(
    [scored(0.9)["black_box"], scored(0.0)["black_box"].query("search == 'evolution'").assign(classifier="safe")]
)


@pytest.mark.parametrize(
    ("name", "tables", "words"),
    [
        ("every-label", {"backworking": CLAMPED}, "no row is of a kind that counts"),
        ("unlike-training", {"backworking-nearest": nearest(NAN)["backworking-nearest"].query("ratio != 9")}, "ratio"),
        ("blur-helps", {"smoothing-tests": one_blur((0, 0))["smoothing-tests"].assign(n=0)}, "gain"),
        ("seven-taps-similar", {"smoothing": NOWHERE}, "minus_largest"),
        ("scores-suffice", {"black_box": SCORED}, "no result of both searches for safe from image"),
        (
            "scores-suffice",
            {"black_box": SCORED.assign(success=NAN)},
            "no result of both searches for trees from image",
        ),
    ],
)
def test_rows_without_a_number_are_named(name, tables, words):
    """Pandas refuses to look for the smallest of none; a classifier without its control was left out in silence."""
    found = decide(name, TABLES[name], tables)
    assert (found.verdict, words in found.measured) == (NOT_RUN, True), found.measured


def test_half_an_interval_decides_nothing():
    assert above(0.1, NAN) == above(NAN, -0.1) == below(NAN, -0.1) == below(0.1, NAN) == UNDECIDED
    assert between(0.1, NAN, 0.2, 0.3) == between(NAN, 0.1, 0.2, 0.3) == between(0.25, NAN, 0.2, 0.3) == UNDECIDED


def test_between_two_bounds():
    ends = [(0.21, 0.29), (0.1, 0.25), (0.25, 0.4), (0.1, 0.19), (0.31, 0.4), (0.1, 0.4)]
    assert [between(*own, 0.2, 0.3) for own in ends] == [SUPPORTED, *[UNDECIDED] * 2, *[CONTRADICTED] * 2, UNDECIDED]


def test_a_forest_is_judged_though_another_classifier_has_no_random_search():
    cnn = SCORED.query("classifier == 'safe'").assign(scikit_learn=None)
    table = pd.concat([scored(0.9)["black_box"], cnn], ignore_index=True)
    assert verdict_of("forests-not-safe", {"black_box": table})[0] == SUPPORTED


def test_a_rate_with_half_an_interval_supports_nothing():
    better = sweep({}, {"acc_maj": 0.99})["smoothing"]
    assert verdict_of("vote-beats-blurs", {"smoothing": better})[0] == SUPPORTED
    assert verdict_of("vote-beats-blurs", {"smoothing": better.assign(acc_maj_high=NAN)})[0] == UNDECIDED


def test_a_level_at_which_nothing_is_accepted_leaves_the_claim_open():
    """The other level alone lies far below."""
    weak = sweep({}, {"acc_maj": 0.2})["smoothing"]
    strong = weak[weak["sigma"] > 0].assign(sigma=0.5, acc_maj=NAN, acc_maj_low=NAN, acc_maj_high=NAN)
    one, both = ({"smoothing": table} for table in (weak, pd.concat([weak, strong], ignore_index=True)))
    assert (verdict_of("vote-beats-blurs", one)[0], verdict_of("vote-beats-blurs", both)[0]) == (
        CONTRADICTED,
        UNDECIDED,
    )
