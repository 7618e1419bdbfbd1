"""The figures of the linear classifiers, from made-up data, and what is drawn from files."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from figurechecks import assert_inside, assert_title_above
from making import make, returned
from pipeline.files.results import contents
from pipeline.files.stores import write_description
from pipeline.files.tensors import write_tensors
from spurious.data.splits import InMemory, Splits
from spurious.errors import SpuriousError
from spurious.experiments.linear import figure as linear_figure
from spurious.experiments.linear import sweep_figures
from spurious.experiments.linear import template_figures as pages
from spurious.experiments.linear.template_figures import Fooled, Start, as_picture
from spurious.figures.pictures import in_colour
from spurious.figures.style import render
from spurious.frames import Arrays

RNG = np.random.default_rng(0)
LONG = "American Staffordshire terrier, seldom seen"
ROWS = ["weight decay\n0", "weight decay\n0.01\n(the best on\nvalidation)"]
TARGETS = [2, 0]


def table(seeds=(0, 1)):
    rows = []
    for place, decay in enumerate((0.0, 1e-5, 1e-3, 0.1)):
        own = {"weight_decay": decay, "split": "test", "n": 400, "l2_median": 1 + place, "l2_low": 0.9 + place}
        own |= {"l2_high": 1.2 + place, "total_variation": 0.9 - 0.1 * place}
        rows += [{**own, "seed": seed, "accuracy": 0.9 - 0.05 * place + 0.01 * seed} for seed in seeds]
        rows.append({**own, "seed": "all", "n": 800, "accuracy": 0.905 - 0.05 * place})
    return pd.DataFrame(rows).assign(low=lambda own: own["accuracy"] - 0.01, high=lambda own: own["accuracy"] + 0.02)


def fooled(channels=1, sure=True):
    picture = RNG.random((channels, 8, 8))
    return Fooled(picture=picture, p_before=1e-7, p_after=0.99, fraction=1234.5, l2=12.34567, linf=1.0, sure=sure)


def draw_images(channels=1):
    start = Start(picture=RNG.random((channels, 8, 8)), decision=LONG, p=0.51)
    line = [fooled(channels), fooled(channels, sure=False), None]
    return pages.template_images([start, start], [line, line], ROWS, ["0", LONG, "$5 and $10"], "title of it")


DRAWN = {
    "linear": lambda: linear_figure.linear(table(), "title of it"),
    "templates": lambda: pages.templates(RNG.normal(size=(2, 10, 1, 8, 8)), ROWS, [LONG] * 10, "title of it"),
    "colour": lambda: pages.templates(RNG.normal(size=(2, 3, 3, 8, 8)), ROWS, ["a", "b", "c"], "title of it"),
    "images": draw_images,
    "photographs": lambda: draw_images(3),
}


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize(("kind", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_files_are_equal_byte_by_byte(name, kind, start):
    global RNG
    files = []
    for _ in range(2):
        RNG = np.random.default_rng(0)
        files.append(render(DRAWN[name](), kind))
    assert files[0].startswith(start)
    assert files[0] == files[1]


@pytest.mark.parametrize("name", DRAWN)
def test_nothing_is_cut_off_and_the_title_is_over_everything(name):
    figure = DRAWN[name]()
    assert_inside(figure)
    assert_title_above(figure)


@pytest.mark.parametrize("name", ["templates", "colour", "images", "photographs"])
def test_no_text_lies_over_another_or_over_a_picture(name):
    figure = DRAWN[name]()
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.texts]
    for place, box in enumerate(boxes):
        for other in [*boxes[place + 1 :], *(axes.get_window_extent() for axes in figure.axes)]:
            width = min(box.x1, other.x1) - max(box.x0, other.x0)
            height = min(box.y1, other.y1) - max(box.y0, other.y0)
            assert width <= 1 or height <= 1, (figure.texts[place].get_text(), width, height)


def test_linear_joins_the_means_in_their_order():
    figure = DRAWN["linear"]()
    resistance, smoothness = figure.axes
    for axes, x in ((resistance, [1, 2, 3, 4]), (smoothness, [0.9, 0.8, 0.7, 0.6])):
        line = axes.get_lines()[0]
        assert line.get_xdata() == pytest.approx(x)
        assert line.get_ydata() == pytest.approx([0.905, 0.855, 0.805, 0.755])
        assert [text.get_text() for text in axes.texts] == ["0", "1e-05", "0.001", "0.1"]
        assert len(axes.collections[-1].get_offsets()) == 8
        arrows = [[*arrow._posA_posB] for arrow in axes.patches]
        points = [*zip(line.get_xdata(), line.get_ydata(), strict=True)]
        assert arrows == [list(pair) for pair in pairwise(points)], "from every weight decay to the next stronger one"
    assert resistance.get_xscale() == "log"


def test_the_names_of_near_points_lie_beside_each_other():
    near = table().assign(l2_median=lambda rows: 2 + rows["weight_decay"] / 1e3, accuracy=0.9)
    axes = linear_figure.linear(near, "").axes[0]
    boxes = [text.get_window_extent() for text in axes.texts]
    assert len(boxes) == 4
    assert not any(box.overlaps(other) for place, box in enumerate(boxes) for other in boxes[place + 1 :])


def test_linear_has_the_tables_intervals():
    axes = DRAWN["linear"]().axes
    sideways, upwards = axes[0].containers[0].lines[2]
    assert upwards.get_segments()[0][:, 1].tolist() == pytest.approx([0.895, 0.925])
    assert sideways.get_segments()[0][:, 0].tolist() == pytest.approx([0.9, 1.2])
    assert "(pixels in [0, 1])" in axes[0].get_xlabel()
    assert "n = 400)" in axes[0].get_ylabel(), "the images of one seed: the test set"


def test_pictures_have_grey_zero_and_the_largest_weight_at_the_end():
    picture = as_picture(np.array([[[0.0, -2.0], [1.0, 0.5]]]))
    assert picture.shape == (2, 2, 3)
    assert picture[..., 0].tolist() == [[0.5, 0], [0.75, 0.625]]
    assert (as_picture(np.zeros((3, 2, 2))) == 0.5).all()
    colour = in_colour(np.stack([np.full((2, 2), value) for value in (0.1, 0.2, 1.7)]))
    assert colour[0, 0].tolist() == [0.1, 0.2, 1.0]
    alpha = np.stack([np.full((2, 2), value) for value in (0.5, -1.0, 0.0, 9.0)])
    assert as_picture(alpha)[0, 0].tolist() == [0.75, 0.0, 0.5]


def test_template_images_print_p_fraction_and_size():
    figure = draw_images()
    texts = [text.get_text() for text in figure.texts]
    assert texts.count("p <0.0001 \N{RIGHTWARDS ARROW} 0.9900") == 4
    assert texts.count("1,230 \N{MULTIPLICATION SIGN} template") == 4
    assert texts.count("L2 12.3") == texts.count("max 1.00") == 4
    assert texts.count("no multiple is enough:") == 2
    slanted = [text.get_text() for text in figure.texts if text.get_style() == "italic"]
    assert len(slanted) == 2 * (2 + 2)
    assert len(figure.axes) == 2 * (1 + 2 * 2)


def test_what_needs_no_template_is_said_in_words_and_has_no_change():
    start = Start(picture=RNG.random((1, 8, 8)), decision="0", p=0.999)
    there = Fooled(picture=start.picture, p_before=0.999, p_after=0.999, fraction=0.0, l2=0.0, linf=0.0, sure=True)
    figure = pages.template_images([start], [[there]], ["a"], ["0"], "")
    texts = [text.get_text() for text in figure.texts]
    assert "nothing had to be added" in texts
    assert not [text for text in texts if text.startswith("L2") or "template" in text]
    assert len(figure.axes) == 2


@pytest.mark.parametrize(
    ("number", "said"),
    [(27, "27.0"), (0.78, "0.780"), (0.00406, "0.00406"), (98.14, "98.1"), (99.96, "100"), (1234.5, "1,230")],
)
def test_numbers_have_three_digits(number, said):
    assert pages.three_digits(number) == said


def test_small_changes_are_not_cut_in_five_columns():
    sizes = {"fraction": 1.58, "l2": 0.0742, "linf": 0.00406}
    small = Fooled(picture=RNG.random((1, 8, 8)), p_before=0.1, p_after=0.2, **sizes, sure=False)
    start = Start(picture=RNG.random((1, 8, 8)), decision="4", p=0.102)
    figure = pages.template_images([start], [[small] * 4], ["a"], ["0", "1", "2", "3"], "")
    texts = [text.get_text() for text in figure.texts]
    assert texts.count("L2 0.0742") == texts.count("max 0.00406") == 4
    assert not [text for text in texts if "\N{HORIZONTAL ELLIPSIS}" in text]


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: linear_figure.linear(table().drop(columns="l2_median"), ""), "the column l2_median is missing"),
        (lambda: linear_figure.linear(table()[:0], ""), "no rows to draw"),
        (lambda: pages.templates(np.zeros((2, 3, 1, 4, 4)), ["a"], ["0"] * 3, ""), "are not the templates of"),
        (lambda: pages.templates(np.zeros((1, 3, 2, 4, 4)), ["a"], ["0"] * 3, ""), r"of 1, 3 or 4 channels"),
        (lambda: pages.template_images([], [[fooled()]], ["a"], ["0"], ""), "0 starts need as many rows"),
    ],
)  # fmt: skip
def test_wrong_inputs_raise_one_clear_line(draw, message):
    with pytest.raises(SpuriousError, match=message):
        draw()


def bright(rows, channels):
    """Twelve images (12, channels, 6, 6), each with one of its rows bright; none without `rows` (12,)."""
    images = torch.zeros(12, channels, 6, 6, dtype=torch.uint8)
    if rows is not None:
        images[torch.arange(12), :, rows] = 200
    return images


def write_inputs(folder, channels=1, classes=3, validation=True):
    """Three classes that a bright row decides, and templates that know it.

    Only the validation split shows that. The images of the test split begin with a 0 and a 1, those of the training
    split are black; both call all others 0, so that in both the templates that decide nothing are the best.
    """
    weight = torch.zeros(4, classes, channels, 6, 6)
    for place, scale in enumerate((0.0, 9.0, 3.0, 1.0)):  # the first decides nothing
        for label in range(classes):
            weight[place, label, :, label] = scale
    bias, decays = torch.zeros(4, classes), torch.tensor([0.5, 0.0, 0.1, 2.0], dtype=torch.float64)
    write_tensors(folder / "weights.safetensors", {"weight": weight, "bias": bias, "weight_decays": decays})
    rows = (torch.arange(12) + 2) % classes
    tested = torch.ones(12, dtype=torch.long)
    tested[0] = 0
    splits = {"train": (bright(None, channels), torch.zeros(12, dtype=torch.long))}
    splits |= {"validation": (bright(rows, channels), rows)} if validation else {}
    splits["test" if validation else "mirrored"] = bright(tested, channels), tested * (torch.arange(12) == 1)
    if validation:
        tensors = {f"{split}_images": images for split, (images, _) in splits.items()}
        write_tensors(
            folder / "data.safetensors", tensors | {f"{split}_labels": labels for split, (_, labels) in splits.items()}
        )
        return folder / "data.safetensors"
    for split, (images, labels) in splits.items():
        np.save(folder / f"{split}_images.npy", images.numpy())
        np.save(folder / f"{split}_labels.npy", labels.numpy())
    write_description(folder, classes)
    return folder


def without_first(data, count):
    """The file without its first `count` test images."""
    tensors = load_file(data)
    write_tensors(data, tensors | {name: tensors[name][count:] for name in ("test_images", "test_labels")})
    return data


def files_of(folder, data):
    return {"weights": folder / "weights.safetensors", "splits": data}


@pytest.mark.parametrize("name", ["templates", "template-images", "template-noise"])
@pytest.mark.parametrize(("channels", "validation"), [(1, True), (3, False), (4, False)])
def test_grey_and_colour_are_drawn(tmp_path, name, channels, validation):
    files = files_of(tmp_path, write_inputs(tmp_path, channels, validation=validation))
    (tmp_path / "names.csv").write_text("label,wordnet,name\n0,,tench\n1,,goldfish\n2,,white shark\n")
    made = make(tmp_path, "figure", name, files | {"class_names": tmp_path / "names.csv"}, targets=TARGETS)
    assert made["png"].read_bytes().startswith(b"\x89PNG")
    svg = made["svg"].read_text()
    assert "<!-- tench -->" in svg
    assert "<!-- white shark -->" in svg
    assert ("<!-- goldfish -->" in svg) == (name == "templates")  # no target, no decision
    assert ("(the best on" in svg) == validation


@pytest.mark.parametrize(("across", "said"), [(3, ""), (2, ", 2 of 3 classes")])
def test_the_title_says_how_many_of_the_classes_are_shown(tmp_path, monkeypatch, across, said):
    monkeypatch.setattr(sweep_figures, "ACROSS", across)
    figure = returned("figure", "templates", files_of(tmp_path, write_inputs(tmp_path)), targets=[2])
    assert figure.get_suptitle() == f"templates of the linear classifiers{said}"


@pytest.mark.parametrize("name", ["templates", "template-images", "template-noise"])
def test_a_class_without_a_name_is_told(tmp_path, name):
    (tmp_path / "names.csv").write_text("label,wordnet,name\n0,,tench\n1,,goldfish\n")
    files = files_of(tmp_path, write_inputs(tmp_path)) | {"class_names": tmp_path / "names.csv"}
    with pytest.raises(SpuriousError, match=r"names\.csv: the class 2 has no name; add it$"):
        returned("figure", name, files, targets=TARGETS)


@pytest.mark.parametrize(("label", "heads"), [(0, ["start", "2"]), (1, ["start", "2", "0"])])
def test_a_target_equal_to_the_label_is_left_out(tmp_path, label, heads):
    data = without_first(write_inputs(tmp_path), label)
    figure = returned("figure", "template-images", files_of(tmp_path, data), targets=TARGETS)
    rows = 1 - pages.TOP / figure.get_size_inches()[1]
    above = [text.get_text() for text in figure.texts if text.get_position()[1] > rows]
    assert [text for text in above if text != figure.get_suptitle()] == heads


def opened(folder, data):
    """The classifiers that the figures show."""
    weights, splits = (
        contents(hint, [str(path)])
        for hint, path in zip((Arrays, Splits), files_of(folder, data).values(), strict=True)
    )
    return sweep_figures.open_sweep(weights, splits, TARGETS, None), splits


def test_the_image_is_the_first_held_out_one_that_all_get_right(tmp_path):
    """The templates that decide nothing call everything 0: of the images that begin with a 0 and a 1, the first."""
    sweep, splits = opened(tmp_path, write_inputs(tmp_path))
    test = splits.by_name["test"]
    assert sweep_figures.first_right(sweep, test) == 0
    later = InMemory(test.images.flip(0), test.labels.flip(0))
    assert sweep_figures.first_right(sweep, later) == 11
    none = InMemory(test.images[2:], test.labels[2:])
    assert sweep_figures.first_right(sweep, none) is None


@pytest.mark.parametrize(
    ("first", "title"),
    [
        (0, "an image (0) plus a multiple of a template"),
        (2, "an image (0; not all get it right) plus a multiple of a template"),
    ],
)
def test_the_title_says_where_not_all_get_the_image_right(tmp_path, first, title):
    data = without_first(write_inputs(tmp_path), first)
    figure = returned("figure", "template-images", files_of(tmp_path, data), targets=TARGETS)
    assert figure.get_suptitle() == title


def test_the_lowest_the_best_and_the_highest_decay_are_shown(tmp_path):
    sweep, _ = opened(tmp_path, write_inputs(tmp_path))
    # decays 0, 0.1 and 2 are right everywhere, .5 never: the first of the right ones in the file is 0, the lowest
    assert sweep.rows == ["weight decay\n0\n(the best on\nvalidation)", "weight decay\n0.5", "weight decay\n2"]
    assert sweep.weight[:, 0, 0, 0, 0].tolist() == [9, 0, 1]


def test_a_target_that_is_no_class_is_refused_in_one_line(tmp_path):
    files = files_of(tmp_path, write_inputs(tmp_path))
    with pytest.raises(SpuriousError, match=r"linear\.targets: there is no class 3; .* 0 to 2") as raised:
        make(tmp_path, "figure", "templates", files, targets=[2, 3])
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "templates.png").exists()


def test_weights_of_other_data_are_refused(tmp_path):
    write_inputs(tmp_path)
    (tmp_path / "other").mkdir()
    data = write_inputs(tmp_path / "other", classes=4)
    with pytest.raises(SpuriousError, match=r"^/.*/weights\.safetensors: its classifiers are not of these data"):
        make(tmp_path, "figure", "templates", files_of(tmp_path, data), targets=TARGETS)


def test_weights_that_cannot_be_read_are_named(tmp_path):
    files = files_of(tmp_path, write_inputs(tmp_path))
    files["weights"].write_bytes(b"cut off")
    with pytest.raises(SpuriousError, match=r"^/.*/weights\.safetensors: not a readable safetensors file"):
        make(tmp_path, "figure", "templates", files, targets=TARGETS)
    write_tensors(files["weights"], {"bias": torch.zeros(4, 3)})
    with pytest.raises(SpuriousError, match=r"^/.*/weights\.safetensors: cannot read the tensor 'weight'"):
        make(tmp_path, "figure", "templates", files, targets=TARGETS)


def test_the_figure_is_drawn_from_the_table(tmp_path):
    table().to_csv(tmp_path / "linear.csv", index=False)
    made = make(tmp_path / "out", "figure", "linear", {"table": tmp_path / "linear.csv"})
    assert "<!-- one seed -->" in made["svg"].read_text()
