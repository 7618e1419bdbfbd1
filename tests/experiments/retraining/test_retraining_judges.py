"""Who judges found images, what a judge can tell, and the table of what judges say."""

import json
from functools import partial

import pandas as pd
import pytest
import torch

import fit_classifier
import judge_images
from pipeline.files.rows import read_rows, write_rows
from pipeline.files.tensors import write_tensors
from samplerows import judged_rows, retraining_inputs, strong_rows
from spurious.data.datasets import SPLITS, Dataset
from spurious.errors import SpuriousError
from spurious.experiments.retraining.arms import judges
from spurious.experiments.retraining.findings import persistence
from spurious.experiments.retraining.judges import retraining_judges
from spurious.experiments.retraining.judging import Judge, what_it_tells
from spurious.experiments.retraining.persistence import retraining_strong
from spurious.rates import over_seeds
from spurious.seeding import generator

TWICE = pd.concat([strong_rows(), strong_rows()])
ARM = {"negatives": "backworked", "judge": "forest-seed0"}


def row_of(table, **key):
    own = table.query(" and ".join(f"{name} == {value!r}" for name, value in key.items()))
    assert len(own) == 1
    return own.iloc[0]


def test_judges_are_of_the_first_seed_unless_they_name_one():
    settings = {"experiment": {"seeds": [3, 4]}}
    settings["retraining"] = {"judges": [{"classifier": "forest"}, {"classifier": "cnn", "seed": 0}]}
    assert list(judges(settings).items()) == [("forest-seed3", ("forest", 3)), ("cnn-seed0", ("cnn", 0))]


# --- what a judge can tell


def edge_is_one(images, sure=1.0):
    """Class 1 is black beside white, surely; all else is class 0, less surely."""
    one = ((images[..., :2].flatten(1).amax(1) == 0) & (images[..., 2:].flatten(1).amin(1) == 1)).float()
    return torch.stack([(1 - one) * sure, one], 1)


def halves():
    """Images of bright and dark pixels, and edges, and their labels."""
    images, labels = torch.rand(20, 1, 4, 4, generator=generator(0)).round(), torch.arange(20) % 2
    images[labels == 1] = torch.tensor([0.0, 0, 1, 1])
    return images, labels


def test_a_judge_is_held_against_real_images_and_static():
    images, labels = halves()
    told = what_it_tells(edge_is_one, images, labels)
    assert told == {"judge_real": 1, "judge_noise": 1, "limit": 1, "limit_real": 0}
    assert what_it_tells(edge_is_one, images, 1 - labels)["judge_real"] == 0


def test_the_limit_of_a_judge_lies_above_what_it_gives_to_noise():
    images, labels = halves()
    told = what_it_tells(partial(edge_is_one, sure=0.5), images, labels)
    assert told == {"judge_real": 0.5, "judge_noise": 0, "limit": 0.5, "limit_real": 0.5}
    told = what_it_tells(partial(edge_is_one, sure=0.7), images, labels)
    assert (told["judge_real"], told["judge_noise"]) == (1, 1)
    assert told["limit"] == pytest.approx(0.7)
    assert told["limit_real"] == 0.5  # only edges are surer than noise


def test_five_percent_of_noise_lie_above_the_limit():
    images, labels = torch.zeros(40, 1, 8, 8), torch.zeros(40, dtype=torch.long)
    seen = []

    def by_mean(images):
        p = 0.6 + images.flatten(1).mean(1) / 10
        seen.append(p)
        return torch.stack([p, 1 - p], 1)

    told = what_it_tells(by_mean, images, labels)
    noise = torch.cat(seen[1:])
    assert len(noise) > 40
    assert (noise > told["limit"]).sum() == int(0.05 * len(noise))


# --- the table


def test_judges_golden():
    table = retraining_judges(strong_rows(), judged_rows())
    assert len(table) == 3 * 2 * 2  # nets, attacks, judges
    every, noise = (row_of(table, attack=name, **ARM) for name in ("strong", "strong, from noise"))
    assert (every["examples_n"], every["example_share"]) == (24, 0.25)
    assert every["judge_p"] == pytest.approx((3 * 0.1 + 0.9) / 4)
    assert (noise["examples_n"], noise["example_share"], noise["says"]) == (12, 0, "no examples")
    rows = strong_rows().query("negatives == 'backworked'").reset_index(drop=True)
    share = over_seeds(rows["start"] == "averages", rows["seed"], rows.groupby(["seed", "label"]).ngroup())
    assert (every["example_low"], every["example_high"]) == (share.low, share.high)
    assert every["example_visible"] == max(0.25 - share.low, share.high - 0.25)


@pytest.mark.parametrize(("p", "says"), [(0.9, "examples"), (0.5, "no examples")])
def test_most_of_what_is_found_decides(p, says):
    row = row_of(retraining_judges(strong_rows(), judged_rows().assign(judge_p=p)), attack="strong", **ARM)
    assert (row["says"], row["example_share"]) == (says, float(says == "examples"))


def test_a_share_near_one_half_decides_nothing():
    judged = judged_rows()
    judged["judge_p"] = judged["image"] % 2 * 0.9
    row = row_of(retraining_judges(strong_rows(), judged), attack="strong", **ARM)
    assert (row["says"], row["example_share"]) == ("cannot tell", 0.5)
    assert row["example_visible"] > 0  # nearer to one half than could have been seen


@pytest.mark.parametrize(("real", "tells"), [(0.8, True), (0.79, False)])
def test_a_judge_that_cannot_tell_examples_from_static_is_not_asked(real, tells):
    judged = judged_rows().assign(limit_real=real)
    judged.loc[judged["judge"] == "cnn-seed5", "limit_real"] = 0.9
    table = retraining_judges(strong_rows(), judged)
    own, other = (table[(table["judge"] == "forest-seed0") == here] for here in (True, False))
    shares = own[["example_share", "example_low", "example_high", "example_visible"]]
    assert shares.notna().all(axis=None) == shares.notna().any(axis=None) == tells
    assert (own["says"] == "this judge cannot tell").all() == (not tells)
    assert other["example_share"].notna().all()
    strong = retraining_strong(strong_rows(), retraining_inputs()[0])
    said = next(text for text in persistence(strong, table) if "backworked" in text)
    assert ("to forest-seed0" in said) == tells
    assert "25\N{NO-BREAK SPACE}%, 95\N{NO-BREAK SPACE}% interval" in said
    assert "to cnn-seed5" in said


def test_the_limit_of_a_judge_is_what_its_word_is_held_against():
    judged = judged_rows().assign(limit=0.95)
    table = retraining_judges(strong_rows(), judged)
    assert row_of(table, attack="strong", **ARM)["example_share"] == 0


def test_the_order_of_rows_and_rows_that_several_arms_bring_do_not_matter():
    judged = pd.concat([judged_rows(), judged_rows()]).sample(frac=1, random_state=0)
    expected = retraining_judges(strong_rows(), judged_rows())
    pd.testing.assert_frame_equal(retraining_judges(TWICE.sample(frac=1, random_state=1), judged), expected)


def test_where_nothing_is_found_there_is_nothing_to_judge():
    table = retraining_judges(strong_rows().assign(p=0.5), judged_rows())
    assert (table["examples_n"] == 0).all()
    assert table[["judge_p", "example_share", "example_low", "example_high", "example_visible"]].isna().all(axis=None)
    assert set(table["says"]) == {"cannot tell"}


@pytest.mark.parametrize(
    "judged",
    [judged_rows().iloc[1:], judged_rows((0, 1)), judged_rows((0, 1, 2, 3))],
    ids=["one less", "a seed less", "a seed more"],
)
def test_other_images_than_were_judged_are_an_error(judged):
    with pytest.raises(SpuriousError, match="judged images: others than the attack ended with; judge them again"):
        retraining_judges(strong_rows(), judged)


def test_a_missing_column_is_named():
    with pytest.raises(SpuriousError, match="judged images: the column limit is missing"):
        retraining_judges(strong_rows(), judged_rows().drop(columns="limit"))


# --- the program


def stripes(count, split):
    labels = torch.arange(count) % 3
    images = torch.randint(0, 120, (count, 1, 8, 8), dtype=torch.uint8, generator=generator(split))
    for label in range(3):
        images[labels == label, :, 3 * label : 3 * label + 2] += 130
    return images, labels


def tiny():
    tensors = {}
    for split, count in zip(SPLITS, (60, 15, 21), strict=True):
        tensors[f"{split}_images"], tensors[f"{split}_labels"] = stripes(count, split)
    return tensors


def of_arm(name, images):
    """Rows of the attack, two labels and one image in each of two rounds."""
    rows = pd.DataFrame({"classifier": "cnn", "negatives": name, "target": "uniform", "round": [1, 1, 2, 2]})
    columns = {"seed": 0, "label": [0, 1, 0, 1], "image": 0, "start": "uniform", "p": 1.0}
    return rows.assign(**columns), {"round1": images[:2], "round2": images[2:]}


@pytest.fixture
def found(tmp_path):
    """A forest, the data, and the files of two arms whose images are training images, right ones and wrong ones."""
    write_tensors(tmp_path / "data.safetensors", tiny())
    entry = json.dumps({"scikit_learn": "forest", "trees": 20})
    arguments = ["--data", str(tmp_path / "data.safetensors"), "--classifier", "forest", "--entry", entry]
    arguments += ["--seed", "0", "--model", str(tmp_path / "model.skops"), "--predictions", str(tmp_path / "p.csv")]
    fit_classifier.main(arguments)
    images = tiny()["train_images"][[0, 1, 4, 3]] / 255  # of the labels 0, 1, 1, 0
    for name in ("a", "b"):
        rows, tensors = of_arm(name, images)
        write_rows(tmp_path / f"{name}.csv", rows)
        write_tensors(tmp_path / f"{name}.safetensors", tensors)
    return tmp_path


def ask(folder, images=("a", "b"), rows=("a", "b")):
    entry = json.dumps({"scikit_learn": "forest", "trees": 20})
    arguments = ["--data", folder / "data.safetensors", "--judge", folder / "model.skops", "--entry", entry]
    arguments += ["--name", "forest-seed0", "--images", *(folder / f"{name}.safetensors" for name in images)]
    arguments += ["--strong", *(folder / f"{name}.csv" for name in rows), "--rows", folder / "judged.csv"]
    judge_images.main([str(part) for part in arguments])
    return read_rows([folder / "judged.csv"])


def test_the_images_of_every_arm_and_round_are_judged(found):
    judged = ask(found)
    assert set(judged["judge"]) == {"forest-seed0"}
    assert judged["negatives"].tolist() == ["a"] * 4 + ["b"] * 4
    assert judged["round"].tolist() == [1, 1, 2, 2] * 2
    assert (judged["judge_p"] > judged["limit"]).tolist() == [True, True, False, False] * 2
    assert (judged["judge_real"] > 0.9).all()
    strong = pd.concat([read_rows([found / f"{name}.csv"]) for name in ("a", "b")])
    table = retraining_judges(strong, judged)
    assert row_of(table, negatives="a", round=1, attack="strong")["example_share"] == 1
    assert row_of(table, negatives="a", round=2, attack="strong")["example_share"] == 0


def test_other_images_than_rows_are_an_error_with_the_file_s_name(found):
    rows, _ = of_arm("b", torch.zeros(4, 1, 8, 8))
    write_rows(found / "b.csv", rows.iloc[:3])
    with pytest.raises(SpuriousError, match=r"b.safetensors: round 2 has other images than rows; run that retraining"):
        ask(found)


def test_a_round_without_its_images_is_an_error():
    tensors = tiny()
    images, labels = ({name: tensors[f"{name}_{kind}"] for name in SPLITS} for kind in ("images", "labels"))
    data = Dataset(images=images, labels=labels, classes=3)
    rows, images = of_arm("a", data.pixels("train")[:4])
    judge = Judge(lambda images: torch.full((len(images), 3), 1 / 3), data)
    assert len(judge.rows(rows[rows["round"] == 1], images)) == 2
    with pytest.raises(SpuriousError, match="round 2 has other images than rows; run that retraining again"):
        judge.rows(rows, {"round1": images["round1"]})


def test_as_many_files_of_rows_as_of_images(found):
    with pytest.raises(SpuriousError, match="--strong: 1 files for 2 of --images"):
        ask(found, rows=("a",))
