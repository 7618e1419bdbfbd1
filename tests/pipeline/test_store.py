import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import make_store
from pipeline.files.images import open_images, open_splits, validation_images
from pipeline.files.photographs import sha256_of
from pipeline.files.stores import SplitWriter, open_store, write_description
from pipeline.files.tensors import write_tensors
from spurious.data.splits import InMemory, prefetched, shuffled
from spurious.errors import SpuriousError
from spurious.seeding import generator

SCRIPTS = Path(make_store.__file__).parent
LOCAL_DATA = Path(os.environ.get("SPURIOUS_LOCAL_DATA", "not set"))


def made_up(count, side=4, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 3, side, side), dtype=np.uint8)


def store(folder, classes=7, **counts) -> Path:
    folder.mkdir(parents=True)
    for split, count in (counts or {"train": 50, "test": 20}).items():
        writer = SplitWriter(folder, split, (3, 4, 4))
        images = made_up(count)
        for part in np.array_split(np.arange(count), 3):
            writer.append(images[part], part % classes)
        writer.close()
    write_description(folder, classes)
    return folder


def fails(call, *arguments) -> str:
    with pytest.raises(SpuriousError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Reading


def test_a_system_that_takes_no_advice_reads_the_same(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "posix_fadvise", raising=False)  # as on macOS
    train = open_store(store(tmp_path / "store")).splits["train"]
    assert torch.equal(train.batch(torch.arange(50)), torch.from_numpy(made_up(50)))


def test_a_store_is_what_was_written(tmp_path):
    opened = open_store(store(tmp_path / "store"))
    assert opened.classes == 7
    assert set(opened.splits) == {"train", "test"}
    train = opened.splits["train"]
    assert len(train) == 50
    assert train.image_shape == (3, 4, 4)
    assert train.labels.tolist() == [index % 7 for index in range(50)]
    assert torch.equal(train.batch(torch.arange(50)), torch.from_numpy(made_up(50)))


def test_numpy_reads_a_store(tmp_path):
    folder = store(tmp_path / "store")
    images = np.load(folder / "train_images.npy", mmap_mode="r", allow_pickle=False)
    np.testing.assert_array_equal(images, made_up(50))


@given(st.lists(st.integers(0, 49), min_size=1, max_size=80))
def test_any_batch_equals_that_of_a_source_in_memory(tmp_path_factory, indices):
    folder = tmp_path_factory.getbasetemp() / "equal"
    if not folder.exists():
        store(folder)
    images, indices = torch.from_numpy(made_up(50)), torch.tensor(indices)
    batch = open_store(folder).splits["train"].batch(indices)
    assert torch.equal(batch, InMemory(images, torch.zeros(50)).batch(indices))


def test_a_batch_is_a_copy(tmp_path):
    train = open_store(store(tmp_path / "store")).splits["train"]
    train.batch(torch.arange(5)).zero_()
    assert torch.equal(train.batch(torch.arange(5)), torch.from_numpy(made_up(50)[:5]))


def test_an_epoch_from_a_store_equals_one_from_memory_in_the_same_order(tmp_path):
    train = open_store(store(tmp_path / "store", train=1000)).splits["train"]
    memory = InMemory(torch.from_numpy(made_up(1000)), train.labels)
    order = list(shuffled(train, 64, generator("epoch")))
    pairs = zip(prefetched(train, order), prefetched(memory, order), strict=True)
    for (images, labels), (expected, expected_labels) in pairs:
        assert torch.equal(images, expected)
        assert torch.equal(labels, expected_labels)


def test_splits_come_from_a_store_or_from_a_file_of_tensors(tmp_path):
    splits, classes = open_splits(store(tmp_path / "store"))
    assert (set(splits), classes) == ({"train", "test"}, 7)
    tensors = {}
    for split, count in {"train": 50, "validation": 7, "test": 20}.items():
        tensors[f"{split}_images"] = torch.from_numpy(made_up(count))
        tensors[f"{split}_labels"] = torch.arange(count) % 7
    write_tensors(tmp_path / "data.safetensors", tensors)
    splits, classes = open_splits(tmp_path / "data.safetensors")
    assert (list(splits), classes) == (["train", "validation", "test"], 7)
    assert torch.equal(splits["train"].batch(torch.tensor([3, 1])), tensors["train_images"][[3, 1]])


def test_the_test_images_come_from_any_form_of_a_dataset(tmp_path):
    pixels, labels = torch.from_numpy(made_up(6, seed=1)), torch.arange(6) % 2
    arrays = {f"{split}_images": pixels.clone() for split in ("train", "validation", "test")}
    arrays |= {f"{split}_labels": labels.clone() for split in ("train", "validation", "test")}
    write_tensors(tmp_path / "data.safetensors", arrays)
    opened = [open_images([tmp_path / "data.safetensors"]), open_images([store(tmp_path / "store")])]
    for images in opened:
        assert list(images.ids) == list(range(len(images)))
        assert images.shape == (3, 4, 4)
        assert images.load(torch.tensor([2, 0])).shape == (2, 3, 4, 4)
    assert torch.equal(opened[0].load(torch.tensor([5, 3])), pixels[[5, 3]])
    assert torch.equal(opened[0].labels, labels)
    _, folder, _, listed = photographs(tmp_path)
    images = open_images([folder, listed])
    assert images.ids == [f"{label}.png" for label in (0, 1, 2, 4, 5)]
    assert images.labels.tolist() == [0, 1, 2, 4, 5]
    assert images.shape is None
    expected = np.asarray(Image.open(folder / "4.png")).transpose(2, 0, 1)
    assert torch.equal(images.load(torch.tensor([3])), torch.from_numpy(expected.copy())[None])
    assert torch.equal(images.pixels(torch.tensor([3])), torch.from_numpy(expected / np.float32(255))[None])
    assert images.names(torch.tensor([3, 0])) == ["4.png", "0.png"]


def test_images_of_a_dataset_are_taken_as_they_stand_and_photographs_in_an_order_of_their_own(tmp_path):
    assert open_images([store(tmp_path / "store")]).order().tolist() == list(range(20))
    _, folder, _, listed = photographs(tmp_path)
    orders = [open_images([folder, listed]).order().tolist() for _ in range(2)]
    assert orders[0] == orders[1] != sorted(orders[0]) == [0, 1, 2, 3, 4]


def test_validation_images_are_batches_and_of_photographs_some_of_the_tests(tmp_path):
    splits = {split: torch.from_numpy(made_up(7, seed=seed)) for seed, split in enumerate(("validation", "train"))}
    tensors = {f"{split}_images": images for split, images in splits.items()} | {"test_images": splits["train"].clone()}
    tensors |= {f"{split}_labels": torch.arange(7) for split in ("train", "validation", "test")}
    write_tensors(path := tmp_path / "data.safetensors", tensors)
    cpu, others = torch.device("cpu"), torch.tensor([4, 1])
    kept = validation_images([path], open_images([path]), others, 3, cpu)
    for _ in range(2):  # as often as they are asked for
        parts = list(kept)
        assert [len(part) for part in parts] == [3, 3, 1]
        assert torch.equal(torch.cat(parts), splits["validation"] / 255)
    _, folder, _, listed = photographs(tmp_path)
    images = open_images([folder, listed])
    first, second = validation_images([folder, listed], images, others, 3, cpu)
    assert torch.equal(first, images.pixels(torch.tensor([4])))
    assert torch.equal(second, images.pixels(torch.tensor([1])))
    assert list(validation_images([folder, listed], images, others[:0], 3, cpu)) == []


def test_a_dataset_without_a_test_split_is_told(tmp_path):
    folder = store(tmp_path / "store", train=5)
    assert "has no split test, only train; use another dataset" in fails(open_images, [folder])


def replace(name, array):
    return lambda folder: np.save(folder / name, array)


def cut(name, size):
    return lambda folder: os.truncate(folder / name, size)


def lengthen(folder):
    with open(folder / "train_images.npy", "ab") as file:
        file.write(b"\0")


def describe(text):
    return lambda folder: (folder / "store.json").write_text(text)


@pytest.mark.parametrize(
    ("damage", "file", "message"),
    [
        (
            replace("train_labels.npy", np.zeros(49, np.int64)),
            "train_labels.npy",
            "49 labels for the 50 images of train_",
        ),
        (
            replace("train_labels.npy", np.zeros(51, np.int64)),
            "train_labels.npy",
            "51 labels for the 50 images of train_",
        ),
        (replace("train_labels.npy", np.full(50, 7)), "train_labels.npy", "from 7 to 7 of 7 classes"),
        (replace("train_labels.npy", np.full(50, -1)), "train_labels.npy", "from -1 to -1 of 7 classes"),
        (replace("train_labels.npy", np.zeros(50, np.int32)), "train_labels.npy", "int32 (50,) instead of int64"),
        (replace("train_images.npy", np.zeros((50, 3, 4, 4))), "train_images.npy", "float64 (50, 3, 4, 4) instead"),
        (replace("train_images.npy", made_up(50)[0]), "train_images.npy", "uint8 (3, 4, 4) instead"),
        (replace("train_images.npy", made_up(0)), "train_images.npy", "uint8 (0, 3, 4, 4) instead"),
        (replace("train_images.npy", np.asfortranarray(made_up(50))), "train_images.npy", "instead of uint8"),
        (replace("train_images.npy", np.array([{}])), "train_images.npy", "object (1,) instead"),
        (cut("train_images.npy", 2527), "train_images.npy", "2527 bytes instead of 2528, cut off"),
        (lengthen, "train_images.npy", "2529 bytes instead of 2528"),
        (cut("train_images.npy", 100), "train_images.npy", "not a readable .npy file"),
        (cut("train_labels.npy", 0), "train_labels.npy", "not a readable .npy file"),
        (lambda folder: (folder / "train_images.npy").unlink(), "train_images.npy", "No such file"),
        (lambda folder: (folder / "test_labels.npy").unlink(), "test_labels.npy", "No such file"),
        (lambda folder: (folder / "store.json").unlink(), "store.json", "No such file"),
        (describe('{"classes": 7, "format": 2}'), "store.json", "format 2"),
        (describe('{"classes": "7", "format": 1}'), "store.json", "classes '7'"),
        (describe("[]"), "store.json", "not the description"),
        (describe("{"), "store.json", "not the description"),
    ],
)
def test_a_damaged_store_is_told(tmp_path, damage, file, message):
    folder = store(tmp_path / "store")
    damage(folder)
    told = fails(open_store, folder)
    assert told.startswith(f"{folder / file}: ")
    assert message in told
    assert told.endswith("delete the store and run again")


def test_a_store_without_training_images_or_none_at_all_is_told(tmp_path):
    assert "no train_images.npy" in fails(open_store, store(tmp_path / "store", test=5))
    assert str(tmp_path / "none") in fails(open_splits, tmp_path / "none")
    assert str(tmp_path / "none") in fails(open_store, tmp_path / "none")


STREAM = """
import sys
from pipeline.files.stores import open_store
from spurious.seeding import generator
from spurious.data.splits import prefetched, shuffled

def memory():
    fields = dict(line.split(":") for line in open("/proc/self/status"))
    return [int(fields[key].split()[0]) / 1024 for key in ("RssAnon", "VmRSS", "VmHWM")]

train = open_store(sys.argv[1]).splits["train"]
count, before = 0, None
for images, _ in prefetched(train, shuffled(train, 256, generator("memory"))):
    count += len(images)
    before = before or memory()
if sys.argv[2] == "whole":
    images = train._images.copy()
elif sys.argv[2] == "mapped":
    images = train._images.sum()
print(count, *(round(b - a) for a, b in zip(before, memory())))
"""
MB = 400


@pytest.fixture(scope="module")
def sparse(tmp_path_factory):
    """A store of 400 MB of zeros that take no room on the disk."""
    folder = tmp_path_factory.mktemp("sparse")
    count = MB * 2**20 // 12288
    shape = (count, 3, 64, 64)
    with open(folder / "train_images.npy", "wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        file.truncate(file.tell() + count * 12288)
    np.save(folder / "train_labels.npy", np.arange(count) * 1000 // count)
    write_description(folder, 1000)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("afterwards", "grows"),
    [("nothing", (False, False, False)), ("whole", (True, True, True)), ("mapped", (False, True, True))],
)
def test_memory_stays_flat_while_a_store_is_streamed(sparse, afterwards, grows):
    """Anonymous memory, all memory and its peak grow by less than 40 MB over 400 MB that are read.

    The same measure tells where a copy of all images is held, and where the pages of the map are kept.
    """
    command = [sys.executable, "-c", STREAM, sparse, afterwards]
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS), "OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    count, *grown = map(int, result.stdout.split())
    assert count == MB * 2**20 // 12288 // 256 * 256
    assert [megabytes > 40 for megabytes in grown] == list(grows), grown
    assert all(megabytes > MB - 40 for megabytes, expected in zip(grown, grows, strict=True) if expected)


# Writing


def tree(folder, side=9, classes="abc", train=5, test=2) -> list[str]:
    """Made-up photographs of random sizes about `side`, and the arguments that name them."""
    numbers = np.random.default_rng(0)
    for split, count in (("train", train), ("test", test)):
        for name in classes:
            (folder / split / name).mkdir(parents=True)
            for index in range(count):
                pixels = numbers.integers(0, 256, (side + index, side, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{index}.png")
    return ["--tree", f"train={folder / 'train'}", f"test={folder / 'test'}"]


def make(output, *arguments, classes=3, size=4):
    make_store.main([*map(str, arguments), "--classes", str(classes), "--size", str(size), "--output", str(output)])
    return open_store(output)


def run(output, *arguments, classes=3, size=4) -> str:
    """The one line in which the script, run by itself, says what is wrong; it leaves nothing behind."""
    beside = set(output.parent.iterdir())
    command = [sys.executable, SCRIPTS / "make_store.py", *arguments, "--classes", str(classes), "--size", str(size)]
    result = subprocess.run([*map(str, command), "--output", str(output)], capture_output=True, text=True)
    assert result.returncode == 1
    assert set(output.parent.iterdir()) == beside
    *bars, line = result.stderr.splitlines()
    assert all("% " in bar or "%|" in bar or not bar for bar in bars), bars  # of progress
    return line.removeprefix("error: ") if line.startswith("error: ") else pytest.fail(result.stderr)


def expected_images(folder, split, size=4):
    """As PIL shrinks them with a box, in the order of torchvision's ImageFolder."""
    from spurious import vision  # noqa: F401 - makes torchvision usable beside any torch
    from torchvision.datasets import ImageFolder  # isort: skip

    images = [np.asarray(image.resize((size, size), Image.Resampling.BOX)) for image, _ in ImageFolder(folder / split)]
    return torch.from_numpy(np.stack(images).transpose(0, 3, 1, 2)), ImageFolder(folder / split).targets


def test_a_tree_becomes_a_store_in_imagefolders_order(tmp_path):
    arguments = tree(tmp_path)
    (tmp_path / "train" / "a" / "notes.txt").write_text("no image")
    (tmp_path / "train" / "b" / "deeper").mkdir()
    (tmp_path / "train" / "b" / "0.png").rename(tmp_path / "train" / "b" / "deeper" / "x.PNG")
    made = make(tmp_path / "store", *arguments)
    assert made.classes == 3
    for split, count in (("train", 15), ("test", 6)):
        images, labels = expected_images(tmp_path, split)
        assert len(images) == len(made.splits[split]) == count
        assert torch.equal(made.splits[split].batch(torch.arange(count)), images)
        assert made.splits[split].labels.tolist() == labels


def test_photographs_of_a_tree_are_turned_upright_where_it_is_asked_for(tmp_path):
    arguments, upright = tree(tmp_path / "lying", side=7), tree(tmp_path / "upright", side=7)
    exif = Image.Exif()
    exif[0x0112] = 6
    for file in (tmp_path / "lying").rglob("*.png"):
        image = Image.open(file)
        image.save(file, exif=exif)
        image.transpose(Image.Transpose.ROTATE_270).save(tmp_path / "upright" / file.relative_to(tmp_path / "lying"))
    make(tmp_path / "as-asked", *arguments, "--exif-orientation")
    make(tmp_path / "stored", *arguments)
    make(tmp_path / "expected", *upright)
    assert content(tmp_path / "as-asked") == content(tmp_path / "expected") != content(tmp_path / "stored")


def test_threads_are_no_part_of_the_store(tmp_path, monkeypatch):
    arguments = tree(tmp_path)
    monkeypatch.setattr(make_store, "CHUNK", 4)
    for threads in (1, 5):
        make(tmp_path / f"store{threads}", *arguments, "--threads", threads)
    assert content(tmp_path / "store1") == content(tmp_path / "store5")


def content(folder):
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def test_validation_images_are_set_aside_at_random(tmp_path):
    arguments = tree(tmp_path, train=40)
    whole = make(tmp_path / "whole", *arguments).splits["train"]
    made = make(tmp_path / "store", *arguments, "--validation", 30)
    splits = made.splits
    assert {name: len(split) for name, split in splits.items()} == {"train": 90, "validation": 30, "test": 6}

    def rows(*sources):
        parts = [(source.batch(torch.arange(len(source))), source.labels) for source in sources]
        return sorted(
            bytes(image.numpy()) + bytes([label]) for some in parts for image, label in zip(*some, strict=True)
        )

    assert rows(whole) == rows(splits["train"], splits["validation"])
    assert set(splits["validation"].labels.tolist()) == {0, 1, 2}
    make(tmp_path / "again", *arguments, "--validation", 30)
    other = make(tmp_path / "other", *arguments, "--validation", 30, "--seed", 1).splits["validation"]
    assert content(tmp_path / "again") == content(tmp_path / "store")
    assert rows(other) != rows(splits["validation"])


@given(count=st.integers(2, 40), chosen=st.sets(st.integers(0, 39), min_size=1))
def test_taking_images_out_leaves_all_others(tmp_path_factory, count, chosen):
    folder, chosen = tmp_path_factory.mktemp("taken"), np.array(sorted(chosen))
    chosen = chosen[chosen < count - 1]
    writer = SplitWriter(folder, "train", (3, 4, 4))
    writer.append(made_up(count), np.arange(count))
    images, labels = writer.take_out(chosen)
    writer.close()
    write_description(folder, 40)
    np.testing.assert_array_equal(labels, chosen)
    np.testing.assert_array_equal(images, made_up(count)[chosen])
    left = open_store(folder).splits["train"]
    assert sorted(left.labels.tolist()) == sorted({*range(count)} - {*chosen.tolist()})
    assert torch.equal(left.batch(torch.arange(len(left))), torch.from_numpy(made_up(count))[left.labels])


@pytest.mark.parametrize("first", [0, 1])
def test_batch_files_become_a_store_numbered_from_zero(tmp_path, first):
    paths, arrays = [], []
    for number, split in enumerate(["train", "train", "test"]):
        data = made_up(6, seed=number)
        value = {"data": data.reshape(6, -1), "labels": [first + 1 + number % 2, first, *[first + 2] * 4]}
        path = tmp_path / f"{split}_{number}.npz"
        np.savez(path, **value)
        paths.append(f"{split}={path}")
        arrays.append(data)
    made = make(tmp_path / "store", "--batches", *paths)
    assert made.splits["train"].labels.tolist() == [1, 0, 2, 2, 2, 2, 2, 0, 2, 2, 2, 2]
    assert made.splits["test"].labels.tolist() == [1, 0, 2, 2, 2, 2]
    for split, expected in {"train": np.concatenate(arrays[:2]), "test": arrays[2]}.items():
        assert torch.equal(made.splits[split].batch(torch.arange(len(expected))), torch.from_numpy(expected))


def photographs(folder, grey=(3,)) -> list[str]:
    rows = []
    (folder / "images").mkdir(parents=True)
    for label in range(6):
        pixels = np.random.default_rng(label).integers(0, 256, (8, 12, 3), dtype=np.uint8)
        path = folder / "images" / f"{label}.png"
        Image.fromarray(pixels).save(path)
        kept = label not in grey
        rows.append({"image": path.name, "label": label, "name": "x", "sha256": sha256_of(path), "kept": kept})
    pd.DataFrame(rows).to_csv(folder / "images.csv", index=False)
    return ["--photographs", folder / "images", "--list", folder / "images.csv"]


def test_photographs_become_a_store_with_their_mirror_images(tmp_path):
    made = make(tmp_path / "store", *photographs(tmp_path), classes=6)
    train, mirrored = made.splits["train"], made.splits["mirrored"]
    assert set(made.splits) == {"train", "mirrored"}
    assert train.labels.tolist() == mirrored.labels.tolist() == [0, 1, 2, 4, 5]
    everything = torch.arange(5)
    assert torch.equal(train.batch(everything).flip(-1), mirrored.batch(everything))
    first = Image.open(tmp_path / "images" / "0.png").resize((4, 4), Image.Resampling.BOX)
    np.testing.assert_array_equal(train.batch(everything)[0].permute(1, 2, 0), np.asarray(first))


def test_a_linked_folder_of_a_tree_counts_and_a_loop_is_told(tmp_path):
    arguments = tree(tmp_path)
    shutil.move(tmp_path / "train/b", tmp_path / "elsewhere")
    (tmp_path / "train/b/more").mkdir(parents=True)
    (tmp_path / "train/b/more/linked").symlink_to(tmp_path / "elsewhere")
    made = make(tmp_path / "store", *arguments)
    assert made.splits["train"].labels.tolist() == [0] * 5 + [1] * 5 + [2] * 5
    (tmp_path / "train/b/more/again").symlink_to("..")
    with pytest.raises(SpuriousError, match="again: links to a folder that it lies in; remove this link"):
        make(tmp_path / "other", *arguments)


def test_files_of_a_tree_that_are_passed_over_are_counted_in_one_line(tmp_path, capsys):
    arguments = tree(tmp_path)
    place = Path(arguments[1].partition("=")[2]) / "a"
    for name in ("Thumbs.db", ".DS_Store", "notes.txt", "more.txt"):
        (place / name).write_bytes(b"stray")
    make(tmp_path / "store", *arguments)
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("left out")]
    assert line.startswith("left out 4 that are no .jpeg, .jpg, .png, .webp, .bmp, .gif, .tif, .tiff: ")
    assert line.endswith(f"{place / '.DS_Store'}, {place / 'Thumbs.db'}, {place / 'more.txt'}, ...")


def test_photographs_of_a_tree_that_become_rgb_are_counted_in_one_line(tmp_path, capsys):
    arguments = tree(tmp_path)
    for name, mode in (("0", "L"), ("1", "L"), ("2", "P")):
        file = tmp_path / "train" / "b" / f"{name}.png"
        Image.open(file).convert(mode).save(file)
    make(tmp_path / "store", *arguments)
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note")]
    counted = "3 photographs converted to RGB: 2 of grey levels (mode L), 1 of a palette (mode P)"
    assert line == f"note: {tmp_path / 'train'}: {counted}"


def test_batches_have_no_exif():
    wrong = ["--batches", "train=x", "test=y", "--exif-orientation", "--classes", "3", "--size", "4", "--output", "z"]
    with pytest.raises(SpuriousError, match=r"--exif-orientation is for --tree: batches have no EXIF"):
        make_store.parse(wrong)


@pytest.mark.parametrize("wrong", [["--photographs", "x"], ["--tree", "train=x", "--list", "y"], []])
def test_arguments_that_do_not_go_together_are_told(wrong):
    with pytest.raises(SpuriousError, match=r"--photographs needs --list|one of the arguments .* is required"):
        make_store.parse([*wrong, "--classes", "3", "--size", "4", "--output", "z"])


def test_a_photograph_that_has_changed_is_told(tmp_path):
    arguments = photographs(tmp_path)
    shutil.copy(tmp_path / "images" / "0.png", tmp_path / "images" / "1.png")
    assert "1.png: wrong sha256" in fails(make, tmp_path / "store", *arguments)


def test_unreadable_files_of_a_tree_are_told_in_one_line(tmp_path):
    arguments = tree(tmp_path)
    broken = [tmp_path / "train" / name for name in ("a/3.png", "b/0.png", "c/4.png")]
    for path in broken:
        path.write_bytes(path.read_bytes()[:60])
    line = run(tmp_path / "store", *arguments)
    assert line.startswith(f"{broken[0]}: cut off or damaged")
    assert f"; get the file again (and 2 more that cannot be read: {broken[1]}, {broken[2]})" in line


def test_of_many_unreadable_files_some_are_named(tmp_path):
    arguments = tree(tmp_path)
    for path in (tmp_path / "train").rglob("*.png"):
        path.write_bytes(b"")
    line = fails(make, tmp_path / "store", *arguments)
    assert "(and 14 more that cannot be read: " in line
    assert line.endswith(", ...)")
    assert line.count(".png") == 11


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_told(tmp_path):
    arguments = tree(tmp_path)
    (tmp_path / "test" / "b" / "0.png").chmod(0)
    assert "b/0.png: cannot be read (Permission denied)" in fails(make, tmp_path / "store", *arguments)


def test_a_store_whose_length_does_not_match_is_told_by_a_script_in_one_line(tmp_path):
    folder = store(tmp_path / "store")
    np.save(folder / "train_labels.npy", np.zeros(49, np.int64))
    code = "import sys; from pipeline.files import images; from pipeline.jobs.arguments import run\n"
    code += "run(lambda: images.open_splits(sys.argv[1]))"
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS)}
    result = subprocess.run([sys.executable, "-c", code, folder], env=environment, capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        f"error: {folder / 'train_labels.npy'}: 49 labels for the 50 images of train_images.npy; "
        "delete the store and run again"
    ]


def empty_class(folder):
    for path in (folder / "test" / "b").iterdir():
        path.unlink()


@pytest.mark.parametrize(
    ("change", "how", "message"),
    [
        (
            empty_class,
            {},
            "test/b: has no .jpeg, .jpg, .png, .webp, .bmp, .gif, .tif, .tiff files; fill or remove this class",
        ),
        (lambda folder: shutil.rmtree(folder / "test" / "b"), {}, "test: the class b is in one of train and test only"),
        (lambda folder: shutil.rmtree(folder / "test"), {}, "test: no such folder; fix its path in config.yaml"),
        (lambda folder: [shutil.rmtree(folder / "train" / name) for name in "abc"], {}, "train: has no subfolders"),
        (lambda folder: None, {"classes": 4}, "train: 3 classes instead of 4; set classes in config.yaml"),
    ],
)
def test_trees_that_do_not_fit_are_told(tmp_path, change, how, message):
    arguments = tree(tmp_path)
    change(tmp_path)
    assert message in fails(lambda: make(tmp_path / "store", *arguments, **how))
    assert not (tmp_path / "store").exists()


def batch_file(path, count=4, side=4, labels=(1, 2, 3, 3)) -> Path:
    with path.open("wb") as file:
        np.savez(file, data=made_up(count, side).reshape(count, -1), labels=list(labels))
    return path


@pytest.mark.parametrize(
    ("what", "how", "message"),
    [
        ({"side": 8}, {}, "bad: 8 pixels a side instead of 4; give other files or set size"),
        ({"labels": (1, 2, 3, 4)}, {}, "classes: 3, but the labels run from 0 to 3"),
        ({"labels": (-1, 0, 1, 2)}, {}, "classes: 3, but the labels run from -1 to 3"),
        ({"count": 3}, {}, "bad: 'labels' is int64 (4,), not one whole number for each of the 3 images"),
    ],
)
def test_batch_files_that_do_not_fit_are_told(tmp_path, what, how, message):
    good, bad = batch_file(tmp_path / "good"), batch_file(tmp_path / "bad", **what)
    arguments = ["--batches", f"train={good}", f"train={bad}", f"test={good}"]
    assert message in fails(lambda: make(tmp_path / "store", *arguments, **how))


def test_other_mistakes_are_told_in_one_line(tmp_path):
    good = batch_file(tmp_path / "good")
    both = [f"train={good}", f"test={good}"]
    assert "missing: cannot be read" in run(tmp_path / "store", "--batches", f"train={tmp_path}/missing", both[1])
    assert "for train and for test" in fails(make, tmp_path / "store", "--batches", both[0])
    assert "for train and for test" in fails(make, tmp_path / "store", "--batches", *both, f"valid={good}")
    assert "leaves none" in fails(make, tmp_path / "store", "--batches", *both, "--validation", 4)
    (tmp_path / "pickled").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    told = fails(make, tmp_path / "store", "--batches", f"train={tmp_path}/pickled", both[1])
    assert told.startswith(f"{tmp_path}/pickled: not an .npz archive; convert")


def test_a_failure_keeps_the_former_store(tmp_path):
    arguments = tree(tmp_path)
    make(tmp_path / "store", *arguments)
    before = content(tmp_path / "store")
    (tmp_path / "test" / "c" / "1.png").write_bytes(b"")
    run(tmp_path / "store", *arguments)
    assert content(tmp_path / "store") == before


def test_a_store_is_replaced_by_a_complete_one(tmp_path):
    store(tmp_path / "store", train=5, test=5, validation=3)
    made = make(tmp_path / "store", *tree(tmp_path))
    assert set(made.splits) == {"train", "test"}
    assert not list(tmp_path.glob(".store*"))


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SplitWriter, "append", full)
    told = fails(make, tmp_path / "store", *tree(tmp_path))
    assert told == f"{tmp_path / 'store'}: [Errno 28] No space left on device; fix this and run again"
    assert not list(tmp_path.glob("*store*"))


STOPPING = """
import signal, make_store
append = make_store.SplitWriter.append
def append_and_stop(*arguments):
    append(*arguments)
    print("appended", flush=True)
    signal.pause()
make_store.SplitWriter.append = append_and_stop
make_store.CHUNK = 100
make_store.run(make_store.main)
"""


def test_a_killed_run_leaves_no_store_and_the_next_one_none_of_its_pieces(tmp_path):
    arguments = [*tree(tmp_path, train=50), "--classes", "3", "--size", "64"]
    output, images = tmp_path / "store", tmp_path / ".store.part" / "train_images.npy"
    command = [sys.executable, "-c", STOPPING, *arguments, "--output", output]
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout.readline() == b"appended\n"
    process.kill()
    process.communicate()
    assert images.stat().st_size >= 100 * 3 * 64 * 64, "nothing was written yet"
    assert not output.exists()
    assert len(make(output, *arguments[:3], size=64).splits["train"]) == 150
    assert not list(tmp_path.glob(".store*"))


@pytest.mark.skipif(not LOCAL_DATA.is_dir(), reason="needs the sample photographs: set SPURIOUS_LOCAL_DATA")
def test_real_photographs_in_a_tree(tmp_path):
    """Two classes of real JPEG files, one photograph each, one of them grey."""
    images = sorted((LOCAL_DATA / "imagenet-sample-images").glob("*.JPEG"))[:2]
    for split in ("train", "test"):
        for path in images:
            (tmp_path / split / path.name[:9]).mkdir(parents=True)
            (tmp_path / split / path.name[:9] / path.name).symlink_to(path)
    made = make(tmp_path / "store", "--tree", f"train={tmp_path}/train", f"test={tmp_path}/test", classes=2, size=64)
    expected, labels = expected_images(tmp_path, "train", 64)
    assert torch.equal(made.splits["train"].batch(torch.arange(2)), expected)
    assert labels == [0, 1]
