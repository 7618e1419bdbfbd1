"""Draw one figure from files on disk: NAME decides which, and which inputs it needs."""

import argparse
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pipeline.files.arrays import read_array
from pipeline.files.figures import figure_parser, write_figure
from pipeline.files.photographs import open_photographs, read_class_names
from pipeline.files.rows import read_rows
from pipeline.jobs.arguments import COUNT, KERNEL, PROBABILITY, SEED, SIGMA, Parser, run, settings_argument
from spurious import frames
from spurious.errors import SpuriousError
from spurious.experiments.backworking import found as backworking_found
from spurious.experiments.backworking import overview as backworking_overview
from spurious.experiments.backworking import trace as backworking_trace
from spurious.experiments.classifiers import salient as classifiers_salient
from spurious.experiments.classifiers import worst as classifiers_worst
from spurious.experiments.retraining import figure
from spurious.experiments.smoothing import examples, looks, rates_figure, risk_figure
from spurious.experiments.smoothing import gallery as smoothing_gallery
from spurious.experiments.smoothing import published as smoothing_published
from spurious.experiments.smoothing import risk as smoothing_risk
from spurious.experiments.smoothing.rates import PUBLISHED, main_rows
from spurious.experiments.smoothing.rows import reference_of, views_of
from spurious.figures import pictures
from spurious.frames import require
from spurious.settings import SmoothingSettings, Variant
from spurious.views.kinds import words_of
from spurious.wording import plural


def main(argv: list[str] | None = None) -> None:
    """Read the inputs, draw the figure, write it as PNG and as SVG."""
    write_figure(parse(argv))


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line; `draw` is the function of NAME."""
    parser, add = figure_parser(__doc__)
    searched = Parser(add_help=False)
    searched.add_argument("--images", nargs="+", required=True, metavar="SAFETENSORS", help="one file per label")
    searched.add_argument("--rows", nargs="+", required=True, metavar="CSV", help="their rows, in the same order")
    searched.add_argument("--search", required=True)
    searched.add_argument("--seed", type=SEED, required=True)
    own = add("found", found, searched)
    own.add_argument("--found-above", type=PROBABILITY, default=0.999)
    own = add("overview", overview, searched)
    own.add_argument("--data", required=True, metavar="SAFETENSORS")
    own.add_argument("--predictions", required=True, metavar="CSV")
    own = add("worst", worst)
    own.add_argument("--data", required=True, metavar="SAFETENSORS")
    own.add_argument("--predictions", required=True, metavar="CSV")
    own.add_argument("--count", type=COUNT, default=8, help="images per label")
    own = add("trace", trace)
    own.add_argument("--traces", nargs="+", required=True, metavar="CSV")
    own.add_argument("--classifier", help="draw the rows of this one only")
    own.add_argument("--found-above", type=PROBABILITY, default=0.999)
    own = add("salient", salient)
    own.add_argument("--weights", required=True, metavar="SAFETENSORS")
    own.add_argument("--data", required=True, metavar="SAFETENSORS")
    own.add_argument("--predictions", required=True, metavar="CSV")
    own.add_argument("--examples", type=COUNT, default=4, help="images per label")
    own.add_argument("--count", type=COUNT, default=200, help="pixels kept per image")
    own = add("retraining", retraining)
    own.add_argument("--tables", nargs="+", required=True, metavar="CSV")
    own = add("smoothing", smoothing)
    own.add_argument("--tables", nargs="+", required=True, metavar="CSV")
    own.add_argument("--published", metavar="CSV", help="numbers of write-ups to show beside")
    own.add_argument("--dataset", default="", help="the one that the published numbers must be of")
    own = add("risk", risk)
    own.add_argument("--votes", required=True, metavar="CSV", help="of one classifier")
    own.add_argument("--kernel", type=KERNEL, help="taps; the smallest that there is if left out")
    own = add("gallery", gallery)
    own.add_argument("--votes", required=True, metavar="CSV", help="of one classifier")
    own.add_argument("--images", required=True, metavar="FOLDER")
    own.add_argument("--list", required=True, metavar="CSV", help="of the images, from prepare_images.py")
    own.add_argument("--class-names", required=True, metavar="CSV")
    own.add_argument("--settings", type=settings_argument(SmoothingSettings), required=True, help="of the noise sweep")
    own.add_argument("--kernel", type=KERNEL, help="taps; the smallest that there is if left out")
    own.add_argument("--sigma", type=SIGMA, default=0.25, help="the nearest that there is, is shown")
    own.add_argument("--count", type=COUNT, default=6, help="images of each kind")
    return parser.parse_args(argv)


def found(arguments: argparse.Namespace) -> Figure:
    """The stored images of one search and seed, with the p of their rows."""
    labels, pixels, p, classifier = found_images(arguments)
    title = arguments.title or f"{classifier}, search {arguments.search}, seed {arguments.seed}"
    return backworking_found.found(pixels, p, title, labels=labels, found_above=arguments.found_above)


def overview(arguments: argparse.Namespace) -> Figure:
    """The strongest found image and the weakest training image of every label."""
    labels, pixels, p, classifier = found_images(arguments)
    each, best = np.arange(len(labels)), p.argmax(1)
    rows = frames.lowest(predictions_of(arguments.predictions, "train"), 1)
    worst_images, _ = per_label(read_array(arguments.data, "train_images"), rows)
    title = (
        arguments.title or f"noise that was searched for each label, and the real images that do worst: {classifier}"
    )
    worst_pictures = pictures.pictures(worst_images[:, 0])
    return backworking_overview.overview(
        pixels[each, best], p[each, best], worst_pictures, rows["p_label"].to_numpy(), title
    )


def found_images(arguments: argparse.Namespace) -> tuple[list[int], np.ndarray, np.ndarray, str]:
    """Labels, pictures (labels, n, ...), p (labels, n) and the classifier of one search and seed."""
    key = f"{arguments.search}/seed{arguments.seed}"
    labels, pixels, p = [], [], []
    for image_file, row_file in zip(arguments.images, arguments.rows, strict=True):
        rows = searched_rows([row_file])
        own = rows[(rows["search"] == arguments.search) & (rows["seed"] == arguments.seed)].sort_values("image")
        if own.empty:
            raise SpuriousError(f"{row_file}: no rows of the search {arguments.search!r} with seed {arguments.seed}")
        labels.append(int(own["label"].iloc[0]))
        pixels.append(pictures.pictures(read_array(image_file, key)))
        p.append(own["p"].to_numpy())
    return labels, stack(pixels), stack(p), own["classifier"].iloc[0]


def worst(arguments: argparse.Namespace) -> Figure:
    """The training images with the lowest p of their own label."""
    rows = predictions_of(arguments.predictions, "train")
    rows = frames.lowest(rows, min(arguments.count, smallest_label(rows)))
    pixels, labels = per_label(read_array(arguments.data, "train_images"), rows)
    shape = (len(labels), -1)
    p, predicted = rows["p_label"].to_numpy().reshape(shape), rows["predicted"].to_numpy().reshape(shape)
    title = arguments.title or f"training images with the lowest p of their label: {name_of(rows)}"
    return classifiers_worst.worst(pictures.pictures(pixels), p, predicted, title, labels=labels)


def trace(arguments: argparse.Namespace) -> Figure:
    """p during the searches."""
    rows = searched_rows(arguments.traces)
    if arguments.classifier:
        rows = rows[rows["classifier"] == arguments.classifier]
    return backworking_trace.trace(
        rows, arguments.title or str(arguments.classifier or ""), found_above=arguments.found_above
    )


def salient(arguments: argparse.Namespace) -> Figure:
    """The first test images of every label with the pixels that speak for it: by their channel that does most."""
    import torch  # the other figures do without

    from pipeline.files.tensors import load_classifier
    from spurious.experiments.classifiers.saliency import input_gradients, largest_positive

    rows = predictions_of(arguments.predictions, "test").sort_values(["label", "id"], kind="stable")
    rows = rows.groupby("label").head(min(arguments.examples, smallest_label(rows)))
    pixels, labels = per_label(read_array(arguments.data, "test_images"), rows)
    inputs = torch.from_numpy(pixels).flatten(0, 1)
    model = load_classifier(arguments.weights, torch.device("cpu"))
    gradients = input_gradients(model, inputs, torch.tensor(rows["label"].to_numpy(copy=True)))
    # Of a pixel's channels the largest gradient: Simonyan, Vedaldi and Zisserman, "Deep inside convolutional networks",
    # ICLR workshop (2014), section 3.1.
    of_pixels = gradients.amax(1).flatten(1)
    kept = largest_positive(of_pixels, arguments.count).reshape(*pixels.shape[:2], *pixels.shape[3:]).numpy()
    title = arguments.title or f"the {arguments.count} pixels that raise p of the label most: {name_of(rows)}"
    return classifiers_salient.salient(pictures.pictures(pixels), kept, title, labels=labels)


def retraining(arguments: argparse.Namespace) -> Figure:
    """Accuracy and what the attacks find, over the rounds of retraining."""
    return figure.retraining(read_rows(arguments.tables), arguments.title)


def smoothing(arguments: argparse.Namespace) -> Figure:
    """Accuracy and reject rate over the noise."""
    published = None
    if arguments.published:
        published = smoothing_published.published_rates(read_rows([arguments.published]), arguments.dataset)
    return rates_figure.smoothing(read_rows(arguments.tables), arguments.title, published)


def risk(arguments: argparse.Namespace) -> Figure:
    """What the vote's rejecting is worth, beside a threshold on p."""
    votes = read_rows([arguments.votes])
    kernel = chosen_kernel(votes, arguments.kernel)
    lines, table = smoothing_risk.risk_curves(votes), smoothing_risk.risk(votes)
    name = votes["classifier"].iloc[0]
    title = arguments.title or f"{name}, {kernel} taps: rejecting by votes and by a threshold on p"
    return risk_figure.risk(lines[lines["kernel"] == kernel], table[table["kernel"] == kernel], title)


def gallery(arguments: argparse.Namespace) -> Figure:
    """Photographs under noise that the vote mends, and some that it rejects."""
    votes = main_rows(read_rows([arguments.votes]))
    kernel = chosen_kernel(votes, arguments.kernel)
    sigma = min(votes["sigma"].unique(), key=lambda sigma: abs(sigma - arguments.sigma))
    rows = votes[(votes["kernel"] == kernel) & (votes["sigma"] == sigma)]
    views = views_of(rows)
    groups = {}
    for kind, own in kinds_of(rows, views).items():
        shown = frames.spread(own, arguments.count)
        groups[f"{kind} ({len(shown)} of {plural(len(own), 'image')})"] = cards(shown, views, arguments)
    title = arguments.title or f"{rows['classifier'].iloc[0]} under noise of sigma {sigma:g}, {kernel} taps"
    marks, meaning = looks.marks(views)
    return smoothing_gallery.gallery(groups, title, f"{meaning}; in italics: wrong", marks)


def kinds_of(rows: pd.DataFrame, views: Sequence[str]) -> dict[str, pd.DataFrame]:
    """The images that the gallery may show, in groups by what the vote makes of them."""
    reference = reference_of(views)
    without = "without blurring" if reference == "ns" else words_of(reference)
    split = "no two of the three agree" if len(views) == 3 else f"no class has more than half of the {len(views)} views"
    return {
        f"mended: wrong {without}, right by majority": examples.mended(rows, reference),
        f"rejected: {split}": examples.rejected(rows),
    }


def cards(rows: pd.DataFrame, views: Sequence[str], arguments: argparse.Namespace) -> list[smoothing_gallery.Card]:
    """The images of votes under the very noise that was classified, with their names and votes."""
    from spurious.data.datasets import to_float  # the other figures do without torch

    source = open_photographs(arguments.images, arguments.list)
    places = {image: place for place, image in enumerate(source.ids)}
    names = [known.name for known in read_class_names(arguments.class_names)]
    variant = arguments.settings.variants.get(PUBLISHED, Variant())
    found = []
    for row in rows.itertuples():
        classes = [row.label, *(getattr(row, view) for view in views)]
        if row.image not in places:
            raise SpuriousError(f"{arguments.list}: {row.image} is missing, but has votes; run the noise sweep again")
        if max(classes) >= len(names):
            raise SpuriousError(f"{arguments.class_names}: the class {max(classes)} has no name; add it")
        image = to_float(source.load(places[row.image]))[None]
        noisy = variant.noisy(image, [row.image], row.sigma, row.seed)
        (name, _), *votes = [(names[number], number == row.label) for number in classes]
        found.append(smoothing_gallery.Card(picture=noisy[0].permute(1, 2, 0).numpy(), name=name, votes=votes))
    return found


def chosen_kernel(votes: pd.DataFrame, kernel: int | None) -> int:
    """The kernel that was asked for, or the smallest; SpuriousError where the votes have none of it."""
    known = sorted(votes["kernel"].unique())
    if kernel is None and known:
        return known[0]
    if kernel not in known:
        raise SpuriousError(
            f"no votes with a kernel of {kernel} taps; known are {', '.join(map(str, known)) or 'none'}"
        )
    return kernel


def searched_rows(paths: Sequence[str]) -> pd.DataFrame:
    """The rows of searches, whose images are numbered."""
    rows = read_rows(paths)
    require(rows, ["image"], ", ".join(map(str, paths)))
    return rows.astype({"image": int})


def predictions_of(path: str, split: str) -> pd.DataFrame:
    """The rows of one split of a predictions file."""
    rows = read_rows([path])
    return rows[rows["split"] == split]


def smallest_label(rows: pd.DataFrame) -> int:
    """How many rows the label with the fewest of them has."""
    return int(rows["label"].value_counts().min())


def name_of(rows: pd.DataFrame) -> str:
    """Classifier and seed of the rows, for a title."""
    return f"{rows['classifier'].iloc[0]}, seed {rows['seed'].iloc[0]}"


def per_label(stored: np.ndarray, rows: pd.DataFrame) -> tuple[np.ndarray, list[int]]:
    """The images (N, C, H, W) uint8 that `rows` name by id, as float32 (labels, n, C, H, W), and the labels."""
    pixels = stored[rows["id"].to_numpy()].astype(np.float32) / 255
    by_label = [pixels[rows["label"].to_numpy() == label] for label in sorted(rows["label"].unique())]
    return stack(by_label), sorted(int(label) for label in rows["label"].unique())


def stack(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Arrays of the labels as one; SpuriousError where the labels have different numbers of images."""
    if len({part.shape for part in parts}) != 1:
        raise SpuriousError(f"every label needs equally many images, not {[len(part) for part in parts]}")
    return np.stack(parts)


if __name__ == "__main__":
    run(main)
