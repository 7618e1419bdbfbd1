"""Photographs on disk: their manifest, the folder of files, the list of those that are kept."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from spurious.data.manifest import ClassName, Entry, parse_class_names, parse_manifest, plain_path
from spurious.errors import SpuriousError, reason_of

if TYPE_CHECKING:  # fetching files should not pay for importing torch
    from torch import Tensor

Rows = TypeVar("Rows")
NAMED = 10  # unreadable files that an error names
TURNED = "exif_orientation"  # a column of the list; only there where the photographs are turned upright


def read_manifest(path: str | Path, classes: int | None = None) -> list[Entry]:
    """The photographs of a manifest; raises SpuriousError as `spurious.data.manifest.parse_manifest`."""
    return _parse(path, parse_manifest, classes)


def read_class_names(path: str | Path, classes: int | None = None) -> list[ClassName]:
    """The classes of a list of class names; raises SpuriousError as `spurious.data.manifest.parse_class_names`."""
    return _parse(path, parse_class_names, classes)


def _parse(path: str | Path, parse: Callable[[str, str, int | None], Rows], classes: int | None) -> Rows:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpuriousError(f"{path}: not a readable text file ({error}); change the path or the file") from None
    return parse(text, str(path), classes)


def sha256_of(path: str | Path) -> str:
    """The SHA-256 of a file's content, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_photograph(path: Path, sha256: str) -> bytes:
    """The content of a file of the folder of images; SpuriousError where it has not this sha256."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SpuriousError(
            f"{path}: cannot be read ({error.strerror}); delete the folder of images and run again"
        ) from None
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise SpuriousError(
            f"{path}: wrong sha256 {found}, wanted {sha256}: it has changed since it was fetched; put the right file "
            "back, or delete the folder of images and run again"
        )
    return content


def all_unreadable(failures: Sequence[SpuriousError]) -> SpuriousError:
    """What is wrong with the first file, and which others cannot be read."""
    others = [str(failure).partition(": ")[0] for failure in failures[1:]]
    if not others:
        return failures[0]
    names = ", ".join(others[:NAMED]) + ", ..." * (len(others) > NAMED)
    return SpuriousError(f"{failures[0]} (and {len(others)} more that cannot be read: {names})")


@dataclass(frozen=True, kw_only=True)
class Photographs:
    """The photographs that are kept, in the order of their list; pixels are read when they are asked for.

    `ids` are paths inside `folder`, `labels` int64 (N,), `names` those of the classes, `hashes` SHA-256. With
    `exif_orientation` they are turned upright.
    """

    folder: Path
    ids: list[str]
    labels: "Tensor"
    names: list[str]
    hashes: list[str]
    exif_orientation: bool = False

    def __len__(self) -> int:
        return len(self.ids)

    def load(self, index: int) -> "Tensor":
        """One photograph, uint8 (3, H, W); SpuriousError, naming the file, if it has changed since it was listed."""
        from spurious.data.photographs import decode

        path = self.folder / self.ids[index]
        content = read_photograph(path, self.hashes[index])
        return decode(content, str(path), exif_orientation=self.exif_orientation)


def turned_column(list_csv: str | Path) -> list[str]:
    """The column TURNED if the list has it; what pandas raises where the file is no table."""
    import pandas as pd

    return [TURNED] if TURNED in pd.read_csv(list_csv, nrows=0) else []


def read_listed(paths: Sequence[str]) -> Photographs:
    """`open_photographs` of a folder and its list."""
    return open_photographs(*paths)


def open_photographs(folder: str | Path, list_csv: str | Path) -> Photographs:
    """The photographs of `folder` that the list of prepare_images.py keeps; SpuriousError where it is none.

    They are turned upright where the list has the column `exif_orientation`.
    """
    import pandas as pd
    import torch

    from pipeline.files.rows import TEXT

    types = {"label": "int64", "kept": "bool"} | {name: TEXT[name] for name in ("image", "name", "sha256")}
    try:
        # an image may be called "NA"
        rows = pd.read_csv(list_csv, usecols=[*types, *turned_column(list_csv)], dtype=types, keep_default_na=False)
    except (OSError, ValueError, OverflowError) as error:
        reason = reason_of(error)
        raise SpuriousError(
            f"{list_csv}: not a readable list of photographs ({reason}); delete it and run again"
        ) from None
    kept = rows[rows["kept"]]
    return Photographs(
        folder=Path(folder),
        ids=[plain_path(name, str(list_csv)) for name in kept["image"]],
        labels=torch.tensor(kept["label"].tolist(), dtype=torch.int64),
        names=kept["name"].tolist(),
        hashes=kept["sha256"].tolist(),
        exif_orientation=TURNED in rows,
    )
