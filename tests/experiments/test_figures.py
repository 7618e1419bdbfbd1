"""Every figure is drawn from synthetic data, to files that are equal byte by byte."""

import hashlib

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file, save_file

from figurechecks import assert_inside, assert_same_bytes, assert_title_above, keys_of
from making import make, returned
from samplerows import smoothing_table, trace_rows
from spurious import frames
from spurious.errors import SpuriousError
from spurious.experiments.backworking import found as backworking_found
from spurious.experiments.backworking import trace
from spurious.experiments.classifiers import salient
from spurious.experiments.classifiers import worst as classifiers_worst
from spurious.experiments.retraining import figure as retraining_figure
from spurious.experiments.smoothing import (
    example,
    examples,
    gain_figure,
    gallery,
    looks,
    published,
    rates_figure,
    risk_figure,
)
from spurious.figures import pictures as figures_pictures
from spurious.figures.labels import row_names
from spurious.figures.style import BLACK, probability_text, render
from spurious.statistics.intervals import paired_interval

RNG = np.random.default_rng(0)
GRID = RNG.random((2, 3, 6, 6))
P = np.array([[0.9995, 0.999, 1.0], [0.2, 0.99999, 0.00001]])
KEPT = np.where(GRID > 0.7, GRID, 0)
RATES = ("acc_ns", "acc_ss", "acc_ds", "acc_maj", "acc_maj_all")
SCORES = ("ns", "ss", "ds", "vote", "combined")
SIX = ["ns", "ss", "ds", "median", "bilateral", "of_my_own"]
MARKS = ["0×", "1×", "2×"]


def retraining_table():
    arms = [("none", "none", 0), ("none", "none", 1), ("normal", "extra", 1), ("backworked", "uniform", 1)]
    rows = [
        ("cnn", *arm, s, 0.9 + s / 100, a, 5 + s, 80) for arm in arms for s in (0, 1) for a in ("published", "log-p")
    ]
    columns = ["classifier", "negatives", "target", "round", "seed", "accuracy", "attack", "found", "images"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(accuracy_low=table["accuracy"] - 0.01, accuracy_high=table["accuracy"] + 0.01)


NUMBERS = pd.DataFrame(
    [
        ("smoothing write-up", "accuracy, no smoothing", "own, ResNet50, 5 taps, sigma 0.125", 0.6523),
        ("smoothing write-up", "reject rate", "own, ResNet50, 5 taps, sigma 0.125", 0.0656),
        ("smoothing write-up", "logit of convertible", "own, ResNet50, 5 taps, sigma 0.125", 19.3),
        ("smoothing write-up", "accuracy, no smoothing", "own, the other, ResNet50, no taps, sigma 0", 0.5),
        ("smoothing write-up", "accuracy, no smoothing", "owner, ResNet50, 5 taps, sigma 0", 0.4),
        ("somebody else", "accuracy, no smoothing", "own, ResNet50, 5 taps, sigma 0", 0.3),
    ],
    columns=["source", "quantity", "setting", "published"],
)
PUBLISHED = published.published_rates(NUMBERS, "own")


def gain_table():
    """Of two classifiers and kernels: ss gains 5 points at sigma .25, the majority loses as many."""
    columns = ["classifier", "kernel", "sigma", "first", "second", "only_first", "only_second"]
    pairs = [("ns", "ss", 1, 6), ("ns", "majority", 6, 1), ("ss", "majority", 9, 0)]
    settings = [(name, kernel, sigma) for name in ("cnn", "softmax") for kernel in (5, 7) for sigma in (0.0, 0.25)]
    rows = [
        (*own, first, second, *((0, 0) if own[2] == 0 else counts))
        for own in settings
        for first, second, *counts in pairs
    ]
    return pd.DataFrame(rows, columns=columns).assign(n=100)


def risk_frames(sigmas=(0.0, 0.125, 0.25), scores=SCORES):
    lines, table = [], []
    for sigma in sigmas:
        row = {"sigma": sigma, "n": 100, "coverage": 0.9, "acc_vote": 0.8, "acc_vote_low": 0.7, "acc_vote_high": 0.85}
        for place, score in enumerate(scores):
            row[f"aurc_{score}"] = sigma + 0.01 * place
            lines += [(sigma, score, coverage, sigma * coverage) for coverage in (0.01, 0.5, 1.0)]
        table.append(row)
    return pd.DataFrame(lines, columns=["sigma", "score", "coverage", "risk"]), pd.DataFrame(table)


LONG = "American Staffordshire terrier, seldom seen"
VOTES = [("crane", True), (LONG, False), ("x" * 50, False)]
CARD = gallery.Card(picture=RNG.random((375, 500, 3)), name=LONG, votes=VOTES)
VIEWS = RNG.random((2, 3, 224, 224, 3))


def example_rows():
    rows = [
        (0.0, "ns", 2, LONG, 13.5, 0.74, 7),
        (0.0, "ss", 7, "convertible", 12.4, 0.55, 7),
        (0.0, "ds", 7, "convertible", 12.5, 0.51, 7),
        (0.375, "ns", 1, "crane", 5.7, 0.07, -1),
        (0.375, "ss", 2, "$5 and $10", 6.9, 1.0, -1),
        (0.375, "ds", 3, "hammer_head", 6.7, 0.16, -1),
    ]
    return pd.DataFrame(rows, columns=["sigma", "view", "predicted", "name", "logit", "p", "decision"])


def six_views():
    """Pictures and rows of one sigma under six views."""
    rows = example_rows()[:1].loc[[0] * 6].assign(view=SIX, decision=2)
    return np.repeat(VIEWS[:1, :1], 6, axis=1), rows.reset_index(drop=True)


SIX_VOTES = gallery.Card(picture=CARD.picture, name=LONG, votes=VOTES * 2)
CALLED = ["A", "German short-haired pointer", "$x$"]
DRAWN = {
    "rates of six views": lambda: rates_figure.smoothing(smoothing_table(SIX), "title of it"),
    "risk of six views": lambda: risk_figure.risk(*risk_frames(scores=[*SIX, "vote", "combined"]), "title of it"),
    "gallery of six views": lambda: gallery.gallery({"some": [SIX_VOTES] * 4}, "title of it", *looks.marks(SIX)[::-1]),
    "example of six views": lambda: example.example(*six_views(), "title of it", "note"),
    "found": lambda: backworking_found.found(GRID, P, "title of it"),
    "worst": lambda: classifiers_worst.worst(GRID, P, np.array([[0, 1, 2], [1, 1, 0]]), "title of it"),
    "found of named classes": lambda: backworking_found.found(GRID, P, "title of it", labels=row_names([0, 1], CALLED)),
    "worst of named classes": lambda: classifiers_worst.worst(
        GRID, P, np.array([[0, 1, 2], [1, 1, 0]]), "title of it", class_names=CALLED
    ),
    "salient": lambda: salient.salient(GRID, KEPT, "title of it"),
    "trace": lambda: trace.trace(trace_rows(), "title of it"),
    "retraining": lambda: retraining_figure.retraining(retraining_table(), "title of it"),
    "smoothing": lambda: rates_figure.smoothing(smoothing_table(), "title of it"),
    "published": lambda: rates_figure.smoothing(smoothing_table(), "title of it", PUBLISHED),
    "risk": lambda: risk_figure.risk(*risk_frames(), "title of it"),
    "gain": lambda: gain_figure.gain(gain_table(), "title of it"),
    "gallery": lambda: gallery.gallery({"some": [CARD] * 6, "none": [], "one": [CARD]}, "title of it", "note", MARKS),
    "example": lambda: example.example(VIEWS, example_rows(), "title of it", "note"),
}


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize(("kind", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_files_are_equal_byte_by_byte(name, kind, start):
    assert_same_bytes(DRAWN[name], kind, start)


@pytest.mark.parametrize("name", DRAWN)
def test_the_title_is_in_the_svg(name):
    assert b"<!-- title of it -->" in render(DRAWN[name](), "svg")


@pytest.mark.parametrize("name", DRAWN)
def test_no_text_is_cut_off(name):
    figure = DRAWN[name]()
    assert_inside(figure)


@pytest.mark.parametrize("name", DRAWN)
def test_the_title_lies_over_no_panel(name):
    assert_title_above(DRAWN[name]())


def pictures(figure):
    return [axes.get_images() for axes in figure.axes]


def test_found_shows_every_image_unsmeared_with_its_p():
    figure = DRAWN["found"]()
    assert [len(shown) for shown in pictures(figure)] == [1] * 6
    for (picture,), image in zip(pictures(figure), GRID.reshape(6, 6, 6), strict=True):
        np.testing.assert_array_equal(picture.get_array(), image)
        assert picture.get_clim() == (0, 1)
        assert picture.get_interpolation() == "nearest"
    texts = [axes.get_xlabel() for axes in figure.axes]
    assert texts == ["0.9995", "0.9990", ">0.9999", "0.2000", ">0.9999", "<0.0001"]
    styles = [axes.xaxis.label.get_style() for axes in figure.axes]
    assert styles == ["normal", "italic", "normal", "italic", "normal", "italic"]


def test_rows_are_labelled():
    figure = backworking_found.found(GRID, P, "", labels=[3, 8])
    assert [axes.get_ylabel() for axes in figure.axes] == ["3", "", "", "8", "", ""]


@pytest.mark.parametrize(("images", "said"), [(GRID, False), (GRID - 0.5, True), (GRID + 0.5, True)])
def test_found_says_where_images_are_shown_clipped(images, said):
    assert ("clipped to [0, 1]" in backworking_found.found(images, P, "").get_supxlabel()) == said


def test_worst_shows_the_predicted_class():
    figure = DRAWN["worst"]()
    assert figure.axes[1].get_xlabel() == "0.9990 \N{RIGHTWARDS ARROW} 1"
    assert figure.axes[1].xaxis.label.get_style() == "italic"
    assert figure.axes[0].xaxis.label.get_style() == "normal"
    assert "\N{RIGHTWARDS ARROW}" not in figure.axes[0].get_xlabel()


def test_worst_names_the_classes():
    figure = DRAWN["worst of named classes"]()
    assert [axes.get_ylabel() for axes in figure.axes[::3]] == ["A", "German\nshort-ha\N{HORIZONTAL ELLIPSIS}"]
    wrong = [axes.get_xlabel().partition("\n\N{RIGHTWARDS ARROW} ")[2] for axes in figure.axes]
    assert wrong == ["", "Germa\N{HORIZONTAL ELLIPSIS}", "$x$", "", "", "A"]
    assert [axes.xaxis.label.get_style() for axes in figure.axes[:2]] == ["normal", "italic"]


def test_a_class_without_a_name_is_told():
    with pytest.raises(SpuriousError, match="class_names: the class 3 has no name; add it"):
        row_names([1, 3], CALLED)


def test_salient_alternates_image_and_gradient():
    figure = DRAWN["salient"]()
    assert [len(shown) for shown in pictures(figure)] == [1, 2] * 6
    gradient = pictures(figure)[1][1].get_array()
    assert gradient.count() == (KEPT[0, 0] > 0).sum()


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (
            lambda: backworking_found.found(GRID[0], P[0], ""),
            r"images must be \(labels, n, H, W\) or .*, not \(3, 6, 6\)",
        ),
        (lambda: backworking_found.found(GRID, P[:, :2], ""), r"p is \(2, 2\), but the images are \(2, 3\)"),
        (lambda: classifiers_worst.worst(GRID, P, P[:1], ""), r"predicted is \(1, 3\)"),
        (lambda: salient.salient(GRID, KEPT[:1], ""), r"they must be alike"),
        (
            lambda: backworking_found.found(GRID[..., None].repeat(4, -1), P, ""),
            r"images must be .*, not \(2, 3, 6, 6, 4\)",
        ),
        (
            lambda: figures_pictures.pictures(np.zeros((2, 5, 6, 6))),
            r"images of 1, 3 or 4 channels \(\.\.\., C, H, W\), not \(2, 5",
        ),
        (lambda: trace.trace(trace_rows().drop(columns="p"), ""), "the column p is missing"),
        (lambda: trace.trace(trace_rows()[:0], ""), "no rows to draw"),
        (lambda: rates_figure.smoothing(smoothing_table().drop(columns="acc_ds_low"), ""), "acc_ds_low is missing"),
        (
            lambda: risk_figure.risk(risk_frames()[0], risk_frames()[1].drop(columns="aurc_vote"), ""),
            "aurc_vote is missing",
        ),
        (lambda: risk_figure.risk(risk_frames()[0][:0], risk_frames()[1], ""), "no rows to draw"),
        (lambda: example.example(VIEWS[0], example_rows(), ""), r"pictures must be \(sigmas, 3, h, w, 3\), not"),
        (lambda: example.example(VIEWS, example_rows()[1:], ""), "5 rows do not describe 2 x 3 pictures"),
    ],
)
def test_wrong_inputs_raise_one_clear_line(draw, message):
    with pytest.raises(SpuriousError, match=message):
        draw()


def test_lowest_sorts_and_counts():
    frame = pd.DataFrame({"id": range(6), "label": [1, 0, 1, 0, 1, 0], "p_label": [0.5, 0.1, 0.2, 0.9, 0.8, 0.3]})
    assert frames.lowest(frame, 2)["id"].tolist() == [1, 5, 2, 0]
    with pytest.raises(SpuriousError, match="has 3 predictions, 4 are needed"):
        frames.lowest(frame, 4)


def test_a_search_that_ended_keeps_its_last_p():
    axes = DRAWN["trace"]().axes[0]
    median = next(line for line in axes.get_lines() if line.get_label() == "median")
    # Label 0 ends at .5 after three steps, label 1 at .9 after five.
    assert median.get_ydata() == pytest.approx([0.1, 0.3, 0.5, 0.6, 0.7])


def test_trace_has_a_panel_per_search_and_the_threshold():
    figure = trace.trace(trace_rows(), "", found_above=0.99)
    panels = figure.axes[:2]
    assert [axes.get_title() for axes in panels] == ["published", "log-p"]
    assert all(any(set(line.get_ydata()) == {0.99} for line in axes.get_lines()) for axes in panels)


def test_trace_shows_below_what_share_is_found_at_every_step():
    """Two seeds, of which the second finds nothing; an image that was found stays found when its search has ended."""
    rows = pd.concat([trace_rows(), trace_rows().assign(seed=1, p=0.0)])
    figure = trace.trace(rows, "", found_above=0.4)
    *seeds, both = figure.axes[2].get_lines()
    assert [line.get_ydata().tolist() for line in seeds] == [[0, 0, 1, 1, 1], [0, 0, 0, 0, 0]]
    assert both.get_ydata().tolist() == [0, 0, 0.5, 0.5, 0.5]
    assert figure.axes[2].get_ylabel() == "share above 0.4"
    (at_the_limit, _) = trace.trace(trace_rows().assign(p=0.5), "", found_above=0.5).axes[2].get_lines()
    assert set(at_the_limit.get_ydata()) == {0.0}


def test_retraining_draws_every_arm_from_round_0():
    figure = DRAWN["retraining"]()
    assert [axes.get_title() for axes in figure.axes] == ["cnn: accuracy", "attack: published", "attack: log-p"]
    lines = figure.axes[1].get_lines()
    assert [line.get_ydata().tolist() for line in lines] == [[5.5, 5.5]] * 3
    keys = [text for text, _ in keys_of(figure)]
    assert keys[:3] == ["negatives: none", "negatives: normal", "negatives: backworked"]
    assert keys[3:] == ["target: uniform labels", "target: extra class"]


def test_retraining_has_a_row_of_panels_for_each_classifier():
    table = retraining_table()
    figure = retraining_figure.retraining(pd.concat([table, table.assign(classifier="other", found=0)]))
    assert [axes.get_title() for axes in figure.axes[::3]] == ["cnn: accuracy", "other: accuracy"]
    assert [axes.get_lines()[0].get_ydata().tolist() for axes in figure.axes[1::3]] == [[5.5, 5.5], [0, 0]]


def test_smoothing_has_two_rows_per_classifier_and_a_column_per_kernel():
    figure = DRAWN["smoothing"]()
    assert len(figure.axes) == 8
    assert figure.axes[5].get_title() == "softmax, 7 taps, n = 400"
    assert len(figure.axes[0].containers) == 5


def test_published_numbers_are_those_of_the_dataset():
    rows = [tuple(row) for row in PUBLISHED[["rate", "kernel", "sigma", "value", "name"]].to_numpy()]
    assert rows == [("acc_ns", 5, 0.125, 0.6523, "ResNet50"), ("reject_rate", 5, 0.125, 0.0656, "ResNet50")]
    assert published.published_rates(NUMBERS, "mnist").empty


def test_the_whole_write_up_is_found_among_the_published_numbers(pytestconfig):
    numbers = pd.read_csv(pytestconfig.rootpath / "workflow/resources/published.csv")
    rates = published.published_rates(numbers, "imagenet-samples")
    assert rates.groupby("rate").size().to_dict() == dict.fromkeys([*RATES[:4], "reject_rate"], 4)
    assert rates[(rates["rate"] == "acc_ss") & (rates["sigma"] == 0.25)]["value"].tolist() == [0.5005]


def hollow(axes):
    return [line for line in axes.get_lines() if line.get_markerfacecolor() == "none" and len(line.get_xdata())]


def test_published_numbers_are_hollow_and_only_beside_their_kernel():
    figure = DRAWN["published"]()
    marks = [hollow(axes) for axes in figure.axes]
    assert [len(lines) for lines in marks] == [1, 0, 1, 0, 1, 0, 1, 0]
    assert marks[0][0].get_ydata().tolist() == [0.6523]
    assert marks[0][0].get_color() == BLACK
    assert marks[2][0].get_xydata().tolist() == [[0.125, 0.0656]]
    assert keys_of(figure)[-1][0] == "published (ResNet50)"


def test_nothing_is_published_of_another_dataset():
    figure = rates_figure.smoothing(smoothing_table(), "", published.published_rates(NUMBERS, "mnist"))
    assert len(figure.legends[0].get_texts()) == len(RATES)


def test_gain_is_paired_and_beside_the_first_view():
    figure = gain_figure.gain(gain_table(), "")
    assert [axes.get_title() for axes in figure.axes] == ["cnn, 5 taps, n = 100", "softmax, 5 taps, n = 100"]
    assert figure.axes[0].get_ylabel() == "points gained over\nnot blurred"
    once, vote = [line.get_xydata()[:, 1].tolist() for line in figure.axes[0].lines[1:]]
    assert (once, vote) == (pytest.approx([0, 5]), pytest.approx([0, -5]))
    low, high = paired_interval(6, 1, 100)
    assert figure.axes[0].collections[0].get_segments()[1][:, 1] == pytest.approx([100 * low, 100 * high])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "blurred once",
        "majority, a rejection is wrong",
    ]


def test_risk_has_a_panel_per_sigma_with_lines_areas_and_the_vote():
    figure = risk_figure.risk(*risk_frames(), "")
    *panels, empty = figure.axes
    assert not empty.axison
    assert [axes.get_title() for axes in panels] == ["sigma 0, n = 100", "sigma 0.125, n = 100", "sigma 0.25, n = 100"]
    *lines, vote = panels[1].get_lines()[: len(SCORES) + 1]
    assert [line.get_xydata().tolist() for line in lines] == [[[0.5, 0.0625], [1.0, 0.125]]] * 5  # not from .01
    assert vote.get_xydata() == pytest.approx(np.array([[0.9, 0.2]]))
    (bar,) = panels[1].collections
    assert bar.get_segments()[0][:, 1] == pytest.approx([0.15, 0.3])
    areas = [text.get_text() for text in panels[1].texts]
    assert areas == ["0.125", "0.135", "0.145", "0.155", "0.165", "area:"]


def boxes(figure):
    """Where pictures and texts lie; the figure has been drawn."""
    texts = [text for text in figure.texts if text.get_text()]
    return [axes.get_window_extent() for axes in figure.axes], [text.get_window_extent() for text in texts]


@pytest.mark.parametrize("name", ["gallery", "example", "gallery of six views", "example of six views"])
def test_no_text_lies_over_another_or_over_a_picture(name):
    figure = DRAWN[name]()
    figure.draw_without_rendering()
    drawn_pictures, texts = boxes(figure)
    shrunk = [box.padded(-1) for box in texts]  # lines of text may touch
    for place, box in enumerate(shrunk):
        assert not any(box.overlaps(other) for other in [*drawn_pictures, *shrunk[place + 1 :]])


def test_gallery_tells_right_from_wrong_in_two_ways():
    votes = [("crane", True), ("hen", False), ("crane", False)]
    card = gallery.Card(picture=CARD.picture, name="crane", votes=votes)
    texts = [text for text in gallery.gallery({"": [card]}, "", "", MARKS).texts if text.get_text() in ("crane", "hen")]
    name, right, *wrong = [(text.get_color(), text.get_style()) for text in texts]
    assert name[1] == right[1] == "normal"
    assert [style for _, style in wrong] == ["italic"] * 2
    assert right[0] not in [color for color, _ in wrong]


def test_pages_of_noise_stay_below_two_megabytes():
    noise = gallery.Card(picture=RNG.random((375, 500, 3)), name="noise", votes=[])
    assert len(render(gallery.gallery({"a": [noise] * 6, "b": [noise] * 6}, "", "", []), "svg")) < 2e6


@pytest.mark.parametrize("shape", [(375, 500, 3), (500, 375, 3), (90, 90, 3), (1, 7, 3)])
def test_a_thumbnail_is_the_central_square_with_its_noise(shape):
    picture = RNG.random(shape) * 1.2 - 0.1
    shown = figures_pictures.thumbnail(picture, 90)
    side = min(*shape[:2], 90)
    assert shown.shape == (side, side, 3)
    top, left = ((size - min(shape[:2])) // 2 for size in shape[:2])
    assert shown[0, 0] == pytest.approx(picture[top, left].clip(0, 1), abs=0.5 / 63 + 1e-9)
    if side == 90:
        assert shown.std() == pytest.approx(picture.clip(0, 1).std(), rel=0.03)  # an average of pixels has less


def test_example_marks_what_the_majority_is_against():
    figure = DRAWN["example"]()
    styles = {text.get_text(): text.get_style() for text in figure.texts}
    (cut,) = [text for text in styles if text.startswith("American")]
    assert cut.endswith("…")
    assert styles[cut] == "italic"
    assert styles["convertible"] == "normal"
    assert styles["rejected"] == "normal"
    assert styles["$5 and $10"] == "italic"  # literally, not as a formula
    assert "logit 6.90, p >0.9999" in styles
    assert [len(shown) for shown in pictures(figure)] == [1] * 6


VOTE_ROWS = pd.DataFrame(
    {"label": [0, 1, 2, 3, 4], "ns": [9, 1, 9, 9, 4], "decision": [0, 1, -1, 9, -1]}, index=[5, 6, 7, 8, 9]
)


def test_corrected_and_rejected_are_told_apart():
    assert examples.corrected(VOTE_ROWS).index.tolist() == [5]  # not what was right already, nor what stays wrong
    assert examples.rejected(VOTE_ROWS).index.tolist() == [7, 9]


@pytest.mark.parametrize(
    ("count", "places"), [(0, []), (1, [6]), (2, [3, 9]), (3, [2, 6, 10]), (12, [*range(12)]), (99, [*range(12)])]
)
def test_spread_takes_rows_from_everywhere(count, places):
    assert frames.spread(pd.DataFrame({"place": range(12)}), count)["place"].tolist() == places


def test_marks_tell_how_often_an_image_was_blurred_or_number_the_views():
    assert looks.marks(["ns", "ds"]) == (["0×", "2×"], "0×, 2×: how often it was blurred")
    assert looks.marks(["ns", "bits"]) == (["1", "2"], "1: not blurred, 2: fewer bits")
    every = ["ns", "ss", "ds", "median", "bilateral", "jpeg", "bits"]
    assert looks.marks(every)[1] == "1: ns, 2: ss, 3: ds, 4: median, 5: bilateral, 6: jpeg, 7: bits"


def test_corrected_is_against_the_view_that_is_given():
    rows = VOTE_ROWS.rename(columns={"ns": "median"})
    assert examples.corrected(rows, "median").index.tolist() == [5]


def test_describe_has_a_line_per_view_and_one_for_the_majority():
    lines = examples.describe(example_rows()).splitlines()
    assert len(lines) == 1 + 2 * 4
    assert lines[2].split() == ["blurred", "once", "7", "convertible", "12.400", "0.5500"]
    assert lines[4].split() == ["majority", "convertible", "(2", "of", "3)"]
    assert lines[8].split() == ["majority", "rejected", "(no", "two", "agree)"]


@pytest.mark.parametrize(("p", "text"), [(0.99994, "0.9999"), (0.99995, ">0.9999"), (0, "<0.0001"), (0.5, "0.5000")])
def test_probability_text_never_rounds_to_0_or_1(p, text):
    assert probability_text(p) == text


# Grey, colours that leave [0, 1] as those of an unclamped search do, colours and alpha.
STORED = {channels: RNG.uniform(-0.5, 1.5, (2, 3, channels, 8, 8)).astype(np.float32) for channels in (1, 3, 4)}


@pytest.fixture(params=STORED)
def searched(tmp_path, request):
    """What a search found, as files."""
    images, row_files = [], []
    for label in (0, 1):
        images.append(tmp_path / f"label{label}.safetensors")
        save_file({"published/seed1": STORED[request.param][label]}, images[-1])
        row_files.append(tmp_path / f"label{label}.csv")
        rows = {"classifier": "cnn", "seed": 1, "label": label, "search": "published", "image": range(3), "p": 0.9995}
        pd.DataFrame(rows).to_csv(row_files[-1], index=False)
    return {"images": images, "rows": row_files}


@pytest.fixture
def first_picture(request):
    """The first stored image as a figure has to show it."""
    first = STORED[request.node.callspec.params["searched"]][0, 0]
    return first[0] if len(first) == 1 else first[:3].transpose(1, 2, 0).clip(0, 1)


@pytest.fixture
def name_table(tmp_path):
    path = tmp_path / "names.csv"
    path.write_text("label,wordnet,name\n0,,A\n1,,B\n", encoding="utf-8")
    return {"class_names": path}


SEARCH = {"classifier": "cnn", "search": "published", "seed": 1, "found_above": 0.999}


def test_found_reads_the_stored_search(tmp_path, searched, first_picture):
    files = make(tmp_path, "figure", "found", searched, **SEARCH)
    assert b": cnn, search published, seed 1 -->" in files["svg"].read_bytes()
    figure = returned("figure", "found", searched, **SEARCH)
    np.testing.assert_array_equal(pictures(figure)[0][0].get_array(), first_picture)


def test_found_names_the_file_without_rows_of_the_search(tmp_path, searched):
    first, second = searched["rows"]
    rows = pd.read_csv(second)
    rows.assign(search="other").to_csv(second, index=False)
    with pytest.raises(SpuriousError, match=r"label1\.csv: no rows of the search 'published' with seed 1"):
        make(tmp_path, "figure", "found", searched, **SEARCH)
    rows.drop(columns="image").to_csv(first, index=False)
    with pytest.raises(SpuriousError, match=r"label0\.csv: the column image is missing"):
        make(tmp_path, "figure", "found", searched, **SEARCH)
    assert not (tmp_path / "found.png").exists()


def test_overview_shows_found_and_real(tmp_path, searched, first_picture):
    channels = 1 if first_picture.ndim == 2 else 3
    figure = returned("figure", "overview", searched | store(tmp_path, channels), **SEARCH)
    render(figure, "png")
    found, worst = pictures(figure)[0][0].get_array(), pictures(figure)[2][0].get_array()
    np.testing.assert_array_equal(found, first_picture)
    assert worst.shape == first_picture.shape


@pytest.fixture(params=[1, 3, 4])
def stored(tmp_path, request):
    """A dataset of 8x8 images, grey, coloured and with alpha, with predictions of a classifier, as files."""
    return store(tmp_path, request.param)


def store(folder, channels):
    labels = np.repeat([0, 1], 4)
    tensors, rows = {}, []
    for split in ("train", "validation", "test"):
        tensors[f"{split}_images"] = RNG.integers(0, 256, (8, channels, 8, 8)).astype(np.uint8)
        tensors[f"{split}_labels"] = labels
        columns = {"split": split, "id": range(8), "label": labels, "predicted": labels, "p_label": np.arange(8) / 10}
        rows.append(pd.DataFrame({"classifier": "softmax", "seed": 0, **columns}))
    save_file(tensors, folder / "data.safetensors")
    pd.concat(rows).to_csv(folder / "predictions.csv", index=False)
    return {"data": folder / "data.safetensors", "predictions": folder / "predictions.csv"}


def test_the_figures_of_labels_read_their_names(tmp_path, searched, first_picture, name_table):
    channels = 1 if first_picture.ndim == 2 else 3
    named = {**searched, **name_table}
    found = returned("figure", "found", named, **SEARCH)
    assert [axes.get_ylabel() for axes in found.axes if axes.get_ylabel()] == ["A", "B"]
    files = store(tmp_path, channels) | name_table
    overview = returned("figure", "overview", searched | files, **SEARCH)
    assert [axes.get_title() for axes in overview.axes if axes.get_title()] == ["A", "B"]
    worst = returned("figure", "worst", files)
    assert [axes.get_ylabel() for axes in worst.axes if axes.get_ylabel()] == ["A", "B"]
    assert worst.axes[0].get_xlabel() == "<0.0001"


def test_worst_shows_stored_images(tmp_path, stored):
    files = make(tmp_path, "figure", "worst", stored)
    assert "<!-- 0.4000 -->" in files["svg"].read_text()
    image = load_file(tmp_path / "data.safetensors")["train_images"][0]
    shown = pictures(returned("figure", "worst", stored))[0][0].get_array()
    np.testing.assert_array_equal(shown.reshape(8, 8, -1), image[:3].transpose(1, 2, 0) / np.float32(255))


def test_salient_keeps_the_pixels_of_the_largest_gradients(tmp_path, stored, monkeypatch):
    from pipeline.files.weights import write_weights
    from spurious.classifiers.models import Description, build_classifier

    monkeypatch.setattr(salient, "PIXELS", 20)
    test_images = load_file(tmp_path / "data.safetensors")["test_images"]
    description = Description(architecture="softmax", image_shape=test_images.shape[1:], classes=2)
    model = build_classifier(description)
    write_weights(tmp_path / "weights.safetensors", model, description)
    files = {"model": tmp_path / "weights.safetensors", **stored}
    assert make(tmp_path, "figure", "salient", files)["png"].stat().st_size > 1000
    # of two classes the gradient of p is p (1 - p) (w_0 - w_1); a pixel has that of its channel that does most
    first, second = model.out.weight.detach().unflatten(1, test_images.shape[1:])
    kept = pictures(returned("figure", "salient", files))[1][1].get_array()
    assert kept.count() == 20
    largest = (first - second).amax(0).flatten().topk(20).indices
    assert not kept.mask.ravel()[largest.numpy()].any()


def test_retraining_is_drawn_from_its_table(tmp_path):
    retraining_table().to_csv(tmp_path / "table.csv", index=False)
    files = make(tmp_path, "figure", "retraining", {"table": tmp_path / "table.csv"})
    assert b"<!-- attack: log-p -->" in files["svg"].read_bytes()


def test_smoothing_is_drawn_beside_published_numbers(tmp_path):
    smoothing_table().to_csv(tmp_path / "table.csv", index=False)
    NUMBERS.to_csv(tmp_path / "numbers.csv", index=False)
    files = {"table": tmp_path / "table.csv", "published": tmp_path / "numbers.csv"}
    drawn = make(tmp_path, "figure", "smoothing", files, dataset="own")
    assert b"<!-- published (ResNet50) -->" in drawn["svg"].read_bytes()
    drawn = make(tmp_path, "figure", "smoothing", files, dataset="digits")
    assert b"<!-- published (ResNet50) -->" not in drawn["svg"].read_bytes()


@pytest.fixture
def photos(tmp_path):
    """A folder of photographs with a list, names and votes, as the files of the gallery."""
    pixels = RNG.integers(0, 256, (3, 12, 18, 3)).astype(np.uint8)
    outcomes = {"corrected.png": (2, 1, 1, 1), "rejected.png": (0, 1, 2, -1), "right.png": (1, 1, 1, 1)}
    files, votes = [], []
    for (name, (ns, ss, ds, decision)), image in zip(outcomes.items(), pixels, strict=True):
        Image.fromarray(image).save(tmp_path / name)
        digest = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        files.append({"image": name, "label": 1, "name": "crane", "sha256": digest, "kept": True})
        p = dict.fromkeys(("p_ns", "p_ss", "p_ds"), 0.5)
        row = {"classifier": "cnn", "image": name, "label": 1, "variant": "published", **p}
        for seed, kernel, sigma in ((4, 5, 0.3), (4, 5, 0.0), (4, 7, 0.3), (5, 5, 0.3)):
            vote = (ns, ss, ds, decision) if (seed, kernel, sigma) == (4, 5, 0.3) else (2, 2, 2, 2)
            own = dict(zip(("ns", "ss", "ds", "decision"), vote, strict=True))
            votes.append(row | {"seed": seed, "kernel": kernel, "sigma": sigma, **own})
    for file, rows in (("list.csv", files), ("votes.csv", votes)):
        pd.DataFrame(rows).to_csv(tmp_path / file, index=False)
    (tmp_path / "names.csv").write_text("label,wordnet,name\n0,,hen\n1,,crane\n2,,cock\n")
    photographs = [tmp_path, tmp_path / "list.csv"]
    return {"votes": tmp_path / "votes.csv", "photographs": photographs, "class_names": tmp_path / "names.csv"}


def test_gallery_shows_the_noise_that_was_classified(tmp_path, photos):
    from spurious.perturbations.noise import add_noise

    figure = returned("figure", "gallery", photos, variant={"noise_scale": [0.5]})
    _, _, *texts = [text.get_text() for text in figure.texts]  # after title and note
    assert texts[0] == "corrected: wrong without blurring, right by majority (1 of 1 image)"
    assert texts[1:8] == ["crane", "0×", "cock", "1×", "crane", "2×", "crane"]
    assert texts[8] == "rejected: no two of the three agree (1 of 1 image)"
    assert texts[9:] == ["crane", "0×", "hen", "1×", "crane", "2×", "cock"]
    for name, (shown,) in zip(("corrected.png", "rejected.png"), pictures(figure), strict=True):
        image = torch.from_numpy(np.asarray(Image.open(tmp_path / name)) / np.float32(255)).permute(2, 0, 1)
        noisy = add_noise(image[None], [name], 0.3, 4, scale=(0.5,))[0].permute(1, 2, 0).numpy()
        np.testing.assert_array_equal(shown.get_array(), figures_pictures.thumbnail(noisy, 190))


def test_draw_gallery_of_four_views(tmp_path, photos):
    votes = pd.read_csv(tmp_path / "votes.csv")
    votes.insert(list(votes).index("ds"), "median", votes["ds"])
    votes.assign(p_median=0.5).to_csv(tmp_path / "votes.csv", index=False)
    _, note, *texts = [text.get_text() for text in returned("figure", "gallery", photos, variant={}).texts]
    assert note == "1: not blurred, 2: blurred once, 3: median-filtered, 4: blurred twice; in italics: wrong"
    assert texts[1:10] == ["crane", "1", "cock", "2", "crane", "3", "crane", "4", "crane"]
    assert texts[10].startswith("rejected: no class has more than half of the 4 views (1 of")


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("names.csv", "2,,cock\n", "", "names.csv: the class 2 has no name"),
        ("list.csv", "rejected.png", "other.png", "list.csv: rejected.png is missing, but has votes"),
    ],
)
def test_gallery_names_what_is_missing(tmp_path, photos, file, old, new, message):
    (tmp_path / file).write_text((tmp_path / file).read_text().replace(old, new))
    with pytest.raises(SpuriousError, match=message):
        make(tmp_path, "figure", "gallery", photos, variant={})


def test_risk_is_that_of_the_smallest_kernel(tmp_path, photos):
    files = make(tmp_path, "figure", "risk", {"votes": photos["votes"]})
    assert b"<!-- cnn, 5 taps: rejecting by votes" in files["svg"].read_bytes()


def test_trace_names_the_classifier_and_the_threshold(tmp_path):
    trace_rows().to_csv(tmp_path / "trace.csv", index=False)
    files = make(tmp_path, "figure", "trace", {"traces": tmp_path / "trace.csv"}, classifier="cnn", found_above=0.99)
    assert b"n = 4 images: cnn -->" in files["svg"].read_bytes()
    assert b"<!-- p = 0.99 -->" in files["svg"].read_bytes()
    trace_rows()[:0].to_csv(tmp_path / "trace.csv", index=False)
    with pytest.raises(SpuriousError, match="no rows to draw"):
        make(tmp_path, "figure", "trace", {"traces": tmp_path / "trace.csv"}, classifier="cnn", found_above=0.99)
