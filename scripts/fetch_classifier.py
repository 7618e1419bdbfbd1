"""The file of a classifier that was trained elsewhere: from the local folder or its address, its sha256 checked."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.jobs.arguments import Parser, run, settings_argument
from spurious.classifiers.trained_elsewhere import ClassifierEntry  # with the kinds that come as a file, and no others


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the arguments and fetch the file; raises SpuriousError that says which file belongs where."""
    parser = Parser(description=__doc__)
    parser.add_argument("--settings", type=settings_argument(ClassifierEntry), required=True, help="JSON: its entry")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--local-data", help="a folder whose models/ is looked in before any URL")
    arguments = parser.parse_args(argv)

    from pipeline.files.classifier_files import fetch_classifier

    fetch_classifier(arguments.output, arguments.settings, arguments.local_data)


if __name__ == "__main__":
    run(main)
