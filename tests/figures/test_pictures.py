"""Pictures, their labels and their probabilities, as all figures show them."""

import numpy as np
import pytest

from samplepictures import CALLED, RNG
from spurious.errors import SpuriousError
from spurious.figures import pictures as figures_pictures
from spurious.figures.labels import row_names
from spurious.figures.style import probability_text


def test_a_class_without_a_name_is_told():
    with pytest.raises(SpuriousError, match="class_names: the class 3 has no name; add it"):
        row_names([1, 3], CALLED)


@pytest.mark.parametrize("shape", [(375, 500, 3), (500, 375, 3), (90, 90, 3), (1, 7, 3)])
def test_a_thumbnail_is_the_central_square_with_its_noise(shape):
    picture = RNG.random(shape) * 1.2 - 0.1
    shown = figures_pictures.thumbnail(picture, 90)
    side = min(*shape[:2], 90)
    assert shown.shape == (side, side, 3)
    top, left = ((size - min(shape[:2])) // 2 for size in shape[:2])
    assert shown[0, 0] == pytest.approx(picture[top, left].clip(0, 1), abs=0.5 / 63 + 1e-9)
    if side == 90:
        assert shown.std() == pytest.approx(picture.clip(0, 1).std(), rel=0.03)  # an average of pixels has less


@pytest.mark.parametrize(("p", "text"), [(0.99994, "0.9999"), (0.99995, ">0.9999"), (0, "<0.0001"), (0.5, "0.5000")])
def test_probability_text_never_rounds_to_0_or_1(p, text):
    assert probability_text(p) == text


@pytest.mark.parametrize(("p", "text"), [(0.9994, "0.999"), (0.9996, ">0.999"), (0.0004, "<0.001"), (0.5, "0.500")])
def test_fewer_digits_do_not_round_to_0_or_1_either(p, text):
    assert probability_text(p, 3) == text


def test_pictures_have_1_3_or_4_channels():
    with pytest.raises(SpuriousError, match=r"images of 1, 3 or 4 channels \(\.\.\., C, H, W\), not \(2, 5"):
        figures_pictures.pictures(np.zeros((2, 5, 6, 6)))
