"""A dataset of the configuration as tensors: <split>_images uint8 (N, C, H, W), <split>_labels int64 (N,)."""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.jobs.arguments import Parser, pair_argument, run, settings_argument
from pipeline.jobs.progress import tell
from spurious.data.sources import Digits, Idx, Npz, Source
from spurious.errors import SpuriousError

if TYPE_CHECKING:  # arguments are parsed, and mistakes in them told, without importing torch
    from spurious.data.datasets import Dataset


@functools.singledispatch
def load(source: Source, files: Mapping[str, str], names: Mapping[str, str]) -> "Dataset":
    """The dataset of a source and its files by key; `names` is what the user calls them.

    Raises SpuriousError where a source has no tensors, or a file does not hold what it should.
    """
    raise SpuriousError(f"config.yaml: the source {source.kind!r} has no tensors; use digits, idx or npz")


@load.register(Digits)
def _(source: Digits, files: Mapping[str, str], names: Mapping[str, str]) -> "Dataset":
    from spurious.data.datasets import digits

    return digits(source.size, source.validation, source.test, source.seed)


@load.register(Idx)
def _(source: Idx, files: Mapping[str, str], names: Mapping[str, str]) -> "Dataset":
    from spurious.data.datasets import IDX_KEYS, from_idx

    return from_idx({key: _read(files, key) for key in IDX_KEYS}, names, source.validation)


@load.register(Npz)
def _(source: Npz, files: Mapping[str, str], names: Mapping[str, str]) -> "Dataset":
    from spurious.data.datasets import from_npz

    content = _read(files, "archive")
    return from_npz(content, names["archive"], source.validation, source.test, source.seed, source.scale)


def _read(files: Mapping[str, str], key: str) -> bytes:
    if key not in files:
        raise SpuriousError(f"config.yaml: the dataset has no file {key!r}; add it under files")
    try:
        return Path(files[key]).read_bytes()
    except OSError as error:
        raise SpuriousError(f"{files[key]}: cannot be read ({error.strerror}); run snakemake to fetch it") from None


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the arguments and write the tensors; raises SpuriousError for anything a user can fix."""
    parser = Parser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="the safetensors file to write")
    parser.add_argument("--settings", type=settings_argument(Source), required=True, help="JSON: under datasets")
    parser.add_argument(
        "--files", type=pair_argument("key=path"), nargs="*", default=[], help="key=path of each fetched file"
    )
    parser.add_argument(
        "--names",
        type=pair_argument("key=name"),
        nargs="*",
        default=[],
        help="key=name of each file in messages, its path if left out",
    )
    arguments = parser.parse_args(argv)

    from pipeline.files.tensors import write_tensors

    source = arguments.settings
    files = dict(arguments.files)
    dataset = load(source, files, files | dict(arguments.names))
    for note in dataset.notes:
        tell(f"note: {note}")
    if dataset.classes != source.classes:
        raise SpuriousError(
            f"config.yaml: the dataset has {dataset.classes} classes, not {source.classes}; set its key classes"
        )
    tensors = {f"{split}_images": images for split, images in dataset.images.items()}
    tensors |= {f"{split}_labels": labels for split, labels in dataset.labels.items()}
    write_tensors(arguments.output, tensors)


if __name__ == "__main__":
    run(main)
