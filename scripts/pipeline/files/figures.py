"""What the scripts that draw figures share: NAME decides which figure, every figure is written as PNG and SVG."""

import argparse
from collections.abc import Callable

from matplotlib.figure import Figure

from pipeline.files.atomic import whole_file
from pipeline.jobs.arguments import Parser
from spurious.figures.style import render

Draw = Callable[[argparse.Namespace], Figure]


def figure_parser(description: str | None) -> tuple[argparse.ArgumentParser, Callable[..., argparse.ArgumentParser]]:
    """A parser, and `add(name, draw, *parents)`, which gives it the command of one figure and returns that."""
    parser = Parser(description=description)
    common = Parser(add_help=False)
    common.add_argument("--title", default="")
    common.add_argument("--output-png", required=True)
    common.add_argument("--output-svg", required=True)
    names = parser.add_subparsers(metavar="NAME", required=True)

    def add(name: str, draw: Draw, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        own = names.add_parser(name, parents=[common, *parents], help=draw.__doc__)
        own.set_defaults(draw=draw)
        return own

    return parser, add


def write_figure(arguments: argparse.Namespace) -> None:
    """Draw the figure of the command and write it as PNG and as SVG, each whole or not at all."""
    figure = arguments.draw(arguments)
    for path, kind in ((arguments.output_png, "png"), (arguments.output_svg, "svg")):
        with whole_file(path) as file:
            file.write_bytes(render(figure, kind))
