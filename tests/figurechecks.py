"""What every test of figures asks for."""

from spurious.figures.style import render


def assert_same_bytes(draw, kind, start):
    """Drawing twice gives the same file, which begins as its kind does."""
    first, second = render(draw(), kind), render(draw(), kind)
    assert first.startswith(start)
    assert first == second


def assert_inside(figure):
    """Nothing is cut off at the page's border."""
    figure.draw_without_rendering()
    page, drawn = figure.bbox, figure.get_tightbbox()
    assert drawn.x0 >= 0
    assert drawn.y0 >= 0
    assert drawn.x1 * figure.dpi <= page.x1 + 1
    assert drawn.y1 * figure.dpi <= page.y1 + 1
