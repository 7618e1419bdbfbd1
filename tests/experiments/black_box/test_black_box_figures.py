"""The figures of fooling by scores and of transfer show what the rows say."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from PIL import Image
from safetensors.numpy import save_file

from figurechecks import EveryFigure, assert_inside, assert_title_above, keys_of
from making import make
from samplerows import CLASSIFIERS, by_distances, scored_rows, transfer_rows
from spurious.errors import SpuriousError
from spurious.experiments.black_box import figure as black_box_figure
from spurious.experiments.black_box import images_figure
from spurious.experiments.transfer import figure as transfer_figure
from spurious.experiments.transfer import table
from spurious.figures.style import render

RNG = np.random.default_rng(0)


MANY = [f"classifier {number}" for number in range(16)]


def pictures(classifiers=CLASSIFIERS, count=5):
    keys = [(classifier, start) for classifier in classifiers for start in ("image", "noise")]
    return {key: (RNG.random((count, 8, 8)), RNG.random((count, 8, 8))) for key in keys}


def draw_transfer(rows=None):
    rows = transfer_rows() if rows is None else rows
    return transfer_figure.transfer(table.transfer(rows), table.chance(rows), "title of it")


def missing():
    """Searches that end as another class than the target where they fail."""
    rows = scored_rows()
    return rows.assign(predicted=rows["predicted"].where(rows["success"].astype(bool), 2))


PICTURES = pictures()
DRAWN = {
    "black-box": lambda: black_box_figure.black_box(scored_rows(), "title of it"),
    "black-box of many": lambda: black_box_figure.black_box(scored_rows(MANY), "title of it"),
    "black-box of one": lambda: black_box_figure.black_box(scored_rows(["forest"]), "title of it"),
    "images": lambda: images_figure.black_box_images(scored_rows(), PICTURES, "title of it"),
    "images of named classes": lambda: images_figure.black_box_images(
        scored_rows(), PICTURES, "title of it", class_names=[*"ABC", "house finch", "maillot"]
    ),
    "images of missed targets": lambda: images_figure.black_box_images(
        missing(), PICTURES, "title of it", class_names=[*"ABC", "house finch", "maillot"]
    ),
    "transfer": draw_transfer,
}


class TestEveryFigure(EveryFigure):
    drawn = DRAWN


@pytest.mark.parametrize("name", DRAWN)
def test_no_text_is_cut_off_and_the_title_lies_over_no_panel(name):
    figure = DRAWN[name]()
    assert_inside(figure)
    assert_title_above(figure)
    assert figure.get_suptitle() == "title of it"


def test_images_are_called_by_their_names():
    texts = [axes.get_xlabel() for axes in DRAWN["images of named classes"]().axes]
    assert texts[:2] == ["maillot", "hous\N{HORIZONTAL ELLIPSIS}\n(.50)"]
    assert [axes.get_xlabel() for axes in DRAWN["images"]().axes][:2] == ["4", "3 (.50)"]


def test_a_missed_target_is_named():
    texts = {axes.get_xlabel() for axes in DRAWN["images of missed targets"]().axes}
    assert "C\nto ho\N{HORIZONTAL ELLIPSIS}\n(.50)" in texts
    missed = images_figure.black_box_images(missing(), PICTURES, "")
    assert "to 3: .50\nsays 2" in {axes.get_xlabel() for axes in missed.axes}


def test_an_attack_without_queries_is_not_drawn():
    drawn = (black_box_figure.black_box(rows, "title of it") for rows in (scored_rows(), by_distances(scored_rows())))
    first, second = ([line.get_xydata().tolist() for line in figure.axes[0].get_lines()] for figure in drawn)
    assert first == second


def test_curves_end_at_the_share_that_succeeded():
    figure = DRAWN["black-box"]()
    for axes in figure.axes:
        curves = [line for line in axes.lines if len(line.get_xdata()) > 1]
        assert len(curves) == 8
        by_color = {}
        for line in curves:
            by_color.setdefault(line.get_color(), []).append(line)
        for number, (solid, dashed) in enumerate(by_color.values()):
            assert (solid.get_linestyle(), dashed.get_linestyle()) == ("-", "--")
            assert solid.get_ydata()[-1] == pytest.approx((number + 1) / 5)
            assert solid.get_xdata()[1:-2].tolist() == [20 * (place + 1) for place in range(number + 1)]
            assert dashed.get_ydata().max() == 0
            assert solid.get_xdata()[-1] == dashed.get_xdata()[-1] == 400
        bars = [bar for bar in axes.collections if isinstance(bar, LineCollection)]
        assert len(bars) == 8


@pytest.mark.parametrize("count", [7, 8, 16])
def test_every_classifier_of_many_has_a_look_of_its_own(count):
    figure = black_box_figure.black_box(scored_rows(MANY[:count]), "")
    for axes in figure.axes:
        curves = [line for line in axes.lines if len(line.get_xdata()) > 1]
        assert len({(line.get_color(), str(line.get_marker()), line.get_linestyle()) for line in curves}) == 2 * count
        ends = sorted(float(line.get_xdata()[0]) for line in axes.lines if len(line.get_xdata()) == 1)
        assert len(ends) == 2 * count
        assert len(set(ends)) == 2 * count
        assert 400 < ends[0] < ends[-1] < axes.get_xlim()[1] == pytest.approx(400 * 1.2**8)
    keys = [handle for _, handle in keys_of(figure)][:count]
    assert len({(key.get_color(), str(key.get_marker())) for key in keys}) == count
    assert [str(key.get_marker()) for key in keys][:7] == ["None"] * 7


def test_the_final_shares_have_their_intervals():
    axes = DRAWN["black-box of one"]().axes[0]
    bars = [bar.get_segments()[0] for bar in axes.collections if isinstance(bar, LineCollection)]
    bounds = [segment[:, 1].tolist() for segment in bars]
    assert bounds[0] == pytest.approx([0.03622, 0.62447], abs=1e-4)  # 1 of 5
    assert bounds[1] == pytest.approx([0.0, 0.43448], abs=1e-4)  # 0 of 5


def test_images_stand_before_and_after_with_their_classes():
    figure = DRAWN["images"]()
    shown = [axes for axes in figure.axes if axes.get_images()]
    assert len(shown) == 4 * 12
    first = shown[:12]
    for place in range(3):
        for side in (0, 1):
            picture = first[2 * place + side].get_images()[0]
            np.testing.assert_array_equal(picture.get_array(), PICTURES["forest", "image"][side][place])
            picture = first[6 + 2 * place + side].get_images()[0]
            np.testing.assert_array_equal(picture.get_array(), PICTURES["forest", "noise"][side][place])
    assert [axes.get_xlabel() for axes in first] == ["4", "3 (.50)"] * 3 + ["<.01", "3 (.50)"] * 3
    assert [axes.xaxis.label.get_style() for axes in first[:6]] == ["normal", "normal"] + ["normal", "italic"] * 2


@pytest.mark.parametrize(
    ("p", "text"), [(0, "0"), (1, "1"), (0.004, "<.01"), (0.005, ".01"), (0.994, ".99"), (0.9999, ">.99"), (0.5, ".50")]
)
def test_short_probabilities(p, text):
    assert images_figure.short_probability(p) == text


def test_every_cell_tells_its_share_and_its_chance_level():
    figure = draw_transfer()
    heat, below = figure.axes[:2]
    texts = [text.get_text() for text in heat.texts]
    assert texts == [
        "100",
        "0",
        "25",
        "12",
        "50",
        "25",
        "0",
        "0",
        "100",
        "12",
        "50",
        "25",
        "0",
        "0",
        "25",
        "12",
        "100",
        "25",
    ]
    np.testing.assert_allclose(heat.images[0].get_array(), [[100, 25, 50], [0, 100, 50], [0, 25, 100]])
    assert [text.get_text() for text in below.texts] == ["0", "12", "25"]
    assert [tick.get_text() for tick in below.get_yticklabels()] == ["random signs\nall 8 images"]
    assert [tick.get_text() for tick in heat.get_yticklabels()][1] == "cnn, seed 1\n8 of 8 images"


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0"), (1, "100"), (0.001, "0.1"), (0.999, "99.9"), (0.5, "50"), (float("nan"), "")]
)
def test_a_share_is_not_rounded_to_none_or_all(share, text):
    assert transfer_figure.share_text(share) == text


def test_a_source_that_fools_nothing_is_drawn_empty():
    rows = transfer_rows()
    rows.loc[rows["source_seed"] == 1, ["fooled_source"]] = False
    figure = draw_transfer(rows)
    assert [text.get_text() for text in figure.axes[0].texts][6:12] == [""] * 6
    render(figure, "png")


def test_nothing_to_draw_is_told():
    with pytest.raises(SpuriousError, match=r"^there are no rows to draw; give those"):
        black_box_figure.black_box(scored_rows([]).reindex(columns=scored_rows().columns), "")


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_all_are_drawn_from_files(tmp_path, channels):
    rows, images = [], []
    for name in CLASSIFIERS:
        scored_rows([name]).to_csv(tmp_path / f"{name}.csv", index=False)
        tensors = {}
        for start in ("image", "noise"):
            for before_and_after, kind in zip(PICTURES[name, start], ("original", "evolution"), strict=True):
                tensors[f"{start}/{kind}"] = np.repeat(before_and_after[:, None], channels, axis=1).astype(np.float32)
        save_file(tensors, tmp_path / f"{name}.safetensors")
        rows.append(tmp_path / f"{name}.csv")
        images.append(tmp_path / f"{name}.safetensors")
    transfer_rows().to_csv(tmp_path / "transfer.csv", index=False)
    files = {
        "black_box": {"rows": rows},
        "black_box-images": {"rows": rows, "images": images},
        "transfer": {"rows": tmp_path / "transfer.csv"},
    }
    for name, inputs in files.items():
        made = make(tmp_path, "figure", name, inputs)
        assert Image.open(made["png"]).width == 1400
        assert made["svg"].read_bytes().startswith(b"<?xml")
