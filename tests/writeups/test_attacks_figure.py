"""The picture of all attacks says what the tables say."""

import pandas as pd
import pytest

from spurious.errors import SpuriousError
from spurious.writeups.attacks_figure import figure


def fooling(seeds=(0, "all")):
    common = {"method": "pgd-linf-targeted", "goal": "targeted", "low": 0.4, "high": 0.6, "n": 1500, "control": 0.1}
    rows = [{"classifier": "cnn", "seed": seed, "clamp": True, "success": 0.5, **common} for seed in seeds]
    unclamped = {**rows[0], "seed": seeds[-1], "clamp": False, "success": 0.99}
    return pd.DataFrame([*rows, unclamped, {**rows[-1], "n": 0}])


def black_box():
    common = {"classifier": "forest", "start": "image", "low": 0.7, "high": 0.9, "n": 20}
    return pd.DataFrame(
        [{**common, "search": s, "success": share} for s, share in (("evolution", 0.8), ("random", 0.2))]
    )


def searches():
    common = {"classifier": "cnn", "share": 0.3, "low": 0.2, "high": 0.4, "images": 240}
    return pd.DataFrame([{**common, "search": search} for search in ("log-p", "unclamped", "unclamped, clamped")])


def defences():
    common = {"classifier": "cnn", "defence": "vote", "norm": "linf", "seed": 0, "n": 20}
    common |= {"robust_error_detect_low": 0.3, "robust_error_detect_high": 0.7}
    cases = (("worst", 0.1, 0.6), ("random", 0.1, 0.05), ("worst", 0.2, 0.9))
    return pd.DataFrame(
        [{**common, "attack": attack, "epsilon": size, "robust_error_detect": error} for attack, size, error in cases]
    )


def drawn(axes):
    """(values, controls) of the points, %, in their order."""
    points = [line for line in axes.lines if line.get_marker() == "o"]
    kinds = {
        hollow: [line.get_xdata()[0] for line in points if (line.get_markerfacecolor() == "none") == hollow]
        for hollow in (False, True)
    }
    return kinds[False], kinds[True]


def test_every_attack_has_a_row_with_its_control_and_n():
    (axes,) = figure(fooling(), black_box(), searches(), defences()).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "gradient, pgd linf to a given class",
        "scores alone, from images",
        "noise that is searched, log-p",
        "worst of all, defence vote",
    ]
    values, controls = drawn(axes)
    assert values == pytest.approx([50, 80, 30, 60])
    assert controls[:2] == pytest.approx([10, 20])
    assert controls[3] == pytest.approx(5)
    assert [text.get_text() for text in axes.texts] == ["1,500", "20", "240", "20", "images"]


def test_tables_may_be_missing_but_not_all():
    assert drawn(figure(black_box=black_box()).axes[0])[0] == pytest.approx([80])
    assert drawn(figure(fooling((0,))).axes[0])[0] == pytest.approx([50])
    with pytest.raises(SpuriousError, match="there are no rows to draw"):
        figure()
