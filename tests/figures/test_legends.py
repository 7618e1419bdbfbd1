"""Legends read as the page does, row by row."""

import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from spurious.figures.legends import legend_below, rows_of


def drawn(count, **look):
    """The keys' texts with their (left, top) on the page."""
    figure = Figure(figsize=(7, 3), layout="constrained")
    figure.subplots()
    legend = legend_below(figure, [Line2D([], [], label=f"key {place}") for place in range(count)], **look)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in legend.get_texts()]
    return {text.get_text(): (box.x0, -box.y1) for text, box in zip(legend.get_texts(), boxes, strict=True)}


@pytest.mark.parametrize("count", range(2, 9))
def test_keys_stand_in_order_from_left_to_right_and_row_by_row(count):
    places = drawn(count)
    read = sorted(places, key=lambda name: (round(places[name][1]), places[name][0]))
    assert read == [f"key {place}" for place in range(count)]


@pytest.mark.parametrize(("count", "rows"), [(3, [3]), (4, [2, 2]), (5, [3, 2]), (6, [3, 3]), (7, [3, 3, 1])])
def test_rows_are_as_even_as_they_can_be(count, rows):
    heights = [round(top) for _, top in drawn(count).values()]
    assert [heights.count(height) for height in sorted(set(heights))] == rows
    assert len({round(left) for left, _ in drawn(count).values()}) == rows[0]


def test_more_keys_fit_in_a_row_where_they_are_short():
    assert len({round(top) for _, top in drawn(4, across=4).values()}) == 1


def test_a_group_begins_a_row():
    places = drawn(7, across=4, breaks=(3,))
    by_name = {name: round(top) for name, (_, top) in places.items()}
    assert by_name["key 2"] != by_name["key 3"] == by_name["key 6"]
    assert round(places["key 0"][0]) == round(places["key 3"][0])
    read = sorted((name for name in places if name), key=lambda name: (by_name[name], places[name][0]))
    assert read == [f"key {place}" for place in range(7)]


@pytest.mark.parametrize(("groups", "across", "rows"), [((3,), 3, 1), ((4, 2), 4, 2), ((5, 2), 4, 3), ((9, 2), 4, 4)])
def test_rows_of_groups_are_counted(groups, across, rows):
    assert rows_of(groups, across) == rows


def test_one_key_tells_nothing_apart():
    figure = Figure(layout="constrained")
    assert legend_below(figure, [Line2D([], [], label="only")]) is None
    assert not figure.legends
