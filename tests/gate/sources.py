"""What the parts of the gate start from: real data cut down where they are at hand, else made-up ones.

Every function writes below `folder`, the gate's copy of the project, and returns what config.yaml says of the files.
"""

import csv
import gzip
import shutil
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from projects import sha256

PLACE = "gate-data"
IDX_FILES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}
SAMPLES = "imagenet-sample-images"
NETWORK = "mobilenet_v2_quant.torchscript.pt"
GREY = "n04254680_soccer_ball.JPEG"  # left out by its lack of colour
PHOTOGRAPHS = 40
COLORS = np.array([(0.7, 0.3, 0.2), (0.2, 0.6, 0.2), (0.9, 0.85, 0.1), (0.4, 0.6, 0.95)])


def real_photographs(folder, data):
    """Every 25th of the 1,000 photographs but for one that is grey, and the real classifier in `data`."""
    listed = folder / "workflow/resources/imagenet_samples.csv"
    rows = list(csv.DictReader(listed.read_text(encoding="utf-8").splitlines()))
    chosen = [*rows[:: len(rows) // PHOTOGRAPHS][1:], *(row for row in rows if row["file"] == GREY)]
    _write_manifest(folder, [(row["file"], row["label"], row["sha256"]) for row in chosen])
    _write_example(folder, data / SAMPLES / chosen[3]["file"])
    program = {"torchscript": NETWORK, "sha256": sha256(data / "models" / NETWORK), "resize": 256, "crop": 224}
    return {
        "local_data": str(data),
        "images": {"folder": SAMPLES, "classes": 1000, "class_names": "workflow/resources/imagenet_classes.csv"},
        "example": chosen[3]["file"],
        "targets": [int(row["label"]) for row in chosen[:4]],
        "classifier": program,
    }


def made_up_photographs(folder):
    """Noisy JPEGs around the colours of four classes, one of them grey, and a net that knows these colours."""
    pictures = folder / PLACE / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    random, rows = np.random.default_rng(0), []
    for number in range(PHOTOGRAPHS):
        label = number % len(COLORS)
        size = int(random.integers(40, 90)), int(random.integers(40, 90))
        image = Image.fromarray(_around(COLORS[label], size, random))
        path = pictures / f"photograph {number:02}.JPEG"
        (image.convert("L") if number == PHOTOGRAPHS - 1 else image).save(path, quality=90)
        rows.append((path.name, label, sha256(path)))
    _write_manifest(folder, rows)
    names = "".join(f"{label},n{label:08},colour {label}\n" for label in range(len(COLORS)))
    (folder / PLACE / "names.csv").write_text("label,wordnet,name\n" + names, encoding="utf-8")
    _write_example(folder, pictures / rows[3][0])
    (folder / PLACE / "models").mkdir(exist_ok=True)
    program = folder / PLACE / "models/colors.pt"
    _save_network(program)
    return {
        "local_data": PLACE,
        "images": {"folder": "pictures", "classes": len(COLORS), "class_names": f"{PLACE}/names.csv"},
        "example": rows[3][0],
        "targets": [0, 1, 2, 3],
        "classifier": {"torchscript": "colors.pt", "sha256": sha256(program), "resize": 28, "crop": 24},
    }


def idx_files(folder, data, *, classes, train, test):
    """The first images of the first classes of MNIST, or made-up ones, as the four IDX files of a dataset."""
    place = folder / PLACE / "idx"
    place.mkdir(parents=True, exist_ok=True)
    for part, count in (("train", train), ("test", test)):
        images, labels = _mnist(data, part) if data else _made_up_digits(part, classes, count)
        kept = np.flatnonzero(labels < classes)[:count]
        for kind, array in (("images", images), ("labels", labels)):
            _write_idx(place / IDX_FILES[f"{part}_{kind}"], array[kept])
    return {key: {"sha256": sha256(place / name), "urls": [f"{PLACE}/idx/{name}"]} for key, name in IDX_FILES.items()}


def archive(folder, *, classes):
    """scikit-learn's digits of the first classes, grey, 12x12 pixels, as an .npz file."""
    digits = load_digits()
    kept = digits.target < classes
    images = np.pad(digits.images[kept] * 15, [(0, 0), (2, 2), (2, 2)]).astype(np.uint8)
    path = folder / PLACE / "digits.npz"
    path.parent.mkdir(exist_ok=True)
    np.savez(path, images=images, labels=digits.target[kept])
    return {"archive": {"sha256": sha256(path), "urls": [f"{PLACE}/{path.name}"]}}


def trees(folder, *, classes, train, test):
    """Two trees of class folders with small made-up PNG files; `train` and `test` count those of each class."""
    random, places = np.random.default_rng(1), {}
    for split, count in (("train", train), ("test", test)):
        places[split] = f"{PLACE}/trees/{split}"
        shutil.rmtree(folder / places[split], ignore_errors=True)
        for label in range(classes):
            place = folder / places[split] / f"n{label:08}"
            place.mkdir(parents=True)
            for number in range(count):
                size = int(random.integers(9, 20)), int(random.integers(9, 20))
                Image.fromarray(_around(COLORS[label], size, random)).save(place / f"{number}.png")
    return places


def _write_example(folder, path):
    """A photograph for the commands that a person runs."""
    with Image.open(path) as image:
        image.convert("RGB").save(folder / PLACE / "example.png")


def _write_manifest(folder, rows):
    lines = [f"{name},{label},{hash_}\n" for name, label, hash_ in rows]
    (folder / PLACE).mkdir(exist_ok=True)
    (folder / PLACE / "manifest.csv").write_text("file,label,sha256\n" + "".join(lines), encoding="utf-8")


def _around(color, size, random):
    """Pixels around a colour, uint8 (height, width, 3)."""
    pixels = color + random.normal(0, 0.15, (*size, 3))
    return (pixels.clip(0, 1) * 255).astype(np.uint8)


def _save_network(path):
    import torch

    class Colors(torch.nn.Module):
        """Logits by the distance of a middle pixel's colour from those of the classes."""

        def __init__(self):
            super().__init__()
            self.register_buffer("colors", torch.tensor(COLORS, dtype=torch.float32))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            middle = images[:, :, 12, 12]
            return -30 * (middle[:, None] - self.colors).square().sum(dim=2)

    torch.jit.script(Colors()).save(path)


def _mnist(data, part):
    """Images uint8 (N, 28, 28) and labels uint8 (N,) of the packed files in `data`."""
    images, labels = (
        gzip.decompress((Path(data) / "mnist" / f"{IDX_FILES[f'{part}_{kind}']}.gz").read_bytes())
        for kind in ("images", "labels")
    )
    return np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28), np.frombuffer(labels, np.uint8, offset=8)


def _made_up_digits(part, classes, count):
    """A bright bar at a height that tells the class, in noise."""
    random = np.random.default_rng(["train", "test"].index(part))
    labels = random.integers(0, classes, count).astype(np.uint8)
    images = random.integers(0, 120, (count, 28, 28))
    for image, label in zip(images, labels, strict=True):
        image[4 + 7 * label : 9 + 7 * label, 6:22] += 100
    return images.astype(np.uint8), labels


def _write_idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    path.write_bytes(header + array.tobytes())
