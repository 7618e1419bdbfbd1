"""The least likely images of each class, and the pixels that matter."""

import numpy as np
import pytest
from safetensors.numpy import load_file

from figurechecks import EveryPage
from making import make, returned
from samplepictures import CALLED, GRID, KEPT, P, pictures, store
from spurious.errors import SpuriousError
from spurious.experiments.classifiers import salient
from spurious.experiments.classifiers import worst as classifiers_worst

DRAWN = {
    "worst": lambda: classifiers_worst.worst(GRID, P, np.array([[0, 1, 2], [1, 1, 0]]), "title of it"),
    "worst of named classes": lambda: classifiers_worst.worst(
        GRID, P, np.array([[0, 1, 2], [1, 1, 0]]), "title of it", class_names=CALLED
    ),
    "salient": lambda: salient.salient(GRID, KEPT, KEPT[::-1], "title of it"),
}


class TestEveryPage(EveryPage):
    drawn = DRAWN


def test_worst_shows_the_predicted_class():
    figure = DRAWN["worst"]()
    assert figure.axes[1].get_xlabel() == "0.9990 \N{RIGHTWARDS ARROW} 1"
    assert figure.axes[1].xaxis.label.get_style() == "italic"
    assert figure.axes[0].xaxis.label.get_style() == "normal"
    assert "\N{RIGHTWARDS ARROW}" not in figure.axes[0].get_xlabel()


def test_worst_names_the_classes():
    figure = DRAWN["worst of named classes"]()
    assert [axes.get_ylabel() for axes in figure.axes[::3]] == ["A", "German\nshort-ha\N{HORIZONTAL ELLIPSIS}"]
    wrong = [axes.get_xlabel().partition("\n\N{RIGHTWARDS ARROW} ")[2] for axes in figure.axes]
    assert wrong == ["", "Germa\N{HORIZONTAL ELLIPSIS}", "$x$", "", "", "A"]
    assert [axes.xaxis.label.get_style() for axes in figure.axes[:2]] == ["normal", "italic"]


def test_salient_alternates_image_gradient_and_control():
    figure = DRAWN["salient"]()
    assert [len(shown) for shown in pictures(figure)] == [1, 2, 2] * 6
    gradient, control = (pictures(figure)[place][1].get_array() for place in (1, 2))
    assert gradient.count() == (KEPT[0, 0] > 0).sum()
    assert control.count() == (KEPT[1, 0] > 0).sum()
    assert [axes.get_title() for axes in figure.axes[:3]] == ["image", "trained", "random net"]


def test_salient_says_what_share_of_the_pixels_is_ink():
    image, kept, control = np.zeros((1, 1, 4, 4)), np.zeros((1, 1, 4, 4)), np.zeros((1, 1, 4, 4))
    image[..., 0, :] = 0.9
    image[..., 1, :] = 0.5  # not above it
    kept[..., :3, 0] = 1
    figure = salient.salient(image, kept, control, "")
    assert [axes.get_xlabel() for axes in figure.axes] == ["25 %", "33 %", ""]
    assert "pixels above 0.5" in figure.get_supxlabel()
    colour = salient.salient(np.repeat(image[..., None], 3, axis=-1), kept, control, "")
    assert [axes.get_xlabel() for axes in colour.axes] == [""] * 3
    assert "ink" not in colour.get_supxlabel()


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: classifiers_worst.worst(GRID, P, P[:1], ""), r"predicted is \(1, 3\)"),
        (lambda: salient.salient(GRID, KEPT[:1], KEPT, ""), r"they must be alike"),
        (lambda: salient.salient(GRID, KEPT, KEPT[:1], ""), r"they must be alike"),
    ],
)
def test_wrong_inputs_raise_one_clear_line(draw, message):
    with pytest.raises(SpuriousError, match=message):
        draw()


@pytest.fixture(params=[1, 3, 4])
def stored(tmp_path, request):
    """A dataset of 8x8 images, grey, coloured and with alpha, with predictions of a classifier, as files."""
    return store(tmp_path, request.param)


def test_worst_shows_stored_images(tmp_path, stored):
    files = make(tmp_path, "figure", "worst", stored)
    assert "<!-- 0.4000 -->" in files["svg"].read_text()
    image = load_file(tmp_path / "data.safetensors")["train_images"][0]
    shown = pictures(returned("figure", "worst", stored))[0][0].get_array()
    np.testing.assert_array_equal(shown.reshape(8, 8, -1), image[:3].transpose(1, 2, 0) / np.float32(255))


def test_salient_keeps_the_pixels_of_the_largest_gradients(tmp_path, stored, monkeypatch):
    from pipeline.files.weights import write_weights
    from spurious.classifiers.models import Description, build_classifier

    monkeypatch.setattr(salient, "PIXELS", 20)
    test_images = load_file(tmp_path / "data.safetensors")["test_images"]
    description = Description(architecture="softmax", image_shape=test_images.shape[1:], classes=2)
    model = build_classifier(description)
    write_weights(tmp_path / "weights.safetensors", model, description)
    files = {"model": tmp_path / "weights.safetensors", **stored}
    assert make(tmp_path, "figure", "salient", files)["png"].stat().st_size > 1000
    # of two classes the gradient of p is p (1 - p) (w_0 - w_1); a pixel has that of its channel that does most
    first, second = model.out.weight.detach().unflatten(1, test_images.shape[1:])
    figure = returned("figure", "salient", files)
    assert figure.get_suptitle() == "the 20 of 64 pixels that raise p of the label most: softmax, seed 0"
    kept, control = (pictures(figure)[place][1].get_array() for place in (1, 2))
    assert kept.count() == control.count() == 20
    assert (kept.mask != control.mask).any()
    largest = (first - second).amax(0).flatten().topk(20).indices
    assert not kept.mask.ravel()[largest.numpy()].any()
