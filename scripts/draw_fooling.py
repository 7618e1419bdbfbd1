"""Draw one figure about fooling by the gradient; NAME decides which."""

import argparse
import json

import pandas as pd
from matplotlib.figure import Figure
from safetensors import SafetensorError, safe_open

from pipeline.files.arrays import read_array
from pipeline.files.figures import figure_parser, write_figure
from pipeline.files.photographs import read_class_names
from pipeline.jobs.arguments import run
from spurious.errors import SpuriousError, unknown_name
from spurious.experiments.fooling import figure as figures

NOTHING = "Nothing to show: the classifier got no image right before, and no method starts from noise."
MOST = 3  # methods that fit beside each other


def main(argv: list[str] | None = None) -> None:
    """Read the examples, draw the figure, write it as PNG and as SVG."""
    write_figure(parse(argv))


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line; `draw` is the function of NAME."""
    parser, add = figure_parser(__doc__)
    own = add("fooling", fooling)
    own.add_argument("--examples", required=True, metavar="SAFETENSORS", help="of fool_classifier.py")
    own.add_argument("--methods", nargs="+", metavar="NAME", help=f"the first {MOST} that clamp if left out")
    own.add_argument("--class-names", metavar="CSV", help="the classes' numbers if left out")
    return parser.parse_args(argv)


def fooling(arguments: argparse.Namespace) -> Figure:
    """Examples, the magnified change, and what the classifier then takes them for."""
    rows = read_example_rows(arguments.examples)
    if rows.empty:
        return figures.nothing(arguments.title or "fooled along its gradient", NOTHING)
    chosen = arguments.methods or first_methods(rows)
    if len(chosen) > MOST:
        raise SpuriousError(f"--methods: {len(chosen)} do not fit on a page; give {MOST} or fewer")
    panels = in_common([panel(arguments.examples, rows, name) for name in chosen])
    names = arguments.class_names and [known.name for known in read_class_names(arguments.class_names)]
    title = arguments.title or f"{rows['classifier'].iloc[0]}, fooled along its gradient, seed {rows['seed'].iloc[0]}"
    return figures.fooling(panels, title, names)


def first_methods(rows: pd.DataFrame) -> list[str]:
    """The first methods that clamp, start from images and have an example in common; where none does, the first."""
    own = rows[(rows["start"] == "image") & rows["clamp"]]
    chosen, ids = [], set(own["id"])
    for name, group in own.groupby("method", sort=False):
        if common := ids & set(group["id"]):
            chosen, ids = [*chosen, name], common
    return chosen[:MOST] or [rows["method"].iloc[0]]


def in_common(panels: list[figures.Panel]) -> list[figures.Panel]:
    """The panels with the examples that all of them have, by id; as they are where they have none in common.

    Methods with different numbers of images have other examples.
    """
    ids = [name for name in panels[0].rows["id"] if all((own.rows["id"] == name).any() for own in panels)]
    return [own.of(ids) for own in panels] if ids else panels


def panel(path: str, rows: pd.DataFrame, method: str) -> figures.Panel:
    """The examples of one method; SpuriousError where there are none."""
    own = rows[rows["method"] == method]
    if own.empty:
        raise SpuriousError(f"--methods: {unknown_name('method', method, list(dict.fromkeys(rows['method'])))}")
    first = own.iloc[0]
    size = figures.size_text(first["norm"], first["epsilon"], first["steps"])
    original, fooled = (read_array(path, f"{method}/{kind}") for kind in ("original", "fooled"))
    return figures.Panel(name=method, size=size, original=original, fooled=fooled, rows=own)


def read_example_rows(path: str) -> pd.DataFrame:
    """The rows that fool_classifier.py wrote beside the examples."""
    try:
        with safe_open(path, framework="np") as file:
            return pd.DataFrame(json.loads((file.metadata() or {})["rows"]))
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise SpuriousError(f"{path}: no examples with their rows ({error}); delete it and run again") from None


if __name__ == "__main__":
    run(main)
