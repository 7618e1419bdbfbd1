"""A dataset of the configuration as tensors: <split>_images uint8 (N, C, H, W), <split>_labels int64 (N,)."""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.jobs.arguments import Parser, pair_argument, run, settings_argument
from spurious.data.sources import Digits, Idx, Npz, Source
from spurious.errors import SpuriousError

if TYPE_CHECKING:  # arguments are parsed, and mistakes in them told, without importing torch
    from spurious.data.datasets import Dataset


@functools.singledispatch
def load(source: Source, files: Mapping[str, str]) -> "Dataset":
    """The dataset of a source and its files by name; SpuriousError where a source has no tensors."""
    raise SpuriousError(f"config.yaml: the source {source.kind!r} has no tensors; use digits, idx or npz")


@load.register(Digits)
def _(source: Digits, files: Mapping[str, str]) -> "Dataset":
    from spurious.data.datasets import digits

    return digits(source.size, source.validation, source.test, source.seed)


@load.register(Idx)
def _(source: Idx, files: Mapping[str, str]) -> "Dataset":
    from spurious.data.datasets import IDX_KEYS, from_idx

    return from_idx({key: _read(files, key) for key in IDX_KEYS}, files, source.validation)


@load.register(Npz)
def _(source: Npz, files: Mapping[str, str]) -> "Dataset":
    from spurious.data.datasets import from_npz

    return from_npz(_read(files, "archive"), files["archive"], source.validation, source.test, source.seed)


def _read(files: Mapping[str, str], key: str) -> bytes:
    if key not in files:
        raise SpuriousError(f"config.yaml: the dataset has no file {key!r}; add it under files")
    try:
        return Path(files[key]).read_bytes()
    except OSError as error:
        raise SpuriousError(f"{files[key]}: cannot be read ({error.strerror}); run snakemake to fetch it") from None


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the arguments and write the tensors; raises SpuriousError for anything a user can mend."""
    parser = Parser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="the safetensors file to write")
    parser.add_argument("--settings", type=settings_argument(Source), required=True, help="JSON: under datasets")
    parser.add_argument(
        "--files", type=pair_argument("key=path"), nargs="*", default=[], help="key=path of each fetched file"
    )
    arguments = parser.parse_args(argv)

    from pipeline.files.tensors import write_tensors

    source = arguments.settings
    dataset = load(source, dict(arguments.files))
    if dataset.classes != source.classes:
        raise SpuriousError(
            f"config.yaml: the dataset has {dataset.classes} classes, not {source.classes}; set its key classes"
        )
    tensors = {f"{split}_images": images for split, images in dataset.images.items()}
    tensors |= {f"{split}_labels": labels for split, labels in dataset.labels.items()}
    write_tensors(arguments.output, tensors)


if __name__ == "__main__":
    run(main)
