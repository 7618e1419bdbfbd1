import gzip
import io
import json
import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import prepare_dataset
from pipeline.files.tensors import read_dataset
from spurious.data.datasets import SPLITS, digits, from_idx, from_npz, from_tensors
from spurious.data.own_arrays import parse_npz
from spurious.errors import SpuriousError

ROOT = Path(__file__).parents[2]
LOCAL_DATA = Path(os.environ.get("SPURIOUS_LOCAL_DATA", "not set"))
MNIST = {
    "train_images": "train-images-idx3-ubyte.gz",
    "train_labels": "train-labels-idx1-ubyte.gz",
    "test_images": "t10k-images-idx3-ubyte.gz",
    "test_labels": "t10k-labels-idx1-ubyte.gz",
}


@pytest.fixture(scope="module")
def demo():
    return digits(28, 200, 400, 0)


def test_digits_have_the_promised_form(demo):
    assert {split: len(demo.images[split]) for split in SPLITS} == {"train": 1197, "validation": 200, "test": 400}
    assert demo.classes == 10
    assert demo.image_shape == (1, 28, 28)
    for split in SPLITS:
        assert demo.images[split].dtype == torch.uint8
        assert demo.labels[split].dtype == torch.int64
        assert len(demo.labels[split]) == len(demo.images[split])
        share = demo.labels[split].bincount(minlength=10) / len(demo.labels[split])
        assert (share - 0.1).abs().max() < 0.01


def test_digits_are_a_partition_of_the_source(demo):
    from sklearn.datasets import load_digits

    source = load_digits()
    original = digits(8, 200, 400, 0)
    images = torch.cat([original.images[split] for split in SPLITS]).flatten(1).numpy()
    labels = torch.cat([original.labels[split] for split in SPLITS]).numpy()
    stored = np.rint(source.data * 255 / 16).astype(np.uint8)

    def rows(pixels, targets):
        return sorted(map(bytes, np.column_stack([pixels, targets.astype(np.uint8)])))

    assert rows(images, labels) == rows(stored, source.target)
    assert torch.equal(original.labels["test"], demo.labels["test"])


def test_digits_are_resized_as_pillow_does(demo):
    small = digits(8, 200, 400, 0).pixels("test")[:20, 0].numpy()
    expected = [np.asarray(Image.fromarray(image).resize((28, 28), Image.Resampling.BICUBIC)) for image in small]
    np.testing.assert_allclose(demo.pixels("test")[:20, 0], np.clip(expected, 0, 1), atol=1.5 / 255)


def test_digits_depend_on_the_seed_alone(demo):
    again, other = digits(28, 200, 400, 0), digits(28, 200, 400, 1)
    assert all(torch.equal(demo.images[split], again.images[split]) for split in SPLITS)
    assert not torch.equal(demo.labels["test"], other.labels["test"])


@pytest.mark.parametrize(("validation", "test"), [(0, 400), (200, 0), (5, 400), (900, 1000), (-1, 400)])
def test_impossible_splits_are_told(validation, test):
    with pytest.raises(SpuriousError, match=r"^digits: 1,797 images cannot be split .* config\.yaml$"):
        digits(8, validation, test, 0)


def tiny_idx(train=6, test=3, *, labels=None, size=2) -> dict[str, bytes]:
    def images(count, side):
        return struct.pack(">4I", 0x0803, count, side, side) + bytes(i % 256 for i in range(count * side * side))

    def targets(count):
        return struct.pack(">2I", 0x0801, count) + bytes(i % 3 for i in range(count))

    return {
        "train_images": images(train, 2),
        "train_labels": targets(train if labels is None else labels),
        "test_images": gzip.compress(images(test, size)),
        "test_labels": targets(test),
    }


NAMES = {key: f"downloads/{key}" for key in tiny_idx()}


def test_first_training_images_are_the_validation_split():
    dataset = from_idx(tiny_idx(), NAMES, 2)
    assert [len(dataset.images[split]) for split in SPLITS] == [4, 2, 3]
    assert dataset.images["validation"].flatten().tolist() == list(range(8))
    assert dataset.labels["validation"].tolist() == [0, 1]
    assert dataset.labels["train"].tolist() == [2, 0, 1, 2]
    assert dataset.classes == 3


@pytest.mark.parametrize(
    ("contents", "validation", "told"),
    [
        (tiny_idx(labels=5), 2, "downloads/train_labels: 5 labels for the 6 images of downloads/train_images"),
        (tiny_idx(size=3), 2, "downloads/test_images: its images differ in size"),
        (tiny_idx(), 6, "downloads/train_images: validation = 6 of 6"),
        (tiny_idx(), 0, "downloads/train_images: validation = 0 of 6"),
        (tiny_idx() | {"test_labels": b"<html>"}, 2, "downloads/test_labels: 6 bytes"),
    ],
)
def test_idx_files_that_do_not_fit_are_told(contents, validation, told):
    with pytest.raises(SpuriousError, match=r"config\.yaml") as caught:
        from_idx(contents, NAMES, validation)
    assert str(caught.value).startswith(told)


def relabelled(labels, part="train"):
    """Tiny files with these labels, bytes."""
    return tiny_idx() | {f"{part}_labels": struct.pack(">2I", 0x0801, len(labels)) + bytes(labels)}


@pytest.mark.parametrize(
    ("contents", "missing"),
    [
        (relabelled([1, 0, 0, 2, 0, 2]), 1),  # the first two are the validation split
        (relabelled([0, 1, 0, 1, 0, 1], "train"), 2),  # only the test images have it
        (relabelled([0, 1, 5], "test"), 3),  # what is numbered, but nowhere
    ],
)
def test_a_label_without_a_training_image_is_told(contents, missing):
    message = (
        f"^downloads/train_labels: the label {missing} has no training image; in config.yaml lower validation = 2, or "
        "give files with images of every label$"
    )
    with pytest.raises(SpuriousError, match=message):
        from_idx(contents, NAMES, 2)


def npz(**arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


COLOURS = np.arange(40 * 4 * 5 * 3, dtype=np.uint8).reshape(40, 4, 5, 3)
LABELS = np.arange(40) % 4


def test_npz_of_colour_and_of_grey_images():
    colour = from_npz(npz(images=COLOURS, labels=LABELS), "own.npz", 8, 12, 0)
    grey = from_npz(npz(images=COLOURS[..., 0], labels=LABELS.astype(np.uint8)), "own.npz", 8, 12, 0)
    assert colour.image_shape == (3, 4, 5)
    assert grey.image_shape == (1, 4, 5)
    with_alpha = from_npz(npz(images=COLOURS[..., [0, 1, 2, 0]], labels=LABELS), "own.npz", 8, 12, 0)
    assert with_alpha.image_shape == (4, 4, 5)
    assert [len(colour.images[split]) for split in SPLITS] == [20, 8, 12]
    assert colour.labels["test"].bincount().tolist() == [3, 3, 3, 3]
    for split in SPLITS:
        assert torch.equal(colour.images[split][:, :1], grey.images[split])
    known = {image.transpose(2, 0, 1).tobytes(): label for image, label in zip(COLOURS, LABELS, strict=True)}
    for image, label in zip(colour.images["test"], colour.labels["test"], strict=True):
        assert known[image.numpy().tobytes()] % 4 == label


@pytest.mark.parametrize("channels", [1, 3])
def test_npz_with_channels_before_the_height(channels):
    last = np.pad(COLOURS[..., :channels], [(0, 0), (0, 3), (0, 3), (0, 0)])  # 7 x 8
    first = from_npz(npz(images=last.transpose(0, 3, 1, 2), labels=LABELS), "own.npz", 8, 12, 0)
    assert first.image_shape == (channels, 7, 8)
    expected = from_npz(npz(images=last, labels=LABELS), "own.npz", 8, 12, 0)
    for split in SPLITS:
        assert torch.equal(first.images[split], expected.images[split])


@pytest.mark.parametrize(
    ("arrays", "scale", "notes"),
    [
        ({"images": COLOURS.astype(np.int32)}, None, ["'images' is int32 from 0 to 255: converted to uint8"]),
        ({"images": COLOURS.astype(float)}, None, ["'images' is float64 from 0 to 255: converted to uint8"]),
        (
            {"images": (COLOURS / 255).astype(np.float32)},
            None,
            ["'images' is float32 from 0 to 1: multiplied by 255 and stored with 256 levels"],
        ),
        ({"images": COLOURS * 2.5}, 637.5, []),
        ({"labels": LABELS[:, None]}, None, ["'labels' is int64 (40, 1), read as whole numbers (40,)"]),
        ({"labels": LABELS / 1}, None, ["'labels' is float64 (40,), read as whole numbers (40,)"]),
    ],
    ids=["int32", "whole floats", "unit floats", "scale", "column", "float labels"],
)
def test_npz_values_of_one_meaning_are_converted_with_a_note(arrays, scale, notes):
    plain = {"images": COLOURS, "labels": LABELS}
    found = from_npz(npz(**plain | arrays), "own.npz", 8, 12, 0, scale)
    expected = from_npz(npz(**plain), "own.npz", 8, 12, 0)
    assert found.notes == tuple(f"own.npz: {note}" for note in notes)
    assert expected.notes == ()
    for split in SPLITS:
        assert torch.equal(found.images[split], expected.images[split])
        assert torch.equal(found.labels[split], expected.labels[split])


def test_the_scale_is_the_value_of_white():
    values = np.arange(17, dtype=np.uint8).repeat(40).reshape(17, 40).T.reshape(40, 17, 1).repeat(17, 2)
    found = from_npz(npz(images=values, labels=LABELS), "own.npz", 8, 12, 0, 16)
    assert found.images["train"][0, 0, :, 0].tolist() == [round(value * 255 / 16) for value in range(17)]
    dark = from_npz(npz(images=values, labels=LABELS), "own.npz", 8, 12, 0, 255)
    assert dark.images["train"][0, 0, :, 0].tolist() == list(range(17))
    with pytest.raises(SpuriousError, match=r"from 0 to 16, not within 0 to 15; change its key scale in config\.yaml$"):
        from_npz(npz(images=values, labels=LABELS), "own.npz", 8, 12, 0, 15)


def test_values_are_scaled_in_every_part():
    levels = np.random.default_rng(0).integers(0, 256, (1030, 3, 2), dtype=np.uint8)  # parts of 1024
    own = parse_npz(npz(images=levels / 255, labels=np.arange(1030) % 4), "own.npz")
    np.testing.assert_array_equal(own.images[:, 0], levels)


def keras(**changes) -> bytes:
    arrays = {"x_train": COLOURS[:28], "y_train": LABELS[:28], "x_test": COLOURS[28:], "y_test": LABELS[28:]}
    return npz(**arrays | changes)


@pytest.mark.parametrize("test", [None, 12])
def test_the_arrays_of_keras_keep_their_test_split(test):
    found = from_npz(keras(), "own.npz", 8, test, 0)
    assert torch.equal(found.images["test"], torch.from_numpy(COLOURS[28:].transpose(0, 3, 1, 2)))
    assert found.labels["test"].tolist() == LABELS[28:].tolist()
    assert found.labels["validation"].bincount().tolist() == [2, 2, 2, 2]
    rest = sorted(image.numpy().tobytes() for split in SPLITS[:2] for image in found.images[split])
    assert rest == sorted(image.transpose(2, 0, 1).tobytes() for image in COLOURS[:28])


@pytest.mark.parametrize(
    ("content", "test", "told"),
    [
        (keras(), 11, "test = 11, but the file has a test split of 12 images; remove the key test of this dataset"),
        (keras(x_test=COLOURS[28:, :, :4]), None, "'x_train' (28, 3, 4, 5) and 'x_test' (12, 3, 4, 4) differ in size"),
        (keras(y_test=LABELS[29:]), None, "'y_test' is int64 (11,)"),
        (npz(images=COLOURS, labels=LABELS), None, "has no test split of its own; add the key test to this dataset"),
    ],
)
def test_a_test_split_that_does_not_fit_is_told(content, test, told):
    with pytest.raises(SpuriousError, match=r"^own\.npz: ") as caught:
        from_npz(content, "own.npz", 8, test, 0)
    assert told in str(caught.value)


@pytest.mark.parametrize("shape", [(1, 5, 3), (3, 5, 3), (3, 5, 1), (1, 1, 1), (3, 3, 3), (3, 5, 4)])
def test_channels_that_may_stand_in_either_place_are_told(shape):
    message = (
        f"own.npz: 'images' is {(40, *shape)}, which may be (N, C, H, W) as well as (N, H, W, C); save grey images as "
        "(N, H, W), and pad others to sides other than 1, 3, 4"
    )
    with pytest.raises(SpuriousError, match=f"^{re.escape(message)}$"):
        from_npz(npz(images=np.zeros((40, *shape), np.uint8), labels=LABELS), "own.npz", 8, 12, 0)


def test_a_label_that_the_split_takes_from_the_training_images_is_told():
    """Of 3 images of the label 1, all go to the other splits."""
    labels = np.array([0] * 57 + [1] * 3)
    content = npz(images=np.full((60, 5, 5), 255, np.uint8), labels=labels)
    with pytest.raises(SpuriousError, match=r"^own\.npz: the label 1 has no training image; lower validation = 28 or "):
        from_npz(content, "own.npz", 28, 28, 0)


@pytest.mark.parametrize("seed", [2**32, 2**63 - 1])
def test_every_seed_splits(seed):
    content = npz(images=COLOURS, labels=LABELS)
    splits = [from_npz(content, "own.npz", 8, 12, number).labels["test"] for number in (seed, seed, seed - 1)]
    assert torch.equal(splits[0], splits[1])
    assert splits[0].bincount().tolist() == [3, 3, 3, 3]
    assert not torch.equal(splits[0], splits[2])
    assert len(digits(8, 100, 100, seed).labels["test"]) == 100


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"no archive", "not a readable .npz"),
        (b"", "not a readable .npz"),
        (npz(images=COLOURS, labels=LABELS)[:-30], "not a readable .npz"),
        (npz(images=COLOURS), "needs the arrays"),
        (npz(images=COLOURS, labels=np.array([None] * 40)), "'labels' holds Python objects, which are not read; save "),
        (npz(images=np.array([None] * 40), labels=LABELS), "numbers, images.astype(numpy.uint8), or"),
        (npz(images=COLOURS, labels=LABELS.astype(str)), "numpy.unique(labels, return_inverse=True)[1]"),
        (npz(data=COLOURS, target=LABELS), "but holds data uint8 (40, 4, 5, 3), target int64 (40,); save it with"),
        (npz(images=COLOURS / 255 * 4 - 2, labels=LABELS), "'images' is float64 from -2 to 2; save it as uint8"),
        (npz(images=COLOURS / 2, labels=LABELS), "by its key scale in config.yaml"),
        (npz(images=COLOURS * np.nan, labels=LABELS), "'images' is float64 from nan to nan; save it as uint8"),
        (npz(images=COLOURS.astype(int) * 2, labels=LABELS), "'images' is int64 from 0 to 510; save it as uint8"),
        (npz(images=COLOURS % 17, labels=LABELS), "nearly black of 255 levels; give the value of white by its key sc"),
        (npz(images=COLOURS % 2, labels=LABELS), "such as scale: 1, or scale: 255 where they are meant to be dark"),
        (npz(images=COLOURS % 17 * 1.0, labels=LABELS), "such as scale: 16, or"),
        (npz(images=COLOURS, labels=np.eye(4)[LABELS]), "labels.argmax(1) where it is one-hot"),
        (npz(images=COLOURS[0, 0], labels=LABELS), "'images' is uint8 (5, 3)"),
        (npz(images=COLOURS[:, :0], labels=LABELS), "'images' is uint8 (40, 0, 5, 3)"),
        (
            npz(images=COLOURS[..., :2], labels=LABELS),
            "'images' is (40, 4, 5, 2), with 2 channels; save it as (N, H, W",
        ),
        (npz(images=COLOURS, labels=LABELS[:-1]), "'labels' is int64 (39,)"),
        (npz(images=COLOURS, labels=LABELS / 2), "'labels' is float64"),
        (npz(images=COLOURS, labels=LABELS + 1), "run from 1 to 4"),
        (npz(images=COLOURS, labels=LABELS * 10**12), "number them 0..K-1"),
        (npz(images=COLOURS[:8], labels=np.arange(8)), "cannot be split"),
    ],
)
def test_bad_npz_is_told(content, told):
    with pytest.raises(SpuriousError, match=r"^own\.npz: ") as caught:
        from_npz(content, "own.npz", 8, 12, 0)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_npy_is_no_npz():
    buffer = io.BytesIO()
    np.save(buffer, COLOURS)
    with pytest.raises(SpuriousError, match=r"numpy\.savez"):
        from_npz(buffer.getvalue(), "own.npz", 8, 12, 0)


@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=8))
def test_damaged_npz_is_told_or_still_right(position, noise):
    whole = npz(images=COLOURS[:, :2, :1], labels=LABELS)
    content = bytearray(whole)
    position %= len(content)
    content[position : position + len(noise)] = noise
    try:
        found = from_npz(bytes(content), "own.npz", 8, 12, 0)
    except SpuriousError as error:
        assert "\n" not in str(error)  # noqa: PT017 - both outcomes are right
        return
    expected = from_npz(whole, "own.npz", 8, 12, 0)
    for split in SPLITS:
        assert torch.equal(found.images[split], expected.images[split])
        assert torch.equal(found.labels[split], expected.labels[split])


def test_prepare_digits(tmp_path, demo):
    settings = {"source": "digits", "size": 28, "validation": 200, "test": 400, "seed": 0}
    output = tmp_path / "digits" / "data.safetensors"
    prepare_dataset.main(["--output", str(output), "--settings", json.dumps(settings)])
    prepared = read_dataset(output)
    assert all(torch.equal(prepared.images[split], demo.images[split]) for split in SPLITS)
    assert all(torch.equal(prepared.labels[split], demo.labels[split]) for split in SPLITS)


def test_prepare_idx_without_urls(tmp_path):
    files = []
    for key, content in tiny_idx().items():
        (tmp_path / key).write_bytes(content)
        files.append(f"{key}={tmp_path / key}")
    settings = {"source": "idx", "validation": 2, "classes": 3}
    output = tmp_path / "data.safetensors"
    prepare_dataset.main(["--output", str(output), "--settings", json.dumps(settings), "--files", *files])
    assert read_dataset(output).labels["validation"].tolist() == [0, 1]


def test_prepare_npz(tmp_path):
    archive = tmp_path / "own.npz"
    archive.write_bytes(npz(images=COLOURS, labels=LABELS))
    output = tmp_path / "data.safetensors"
    classes = int(LABELS.max()) + 1
    settings = {"source": "npz", "validation": 8, "test": 12}
    arguments = ["--output", str(output), "--files", f"archive={archive}", "--settings"]
    prepare_dataset.main([*arguments, json.dumps(settings | {"classes": classes})])
    assert read_dataset(output).image_shape == (3, 4, 5)
    with pytest.raises(SpuriousError, match=f"{classes} classes, not {classes + 1}; set its key classes"):
        prepare_dataset.main([*arguments, json.dumps(settings | {"classes": classes + 1})])


def test_notes_and_errors_name_the_file_of_the_user(tmp_path, capsys):
    archive, output = tmp_path / "archive", tmp_path / "data.safetensors"
    names = ["--files", f"archive={archive}", "--names", "archive=/data/mine.npz"]
    settings = json.dumps({"source": "npz", "validation": 8, "test": 12, "classes": 4})
    archive.write_bytes(npz(images=COLOURS / 255, labels=LABELS))
    prepare_dataset.main(["--output", str(output), *names, "--settings", settings])
    assert "note: /data/mine.npz: 'images' is float64 from 0 to 1: multiplied by 255" in capsys.readouterr().err
    archive.write_bytes(npz(images=COLOURS / 255, labels=LABELS + 1))
    with pytest.raises(SpuriousError, match=r"^/data/mine\.npz: the labels run from 1 to 4"):
        prepare_dataset.main(["--output", str(output), *names, "--settings", settings])


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"source": "cifar"}, "source: 'cifar' is not allowed"),
        ({"source": "digits", "validation": 200, "test": 400}, "'size' is missing"),
        ({"source": "npz", "validation": 8, "test": 12, "sise": 3}, "unknown key 'sise'"),
        ({"source": "npz", "validation": 8, "test": 12}, "no file 'archive'"),
    ],
)
def test_bad_settings_are_told_and_nothing_is_written(tmp_path, settings, told):
    output = tmp_path / "data.safetensors"
    with pytest.raises(SpuriousError, match=told):
        prepare_dataset.main(["--output", str(output), "--settings", json.dumps(settings)])
    assert list(tmp_path.iterdir()) == []


def test_missing_split_is_told():
    with pytest.raises(SpuriousError, match="train_images is missing"):
        from_tensors({})


def python(code: str, **environment) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "scripts")} | environment
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_scripts_start_without_torch():
    code = "import sys, fetch_file, prepare_dataset; print([m for m in ('torch', 'requests') if m in sys.modules])"
    assert python(code) == "[]"
    assert python("import sys; from pipeline.files import downloads; print('torch' in sys.modules)") == "False"


def test_torchvision_is_usable_beside_this_torch():
    code = "import torch; from spurious.vision import resize; print(tuple(resize(torch.ones(2, 1, 8, 8), 28).shape))"
    assert python(code) == "(2, 1, 28, 28)"


def test_a_matching_pair_of_torch_and_torchvision_is_left_untouched():
    # Operators with an implementation, there before torchvision's import, stand for a compiled library that fits.
    code = """
import torch
library = torch.library.Library("torchvision", "FRAGMENT")
for name in ("nms", "qnms"):
    library.define(name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.impl(name, lambda dets, scores, iou_threshold: scores + 1, "CPU")
from spurious import vision
print(vision._DECLARED, torch.ops.torchvision.nms(torch.zeros(1), torch.ones(1), 0.5).item())
"""
    assert python(code) == "None 2.0"


def test_only_the_missing_operator_is_declared():
    code = """
import torch
library = torch.library.Library("torchvision", "FRAGMENT")
library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from spurious import vision
print(hasattr(torch.ops.torchvision, "nms"), hasattr(torch.ops.torchvision, "qnms"))
"""
    assert python(code) == "True True"


@pytest.mark.skipif(
    not all((LOCAL_DATA / "mnist" / name).is_file() for name in MNIST.values()),
    reason="no MNIST: set SPURIOUS_LOCAL_DATA to a folder with mnist/train-images-idx3-ubyte.gz and the other three",
)
def test_real_mnist():
    contents = {key: (LOCAL_DATA / "mnist" / name).read_bytes() for key, name in MNIST.items()}
    dataset = from_idx(contents, MNIST, 5000)
    assert [len(dataset.images[split]) for split in SPLITS] == [55000, 5000, 10000]
    assert dataset.image_shape == (1, 28, 28)
    assert dataset.classes == 10
    assert dataset.labels["validation"][:5].tolist() == [5, 0, 4, 1, 9]
    assert dataset.labels["test"][:5].tolist() == [7, 2, 1, 0, 4]
    assert 0.12 < dataset.pixels("test").mean() < 0.14
