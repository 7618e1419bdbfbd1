"""The file of a classifier that was trained elsewhere: from the local folder or its address, its sha256 checked."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.jobs.arguments import Parser, json_argument, run


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the arguments and fetch the file; raises SpuriousError that says which file belongs where."""
    parser = Parser(description=__doc__)
    parser.add_argument("--settings", type=json_argument, required=True, help="JSON: the classifier's entry")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--local-data", help="a folder whose models/ is looked in before any URL")
    arguments = parser.parse_args(argv)

    from pipeline.files.downloads import fetch

    url, sha256 = source(arguments.settings)
    fetch(arguments.output, dataset="models", sha256=sha256, urls=[url], local_data=arguments.local_data)


def source(settings: Mapping[str, str]) -> tuple[str, str]:
    """Where the file is to be had (file name, path or URL), and its sha256 or, of torchvision's, its first digits."""
    if "torchvision" not in settings:
        return settings.get("torchscript") or settings["exported"], settings["sha256"]
    from spurious.classifiers.pretrained import (
        published_file,  # torch and torchvision: a program brought along needs neither
    )

    published = published_file(settings["torchvision"], settings["weights"])
    return published.url, settings.get("sha256", published.sha256)


if __name__ == "__main__":
    run(main)
