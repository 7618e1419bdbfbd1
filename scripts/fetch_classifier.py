"""The file of a classifier that was trained elsewhere: from the local folder or its address, its sha256 checked."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.jobs.arguments import Parser, run, settings_argument
from spurious.classifiers.entries import ClassifierEntry, Torchvision


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the arguments and fetch the file; raises SpuriousError that says which file belongs where."""
    parser = Parser(description=__doc__)
    parser.add_argument("--settings", type=settings_argument(ClassifierEntry), required=True, help="JSON: its entry")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--local-data", help="a folder whose models/ is looked in before any URL")
    arguments = parser.parse_args(argv)

    from pipeline.files.downloads import fetch

    url, sha256 = source(arguments.settings)
    fetch(arguments.output, dataset="models", sha256=sha256, urls=[url], local_data=arguments.local_data)


def source(entry: ClassifierEntry) -> tuple[str, str]:
    """Where the file is to be had (file name, path or URL), and its sha256 or, of torchvision's, its first digits."""
    if not isinstance(entry, Torchvision):
        return getattr(entry, entry.kind), entry.sha256
    # torch and torchvision: a program brought along needs neither
    from spurious.classifiers.pretrained import published_file

    published = published_file(entry.torchvision, entry.weights)
    return published.url, entry.sha256 or published.sha256


if __name__ == "__main__":
    run(main)
