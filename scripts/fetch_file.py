"""One file of a dataset: from the local folder or its mirrors, unpacked, its sha256 checked."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.jobs.arguments import Parser, run


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the arguments and fetch the file; raises SpuriousError with every mirror's reason."""
    parser = Parser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="where the unpacked content goes")
    parser.add_argument("--dataset", required=True, help="the subfolder of --local-data to look in")
    parser.add_argument("--sha256", required=True, help="of the unpacked content, hexadecimal")
    parser.add_argument("--urls", nargs="+", required=True, help="tried in order; paths and file:// URLs also serve")
    parser.add_argument("--local-data", help="a folder that is looked in before any URL")
    arguments = parser.parse_args(argv)

    from pipeline.files.downloads import fetch

    fetch(
        arguments.output,
        dataset=arguments.dataset,
        sha256=arguments.sha256,
        urls=arguments.urls,
        local_data=arguments.local_data,
    )


if __name__ == "__main__":
    run(main)
