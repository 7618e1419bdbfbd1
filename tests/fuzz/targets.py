"""What is fuzzed: for every kind of file that others make, the function that reads it, and valid files to start from.

A target takes any bytes. The first byte chooses how the others are used: as the file itself, or as a part of a valid
file that a random change would hardly reach, such as the header of an array in an archive whose checksums are right.
"""

import copy
import functools
import gzip
import hashlib
import io
import json
import pickle
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import safetensors.torch
import torch
import yaml
from PIL import Image

from pipeline.files import checkpoints, classifiers, downloads, rows, stores
from pipeline.files import estimators as files_estimators
from pipeline.files import photographs as files_photographs
from pipeline.files import tensors as files_tensors
from pipeline.files import weights as files_weights
from pipeline.files.images import open_splits
from spurious import configuration
from spurious.classifiers import linear, pretrained, scikit_learn
from spurious.classifiers.entries import Boosted, ClassifierEntry, Forest, Nearest
from spurious.classifiers.models import Description, build_classifier
from spurious.data import datasets, downsampled, idx, packing, photographs
from spurious.data.splits import InMemory
from spurious.errors import SpuriousError
from spurious.experiments.linear.settings import LinearSettings
from spurious.registry import parse

ROOT = Path(__file__).parents[2]
MB = 1 << 20
NAME = "some/file"
UNPACKED_MOST = MB  # in place of packing.MOST_IN_MEMORY: the bound is the same rule, only reached sooner


class Target(NamedTuple):
    """`read(content, folder)` may raise SpuriousError and nothing else, may write below `folder` only, and may take
    `limit` MB of memory; `seeds()` are inputs to start from, and none is longer than `length` bytes.
    """

    read: Callable[[bytes, Path], None]
    seeds: Callable[[], list[bytes]]
    limit: int
    length: int = 4096


class Broken(AssertionError):
    """A guarantee that does not hold."""


def told(call: Callable[..., Any], *arguments: Any) -> Any:
    """What the call returns, None where it raises our own error; Broken where that is not one line."""
    try:
        return call(*arguments)
    except SpuriousError as error:
        if len(str(error).splitlines()) != 1:
            raise Broken(f"not one line: {str(error)!r}") from None
        return None


# Making and changing files


class Choices:
    """Random bytes as a sequence of choices; zeros where they end."""

    def __init__(self, data: bytes):
        self._data = iter(data)

    def below(self, count: int) -> int:
        """A number from 0 to count - 1; `count` is at most 65536."""
        number = next(self._data, 0) if count <= 256 else next(self._data, 0) << 8 | next(self._data, 0)
        return number % count

    def of(self, values: Any) -> Any:
        """One of the values."""
        return values[self.below(len(values))]


def nested(depth: int) -> list:
    """A list in a list in a list ..."""
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


def cyclic() -> list:
    """A list that contains itself, as YAML's anchors can make it."""
    value: list = []
    value.append(value)
    return value


PLAIN = (None, True, False, -1, 0, 1, 3, 2**31, 2**63, 2**64, 10**30, 1e308, 0.5, "", "x", "../../x", "/etc/passwd")
PLAIN += (
    "a\nb",
    "\x00",
    "\u2028",
    [],
    {},
    [[]],
    {"x": None},
    [0, 1],
    "os.system",
    "builtins.eval",
    "sklearn.tree._tree.Tree",
)
NUMBERS = (float("inf"), float("-inf"), float("nan"))
YAML_ONLY = ({1: 2}, {None: 0}, [{1: 2}], b"x", 1 << 20000, {1 << 20000: 1})


def edited(base: Any, choices: Choices, values: tuple = PLAIN + NUMBERS) -> Any:
    """A copy of `base`, nested lists and dictionaries, with up to three values replaced, removed or added."""
    whole = {"": copy.deepcopy(base)}
    for _ in range(1 + choices.below(3)):
        place, key = whole, ""
        while isinstance(place[key], dict | list) and place[key] and (key == "" or choices.below(8)):
            place = place[key]
            key = choices.of(list(place) if isinstance(place, dict) else range(len(place)))
        action = choices.below(8)
        value = "nested" if action == 7 else copy.deepcopy(choices.of(values))
        if action == 6 and place is not whole:
            del place[key]
        elif action == 5 and isinstance(place, dict) and place is not whole:
            place[choices.of(("x", "../x", "..", "a\nb", "sha256", "override", ""))] = place[key]
        else:
            place[key] = value
    return whole[""]


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as packed:
        for name, content in members.items():
            packed.writestr(zipfile.ZipInfo(name), content, method)
    return file.getvalue()


def unzipped(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def archive(method: int = zipfile.ZIP_STORED, **members: bytes) -> bytes:
    return zipped({f"{name}.npy": content for name, content in members.items()}, method)


def header(shape: str, descr: str = "'|u1'", fortran: str = "False") -> bytes:
    """The header of an .npy file as numpy writes it, of a shape and dtype in Python's notation."""
    text = f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text) + 1) + text.encode() + b"\n"


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


# IDX and gzip


@functools.cache
def idx_files() -> dict[str, bytes]:
    images, labels = struct.pack(">4I", 0x803, 4, 3, 3) + bytes(36), struct.pack(">2I", 0x801, 4) + bytes([1, 0, 2, 1])
    return {key: images if key.endswith("images") else labels for key in datasets.IDX_KEYS}


def read_idx(content: bytes, folder: Path) -> None:
    key = datasets.IDX_KEYS[content[0] % 4] if content else "train_images"
    contents = idx_files() | {key: content[1:]}
    told(idx.parse_images, content[1:], NAME)
    told(idx.parse_labels, content[1:], NAME)
    if not content[1:].startswith(packing.GZIP_MAGIC):  # that is the next target
        told(datasets.from_idx, contents, dict.fromkeys(contents, NAME), 1)


def idx_seeds() -> list[bytes]:
    hostile = [struct.pack(">4I", 0x803, *[2**32 - 1] * 3), struct.pack(">4I", 0x803, 2**32 - 1, 0, 0)]
    files = [*idx_files().values(), *hostile]
    return [bytes([index % 4]) + file for index, file in enumerate(files)]


WANTED = b"what was published"


def read_gzip(content: bytes, folder: Path) -> None:
    unpacked = told(lambda: packing.unpack(content, NAME, most=UNPACKED_MOST))
    if unpacked is not None and len(unpacked) > UNPACKED_MOST:
        raise Broken(f"{len(unpacked)} bytes")
    output = folder / "output"
    output.unlink(missing_ok=True)
    sha256, source = hashlib.sha256(WANTED).hexdigest(), written(folder, "source", content)
    told(lambda: downloads.fetch(output, dataset="data", sha256=sha256, urls=[str(source)]))
    if output.exists() != (unpacked == WANTED) or (output.exists() and output.read_bytes() != WANTED):
        raise Broken("a file whose sha256 is wrong was put in place, or the right one was not")


def gzip_seeds() -> list[bytes]:
    packed = gzip.compress(WANTED, mtime=0)
    named = b"\x1f\x8b\x08\x1f" + bytes(6) + b"\x02\x00xyname\x00comment\x00" + b"hc" + packed[10:]
    return [packed, WANTED, packed + packed, packed[:-8], named, gzip.compress(bytes(2 * UNPACKED_MOST), mtime=0)]


# Arrays


@functools.cache
def own_arrays() -> dict[str, bytes]:
    return {"images": npy(noise(12, 3, 3)), "labels": npy(np.arange(12) % 2)}


def as_archive(content: bytes, members: dict[str, bytes]) -> bytes:
    """The content itself, or an archive with it in the place of one of the members, stored or packed."""
    mode = content[0] % 8 if content else 0
    if mode == 0:
        return content[1:]
    name = list(members)[mode % len(members)]
    methods = (zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA)
    return archive(methods[mode // 2], **members | {name: content[1:]})


def read_npz(content: bytes, folder: Path) -> None:
    told(datasets.from_npz, as_archive(content, own_arrays()), NAME, 2, 2, 0)


NPY_HEADERS = [
    header("(12, 3, 3)"),
    header("(1000000000000, 3, 3)"),
    header("(18446744073709551616,)"),
    header("(-1, -3, 3)"),
    header("(12,)", "'<i8'"),
    header("(12, 3, 3)", "'|O'"),
    header("(12, 3, 3)", "[('x', '|u1')]"),
    header("(12L, 3L, 3L)"),
    header("(12, 3, 3", "'|u1'"),
    header("(" * 200 + ")" * 200),
]


def npz_seeds() -> list[bytes]:
    whole = [archive(method, **own_arrays()) for method in (0, 8, 12, 14)]
    parts = [bytes([1 + index % 6]) + part for index, part in enumerate([*own_arrays().values(), *NPY_HEADERS])]
    return [*(b"\0" + file for file in whole), *parts]


@functools.cache
def batch_arrays() -> dict[str, bytes]:
    return {"data": npy(noise(4, 12)), "labels": npy(np.arange(1, 5))}


def read_batch(content: bytes, folder: Path) -> None:
    told(downsampled.parse_batch, io.BytesIO(as_archive(content, batch_arrays())), NAME)


def batch_seeds() -> list[bytes]:
    pickled = pickle.dumps({"data": noise(4, 12), "labels": [1, 2, 3, 4]})
    parts = [bytes([1 + index % 6]) + part for index, part in enumerate([*batch_arrays().values(), *NPY_HEADERS])]
    return [*(b"\0" + content for content in [archive(**batch_arrays()), pickled]), *parts]


# Images


def read_image(content: bytes, folder: Path) -> None:
    content = with_checksums(content)
    told(photographs.decode_array, content, NAME)
    told(photographs.describe, content, NAME)
    told(downsampled.shrink, content, NAME, 4)


def with_checksums(content: bytes) -> bytes:
    """A PNG file with the right checksum after every chunk, so that changes are not refused for it; else as it is."""
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        return content
    parts, position = [content[:8]], 8
    while position + 8 <= len(content):
        (size,) = struct.unpack_from(">I", content, position)
        chunk = content[position + 4 : position + 8 + size]
        parts += [content[position : position + 4], chunk, struct.pack(">I", zlib.crc32(chunk))]
        position += 12 + size
    return b"".join(parts)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *, depth: int = 8, colour: int = 2, chunks: bytes = b"", data: bytes = b"") -> bytes:
    """A PNG file of that size whatever its data."""
    start = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + start + chunks + png_chunk(b"IDAT", zlib.compress(data)) + png_chunk(b"IEND", b"")


def image_seeds() -> list[bytes]:
    files = [encoded("PNG", mode) for mode in ("RGB", "L", "LA", "P", "RGBA", "1", "I;16")]
    files += [encoded("JPEG", mode) for mode in ("RGB", "L", "CMYK")]
    files += [encoded(form, mode) for form in ("WEBP", "BMP", "GIF", "TIFF") for mode in ("RGB", "L")]
    files += [encoded("TIFF", "CMYK"), encoded("TIFF", "RGB", compression="tiff_lzw")]
    exif = Image.Exif()
    exif[0x0112] = 6
    files += [encoded("JPEG", "RGB", exif=exif), encoded("JPEG", "RGB", progressive=True)]
    files += [encoded("PNG", "P", transparency=b"\x00\x80"), encoded("PNG", "RGB", transparency=(1, 2, 3))]
    return [*files, png(100_000, 100_000), png(9_000, 9_000)]


def encoded(form: str, mode: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(noise(5, 6, 3)).convert("L" if mode == "I;16" else mode).convert(mode).save(file, form, **options)
    return file.getvalue()


# Tensors


DESCRIPTION = {"architecture": "cnn", "image_shape": [1, 4, 4], "classes": 2, "channels": [1, 2], "units": 3}


@functools.cache
def weights() -> bytes:
    model = build_classifier(parse(Description, DESCRIPTION))
    return safetensors.torch.save(model.state_dict(), {"classifier": json.dumps(DESCRIPTION)})


@functools.cache
def prepared() -> bytes:
    tensors = {}
    for split in datasets.SPLITS:
        tensors |= {f"{split}_images": torch.zeros(2, 1, 3, 3, dtype=torch.uint8), f"{split}_labels": torch.arange(2)}
    return safetensors.torch.save(tensors)


def split_header(content: bytes) -> tuple[dict[str, Any], bytes]:
    """The header of a safetensors file and the bytes of its tensors."""
    size = struct.unpack_from("<Q", content)[0]
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def jsoned(value: Any) -> str:
    """The value as JSON, with lists in lists in place of a word: Python cannot write what is nested so deep."""
    return json.dumps(value).replace('"nested"', "[" * 5000 + "]" * 5000)


def joined(text: Any, tensors: bytes) -> bytes:
    content = jsoned(text).encode()
    return struct.pack("<Q", len(content)) + content + tensors


def as_tensors(content: bytes, valid: bytes, key: str | None) -> bytes:
    """The content itself, or a valid file with its header changed, or the JSON under `key` of its metadata."""
    mode, rest = (content[0] % 4, content[1:]) if content else (0, b"")
    if mode == 0:
        return rest
    described, tensors = split_header(valid)
    if mode == 1 or key is None:
        return joined(edited(described, Choices(rest)), tensors)
    text = edited(json.loads(described["__metadata__"][key]), Choices(rest)) if mode == 2 else None
    described["__metadata__"][key] = rest.decode("latin1") if mode == 3 else jsoned(text)
    return joined(described, tensors)


def read_weights(content: bytes, folder: Path) -> None:
    path = written(folder, "weights.safetensors", as_tensors(content, weights(), "classifier"))
    told(files_weights.read_description, path)
    model = told(files_weights.load_classifier, path, torch.device("cpu"))
    if model is not None and any(parameter.requires_grad for parameter in model.parameters()):
        raise Broken("its parameters are not frozen")


def changes(first: int, *pairs: tuple[int, int]) -> list[bytes]:
    """Inputs that make `edited` go to different places."""
    return [bytes([first, 0, place, 1, action, value]) for place, action, value in ((p, a, 7) for p, a in pairs)]


def weights_seeds() -> list[bytes]:
    described, tensors = split_header(weights())
    described["__metadata__"]["classifier"] = json.dumps(DESCRIPTION | {"units": 10**7})
    claims = struct.pack("<Q", 2**60) + b"{}"
    files = [weights(), joined(described, tensors), claims, b"\x08" + bytes(7) + b"{}      "]
    text = json.dumps(DESCRIPTION).encode()
    return [*(b"\0" + file for file in files), *(bytes([1, n, n]) for n in range(8)), b"\x02\x04\x04", b"\x03" + text]


def read_prepared(content: bytes, folder: Path) -> None:
    path = written(folder, "data.safetensors", as_tensors(content, prepared(), None))
    told(files_tensors.read_dataset, path)
    told(open_splits, path)


def prepared_seeds() -> list[bytes]:
    return [b"\0" + prepared(), *(bytes([1, n, n, n]) for n in range(16))]


@functools.cache
def trainer() -> linear.LinearTrainer:
    source = InMemory(torch.zeros(4, 1, 2, 2, dtype=torch.uint8), torch.arange(4) % 2)
    settings = LinearSettings(weight_decays=(0.0, 0.1), learning_rate=0.1, batch_size=2, epochs=1)
    return linear.LinearTrainer(source, settings, 2, seed=0)


@functools.cache
def checkpoint() -> bytes:
    columns = ("losses", "penalties", "validation_accuracies")
    row = {"step": 1, "learning_rate": 0.1, **{key: [0.5, 0.5] for key in columns}}
    made_with = checkpoints.fingerprint(trainer(), None, "code")
    state = {name: tensor.contiguous() for name, tensor in trainer().state().items()}
    return safetensors.torch.save(state, {"made_with": made_with, "history": json.dumps([row])})


def read_checkpoint(content: bytes, folder: Path) -> None:
    path = written(folder, "checkpoint", as_tensors(content, checkpoint(), "history"))
    told(checkpoints._restore, trainer(), path, split_header(checkpoint())[0]["__metadata__"]["made_with"])


def checkpoint_seeds() -> list[bytes]:
    history = split_header(checkpoint())[0]["__metadata__"]["history"]
    return [b"\0" + checkpoint(), *(bytes([1, n, n, n]) for n in range(8)), b"\x02\x04\x04", b"\x03" + history.encode()]


# Classifiers


ENTRIES = (
    Forest(trees=2),
    Boosted(rounds=2, leaves=3),
    Nearest(neighbours=2),
)


@functools.cache
def estimators() -> list[bytes]:
    images, labels = torch.from_numpy(noise(40, 1, 2, 2)).float() / 255, torch.arange(40) % 2
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.skops" for number in range(len(ENTRIES))]
        for path, entry in zip(paths, ENTRIES, strict=True):
            files_estimators.write(path, scikit_learn.fit(entry, images, labels, 0))
        return [path.read_bytes() for path in paths]


def read_estimator(content: bytes, folder: Path) -> None:
    mode = content[0] if content else 0
    entry = ENTRIES[mode % 3]
    file = content[1:] if mode < 64 else changed_estimator(estimators()[mode % 3], mode, content[1:])
    path = written(folder, "model.skops", file)
    classifier = told(files_estimators.read, path, entry)
    if classifier is not None:
        told(scikit_learn.scores_of(classifier), torch.zeros(2, 1, 2, 2))


def changed_estimator(valid: bytes, mode: int, content: bytes) -> bytes:
    """A valid file with its schema changed, or a number in one of its arrays."""
    members = unzipped(valid)
    if mode < 160:
        schema = edited(json.loads(members["schema.json"]), Choices(content))
        members["schema.json"] = jsoned(schema).encode()
    else:
        choices = Choices(content)
        name = choices.of([name for name in members if name.endswith(".npy")])
        array, place = bytearray(members[name]), choices.below(2**16)
        for offset in range(1 + choices.below(8)):
            array[(128 + place + offset) % len(array)] = choices.below(256)
        members[name] = bytes(array)
    return zipped(members)


def estimator_seeds() -> list[bytes]:
    schemas = [bytes([64 + kind, *([n] * 12)]) for kind in range(3) for n in range(1, 8)]
    numbers = [bytes([160 + kind, n, 0, 64 * n % 256, 7, *([255] * 8)]) for kind in range(3, 6) for n in range(6)]
    return [*(bytes([kind]) + file for kind, file in enumerate(estimators())), *schemas, *numbers]


PROGRAM = b"PK\x03\x04 stands for a program"
HASHES = (hashlib.sha256(PROGRAM).hexdigest(), hashlib.sha256(PROGRAM).hexdigest().upper(), "0" * 64)


def read_program(content: bytes, folder: Path) -> None:
    """A program must reach its opener only when the file has the sha256 of the configuration."""
    kind, sha256 = ("torchscript", "exported")[content[0] % 2 if content else 0], HASHES[len(content) % 3]
    path = written(folder, "program", content[1:])
    opened: list[bytes] = []
    before = dict(pretrained._OPENERS)
    pretrained._OPENERS.update(
        dict.fromkeys(before, lambda found, *_: opened.append(found) or torch.nn.Identity()),
    )
    try:
        entry = parse(ClassifierEntry, {kind: str(path), "sha256": sha256})
        told(classifiers.open_classifier, path, entry, torch.device("cpu"))
    finally:
        pretrained._OPENERS.update(before)
    if opened and hashlib.sha256(opened[0]).hexdigest() != sha256.lower():
        raise Broken("a program was opened whose sha256 is wrong")
    if not opened and hashlib.sha256(content[1:]).hexdigest() == sha256.lower():
        raise Broken("the right program was refused")


def program_seeds() -> list[bytes]:
    return [b"\0" + PROGRAM, b"\1" + PROGRAM, b"\0" + PROGRAM + b"!", b"\0" + PROGRAM[:-1], b"\0"]


# Stores


@functools.cache
def store_files() -> dict[str, bytes]:
    images, labels = npy(noise(4, 3, 2, 2)), npy(np.array([0, 1, 1, 0]))
    return {"store.json": b'{"classes": 2, "format": 1}', "train_images.npy": images, "train_labels.npy": labels}


def read_store(content: bytes, folder: Path) -> None:
    store = folder / "store"
    store.mkdir(exist_ok=True)
    names = list(store_files())
    changed = names[content[0] % 3] if content else names[0]
    for name, valid in store_files().items():
        written(store, name, content[1:] if name == changed else valid)
    opened = told(stores.open_store, store)
    if opened is not None:
        batch = opened.splits["train"].batch(torch.arange(4))
        if batch.dtype != torch.uint8 or batch.ndim != 4:
            raise Broken(f"a batch of {batch.dtype} {tuple(batch.shape)}")


def store_seeds() -> list[bytes]:
    files = list(store_files().values())
    valid = [bytes([index]) + file for index, file in enumerate(files)]
    images = [header("(4, -3, -2, 2)") + noise(48).tobytes(), *(start + noise(108).tobytes() for start in NPY_HEADERS)]
    return [*valid, *(b"\x01" + start for start in images), *(b"\x02" + start for start in NPY_HEADERS)]


# Texts


def read_manifest(content: bytes, folder: Path) -> None:
    path = written(folder, "manifest.csv", content)
    for entry in told(files_photographs.read_manifest, path, 10) or ():
        inside("images", entry.file)
    told(files_photographs.read_class_names, path, 10)
    told(files_photographs.read_class_names, path)


def inside(*parts: str) -> None:
    """Broken unless the path of these parts stays in the folder that the first one names."""
    path = PurePosixPath(*parts)
    if path.parts[0] != parts[0] or ".." in path.parts or "\0" in str(path):
        raise Broken(f"{path} leaves {parts[0]}")


def manifest_seeds() -> list[bytes]:
    sha256 = "ab" * 32
    lines = [f"a.png,0,{sha256}", f"b/c.png,9,{sha256}", f"../x,0,{sha256}", f"/x,1,{sha256}", f'"a,""b""",2,{sha256}']
    manifests = ["file,label,sha256\n" + line + "\n" for line in [*lines, "\n".join(lines[:2]), f"a,{'9' * 20},x"]]
    names = ["label,wordnet,name\n0,n01440764,tench\n1,,gold fish\n", "\ufefflabel,wordnet,name\r\n0,,a\r\n"]
    return [text.encode() for text in [*manifests, *names]]


LISTED = "image,label,name,sha256,kept\n"


def read_csv(content: bytes, folder: Path) -> None:
    path = written(folder, "rows.csv", content)
    told(rows.read_rows, [path])
    photographs_kept = told(files_photographs.open_photographs, folder, path)
    for name in photographs_kept.ids if photographs_kept is not None else ():
        inside("images", name)


def csv_seeds() -> list[bytes]:
    sha256 = "cd" * 32
    lists = [
        f"a.png,0,x,{sha256},True\n",
        f"NA,1,,{sha256},False\n",
        f"../a,0,x,{sha256},True\n",
        f"a,{10**30},x,y,True\n",
    ]
    return [b"a,b\n1,2\n", b"a,b\n1,2,3\n4\n", b'a\n"\n', *((LISTED + line).encode() for line in lists)]


# The configuration


@functools.cache
def shipped() -> dict[str, Any]:
    """The configuration."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    config["experiments"] = {name: config["experiments"][name] for name in ("digits", "imagenet-samples")}
    config["targets"] = {"demo": ["digits"], "paper": ["digits"]}
    return config


def read_config(content: bytes, folder: Path) -> None:
    base = shipped()
    values = (*PLAIN, *NUMBERS, *YAML_ONLY)
    choices = Choices(content[1:])
    config = edited(base, choices, values)
    if content[:1] > b"\xf0":
        at = choices.of(list(base))
        config = {**base, at: choices.of((nested(5000), cyclic(), {"x": cyclic()}))}
    try:
        configuration.check(config)
    except SpuriousError as error:
        if len(str(error).splitlines()) != 1:
            raise Broken(f"not one line: {str(error)!r}") from None
        return
    for path in paths_of(config):
        inside("results", *path)


def paths_of(config: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """What becomes part of a path below results/."""
    for dataset in config["experiments"]:
        effective = configuration.settings_for(config, dataset)
        entry = effective["datasets"][dataset]
        yield dataset, "images", entry.get("example", "x")
        names = [*effective["classifiers"], *effective["backworking"]["searches"], *effective["fooling"]["methods"]]
        for name in [*names, *effective["smoothing"]["variants"], *entry.get("files", {})]:
            yield dataset, name


def config_seeds() -> list[bytes]:
    return [bytes([n, n % 3, *(bytes([m, 1]) * 3), n % 8, m]) for n in range(0, 256, 32) for m in range(0, 30, 10)]


TARGETS = {
    "idx": Target(read_idx, idx_seeds, 64),
    "gzip": Target(read_gzip, gzip_seeds, 64),
    "npz": Target(read_npz, npz_seeds, 128),
    "batch": Target(read_batch, batch_seeds, 128),
    "image": Target(read_image, image_seeds, 1280),
    "weights": Target(read_weights, weights_seeds, 128),
    "prepared": Target(read_prepared, prepared_seeds, 64),
    "checkpoint": Target(read_checkpoint, checkpoint_seeds, 64),
    "estimator": Target(read_estimator, estimator_seeds, 128, 16384),
    "program": Target(read_program, program_seeds, 64),
    "store": Target(read_store, store_seeds, 64),
    "manifest": Target(read_manifest, manifest_seeds, 64),
    "csv": Target(read_csv, csv_seeds, 64),
    "config": Target(read_config, config_seeds, 64, 64),
}
