"""The distributions of the smallest steps: whose steps, of which images, beside which norm."""

import numpy as np
import pandas as pd
import pytest
import torch

from figurechecks import assert_inside, assert_same_bytes
from linearsweep import DECAYS, SEEDS, steps
from spurious.data.splits import InMemory, Splits
from spurious.experiments.linear.steps_figure import NOTHING, figure, median_norm, nearest, step_curves
from spurious.figures.style import GREY
from spurious.rates import over_seeds


def stored(count=60):
    """The files of a sweep with the ids of their images."""
    return [{**file, "ids": np.arange(count)} for file in steps()]


def splits(level=51, count=60):
    """Test images of 5 x 5 pixels, all of one grey level."""
    images = torch.full((count, 1, 5, 5), level, dtype=torch.uint8)
    return Splits({"test": InMemory(images, torch.arange(count) % 4)}, 4)


def curves(drawn):
    return [line for line in drawn.axes[0].lines if line.get_color() != GREY]


def test_the_nearest_other_class_of_the_images_that_are_right():
    files = stored()
    found = nearest(files)
    assert list(found) == [0.0, 0.001, 0.1234568, 10.0]
    for place, own in enumerate(found.values()):
        expected = [
            min(size for size in file["l2"][place][image] if not np.isnan(size))
            for file in files
            for image in range(60)
            if file["right"][place][image]
        ]
        assert own["size"].tolist() == pytest.approx(expected)
        assert own["seed"].unique().tolist() == list(SEEDS)


def test_a_curve_is_the_share_of_images_within_the_step_over_the_seeds():
    files = stored()
    lines, sizes = curves(figure(files, splits())), nearest(files)
    assert len(lines) == len(DECAYS)
    for line, own in zip(lines, sizes.values(), strict=True):
        reached, share = line.get_data()
        for place in (0, 40, 70):
            expected = over_seeds(own["size"] <= reached[place], own["seed"], own["id"]).rate
            assert share[place] == pytest.approx(expected)
        assert share[-1] == 1
        assert (np.diff(share) >= 0).all()


def test_the_legend_says_how_many_images_and_stands_in_order():
    drawn = figure(stored(), splits())
    texts = {text.get_text() for text in drawn.legends[0].get_texts()}
    expected = {f"{decay:g} (n = {len(own)})" for decay, own in nearest(stored()).items()}
    assert texts == expected
    assert drawn.legends[0].get_title().get_text() == "weight decay"
    assert "L2 step to the nearest other class, pixels in [0, 1]" in drawn.axes[0].get_xlabel()


def test_the_norm_of_the_images_is_marked():
    drawn = figure(stored(), splits(level=51))
    (marked,) = (line for line in drawn.axes[0].lines if line.get_color() == GREY)
    assert marked.get_xdata()[0] == pytest.approx(0.2 * 5)  # 25 pixels of .2
    assert drawn.axes[0].texts[0].get_text() == "median norm of an image, 1"
    left, right = drawn.axes[0].get_xlim()
    assert left < marked.get_xdata()[0] < right


def test_the_norm_is_of_the_images_that_were_attacked():
    images = torch.cat([torch.full((3, 1, 2, 2), 255), torch.zeros(4, 1, 2, 2)]).to(torch.uint8)
    source = InMemory(images, torch.zeros(7, dtype=torch.long))
    assert median_norm(source, torch.arange(5)) == pytest.approx(2)
    assert median_norm(source, torch.arange(7)) == 0


def test_one_weight_decay_has_its_name_in_the_title():
    own = pd.DataFrame({"seed": 0, "id": range(5), "size": [1.0, 2, 3, 4, 5]})
    drawn = step_curves({0.5: own, 1.0: own.head(0)}, 9.0, "title of it")
    assert drawn.get_suptitle() == "title of it, weight decay 0.5 (n = 5)"
    assert not drawn.legends


def test_a_sweep_that_is_right_nowhere_says_so():
    drawn = step_curves({0.5: pd.DataFrame({"seed": [], "id": [], "size": []})}, 9.0, "title of it")
    assert NOTHING in [text.get_text() for text in drawn.texts]


def test_equal_templates_have_no_step_and_count_as_never_reached():
    own = pd.DataFrame({"seed": 0, "id": range(4), "size": [1.0, 2.0, np.inf, np.inf]})
    (line,) = curves(step_curves({0.5: own}, 9.0, "title of it"))
    assert line.get_ydata()[-1] == 0.5


def test_nothing_is_cut_off_and_a_file_is_the_same_every_time():
    assert_inside(figure(stored(), splits()))
    assert_same_bytes(lambda: figure(stored(), splits()), "svg", b"<?xml")
