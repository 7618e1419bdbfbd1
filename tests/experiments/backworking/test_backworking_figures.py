"""What searches found, and their course."""

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from figurechecks import EveryPage, assert_inside, keys_of
from making import make, returned
from samplepictures import CALLED, GRID, RNG, P, pictures, store
from samplerows import trace_rows
from spurious.errors import SpuriousError
from spurious.experiments.backworking import found as backworking_found
from spurious.experiments.backworking import overview, trace
from spurious.figures.labels import row_names
from spurious.figures.style import render

DRAWN = {
    "found": lambda: backworking_found.found(GRID, P, "title of it"),
    "found of named classes": lambda: backworking_found.found(GRID, P, "title of it", labels=row_names([0, 1], CALLED)),
    "found and clipped": lambda: backworking_found.found(GRID - 0.5, P, "title of it", clipped=P),
    "trace": lambda: trace.trace(trace_rows(), "title of it"),
    "overview": lambda: overview_of(26),
}


class TestEveryPage(EveryPage):
    drawn = DRAWN


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


def test_found_has_p_after_clipping_on_a_line_of_its_own():
    figure = backworking_found.found(GRID - 0.5, P, "", clipped=P[::-1])
    below = [[*axes.texts] for axes in figure.axes]
    assert [text.get_text() for (text,) in below] == [
        axes.get_xlabel() for axes in [*figure.axes[3:], *figure.axes[:3]]
    ]
    assert [text.get_style() for (text,) in below] == ["italic", "normal", "italic", "normal", "italic", "normal"]
    assert "as found and, below, clipped to [0, 1] as shown" in figure.get_supxlabel()
    figure.draw_without_rendering()
    for axes, (text,) in zip(figure.axes, below, strict=True):
        assert text.get_window_extent().y1 <= axes.xaxis.label.get_window_extent().y0 + 2
    assert_inside(figure)


def test_found_reads_what_was_judged_clipped(tmp_path, searched):
    for path in searched["rows"]:
        rows = pd.read_csv(path)
        clipped = rows.assign(search="published, clamped", p=0.25 + rows["image"] / 8)
        pd.concat([clipped[::-1], rows]).to_csv(path, index=False)
    figure = returned("figure", "found", searched, **SEARCH)
    assert [axes.texts[0].get_text() for axes in figure.axes] == ["0.2500", "0.3750", "0.5000"] * 2
    pd.read_csv(searched["rows"][1]).query("search == 'published'").to_csv(searched["rows"][1], index=False)
    with pytest.raises(SpuriousError, match=r"label1\.csv: no rows of the search 'published, clamped' with seed 1"):
        returned("figure", "found", searched, **SEARCH)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: backworking_found.found(GRID, P, "", clipped=P[:1]), r"clipped is \(1, 3\), but the images"),
        (
            lambda: backworking_found.found(GRID[0], P[0], ""),
            r"images must be \(labels, n, H, W\) or .*, not \(3, 6, 6\)",
        ),
        (lambda: backworking_found.found(GRID, P[:, :2], ""), r"p is \(2, 2\), but the images are \(2, 3\)"),
        (
            lambda: backworking_found.found(GRID[..., None].repeat(4, -1), P, ""),
            r"images must be .*, not \(2, 3, 6, 6, 4\)",
        ),
        (lambda: trace.trace(trace_rows().drop(columns="p"), ""), "the column p is missing"),
        (lambda: trace.trace(trace_rows()[:0], ""), "no rows to draw"),
    ],
)
def test_wrong_inputs_raise_one_clear_line(draw, message):
    with pytest.raises(SpuriousError, match=message):
        draw()


def test_a_search_that_ended_keeps_its_last_p():
    axes = DRAWN["trace"]().axes[0]
    median = next(line for line in axes.get_lines() if line.get_label().startswith("median"))
    # Label 0 ends at .5 after three steps, label 1 at .9 after five.
    assert median.get_ydata() == pytest.approx([0.1, 0.3, 0.5, 0.6, 0.7])


def test_trace_has_a_panel_per_search_and_the_threshold():
    figure = trace.trace(trace_rows(), "", found_above=0.99)
    panels = figure.axes[:2]
    assert [axes.get_title() for axes in panels] == ["published", "log-p"]
    assert all(any(set(line.get_ydata()) == {0.99} for line in axes.get_lines()) for axes in panels)


def test_trace_says_what_lies_at_the_ends_of_its_axis():
    figure = DRAWN["trace"]()
    figure.draw_without_rendering()
    ends = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert (ends[0], ends[-1]) == ("\N{LESS-THAN OR EQUAL TO}0.0003", "\N{GREATER-THAN OR EQUAL TO}0.9999")
    assert "median; ended searches keep their p" in [text for text, _ in keys_of(figure)]


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
    assert [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()] == ["noise, best\nof 3", "training,\nworst"]


def overview_of(labels):
    """Made-up noise and training images of so many labels, the noise of the last one not found."""
    draw, names = np.random.default_rng(0), [chr(ord("A") + label) for label in range(labels)]
    p = np.linspace(0.99991, 0.9, labels)
    return overview.overview(draw.random((labels, 6, 6)), p, draw.random((labels, 6, 6)), p / 2, "title of it", names)


@pytest.mark.parametrize(("labels", "bands", "digits"), [(10, 1, 4), (13, 1, 2), (14, 2, 2), (26, 2, 2)])
def test_overview_puts_many_labels_into_bands_with_fewer_decimals(labels, bands, digits):
    figure = overview_of(labels)
    grid = np.array(figure.axes).reshape(2 * bands, min(labels, 13))
    for label in range(labels):
        band, column = divmod(label, 13)
        noise, real = grid[2 * band : 2 * band + 2, column]
        assert noise.get_title() == chr(ord("A") + label)
        assert [len(axes.get_xlabel().lstrip(">")) for axes in (noise, real)] == [2 + 4, 2 + digits]
        assert noise.xaxis.label.get_style() == ("normal" if label == 0 else "italic")
        assert real.xaxis.label.get_style() == "normal"
    assert sum(bool(axes.images) for axes in grid.flat) == 2 * labels
    rows = [axes.get_ylabel() for axes in grid[:, 0]]
    assert rows == ["noise", "training,\nworst"] * bands
    assert_inside(figure)


def test_the_figures_of_labels_read_their_names(tmp_path, searched, first_picture, name_table):
    channels = 1 if first_picture.ndim == 2 else 3
    named = {**searched, **name_table}
    found = returned("figure", "found", named, **SEARCH)
    assert [axes.get_ylabel() for axes in found.axes if axes.get_ylabel()] == ["A", "B"]
    files = store(tmp_path, channels) | name_table
    both = returned("figure", "overview", searched | files, **SEARCH)
    assert [axes.get_title() for axes in both.axes if axes.get_title()] == ["A", "B"]
    worst = returned("figure", "worst", files)
    assert [axes.get_ylabel() for axes in worst.axes if axes.get_ylabel()] == ["A", "B"]
    assert worst.axes[0].get_xlabel() == "<0.0001"


def test_trace_names_the_classifier_and_the_threshold(tmp_path):
    trace_rows().to_csv(tmp_path / "trace.csv", index=False)
    files = make(tmp_path, "figure", "trace", {"traces": tmp_path / "trace.csv"}, classifier="cnn", found_above=0.99)
    assert b"n = 4 images: cnn -->" in files["svg"].read_bytes()
    assert b"<!-- p = 0.99 -->" in files["svg"].read_bytes()
    trace_rows()[:0].to_csv(tmp_path / "trace.csv", index=False)
    with pytest.raises(SpuriousError, match="no rows to draw"):
        make(tmp_path, "figure", "trace", {"traces": tmp_path / "trace.csv"}, classifier="cnn", found_above=0.99)
