"""Rates, gains and risk of the noise sweep; its gallery and its example."""

import hashlib

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from figurechecks import EveryPage, keys_of
from making import make, returned
from samplepictures import RNG, pictures
from samplerows import smoothing_table
from spurious.errors import SpuriousError
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
from spurious.figures.style import BLACK, render
from spurious.statistics.intervals import paired_interval

RATES = ("acc_ns", "acc_ss", "acc_ds", "acc_maj", "acc_maj_all")
SCORES = ("ns", "ss", "ds", "vote", "combined")
SIX = ["ns", "ss", "ds", "median", "bilateral", "of_my_own"]
MARKS = ["0×", "1×", "2×"]
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
            lines += [(sigma, score, coverage, sigma * coverage, coverage != 0.5) for coverage in (0.01, 0.5, 1.0)]
        table.append(row)
    return pd.DataFrame(lines, columns=["sigma", "score", "coverage", "risk", "reached"]), pd.DataFrame(table)


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
DRAWN = {
    "rates of six views": lambda: rates_figure.smoothing(smoothing_table(SIX), "title of it"),
    "risk of six views": lambda: risk_figure.risk(*risk_frames(scores=[*SIX, "vote", "combined"]), "title of it"),
    "gallery of six views": lambda: gallery.gallery({"some": [SIX_VOTES] * 4}, "title of it", *looks.marks(SIX)[::-1]),
    "example of six views": lambda: example.example(*six_views(), "title of it", "note"),
    "smoothing": lambda: rates_figure.smoothing(smoothing_table(), "title of it"),
    "published": lambda: rates_figure.smoothing(smoothing_table(), "title of it", PUBLISHED),
    "risk": lambda: risk_figure.risk(*risk_frames(), "title of it"),
    "gain": lambda: gain_figure.gain(gain_table(), "title of it"),
    "gallery": lambda: gallery.gallery({"some": [CARD] * 6, "none": [], "one": [CARD]}, "title of it", "note", MARKS),
    "example": lambda: example.example(VIEWS, example_rows(), "title of it", "note"),
}


class TestEveryPage(EveryPage):
    drawn = DRAWN


@pytest.mark.parametrize(
    ("draw", "message"),
    [
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


def test_each_panel_of_risk_begins_shortly_before_its_first_error():
    lines, table = risk_frames((0.0, 0.125))
    late = lines.assign(risk=lines["risk"].where((lines["sigma"] == 0.125) & (lines["coverage"] > 0.5), 0))
    without, later, *_ = risk_figure.risk(late, table, "").axes
    assert without.get_xlim() == (0, 1.01)
    assert later.get_xlim() == pytest.approx((0.95, 1.01))


@pytest.mark.parametrize(("area", "said"), [(0.155, "0.155"), (0.00996, "0.010"), (0.0099, "0.0099"), (0.0, "0.0000")])
def test_small_areas_have_a_decimal_more(area, said):
    assert risk_figure.area_text(area) == said


@pytest.mark.parametrize(("rate", "said"), [(0.0, True), (0.0025, False)])
def test_smoothing_says_in_words_where_nothing_is_rejected(rate, said):
    rows = smoothing_table().assign(reject_rate=rate)
    texts = [text.get_text() for axes in rates_figure.smoothing(rows, "").axes for text in axes.texts]
    assert ("rejects none at any sigma" in texts) == said


def test_votes_are_marked_where_they_are_reached_and_a_vote_that_rejects_nothing_says_so():
    lines, table = risk_frames()
    figure = risk_figure.risk(lines, table.assign(coverage=[1.0, 0.9, 0.9]), "")
    drawn = figure.axes[0].get_lines()[: len(SCORES)]
    marked = [line.get_markevery() for line in drawn if line.get_marker() == "o"]
    assert marked == [[False, True]]
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[:2] == ["sigma 0, n = 100: the vote rejects none", "sigma 0.125, n = 100"]


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
