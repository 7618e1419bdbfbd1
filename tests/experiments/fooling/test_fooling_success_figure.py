"""The figure of the gradient methods shows every method, the ones that fail too, beside random changes."""

import pandas as pd
import pytest

from figurechecks import assert_inside, assert_same_bytes
from samplerows import fooling_rows
from spurious.errors import SpuriousError
from spurious.experiments.fooling.success import fooling
from spurious.experiments.fooling.success_figure import figure
from spurious.figures.style import BLUE, GREY, ORANGE

METHODS = ("away", "towards", "noise", "fgsm-unclamped")
CLASSIFIERS = ("cnn", "softmax")


def table(classifiers=CLASSIFIERS, seeds=(0, 1)):
    rows = [fooling_rows(m, seed, classifier=c) for c in classifiers for m in METHODS for seed in seeds]
    return fooling(pd.concat(rows))


def points(axes, color):
    """(x, y) of the markers of a colour, %, from the top."""
    drawn = [line for line in axes.lines if line.get_marker() == "o" and line.get_color() == color]
    return [(line.get_xdata()[0], line.get_ydata()[0]) for line in drawn]


def bounds(axes, color):
    return [tuple(line.get_xdata()) for line in axes.lines if line.get_marker() != "o" and line.get_color() == color]


def test_every_method_has_its_share_over_the_seeds_with_the_interval_of_the_table():
    made = table()
    (axes,) = figure(made).axes
    own = made[made["seed"].astype(str) == "all"]
    for classifier, color in (("cnn", BLUE), ("softmax", ORANGE)):
        rows = own[own["classifier"] == classifier]
        assert [x for x, _ in points(axes, color)] == pytest.approx((100 * rows["success"]).tolist())
        expected = [(100 * low, 100 * high) for low, high in rows[["low", "high"]].to_numpy()]
        assert bounds(axes, color) == [pytest.approx(pair) for pair in expected]
    assert [text.get_text().split("\n")[0] for text in axes.get_yticklabels()] == list(METHODS)


def test_the_control_of_every_bar_lies_on_its_line():
    made = table()
    (axes,) = figure(made).axes
    by_line = {y: x for x, y in points(axes, GREY)}
    shown = sorted(points(axes, BLUE) + points(axes, ORANGE), key=lambda point: point[1])
    assert sorted(by_line) == [y for _, y in shown]
    own = made[made["seed"].astype(str) == "all"]
    expected = [100 * own.loc[(own["method"] == m) & (own["classifier"] == c), "control"].item()
                for m in METHODS for c in CLASSIFIERS]  # fmt: skip
    assert [by_line[y] for _, y in shown] == pytest.approx(expected)
    assert len(bounds(axes, GREY)) == len(expected)


def test_the_names_say_size_steps_and_goal():
    drawn = figure(table())
    assert drawn.get_suptitle().endswith("changes in pixels of [0, 1]")
    (axes,) = drawn.axes
    away, towards, noise, unclamped = (text.get_text() for text in axes.get_yticklabels())
    assert away.endswith("to any other class")
    assert towards.endswith("to a given class")
    assert noise.endswith("from noise to a given class")
    assert "not clipped" in unclamped
    assert "not clipped" not in away


def test_a_classifier_that_was_right_nowhere_has_a_line_without_a_point():
    rows = fooling_rows("away").assign(clean_predicted=0)
    (axes,) = figure(fooling(rows)).axes
    assert [text.get_text() for text in axes.texts] == ["0", "images"]
    assert all(pd.isna(x) for x, _ in points(axes, BLUE))


def test_nothing_is_cut_off_and_a_figure_is_the_same_every_time():
    assert_inside(figure(table()))
    assert_same_bytes(lambda: figure(table()), "png", b"\x89PNG")


def test_a_table_without_rows_or_columns_is_refused():
    with pytest.raises(SpuriousError, match="control_low"):
        figure(table().drop(columns="control_low"))
    with pytest.raises(SpuriousError, match="no rows"):
        figure(table().iloc[:0])
