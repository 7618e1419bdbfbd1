"""Every figure is drawn from synthetic data, to files that are equal byte by byte."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

import draw_figure
from spurious.errors import SpuriousError
from spurious.figures import curves, images
from spurious.figures.style import probability_text, render

RNG = np.random.default_rng(0)
GRID = RNG.random((2, 3, 6, 6))
P = np.array([[0.9995, 0.999, 1.0], [0.2, 0.99999, 0.00001]])
KEPT = np.where(GRID > 0.7, GRID, 0)


def trace_rows():
    rows = []
    for search, lengths in (("published", (3, 5)), ("log-p", (4, 4))):
        for label, length in enumerate(lengths):
            rows += [("cnn", 0, label, search, step, i, 0.1 + 0.2 * step) for i in (0, 1) for step in range(length)]
    return pd.DataFrame(rows, columns=["classifier", "seed", "label", "search", "step", "image", "p"])


def retraining_table():
    arms = [("none", "none", 0), ("none", "none", 1), ("normal", "extra", 1), ("backworked", "uniform", 1)]
    rows = [(*arm, s, 0.9 + s / 100, a, 5 + s, 80) for arm in arms for s in (0, 1) for a in ("published", "log-p")]
    return pd.DataFrame(rows, columns=["negatives", "target", "round", "seed", "accuracy", "attack", "found", "images"])


def smoothing_table():
    rows = []
    for classifier in ("cnn", "softmax"):
        for kernel in (5, 7):
            for sigma in (0.0, 0.125):
                row = {"classifier": classifier, "kernel": kernel, "sigma": sigma, "n": 400}
                for name in (*curves.RATES, "reject_rate"):
                    row |= {name: 0.8 - sigma, f"{name}_low": 0.7 - sigma, f"{name}_high": 0.9 - sigma}
                rows.append(row)
    return pd.DataFrame(rows)


DRAWN = {
    "found": lambda: images.found(GRID, P, "title of it"),
    "worst": lambda: images.worst(GRID, P, np.array([[0, 1, 2], [1, 1, 0]]), "title of it"),
    "salient": lambda: images.salient(GRID, KEPT, "title of it"),
    "trace": lambda: curves.trace(trace_rows(), "title of it"),
    "retraining": lambda: curves.retraining(retraining_table(), "title of it"),
    "smoothing": lambda: curves.smoothing(smoothing_table(), "title of it"),
}


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize(("kind", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_files_are_equal_byte_by_byte(name, kind, start):
    first, second = render(DRAWN[name](), kind), render(DRAWN[name](), kind)
    assert first.startswith(start)
    assert first == second


@pytest.mark.parametrize("name", DRAWN)
def test_the_title_is_in_the_svg(name):
    assert b"<!-- title of it -->" in render(DRAWN[name](), "svg")


@pytest.mark.parametrize("name", DRAWN)
def test_no_text_is_cut_off(name):
    figure = DRAWN[name]()
    figure.draw_without_rendering()
    page, drawn = figure.bbox, figure.get_tightbbox()
    assert drawn.x0 >= 0
    assert drawn.y0 >= 0
    assert drawn.x1 * figure.dpi <= page.x1 + 1
    assert drawn.y1 * figure.dpi <= page.y1 + 1


@pytest.mark.parametrize("name", DRAWN)
def test_the_title_lies_over_no_panel(name):
    figure = DRAWN[name]()
    figure.draw_without_rendering()
    title = figure._suptitle.get_window_extent()
    assert all(axes.get_tightbbox().y1 <= title.y0 for axes in figure.axes)


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
    figure = images.found(GRID, P, "", labels=[3, 8])
    assert [axes.get_ylabel() for axes in figure.axes] == ["3", "", "", "8", "", ""]


def test_worst_shows_the_predicted_class():
    figure = DRAWN["worst"]()
    assert figure.axes[1].get_xlabel() == "0.9990 \N{RIGHTWARDS ARROW} 1"
    assert figure.axes[1].xaxis.label.get_style() == "italic"
    assert figure.axes[0].xaxis.label.get_style() == "normal"


def test_salient_alternates_image_and_gradient():
    figure = DRAWN["salient"]()
    assert [len(shown) for shown in pictures(figure)] == [1, 2] * 6
    gradient = pictures(figure)[1][1].get_array()
    assert gradient.count() == (KEPT[0, 0] > 0).sum()


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: images.found(GRID[0], P[0], ""), r"images must be \(labels, n, H, W\), not \(3, 6, 6\)"),
        (lambda: images.found(GRID, P[:, :2], ""), r"p is \(2, 2\), but the images are \(2, 3\)"),
        (lambda: images.worst(GRID, P, P[:1], ""), r"predicted is \(1, 3\)"),
        (lambda: images.salient(GRID, KEPT[:1], ""), r"they must be alike"),
        (lambda: images.grey(np.zeros((2, 3, 6, 6))), r"grey images \(N, 1, H, W\), not \(2, 3, 6, 6\)"),
        (lambda: curves.trace(trace_rows().drop(columns="p"), ""), "the column p is missing"),
        (lambda: curves.trace(trace_rows()[:0], ""), "no rows to draw"),
        (lambda: curves.smoothing(smoothing_table().drop(columns="acc_ds_low"), ""), "acc_ds_low is missing"),
    ],
)
def test_wrong_inputs_raise_one_clear_line(draw, message):
    with pytest.raises(SpuriousError, match=message):
        draw()


def test_lowest_sorts_and_counts():
    frame = pd.DataFrame({"id": range(6), "label": [1, 0, 1, 0, 1, 0], "p_label": [0.5, 0.1, 0.2, 0.9, 0.8, 0.3]})
    assert images.lowest(frame, 2)["id"].tolist() == [1, 5, 2, 0]
    with pytest.raises(SpuriousError, match="has 3 predictions, 4 are needed"):
        images.lowest(frame, 4)


def test_a_search_that_ended_keeps_its_last_p():
    axes = DRAWN["trace"]().axes[0]
    median = next(line for line in axes.get_lines() if line.get_label() == "median")
    # Label 0 ends at .5 after three steps, label 1 at .9 after five.
    assert median.get_ydata() == pytest.approx([0.1, 0.3, 0.5, 0.6, 0.7])


def test_trace_has_a_panel_per_search_and_the_threshold():
    figure = curves.trace(trace_rows(), "", found_above=0.99)
    assert [axes.get_title() for axes in figure.axes] == ["published", "log-p"]
    assert all(any(set(line.get_ydata()) == {0.99} for line in axes.get_lines()) for axes in figure.axes)


def test_retraining_draws_every_arm_from_round_0():
    figure = DRAWN["retraining"]()
    assert [axes.get_title() for axes in figure.axes] == ["accuracy", "attack: published", "attack: log-p"]
    lines = figure.axes[1].get_lines()
    assert [line.get_ydata().tolist() for line in lines] == [[5.5, 5.5]] * 3
    keys = [text.get_text() for text in figure.legends[0].get_texts()]
    assert keys[:3] == ["negatives: none", "negatives: normal", "negatives: backworked"]
    assert keys[3:] == ["target: uniform labels", "target: extra class"]


def test_smoothing_has_two_rows_per_classifier_and_a_column_per_kernel():
    figure = DRAWN["smoothing"]()
    assert len(figure.axes) == 8
    assert figure.axes[5].get_title() == "softmax, 7 taps, n = 400"
    assert len(figure.axes[0].containers) == 5


@pytest.mark.parametrize(("p", "text"), [(0.99994, "0.9999"), (0.99995, ">0.9999"), (0, "<0.0001"), (0.5, "0.5000")])
def test_probability_text_never_rounds_to_0_or_1(p, text):
    assert probability_text(p) == text


@pytest.fixture
def outputs(tmp_path):
    return ["--output-png", str(tmp_path / "out.png"), "--output-svg", str(tmp_path / "out.svg")]


def test_draw_found_reads_the_stored_search(tmp_path, outputs):
    arguments = ["found", "--search", "published", "--seed", "1", "--images"]
    row_files = []
    for label in (0, 1):
        tensor = RNG.random((3, 1, 6, 6)).astype(np.float32)
        save_file({"published/seed1": tensor}, tmp_path / f"label{label}.safetensors")
        arguments.append(str(tmp_path / f"label{label}.safetensors"))
        rows = {"classifier": "cnn", "seed": 1, "label": label, "search": "published", "image": range(3), "p": 0.9995}
        pd.DataFrame(rows).to_csv(tmp_path / f"label{label}.csv", index=False)
        row_files.append(str(tmp_path / f"label{label}.csv"))
    draw_figure.main([*arguments, "--rows", *row_files, *outputs])
    assert b"<!-- cnn, search published, seed 1 -->" in (tmp_path / "out.svg").read_bytes()
    with pytest.raises(SpuriousError, match="no rows of the search 'other'"):
        draw_figure.main([*arguments, "--rows", *row_files, *outputs, "--search", "other"])


@pytest.fixture
def stored(tmp_path):
    """A dataset of 8x8 images with predictions of a classifier, as files."""
    labels = np.repeat([0, 1], 4)
    tensors, rows = {}, []
    for split in ("train", "validation", "test"):
        tensors[f"{split}_images"] = RNG.integers(0, 256, (8, 1, 8, 8)).astype(np.uint8)
        tensors[f"{split}_labels"] = labels
        columns = {"split": split, "id": range(8), "label": labels, "predicted": labels, "p_label": np.arange(8) / 10}
        rows.append(pd.DataFrame({"classifier": "softmax", "seed": 0, **columns}))
    save_file(tensors, tmp_path / "data.safetensors")
    pd.concat(rows).to_csv(tmp_path / "predictions.csv", index=False)
    return ["--data", str(tmp_path / "data.safetensors"), "--predictions", str(tmp_path / "predictions.csv")]


def test_draw_worst(tmp_path, stored, outputs):
    draw_figure.main(["worst", *stored, "--count", "2", *outputs])
    assert "0.4000 \N{RIGHTWARDS ARROW} 1" in (tmp_path / "out.svg").read_text()


def test_draw_salient(tmp_path, stored, outputs):
    from spurious.models import Description, build_classifier
    from tensorfiles import write_weights

    description = Description(architecture="softmax", image_shape=(1, 8, 8), classes=2)
    write_weights(tmp_path / "weights.safetensors", build_classifier(description), description)
    weights = ["--weights", str(tmp_path / "weights.safetensors")]
    draw_figure.main(["salient", *weights, *stored, "--examples", "2", "--count", "20", *outputs])
    assert (tmp_path / "out.png").stat().st_size > 1000


@pytest.mark.parametrize(("name", "table"), [("retraining", retraining_table), ("smoothing", smoothing_table)])
def test_draw_from_a_table(tmp_path, outputs, name, table):
    table().to_csv(tmp_path / "table.csv", index=False)
    draw_figure.main([name, "--tables", str(tmp_path / "table.csv"), "--title", "of digits", *outputs])
    assert b"<!-- of digits -->" in (tmp_path / "out.svg").read_bytes()


def test_draw_trace_of_one_classifier(tmp_path, outputs):
    trace_rows().to_csv(tmp_path / "trace.csv", index=False)
    draw_figure.main(["trace", "--traces", str(tmp_path / "trace.csv"), "--classifier", "cnn", *outputs])
    with pytest.raises(SpuriousError, match="no rows to draw"):
        draw_figure.main(["trace", "--traces", str(tmp_path / "trace.csv"), "--classifier", "other", *outputs])


@pytest.mark.parametrize("script", ["make_table", "draw_figure"])
def test_scripts_do_not_import_torch(script, pytestconfig):
    code = f"import sys, {script}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=pytestconfig.rootpath / "scripts", check=True)
