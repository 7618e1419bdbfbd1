"""The tables, as golden small frames."""

import itertools
import math
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import make_result
from making import ROOMS, make
from pipeline.files.rows import read_rows
from samplerows import RETRAINED_BY, image_list, predictions, retraining_inputs, search_rows
from spurious.errors import SpuriousError
from spurious.experiments.backworking import searches
from spurious.experiments.classifiers import accuracies
from spurious.experiments.data import excluded
from spurious.experiments.retraining import findings, rounds, settings, verdicts
from spurious.experiments.retraining import summary as retraining_summary
from spurious.perturbations.negatives import is_backworked
from spurious.rates import over_seeds
from spurious.report import formats
from spurious.statistics.proportions import wilson
from spurious.writeups import published

LAST = ["validation_accuracy", "largest_class", "seeds"]


def test_classifiers_golden():
    table = accuracies.classifiers(predictions())
    assert list(table) == ["classifier", "seed", "n", "accuracy", "low", "high", "sd", *LAST]
    assert table["seed"].tolist() == [0, 1, "all"]
    assert table["accuracy"].tolist() == pytest.approx([0.9, 0.8, 0.85])
    assert table["validation_accuracy"].tolist() == [1, 1, 1]
    assert table["largest_class"].tolist() == [0.5, 0.5, 0.5]
    assert table.loc[0, ["low", "high"]].tolist() == pytest.approx(wilson(9, 10))
    test = predictions().query("split == 'test'")
    joined = over_seeds(test["predicted"] == test["label"], test["seed"], test["id"])
    assert table.loc[2, ["sd", "low", "high"]].tolist() == pytest.approx([joined.sd, joined.low, joined.high])
    assert table[["n", "seeds"]].to_numpy().tolist() == [[10, 1], [10, 1], [20, 2]]


def test_the_largest_class_is_that_of_the_test_split():
    rows = predictions()
    table = accuracies.classifiers(rows.assign(label=rows["label"].where(rows["split"] == "test", 0)))
    assert table["largest_class"].tolist() == [0.5, 0.5, 0.5]


def test_classifiers_without_test_images_is_an_error():
    only_train = predictions().query("split == 'train'")
    with pytest.raises(SpuriousError, match=r"no row of the split test for cnn, seed 0"):
        accuracies.classifiers(only_train)


def test_backworking_golden():
    table = searches.backworking(search_rows())
    design = "classifier seed label search images steps found p_min p_mean p_max reinitialized"
    assert list(table) == design.split()
    mean, largest = pytest.approx(2.4980001 / 3), 0.9990001
    assert table.iloc[0].tolist() == ["cnn", 0, 3, "published", 3, 10, 1, 0.5, mean, largest, 1]
    assert table["found"].tolist() == [1, 1, 3, 3]


def test_found_is_strictly_above_the_argument():
    assert searches.backworking(search_rows(), found_above=0.9995)["found"].tolist() == [0, 0, 2, 2]


def test_backworking_summary_golden():
    (row,) = searches.backworking_summary(search_rows()).to_dict("records")
    found = pd.Series([0, 1, 0, 0, 1, 0, 1, 1, 1, 1, 1, 1])  # two searches of three images for each seed
    joined = over_seeds(found, pd.Series(np.repeat([0, 1], 6)), pd.Series(np.repeat([0, 1, 2, 3], 3)))
    assert row == {
        "classifier": "cnn", "search": "published", "images": 12, "found": 8, "share": 8 / 12, "low": joined.low,
        "high": joined.high, "seeds": 2, "found_mean": 4, "found_sd": pytest.approx(math.sqrt(8)), "found_min": 2,
        "found_max": 6, "steps_median": 10.5,
    }  # fmt: skip


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
    assert "): cannot tell (n = 3)); accuracy 99.00 %, 95 % interval " in arm
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


def test_images_excluded_golden(tmp_path):
    image_list([False, True, False]).to_csv(tmp_path / "images.csv", index=False)
    made = make(tmp_path, "table", "images-excluded", {"images": tmp_path / "images.csv"})
    table = read_rows([made["csv"]])
    assert list(table) == ["image", "label", "name", "width", "height", "mode", "channel_difference", "reason"]
    assert table.to_numpy().tolist() == [
        ["a.JPEG", 0, "hook", 4, 3, "RGB", 0.01, "grey"], ["c.JPEG", 2, "NA", 4, 3, "L", 0, "grey: one channel"],
    ]  # fmt: skip


def test_no_image_excluded_is_an_empty_table():
    table = excluded.images_excluded(image_list(True))
    assert table.empty
    assert formats.to_markdown(table).startswith("| image")


def test_a_missing_column_is_named():
    with pytest.raises(SpuriousError, match="backworking rows: the column p is missing"):
        searches.backworking(search_rows().drop(columns="p"))


def test_markdown_is_compact():
    table = pd.DataFrame({"name": ["a", "b"], "n": [10000, 2], "rate": [0.123456, np.nan], "seed": [0, "all"]})
    assert formats.to_markdown(table).splitlines() == [
        "| name   |     n |   rate | seed   |",
        "|:-------|------:|-------:|:-------|",
        "| a      | 10000 | 0.1235 | 0      |",
        "| b      |     2 |        | all    |",
    ]


def test_a_bar_does_not_end_a_cell_of_markdown():
    table = pd.DataFrame({"name": ["a|b", "||"], "n": [1, 2]})
    assert formats.to_markdown(table).splitlines() == [
        "| name   |   n |",
        "|:-------|----:|",
        r"| a\|b   |   1 |",
        r"| \|\|   |   2 |",
    ]


def test_a_table_is_written_as_csv_and_markdown_and_html(tmp_path):
    rows = search_rows()
    paths = [tmp_path / f"label{label}.csv" for label in (3, 4)]
    for label, path in zip((3, 4), paths, strict=True):
        rows[rows["label"] == label].to_csv(path, index=False)
    made = make(tmp_path / "out", "table", "backworking", {"rows": paths}, found_above=0.9995)
    expected = searches.backworking(rows, found_above=0.9995)
    pd.testing.assert_frame_equal(read_rows([made["csv"]]), expected, rtol=1e-6)
    assert made["md"].read_text() == formats.to_markdown(expected) + "\n"
    origin = formats.Origin(
        function="spurious.experiments.backworking.searches:backworking", files=[path.name for path in paths]
    )
    assert made["html"].read_text() == formats.to_html(expected, made["html"].stem, origin)


def test_retraining_summary_reads_three_kinds_of_rows(tmp_path):
    files = {name: tmp_path / f"{name}.csv" for name in ("attacks", "old", "predictions", "negatives_rows")}
    for path, frame in zip(files.values(), retraining_inputs(), strict=True):
        frame.to_csv(path, index=False)
    made = make(tmp_path, "table", "retraining-summary", files, found_above=0.999)
    assert read_rows([made["csv"]])["negatives"].tolist() == ["backworked", "none", "none"]


def test_an_error_names_the_files_that_it_is_about(tmp_path):
    for name, frame in zip("aopn", retraining_inputs(), strict=True):
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "p.csv").write_text("classifier,negatives,target,round,seed,id,label,predicted,probability\n")
    files = {name: tmp_path / f"{name[0]}.csv" for name in ("attacks", "old", "predictions", "negatives_rows")}
    with pytest.raises(SpuriousError, match=r"^/.*/p\.csv: none for ") as raised:
        make(tmp_path, "table", "retraining", files, found_above=0.999)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "retraining.csv").exists()


def test_an_error_names_the_first_of_many_files(tmp_path):
    paths = [tmp_path / f"{number}.csv" for number in range(4)]
    for path in paths:
        predictions().query("split == 'train'").to_csv(path, index=False)
    with pytest.raises(SpuriousError, match=r"^/.*/0\.csv and 3 more: no row of the split test for cnn, seed 0"):
        make(tmp_path, "table", "classifiers", {"predictions": paths})


def test_a_file_that_cannot_be_read_leaves_the_finished_table(tmp_path):
    (tmp_path / "classifiers.csv").write_text("finished")
    (tmp_path / "rows.csv").write_text('a,"b\n')
    with pytest.raises(SpuriousError, match=r"rows\.csv: not a readable CSV file"):
        make(tmp_path, "table", "classifiers", {"predictions": tmp_path / "rows.csv"})
    assert (tmp_path / "classifiers.csv").read_text() == "finished"


@pytest.mark.parametrize(("words", "message"), [(["--settings", "{"], "is not JSON"), (["--settings", "[]"], "braces")])
def test_settings_that_are_no_object_are_one_line(tmp_path, words, message):
    with pytest.raises(SpuriousError, match=f"--settings: .* {message}"):
        make_result.main(["spurious.experiments.linear.toy:toy", *words, "--output", str(tmp_path / "t.csv")])


def test_tables_import_no_torch(pytestconfig):
    tables = [result for room in ROOMS.values() for result in room.RESULTS if result.kind == "table"]
    functions = [table.function for table in tables if "splits" not in table.inputs]  # that computes on images
    code = f"import sys; from pipeline.files.results import function_of; [*map(function_of, {functions})]"
    code += "; import make_result; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=pytestconfig.rootpath / "scripts", check=True)


def test_the_shipped_published_numbers_are_complete(pytestconfig):
    numbers = read_rows([pytestconfig.rootpath / "workflow" / "resources" / "published.csv"])
    assert not numbers.duplicated(published.NUMBER).any()
    write_up = numbers[numbers["setting"].str.startswith("imagenet-samples")]
    assert write_up["quantity"].str.startswith("accuracy").sum() == 16
    assert (write_up["quantity"] == "reject rate").sum() == 4
    median = numbers[numbers["source"] == "Nguyen et al. 2015"]
    assert median["published"].tolist() == [0.9999]


def test_every_float_is_read_to_its_last_bit(tmp_path):
    p = np.random.default_rng(0).random(1000)
    pd.DataFrame({"p": p}).to_csv(tmp_path / "p.csv", index=False)
    np.testing.assert_array_equal(read_rows([tmp_path / "p.csv"])["p"], p)


def test_an_unreadable_file_is_named(tmp_path):
    with pytest.raises(SpuriousError, match=r"none\.csv: not a readable CSV file"):
        read_rows([tmp_path / "none.csv"])
