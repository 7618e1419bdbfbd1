"""Classifiers of scikit-learn: fitted the same way every time, kept in files that run nothing, and as scores."""

import json
import zipfile

import numpy as np
import pandas as pd
import pytest
import torch

import fit_classifier
import search_scores
from blobs import blobs
from pipeline.files import estimators
from pipeline.files.any_classifier import open_any
from pipeline.files.tensors import read_tensors, write_tensors
from pipeline.files.weights import write_weights
from spurious.classifiers.entries import ClassifierEntry
from spurious.classifiers.models import Description, SoftmaxRegression, build_classifier, initialize
from spurious.classifiers.predictions import predict
from spurious.classifiers.scikit_learn import build, fit, scores_of
from spurious.errors import SpuriousError
from spurious.registry import parse
from spurious.seeding import for_scikit_learn, generator

pytestmark = pytest.mark.usefixtures("one_thread")

ENTRIES = {
    "forest": {"scikit_learn": "forest", "trees": 15},
    "boosted": {"scikit_learn": "boosted", "rounds": 4, "leaves": 4, "learning_rate": 0.3},
    "nearest": {"scikit_learn": "nearest", "neighbours": 4},
}


def learnt(entry, *arguments, **options):
    return fit(parse(ClassifierEntry, entry), *arguments, **options)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "data.safetensors"
    tensors = {}
    for place, (split, count) in enumerate({"train": 150, "validation": 30, "test": 60}.items()):
        pixels, labels = blobs(count, place)
        tensors |= {f"{split}_images": pixels.mul(255).to(torch.uint8), f"{split}_labels": labels}
    write_tensors(path, tensors)
    return path


@pytest.mark.parametrize("kind", ENTRIES)
def test_equal_classifiers_give_equal_files(kind, tmp_path):
    pixels, labels = blobs()
    for name in ("first", "second"):
        other = [object() for _ in range(1000)]  # other objects live at other addresses
        estimators.write(tmp_path / name, learnt(ENTRIES[kind], pixels, labels, 0))
        del other
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


@pytest.mark.parametrize("kind", ENTRIES)
def test_fitting_is_repeatable_and_learns(kind):
    pixels, labels = blobs()
    fresh, truth = blobs(seed=1)
    first, second = (scores_of(learnt(ENTRIES[kind], pixels, labels, 0))(fresh) for _ in range(2))
    assert torch.equal(first, second)
    assert (first.argmax(1) == truth).float().mean() > 0.9
    assert first.dtype == torch.float32
    torch.testing.assert_close(first.sum(1), torch.ones(len(fresh)))


@pytest.mark.parametrize("kind", ENTRIES)
def test_scores_depend_neither_on_threads_nor_on_the_batch(kind):
    from threadpoolctl import threadpool_limits

    pixels, labels = blobs()
    fresh, _ = blobs(seed=1)
    scores = scores_of(learnt(ENTRIES[kind], pixels, labels, 0))
    with threadpool_limits(2):
        several = scores_of(learnt(ENTRIES[kind], pixels, labels, 0, threads=2))(fresh)
    torch.testing.assert_close(several, scores(fresh), rtol=1e-6, atol=0)
    torch.testing.assert_close(torch.cat([scores(part) for part in fresh.split(7)]), several, rtol=1e-6, atol=0)


def test_a_forest_is_random_the_others_are_not():
    pixels, labels = blobs()
    fresh, _ = blobs(seed=1)
    differ = {}
    for kind, entry in ENTRIES.items():
        first, second = (build(parse(ClassifierEntry, entry), seed).fit(pixels.flatten(1), labels) for seed in (0, 1))
        differ[kind] = not torch.equal(scores_of(first)(fresh), scores_of(second)(fresh))
    assert differ == {"forest": True, "boosted": False, "nearest": False}


@pytest.mark.parametrize("kind", ENTRIES)
@pytest.mark.parametrize("seed", [2**32 - 1, 2**32, 2**63 - 1])
def test_every_seed_fits(kind, seed):
    pixels, labels = blobs()
    first, second = (scores_of(learnt(ENTRIES[kind], pixels, labels, seed))(pixels) for _ in range(2))
    assert torch.equal(first, second)


def test_large_seeds_become_small_ones_and_small_ones_stay():
    assert [for_scikit_learn(seed) for seed in (0, 7, 2**32 - 1)] == [0, 7, 2**32 - 1]
    derived = [for_scikit_learn(seed) for seed in (2**32, 2**32 + 1, 2**63 - 1)]
    assert derived == [4051247459, 917895960, 532847495]
    assert len(set(derived)) == 3


def test_nearest_neighbours_by_hand():
    """Distances 1, 2 and 4: weights 4 / 7, 2 / 7 and 1 / 7."""
    pixels = torch.tensor([1.0, 2.0, 4.0, 9.0]).view(4, 1, 1, 1)
    scores = scores_of(learnt({"scikit_learn": "nearest", "neighbours": 3}, pixels, torch.tensor([0, 1, 1, 0]), 0))
    torch.testing.assert_close(scores(torch.zeros(1, 1, 1, 1)), torch.tensor([[4 / 7, 3 / 7]]))


def test_more_training_images_than_there_are_means_all():
    pixels, labels = blobs()
    assert len(learnt(ENTRIES["nearest"] | {"training_images": 10**6}, pixels, labels, 0)._fit_X) == len(pixels)


def test_a_part_of_the_training_images_is_drawn_by_the_seed():
    pixels, labels = blobs()
    used = [learnt(ENTRIES["nearest"] | {"training_images": 20}, pixels, labels, seed)._fit_X for seed in (0, 0, 1)]
    assert used[0].shape == (20, 16)
    assert np.array_equal(used[0], used[1])
    assert not np.array_equal(used[0], used[2])
    everything = {row.tobytes() for row in pixels.flatten(1).numpy()}
    assert all(row.tobytes() in everything for row in used[0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training_images": 4}, r"^neighbours: 5, but 4 training images; lower it"),
        ({"training_images": 5, "neighbours": 1}, r"^training_images: none of the 5 is of label \d; raise it"),
        ({"scikit_learn": "florest"}, "^scikit_learn: 'florest' is not allowed: forest .*; did you mean 'forest'"),
    ],
)
def test_bad_entries_are_told_in_one_line(changes, message):
    pixels, labels = blobs()
    labels = torch.where(torch.arange(150) < 148, labels.clamp(max=1), 2)
    with pytest.raises(SpuriousError, match=message) as error:
        learnt({"scikit_learn": "nearest", "neighbours": 5} | changes, pixels, labels, 0)
    assert "\n" not in str(error.value)


def test_scores_of_a_network_are_its_softmax():
    model = SoftmaxRegression((1, 4, 4), 3)
    initialize(model, "pytorch", generator(0))
    pixels, _ = blobs()
    assert torch.equal(scores_of(model.eval())(pixels), predict(model, pixels))


# --- files


@pytest.mark.parametrize("kind", ENTRIES)
def test_a_classifier_comes_back_from_its_file(kind, tmp_path):
    pixels, labels = blobs()
    fresh, _ = blobs(seed=1)
    fitted = learnt(ENTRIES[kind], pixels, labels, 3)
    estimators.write(tmp_path / "model.skops", fitted)
    entry = parse(ClassifierEntry, ENTRIES[kind])
    found = scores_of(open_any(tmp_path / "model.skops", entry, torch.device("cpu")))
    assert torch.equal(found(fresh), scores_of(fitted)(fresh))
    assert [path.name for path in tmp_path.iterdir()] == ["model.skops"]


def test_only_what_is_needed_is_trusted(tmp_path):
    """With nothing trusted, the very types that the entry names are refused."""
    import skops.io

    pixels, labels = blobs()
    for kind, entry in ENTRIES.items():
        estimators.write(tmp_path / kind, learnt(entry, pixels, labels, 0))
        assert skops.io.get_untrusted_types(file=tmp_path / kind) == list(parse(ClassifierEntry, entry).trusted)


class Foreign:
    """A type that nobody trusts; taking it out of a file would leave a trace."""

    ran = []  # noqa: RUF012

    def __init__(self):
        self.content = 1

    def __setstate__(self, state):
        self.ran.append(state)


def skops_file(path, thing):
    import skops.io

    skops.io.dump(thing, path)


def other_zip(path, names):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in names.items():
            archive.writestr(name, content)


BAD = {
    "another type": lambda path: skops_file(path, Foreign()),
    "a type within": lambda path: skops_file(path, {"trees": [Foreign()]}),
    "no classifier": lambda path: skops_file(path, [1, 2, 3]),
    "no zip": lambda path: path.write_bytes(b"not a zip file"),
    "empty": lambda path: path.write_bytes(b""),
    "missing": lambda path: None,
    "another zip": lambda path: other_zip(path, {"a.txt": "text"}),
    "no json": lambda path: other_zip(path, {"schema.json": "}"}),
    "another schema": lambda path: other_zip(path, {"schema.json": '{"__loader__": "ObjectNode"}'}),
}


@pytest.mark.parametrize("name", BAD)
def test_foreign_files_are_told_in_one_line(name, tmp_path):
    path = tmp_path / "model.skops"
    BAD[name](path)
    with pytest.raises(SpuriousError, match=r"model\.skops: .*; delete it and fit again$") as error:
        estimators.read(path, parse(ClassifierEntry, ENTRIES["forest"]))
    assert "\n" not in str(error.value)
    assert not Foreign.ran


def test_a_foreign_type_would_have_left_a_trace(tmp_path):
    import skops.io

    skops_file(tmp_path / "file", Foreign())
    assert not Foreign.ran
    skops.io.load(tmp_path / "file", trusted=skops.io.get_untrusted_types(file=tmp_path / "file"))
    assert Foreign.ran
    Foreign.ran.clear()


@pytest.mark.parametrize("kind", ["boosted", "nearest"])
def test_a_file_of_another_classifier_is_told(kind, tmp_path):
    pixels, labels = blobs()
    path = tmp_path / "model.skops"
    estimators.write(path, learnt(ENTRIES[kind], pixels, labels, 0))
    others = {"boosted": {"rounds": 5}, "nearest": {"neighbours": 3}}[kind]
    with pytest.raises(SpuriousError, match=r"holds another classifier than config\.yaml asks for"):
        estimators.read(path, parse(ClassifierEntry, ENTRIES[kind] | others))
    unfitted = build(parse(ClassifierEntry, ENTRIES[kind]), 0)
    estimators.write(path, unfitted)
    with pytest.raises(SpuriousError, match=r"was not fitted; delete it and fit again$"):
        estimators.read(path, parse(ClassifierEntry, ENTRIES[kind]))


# --- scripts

SETTINGS = {"images": 6, "population": 5, "max_queries": 40, "epsilon": 0.3, "found_above": 0.6, "mutation_rate": 0.1}
FILES = {"rows": "rows.csv", "images": "images", "elites": "elites.csv"}


def run_both(data, folder, kind):
    """The two scripts, one after the other; the rows and images of the second."""
    common = ["--data", str(data), "--classifier", kind, "--entry", json.dumps(ENTRIES[kind]), "--seed", "1"]
    fit_classifier.main([*common, "--model", str(folder / "m"), "--predictions", str(folder / "predictions.csv")])
    files = [f"--{name}={folder / file}" for name, file in FILES.items()]
    search_scores.main([*common, "--weights", str(folder / "m"), "--settings", json.dumps(SETTINGS), *files])
    return pd.read_csv(folder / "rows.csv"), read_tensors(folder / "images")[0]


@pytest.mark.parametrize("kind", ENTRIES)
def test_scripts_leave_rows_that_hold(kind, data, tmp_path):
    rows, images = run_both(data, tmp_path, kind)
    predictions = pd.read_csv(tmp_path / "predictions.csv")
    columns = ["classifier", "seed", "split", "id", "label", "predicted", "probability", "p_label"]
    assert list(predictions) == columns
    assert predictions["split"].value_counts().to_dict() == {"test": 60, "validation": 30}
    first = ["classifier", "seed", "start", "search", "id", "label", "target", "success", "queries", "flat"]
    assert list(rows) == [*first, "predicted", "p_target", "start_p_target", "l2", "linf"]
    searches = {(start, search): 6 for start in ("image", "noise") for search in ("evolution", "random")}
    searches |= {("image", "distances"): 6} if kind == "nearest" else {}
    assert rows.groupby(["start", "search"]).size().to_dict() == searches
    distances = rows[rows["search"] == "distances"]
    assert (distances["queries"] == 0).all()
    assert (distances["success"] == (distances["predicted"] == distances["target"])).all()
    assert (distances["linf"] <= 0.3 + 1e-6).all()
    scores = scores_of(open_any(tmp_path / "m", parse(ClassifierEntry, ENTRIES[kind]), torch.device("cpu")))
    right = predictions[(predictions["split"] == "test") & (predictions["predicted"] == predictions["label"])]
    for start in ("image", "noise"):
        own = rows[(rows["start"] == start) & (rows["search"] == "evolution")]
        p = scores(images[f"{start}/evolution"])
        assert own["predicted"].tolist() == p.argmax(1).tolist()
        np.testing.assert_allclose(own["p_target"], p[range(6), own["target"].tolist()], rtol=1e-6)
    own = rows[(rows["start"] == "image") & (rows["search"] == "evolution")]
    assert own["id"].tolist() == right["id"].head(6).tolist()
    assert own["label"].tolist() == right["label"].head(6).tolist()
    assert (own["label"] != own["target"]).all()
    assert (own["success"] == (own["predicted"] == own["target"])).all()
    originals = read_tensors(data)[0]["test_images"][own["id"].tolist()].float() / 255
    torch.testing.assert_close(images["image/original"], originals)
    noise = rows[rows["start"] == "noise"]
    assert noise["target"].tolist() == [0, 1, 2, 0, 1, 2] * 2
    assert noise["label"].isna().all()
    assert (noise["success"] == (noise["p_target"] > 0.6)).all()
    random = rows[rows["search"] == "random"].reset_index()
    evolution = rows[rows["search"] == "evolution"].reset_index()
    assert random[["id", "target"]].equals(evolution[["id", "target"]])


def test_two_runs_leave_the_same_bytes(data, tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        run_both(data, tmp_path / name, "forest")
    for name in ("rows.csv", "images", "predictions.csv"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_a_network_is_searched_the_same_way(data, tmp_path):
    description = Description(architecture="softmax", image_shape=(1, 4, 4), classes=3)
    model = build_classifier(description)
    model.out.weight.data.zero_()
    for label in range(3):  # the brightest row decides
        model.out.weight.data[label, 4 * label : 4 * label + 4] = 3.0
    write_weights(tmp_path / "weights", model, description)
    arguments = ["--data", str(data), "--weights", str(tmp_path / "weights"), "--classifier", "softmax", "--seed", "0"]
    entry = json.dumps({"architecture": "softmax", "recipe": "softmax"})
    files = [f"--{name}={tmp_path / file}" for name, file in FILES.items()]
    search_scores.main([*arguments, "--entry", entry, "--settings", json.dumps(SETTINGS), *files])
    rows = pd.read_csv(tmp_path / "rows.csv")
    assert rows["success"].any()
    assert not rows["success"].all()


def test_a_classifier_that_is_never_right_is_told(data, tmp_path):
    description = Description(architecture="softmax", image_shape=(1, 4, 4), classes=3)
    model = build_classifier(description)
    model.out.weight.data.zero_()
    for label in range(3):  # wrong by one
        model.out.weight.data[(label + 1) % 3, 4 * label : 4 * label + 4] = 3.0
    model.out.bias.data.zero_()
    write_weights(tmp_path / "weights", model, description)
    arguments = ["--data", str(data), "--weights", str(tmp_path / "weights"), "--classifier", "softmax", "--seed", "0"]
    files = [f"--{name}={tmp_path / file}" for name, file in FILES.items()]
    entry = json.dumps({"architecture": "softmax"})
    with pytest.raises(SpuriousError, match=r"^black_box: no test image is classified rightly"):
        search_scores.main([*arguments, "--entry", entry, "--settings", json.dumps(SETTINGS), *files])
    assert not (tmp_path / "rows.csv").exists()
