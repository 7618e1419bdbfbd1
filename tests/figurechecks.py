"""What every test of figures asks for."""

import pytest

from spurious.figures.style import render


class EveryFigure:
    """Tests that every figure of a file has to pass; a subclass names them: `drawn`, {name: function of nothing}."""

    def pytest_generate_tests(self, metafunc):
        drawn = metafunc.cls.drawn
        metafunc.parametrize("draw", list(drawn.values()), ids=list(drawn))

    @pytest.mark.parametrize(("kind", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
    def test_files_are_equal_byte_by_byte(self, draw, kind, start):
        assert_same_bytes(draw, kind, start)


class EveryPage(EveryFigure):
    """And every figure whose title is "title of it"."""

    def test_a_page_is_whole_and_has_its_title(self, draw):
        assert_whole_page(draw(), "title of it")


def assert_same_bytes(draw, kind, start):
    """Drawing twice gives the same file, which begins as its kind does."""
    first, second = render(draw(), kind), render(draw(), kind)
    assert first.startswith(start)
    assert first == second


def keys_of(figure):
    """(text, handle) of the legend's keys, as they are read: row by row, from left to right."""
    figure.draw_without_rendering()
    (legend,) = figure.legends
    keys = [
        (-round(text.get_window_extent().y0), text.get_window_extent().x0, text.get_text(), handle)
        for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True)
        if text.get_text()
    ]
    return [key[2:] for key in sorted(keys, key=lambda key: key[:2])]


def assert_inside(figure):
    """Nothing is cut off at the page's border."""
    figure.draw_without_rendering()
    page, drawn = figure.bbox, figure.get_tightbbox()
    assert drawn.x0 >= 0
    assert drawn.y0 >= 0
    assert drawn.x1 * figure.dpi <= page.x1 + 1
    assert drawn.y1 * figure.dpi <= page.y1 + 1


def assert_title_above(figure):
    """The title lies over no panel; a pixel of rounding is allowed."""
    figure.draw_without_rendering()
    (title,) = [text for text in figure.texts if text.get_text() == figure.get_suptitle()]
    bottom = title.get_window_extent().y0
    assert all(axes.get_tightbbox().y1 <= bottom + 1 for axes in figure.axes)


def assert_whole_page(figure, title):
    """The title stands above all panels and in the file, and nothing is cut off."""
    assert_inside(figure)
    assert_title_above(figure)
    assert f"<!-- {title} -->".encode() in render(figure, "svg")
