"""Manifests: which photographs a dataset has (file, label, sha256), and what its labels are called."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import PurePosixPath

from spurious.errors import SpuriousError


@dataclass(frozen=True)
class Entry:
    """One photograph: its path inside the folder of images, its label, the SHA-256 of its content (hexadecimal)."""

    file: str
    label: int
    sha256: str


@dataclass(frozen=True)
class ClassName:
    """What a label stands for; `wordnet` is the WordNet id of an ImageNet class, or empty. Names may repeat."""

    label: int
    wordnet: str
    name: str


def parse_manifest(text: str, name: str, classes: int | None = None) -> list[Entry]:
    """The photographs of a CSV file `file,label,sha256`, in its order; labels run from 0 to `classes` - 1.

    Raises SpuriousError, naming `name` and the line, for a path that leaves the folder, a file that occurs twice or
    is another's folder, a label out of range, a sha256 that is none, other columns, and where there are no rows.
    """
    entries = {}
    for place, row in _rows(text, name, Entry):
        file = plain_path(row["file"], place)
        if file in entries:
            raise SpuriousError(f"{place}: {file} occurs a second time; remove one of the two rows")
        entries[file] = Entry(file, _label(row["label"], classes, place), _sha256(row["sha256"], place))
    if not entries:
        raise SpuriousError(f"{name}: lists no photograph; make it with scripts/make_manifest.py")
    for folder in sorted({str(parent) for file in entries for parent in PurePosixPath(file).parents} & entries.keys()):
        raise SpuriousError(f"{name}: {folder} is a file and a folder; rename one of the two")
    return list(entries.values())


def parse_class_names(text: str, name: str, classes: int | None = None) -> list[ClassName]:
    """The classes of a CSV file `label,wordnet,name`, in the order of their labels.

    Raises SpuriousError, naming `name`, unless each label from 0 to `classes` - 1 (None: to the largest that occurs)
    has exactly one row with a name.
    """
    found = {}
    for place, row in _rows(text, name, ClassName):
        label = _label(row["label"], classes, place)
        if label in found:
            raise SpuriousError(f"{place}: label {label} occurs a second time; remove one of the two rows")
        if not row["name"].strip():
            raise SpuriousError(f"{place}: label {label} has no name; add it")
        found[label] = ClassName(label, row["wordnet"], row["name"])
    count = max(found, default=0) + 1 if classes is None else classes
    for label in range(count):
        if label not in found:
            raise SpuriousError(f"{name}: label {label} has no row; each label from 0 to {count - 1} needs one")
    return [found[label] for label in range(count)]


def to_csv(rows: Sequence[Entry] | Sequence[ClassName]) -> str:
    """What `parse_manifest` or `parse_class_names` reads back; `rows` is not empty."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(field.name for field in fields(rows[0]))
    writer.writerows(map(astuple, rows))
    return file.getvalue()


def class_of(label: int, text: str) -> ClassName:
    """The class that a file or folder is named after: "n01531178_house_finch" is "house finch", n01531178."""
    wordnet, name = re.fullmatch(r"(n\d{8}(?=_|$)|)_?(.*)", text, re.DOTALL).groups()
    return ClassName(label, wordnet, name.replace("_", " ").strip() or text)


def labels_of_folders(folders: Iterable[str], classes: Sequence[ClassName], name: str) -> dict[str, int]:
    """The label of each folder, which is called by a class's WordNet id or name.

    Raises SpuriousError, naming the folder and `name` (the list of `classes`), where none or several are called so.
    """
    labels = {}
    for folder in folders:
        found = [
            known.label for known in classes if folder in (known.wordnet, known.name, known.name.replace(" ", "_"))
        ]
        if len(found) != 1:
            trouble = f"labels {', '.join(map(str, found))} are called so" if found else "no class is called so"
            raise SpuriousError(f"{folder}: {trouble} in {name}; name the folder by the WordNet id of its class")
        labels[folder] = found[0]
    return labels


def _rows(text: str, name: str, cls: type) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row with its place in words; the columns are the fields of `cls`."""
    columns = [field.name for field in fields(cls)]
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        header = next(reader, [])
        if header != columns:
            found = ",".join(header)[:80]
            raise SpuriousError(f"{name}: its first line is {found!r}; the columns must be {','.join(columns)}")
        for row in filter(None, reader):  # not the blank lines
            place = f"{name}: line {reader.line_num}"
            if len(row) != len(columns):
                raise SpuriousError(f"{place}: {len(row)} fields instead of {','.join(columns)}; fix it")
            yield place, dict(zip(columns, row, strict=True))
    except csv.Error as error:
        raise SpuriousError(f"{name}: line {reader.line_num}: no CSV ({error}); fix it") from None


def plain_path(file: str, place: str) -> str:
    """`file` itself, a path that does not leave its folder; else SpuriousError, which names the `place` of it.

    A name that begins with a dot is refused: so are called the files that are still being written there.
    """
    path = PurePosixPath(file)
    if not file.isprintable():
        raise SpuriousError(f"{place}: {file!r} has unprintable characters; rename the file")
    if path.is_absolute() or ".." in path.parts or str(path) != file or file == ".":
        raise SpuriousError(f"{place}: {file!r} is no plain path inside the folder of images; fix it")
    if any(part.startswith(".") for part in path.parts):
        raise SpuriousError(f"{place}: {file!r} is hidden, a name begins with a dot; rename it")
    return file


def _label(text: str, classes: int | None, place: str) -> int:
    # ASCII and short: int() would also take "1_0", other scripts' digits, and fail for 5,000 of them
    label = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else -1
    if label < 0 or (classes is not None and label >= classes):
        last = "" if classes is None else f" to {classes - 1}"
        raise SpuriousError(f"{place}: label {text[:80]!r} must be a whole number from 0{last}; fix it")
    return label


def _sha256(text: str, place: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise SpuriousError(f"{place}: sha256 {text[:80]!r} must be 64 hexadecimal digits; fix it")
    return text.lower()
