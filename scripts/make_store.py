"""A store of small images (see pipeline/files/stores.py) from trees of photographs, batch files, or listed photographs.

The folder is built beside its place and moved there when it is whole. Example: python scripts/make_store.py
--tree train=data/train test=data/val --classes 1000 --size 64 --validation 10000 --seed 0 --output results/mine/store
"""

import argparse
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from pipeline.files.atomic import remove, replace_folder, unfinished
from pipeline.files.listing import files_below, is_photograph, tell_left_out
from pipeline.files.photographs import all_unreadable, open_photographs, read_photograph
from pipeline.jobs.arguments import COUNT, INDEX, SEED, THREADS, Parser, answer_help, pair_argument, run
from pipeline.jobs.devices import granted_cpus
from pipeline.jobs.progress import note, progress_bar
from spurious.data.downsampled import parse_batch, shrink
from spurious.data.photographs import SUFFIXES, conversions
from spurious.errors import SpuriousError


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    pairs = {"nargs": "+", "type": pair_argument("split=path"), "metavar": "SPLIT=PATH"}
    sources = parser.add_mutually_exclusive_group(required=True)
    sources.add_argument("--tree", **pairs, help="a folder for train and one for test, with a subfolder per class")
    sources.add_argument("--batches", **pairs, help="files of the downsampled ImageNet for train and for test")
    sources.add_argument("--photographs", help="the folder of fetch_images.py; makes train and mirrored")
    parser.add_argument("--list", help="which photographs: the CSV file of prepare_images.py")
    parser.add_argument("--exif-orientation", action="store_true", help="turn the photographs of trees upright")
    parser.add_argument("--classes", type=COUNT, required=True, help="how many there are")
    parser.add_argument("--size", type=COUNT, required=True, help="pixels in height and width")
    parser.add_argument("--validation", type=INDEX, default=0, help="training images to set aside as a split")
    parser.add_argument("--seed", type=SEED, default=0, help="which ones these are")
    parser.add_argument("--threads", type=THREADS, default=granted_cpus(), help="that decode; no part of the result")
    parser.add_argument("--output", type=Path, required=True, help="the folder to make")
    arguments = parser.parse_args(argv)
    if bool(arguments.photographs) != bool(arguments.list) or (arguments.photographs and arguments.validation):
        parser.error("--photographs needs --list, and no --validation; nothing else takes --list")
    if arguments.exif_orientation and not arguments.tree:
        parser.error("--exif-orientation is for --tree: batches have no EXIF, a list says itself what is turned")
    return arguments


answer_help(__name__, parse)

from pipeline.files.stores import SplitWriter, write_description

CHUNK = 1024  # images that are decoded before they are written
Part = tuple[str, np.ndarray, np.ndarray]  # split, images uint8 (n, 3, S, S), labels (n,)


def main(argv: Sequence[str] | None = None) -> None:
    """Write the splits of the one kind of input that is given; raises SpuriousError for anything a user can fix."""
    arguments = parse(argv)
    try:
        with whole_folder(arguments.output) as folder:
            write_store(folder, arguments)
    except OSError as error:
        raise SpuriousError(f"{arguments.output}: {error}; fix this and run again") from None


@contextmanager
def whole_folder(output: Path) -> Iterator[Path]:
    """A new folder that takes the place of `output` when the block ends without an error.

    What a killed run has left is removed by the next one.
    """
    building = unfinished(output, ".part")
    remove(building)
    building.mkdir(parents=True)
    try:
        yield building
        replace_folder(building, output)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def write_store(folder: Path, arguments: argparse.Namespace) -> None:
    """All splits, and last the description."""
    writers: dict[str, SplitWriter] = {}
    for split, images, labels in parts(arguments):
        if split not in writers:
            writers[split] = SplitWriter(folder, split, images.shape[1:])
        writers[split].append(images, labels)
        del images, labels  # before the next ones take memory, too
    if arguments.batches:
        number_from_zero(writers.values())
    check_labels(writers.values(), arguments.classes)
    if arguments.validation:
        images, labels = set_aside(writers["train"], arguments.validation, arguments.seed)
        writers["validation"] = SplitWriter(folder, "validation", images.shape[1:])
        writers["validation"].append(images, labels)
    for writer in writers.values():
        writer.close()
    write_description(folder, arguments.classes)


def number_from_zero(writers: Iterable[SplitWriter]) -> None:
    """Labels of batch files begin at 1, unless a 0 occurs anywhere."""
    if min(writer.labels.min() for writer in writers) > 0:
        for writer in writers:
            writer.labels -= 1


def check_labels(writers: Iterable[SplitWriter], classes: int) -> None:
    """SpuriousError where a label is out of range."""
    first = min(writer.labels.min() for writer in writers)
    last = max(writer.labels.max() for writer in writers)
    if first < 0 or last >= classes:
        raise SpuriousError(f"classes: {classes}, but the labels run from {first} to {last}; change it in config.yaml")


def set_aside(writer: SplitWriter, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Take so many random images with their labels out of a split."""
    import torch

    from spurious.seeding import generator

    images = len(writer.labels)
    if count >= images:
        raise SpuriousError(f"validation: {count} of {images} training images leaves none; lower it in config.yaml")
    chosen = torch.randperm(images, generator=generator(seed, "validation"))[:count]
    return writer.take_out(chosen.sort().values.numpy())


def parts(arguments: argparse.Namespace) -> Iterator[Part]:
    """The images of the input as they come; SpuriousError unless there are some for train and some for test."""
    if arguments.photographs:
        return from_photographs(arguments)
    pairs = arguments.tree or arguments.batches
    if {split for split, _ in pairs} != {"train", "test"}:
        found = ", ".join(f"{split}={path}" for split, path in pairs)
        raise SpuriousError(f"{found}: give something for train and for test, and for no other split")
    return from_trees(arguments) if arguments.tree else from_batches(arguments)


def from_batches(arguments: argparse.Namespace) -> Iterator[Part]:
    """The content of batch files, one file at a time."""
    for split, path in progress_bar(arguments.batches, desc="batch files", unit="file"):
        yield split, *read_batch(path, arguments.size)


def read_batch(path: str, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of a batch file of images of this size."""
    try:
        with open(path, "rb") as file:
            images, labels = parse_batch(file, path)
    except OSError as error:
        raise SpuriousError(f"{path}: cannot be read ({error.strerror}); fix its path in config.yaml") from None
    if images.shape[-1] != size:
        raise SpuriousError(f"{path}: {images.shape[-1]} pixels a side instead of {size}; give other files or set size")
    return images, labels


def from_trees(arguments: argparse.Namespace) -> Iterator[Part]:
    """Trees with a subfolder per class; classes are numbered by name, as by torchvision's ImageFolder."""
    trees = {split: list_tree(Path(path)) for split, path in arguments.tree}
    for split, path in arguments.tree:
        check_classes(path, list(trees[split]), list(trees["train"]), arguments.classes)
    for split, tree in trees.items():
        files = [file for of_class in tree.values() for file in of_class]
        labels = np.repeat(np.arange(len(tree)), [len(of_class) for of_class in tree.values()])
        for some, images in shrunk(files, Path.read_bytes, split, arguments):
            yield split, images, labels[some]


def list_tree(folder: Path) -> dict[str, list[Path]]:
    """The image files below every subfolder, by its name, all sorted; SpuriousError where there are none."""
    if not folder.is_dir():
        raise SpuriousError(f"{folder}: no such folder; fix its path in config.yaml")
    tree, others = {}, []
    for entry in sorted(folder.iterdir()):
        files = sorted(files_below(entry)) if entry.is_dir() else [entry]
        others += [file for file in files if not is_photograph(file) and file.is_file()]
        if entry.is_dir():
            tree[entry.name] = list(filter(is_photograph, files))
    tell_left_out(others, hidden=False)
    if not tree:
        raise SpuriousError(f"{folder}: has no subfolders; give the folder that holds one for each class")
    for name, files in tree.items():
        if not files:
            raise SpuriousError(f"{folder / name}: has no {', '.join(SUFFIXES)} files; fill or remove this class")
    return tree


def check_classes(folder: str, names: list[str], trained: list[str], classes: int) -> None:
    """SpuriousError unless a tree has the classes of the training tree, and so many."""
    if names != trained:
        odd = sorted({*names} ^ {*trained})[0]
        raise SpuriousError(f"{folder}: the class {odd} is in one of train and test only; give trees that fit together")
    if len(names) != classes:
        raise SpuriousError(f"{folder}: {len(names)} classes instead of {classes}; set classes in config.yaml")


def from_photographs(arguments: argparse.Namespace) -> Iterator[Part]:
    """The photographs that a list keeps, in its order, as train, and mirrored left to right as mirrored."""
    photographs = open_photographs(arguments.photographs, arguments.list)
    paths = [photographs.folder / name for name in photographs.ids]
    hashes, labels = dict(zip(paths, photographs.hashes, strict=True)), photographs.labels.numpy()
    arguments = argparse.Namespace(**vars(arguments) | {"exif_orientation": photographs.exif_orientation})
    for some, images in shrunk(paths, lambda path: read_photograph(path, hashes[path]), "photographs", arguments):
        yield "train", images, labels[some]
        yield "mirrored", images[..., ::-1], labels[some]


def shrunk(
    paths: Sequence[Path], read: Callable[[Path], bytes], name: str, arguments: argparse.Namespace
) -> Iterator[tuple[slice, np.ndarray]]:
    """The images of the files, a chunk at a time; after the last one SpuriousError where any was unreadable."""
    failures, modes = [], []
    with ThreadPoolExecutor(arguments.threads) as pool, progress_bar(desc=name, total=len(paths), unit="image") as bar:
        for start in range(0, len(paths), CHUNK):
            some = slice(start, start + CHUNK)
            results = list(pool.map(lambda path: shrunk_or_error(path, read, arguments), paths[some]))
            failures += [result for result in results if isinstance(result, SpuriousError)]
            bar.update(len(results))
            if not failures:
                modes += [mode for _, mode in results]
                yield some, np.stack([image for image, _ in results])
    if failures:
        raise all_unreadable(failures)
    if arguments.tree:  # a list has been counted when it was made
        note(conversions(modes), dict(arguments.tree)[name])


def shrunk_or_error(
    path: Path, read: Callable[[Path], bytes], arguments: argparse.Namespace
) -> tuple[np.ndarray, str] | SpuriousError:
    """The image of a file and the mode that it had, or why it cannot be had."""
    try:
        return shrink(read(path), str(path), arguments.size, exif_orientation=arguments.exif_orientation)
    except SpuriousError as error:
        return error
    except OSError as error:
        return SpuriousError(f"{path}: cannot be read ({error.strerror}); fix this and run again")


if __name__ == "__main__":
    run(main)
