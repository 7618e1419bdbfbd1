"""A manifest of your own photographs: every image file below a folder, with its label and sha256.

Example: python scripts/make_manifest.py /data/pets --output pets.csv --write-class-names pet_classes.csv
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from pipeline.files.atomic import write_text
from pipeline.files.listing import files_below, is_photograph, tell_left_out
from pipeline.files.photographs import read_class_names, sha256_of
from pipeline.jobs.arguments import Parser, run
from pipeline.jobs.progress import progress_bar
from spurious.data.manifest import Entry, class_of, labels_of_folders, parse_manifest, to_csv
from spurious.data.photographs import SUFFIXES
from spurious.errors import SpuriousError
from spurious.wording import plural


def main(argv: Sequence[str] | None = None) -> None:
    """Find the files, label them, write the manifest and, if asked to, the names of the classes."""
    arguments = parse(argv)
    files = find_files(arguments.folder)
    labels = label(files, arguments)
    hashes = hash_files(arguments.folder, files)
    text = to_csv([Entry(str(file), *rest) for file, *rest in zip(files, labels, hashes, strict=True)])
    parse_manifest(text, str(arguments.output))  # what the pipeline would refuse is told now
    write_text(arguments.output, text)
    if arguments.write_class_names:
        names = dict(zip(labels, (file.stem if by_order(arguments) else file.parts[0] for file in files), strict=True))
        write_text(arguments.write_class_names, to_csv([class_of(*pair) for pair in sorted(names.items())]))
    print(
        f"{arguments.output}: {plural(len(files), 'photograph')}, {plural(len(set(labels)), 'label')}", file=sys.stderr
    )


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--output", type=Path, required=True, help="the manifest, CSV: file, label, sha256")
    parser.add_argument(
        "--labels",
        choices=("folders", "order"),
        default="folders",
        help="what a label is: the place of the file's subfolder among all, sorted (as in torchvision's ImageFolder), "
        "or that of the file itself, for a folder with one photograph per class (default: %(default)s)",
    )
    parser.add_argument(
        "--class-names",
        metavar="CSV",
        help="label, wordnet, name of a classifier's classes: subfolders are called by id or name and get its labels",
    )
    parser.add_argument("--write-class-names", metavar="CSV", help="also write label, wordnet, name")
    arguments = parser.parse_args(argv)
    if arguments.class_names and (arguments.write_class_names or by_order(arguments)):
        parser.error("--class-names goes with --labels folders, and without --write-class-names")
    return arguments


def by_order(arguments: argparse.Namespace) -> bool:
    return arguments.labels == "order"


def find_files(folder: Path) -> list[PurePosixPath]:
    """The photographs below `folder`, relative to it and sorted; those that are left out are told on the terminal."""
    taken, others = [], []
    for file in files_below(folder, hidden=False):
        path = file.relative_to(folder)
        (taken if is_photograph(path) and not is_hidden(path) else others).append(path)
    tell_left_out(others, hidden=True)
    files = sorted(PurePosixPath(path.as_posix()) for path in taken)
    if not files:
        raise SpuriousError(f"{folder}: holds no {', '.join(SUFFIXES)} file; change the path")
    return files


def is_hidden(path: Path) -> bool:
    """Whether the name of a file, or of a folder that it is in, begins with a dot."""
    return any(part.startswith(".") for part in path.parts)


def hash_files(folder: Path, files: Sequence[PurePosixPath]) -> list[str]:
    try:
        return [sha256_of(folder / file) for file in progress_bar(files, desc="sha256", unit="file", mininterval=1)]
    except OSError as error:
        raise SpuriousError(f"{error.filename}: cannot be read ({error.strerror}); make it readable") from None


def label(files: Sequence[PurePosixPath], arguments: argparse.Namespace) -> list[int]:
    """One label per file, as the arguments want it."""
    for file in files:
        if by_order(arguments) and len(file.parts) > 1:
            raise SpuriousError(f"{arguments.folder / file}: lies in a subfolder; move it up, or use --labels folders")
        if not by_order(arguments) and len(file.parts) == 1:
            raise SpuriousError(f"{arguments.folder / file}: lies in no subfolder; move it, or use --labels order")
    if by_order(arguments):
        return list(range(len(files)))
    folders = sorted({file.parts[0] for file in files})
    if arguments.class_names:
        labels = labels_of_folders(folders, read_class_names(arguments.class_names), arguments.class_names)
    else:
        refuse_empty(arguments.folder, folders)
        labels = {folder: label for label, folder in enumerate(folders)}
    return [labels[file.parts[0]] for file in files]


def refuse_empty(folder: Path, filled: Sequence[str]) -> None:
    """SpuriousError for a subfolder without a photograph, or a broken link, which would give its label to the next."""
    for path in sorted(folder.iterdir()):
        if path.is_file() or is_hidden(Path(path.name)) or path.name in filled:
            continue
        if not path.exists():
            raise SpuriousError(f"{path}: is a broken link; fix or remove it")
        raise SpuriousError(f"{path}: holds no {', '.join(SUFFIXES)} file; fill or remove this class")


if __name__ == "__main__":
    run(main)
