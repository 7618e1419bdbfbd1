"""Draw a figure of fooling by scores alone, or of transfer: NAME decides which, and which inputs it needs."""

import argparse

from matplotlib.figure import Figure

from pipeline.files.arrays import read_array
from pipeline.files.figures import figure_parser, write_figure
from pipeline.files.rows import read_rows
from pipeline.jobs.arguments import run
from spurious.experiments.black_box import figure, images_figure
from spurious.experiments.transfer import figure as transfer_figure
from spurious.experiments.transfer import table
from spurious.figures.pictures import pictures


def main(argv: list[str] | None = None) -> None:
    """Read the inputs, draw the figure, write it as PNG and as SVG."""
    write_figure(parse(argv))


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line; `draw` is the function of NAME."""
    parser, add = figure_parser(__doc__)
    own = add("black-box", black_box)
    own.add_argument("--rows", nargs="+", required=True, metavar="CSV", help="one file per classifier")
    own = add("black-box-images", black_box_images)
    own.add_argument("--rows", nargs="+", required=True, metavar="CSV", help="one file per classifier")
    own.add_argument("--images", nargs="+", required=True, metavar="SAFETENSORS", help="theirs, in the same order")
    own = add("transfer", transfer)
    own.add_argument("--rows", nargs="+", required=True, metavar="CSV")
    return parser.parse_args(argv)


def black_box(arguments: argparse.Namespace) -> Figure:
    """The share of searches that succeeded, over the queries."""
    return figure.black_box(read_rows(arguments.rows), arguments.title or "fooled by class scores alone")


def black_box_images(arguments: argparse.Namespace) -> Figure:
    """Images before and after evolution, of every classifier."""
    shown = {}
    for row_file, image_file in zip(arguments.rows, arguments.images, strict=True):
        rows = read_rows([row_file])
        for start in rows["start"].unique():
            both = (pictures(read_array(image_file, f"{start}/{name}")) for name in ("original", "evolution"))
            shown[rows["classifier"].iloc[0], start] = tuple(both)
    title = arguments.title or "images that evolution ends with, seeing class scores alone"
    return images_figure.black_box_images(read_rows(arguments.rows), shown, title)


def transfer(arguments: argparse.Namespace) -> Figure:
    """What images that fool one classifier do to the others."""
    rows = read_rows(arguments.rows)
    title = arguments.title or "images made to fool one classifier, judged by every other"
    return transfer_figure.transfer(table.transfer(rows), table.chance(rows), title)


if __name__ == "__main__":
    run(main)
