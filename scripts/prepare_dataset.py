"""A dataset of the configuration as tensors: <split>_images uint8 (N, C, H, W), <split>_labels int64 (N,)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.jobs.arguments import Parser, json_argument, pair_argument, run
from spurious.errors import SpuriousError
from spurious.settings import from_mapping

if TYPE_CHECKING:  # arguments are parsed, and mistakes in them told, without importing torch
    from spurious.data.datasets import Dataset


@dataclass(frozen=True, kw_only=True)
class Digits:
    """scikit-learn's digits at `size` x `size` pixels; `seed` is that of the stratified split."""

    size: int
    validation: int
    test: int
    seed: int = 0

    def load(self, files: Mapping[str, str]) -> "Dataset":
        """The dataset; there are no files."""
        from spurious.data.datasets import digits

        return digits(self.size, self.validation, self.test, self.seed)


@dataclass(frozen=True, kw_only=True)
class Idx:
    """Four IDX files; the first `validation` training images are the validation split."""

    validation: int

    def load(self, files: Mapping[str, str]) -> "Dataset":
        """The dataset of the files train_images, train_labels, test_images and test_labels."""
        from spurious.data.datasets import IDX_KEYS, from_idx

        return from_idx({key: _read(files, key) for key in IDX_KEYS}, files, self.validation)


@dataclass(frozen=True, kw_only=True)
class Npz:
    """An own dataset in one .npz file; `seed` is that of the stratified split."""

    validation: int
    test: int
    seed: int = 0

    def load(self, files: Mapping[str, str]) -> "Dataset":
        """The dataset of the file archive."""
        from spurious.data.datasets import from_npz

        return from_npz(_read(files, "archive"), files["archive"], self.validation, self.test, self.seed)


OTHER_KEYS = ("source", "files", "classes")
SOURCES = {"digits": Digits, "idx": Idx, "npz": Npz}


def source_of(settings: Mapping[str, Any]) -> Digits | Idx | Npz:
    """The source that an entry of `datasets:` describes; its files are handed over apart.

    Raises SpuriousError for an unknown source or key.
    """
    name = settings.get("source")
    if name not in SOURCES:
        raise SpuriousError(f"config.yaml: unknown source {name!r} of a dataset; known are {', '.join(SOURCES)}")
    return from_mapping(SOURCES[name], {key: settings[key] for key in settings if key not in OTHER_KEYS})


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
    parser.add_argument("--settings", type=json_argument, required=True, help="JSON: the entry under datasets")
    parser.add_argument(
        "--files", type=pair_argument("key=path"), nargs="*", default=[], help="key=path of each fetched file"
    )
    arguments = parser.parse_args(argv)

    from pipeline.files.tensors import write_tensors

    dataset = source_of(arguments.settings).load(dict(arguments.files))
    expected = arguments.settings.get("classes", 10)
    if dataset.classes != expected:
        raise SpuriousError(
            f"config.yaml: the dataset has {dataset.classes} classes, not {expected}; set its key classes"
        )
    tensors = {f"{split}_images": images for split, images in dataset.images.items()}
    tensors |= {f"{split}_labels": labels for split, labels in dataset.labels.items()}
    write_tensors(arguments.output, tensors)


if __name__ == "__main__":
    run(main)
