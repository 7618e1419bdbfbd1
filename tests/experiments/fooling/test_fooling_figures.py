"""The figure of fooling: what it shows, where, and what it says under it."""

import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file

from figurechecks import assert_inside
from making import make, returned
from pipeline.files.results import contents
from spurious.errors import SpuriousError
from spurious.experiments.fooling.figure import NOTHING, Panel, fooling, size_text
from spurious.figures.examples import Examples
from spurious.figures.page import nothing
from spurious.figures.pictures import magnification
from spurious.figures.style import render

RNG = np.random.default_rng(0)
NAMES = ["hen", "crane", "American coot with a long name", "maillot"]


def panel(name="pgd", count=3, channels=1, targets=True, start=None):
    """A method that changes each pixel by up to .1 and fools all examples but the last."""
    original = np.random.default_rng(1).random((count, channels, 6, 6)).astype(np.float32) if start is None else start
    change = RNG.uniform(-0.1, 0.1, original.shape).astype(np.float32)
    change[0, 0, 0, 0] = 0.1
    label = np.arange(count) % 3
    rows = {"label": label, "target": 3 if targets else np.nan, "clean_predicted": label, "clean_p": 0.9}
    rows |= {"predicted": np.where(np.arange(count) < count - 1, 3, label), "p": 0.6, "l2": 0.5, "linf": 0.1}
    return Panel(name=name, size="L2 up to 1", original=original, fooled=original + change, rows=pd.DataFrame(rows))


def texts(figure):
    return [text.get_text() for text in figure.texts]


def shown(figure):
    return [axes.images[0].get_array() for axes in figure.axes]


FIGURES = {
    "one": lambda: fooling([panel()], "one method"),
    "one example": lambda: fooling([panel(count=1, channels=3)], "one example", NAMES),
    "two": lambda: fooling([panel(), panel("fgsm", targets=False)], "two methods", NAMES),
    "three, on a page": lambda: fooling([panel(name, count=6, channels=3) for name in "abc"], "three", NAMES),
}


@pytest.mark.parametrize("name", FIGURES)
def test_texts_lie_neither_over_another_nor_over_a_picture_nor_off_the_page(name):
    figure = FIGURES[name]()
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.texts if text.get_text()]
    pictures = [axes.get_window_extent() for axes in figure.axes]
    width, height = figure.get_size_inches() * figure.dpi
    assert figure.get_size_inches()[1] < 10
    for place, box in enumerate(boxes):
        assert 0 <= box.x0 < box.x1 <= width
        assert 0 <= box.y0 < box.y1 <= height
        shrunk = box.padded(-1)
        others = [other.padded(-1) for other in boxes[place + 1 :]]
        assert not any(shrunk.overlaps(other) for other in [*pictures, *others])
    assert render(figure, "png").startswith(b"\x89PNG")


def test_original_change_and_result_stand_side_by_side():
    own, other = panel(), panel("fgsm", targets=False)
    figure = fooling([own, other], "")
    cells = np.array(figure.axes).reshape(3, 5)
    assert [cell.get_position().y0 for cell in cells[1]] == pytest.approx([cells[1, 0].get_position().y0] * 5)
    for example, row in enumerate(cells):
        original, change, result, _, second = (np.asarray(axes.images[0].get_array())[..., 0] for axes in row)
        assert original == pytest.approx(own.original[example, 0], abs=0.5 / 63)
        assert result == pytest.approx(own.fooled[example, 0].clip(0, 1), abs=0.5 / 63)
        assert second == pytest.approx(other.fooled[example, 0].clip(0, 1), abs=0.5 / 63)
        expected = 0.5 + 5 * (own.fooled - own.original)[example, 0]
        assert change == pytest.approx(expected.clip(0, 1), abs=0.5 / 63)
    assert texts(figure).count("change × 5") == 2


def test_labels_say_from_where_to_where():
    figure = fooling([panel(targets=False), panel("b")], "", NAMES)
    words = texts(figure)
    assert words.count("original") == 1
    assert {"from hen", "from crane", "to maillot", "L2 0.5", "p 0.9000", "p 0.6000"} <= set(words)
    slants = {text.get_text(): text.get_style() for text in figure.texts}
    assert slants["maillot"] == "italic"
    assert slants["hen"] == slants["crane"] == "normal"
    assert any(word.startswith("American") and word.endswith("…") for word in words)


def test_one_method_has_two_examples_in_a_row():
    figure = fooling([panel(count=4)], "")
    assert len(figure.axes) == 12
    assert len({round(axes.get_position().y0, 6) for axes in figure.axes}) == 2
    assert texts(figure).count("original") == 2


@pytest.mark.parametrize(
    ("largest", "factor"),
    [(0.25, 2), (np.float32(0.1), 5), (4 / 255, 31), (0.4, 1.2), (1.0, 0.5), (0.0, 1), (1e-5, 50000), (0.03, 16)],
)
def test_the_largest_change_is_black_or_white(largest, factor):
    assert magnification(np.array([-largest, largest / 3])) == factor
    assert factor * largest <= 0.5 * (1 + 1e-4)


def test_methods_from_different_images_are_not_drawn_together():
    other = panel("noise", start=RNG.random((3, 1, 6, 6)).astype(np.float32))
    with pytest.raises(SpuriousError, match="noise and pgd start from different images; draw them apart"):
        fooling([panel(), other], "")


def test_the_unit_of_changes_is_said():
    assert any(text.endswith("sizes of changes: pixels in [0, 1]") for text in texts(FIGURES["one"]()))


def test_size_text():
    assert size_text("linf", 0.25, 1) == "L∞ ≤ 0.25, 1 step"
    assert size_text("l2", 2.0, 20) == "L2 ≤ 2, 20 steps"


@pytest.fixture
def examples(tmp_path):
    """A file of fool_classifier.py with four methods."""
    return write_examples(tmp_path)


def write_examples(folder, channels=1):
    """The same, of images of so many channels."""
    tensors, rows = {}, []
    for name, start, clamp in (
        ("a", "image", True),
        ("raw", "image", False),
        ("b", "image", True),
        ("n", "noise", True),
    ):
        own = panel(name, channels=channels, start=RNG.random((3, channels, 6, 6)) if start == "noise" else None)
        tensors |= {
            f"{name}/original": own.original.astype(np.float32),
            f"{name}/fooled": own.fooled.astype(np.float32),
        }
        columns = {"classifier": "cnn", "seed": 4, "method": name, "start": start, "clamp": clamp, "id": range(3)}
        rows.append(own.rows.assign(norm="l2", epsilon=0.5, steps=3, **columns))
    save_file(tensors, folder / "examples.safetensors", {"rows": pd.concat(rows).to_json(orient="records")})
    return folder / "examples.safetensors"


def draw(examples, **more):
    made = make(examples.parent, "figure", "fooling", {"examples": examples, **more})
    return made["svg"].read_text(encoding="utf-8")


def test_what_clamps_is_drawn(examples):
    drawn = draw(examples)
    assert "<!-- cnn, fooled along its gradient: 3 examples, seed 4 -->" in drawn
    assert [f"<!-- {name} -->" in drawn for name in ("a", "b", "raw", "n")] == [True, True, False, False]
    assert "<!-- L2 ≤ 0.5, 3 steps -->" in drawn
    assert "<!-- to 3 -->" in drawn
    (examples.parent / "names.csv").write_text("label,wordnet,name\n0,,hen\n1,,crane\n2,,coot\n3,,maillot\n")
    assert "<!-- to maillot -->" in draw(examples, class_names=examples.parent / "names.csv")
    assert draw(examples) == drawn


def write_methods(folder, ids):
    """A file of methods with these ids of examples; the same id is the same image."""
    tensors, rows = {}, []
    for name, own in ids.items():
        original = np.stack([np.full((1, 6, 6), number / 10, np.float32) for number in own])
        tensors |= {f"{name}/original": original, f"{name}/fooled": original + np.float32(0.05)}
        columns = {"classifier": "cnn", "seed": 4, "method": name, "start": "image", "clamp": True, "norm": "l2"}
        rows.append(panel(name, len(own)).rows.assign(id=own, epsilon=0.5, steps=3, **columns))
    text = pd.concat(rows).to_json(orient="records") if rows else "[]"
    save_file(tensors, folder / "examples.safetensors", {"rows": text})
    return folder / "examples.safetensors"


@pytest.mark.parametrize(
    ("ids", "methods", "examples_shown"),
    [
        ({"a": [0, 1, 2], "b": [2, 0, 5]}, ["a", "b"], [0, 2]),
        ({"a": [0, 1, 2], "b": [0, 1, 2]}, ["a", "b"], [0, 1, 2]),
        ({"a": [0, 1], "b": [5, 6], "c": [1, 7]}, ["a", "c"], [1]),  # b has nothing in common with the first
        ({"a": [0, 1], "b": [0, 5], "c": [1, 5]}, ["a", "b"], [0]),  # c not with both
    ],
)
def test_methods_with_other_numbers_of_images_share_the_examples_in_common(tmp_path, ids, methods, examples_shown):
    examples = write_methods(tmp_path, ids)
    svg = draw(examples)
    assert [name for name in ids if f"<!-- {name} -->" in svg] == methods
    pictures = shown(returned("figure", "fooling", {"examples": examples}))
    originals = [picture[0, 0, 0] for picture in pictures[:: 1 + 2 * len(methods)]]
    assert originals == pytest.approx([number / 10 for number in examples_shown], abs=1 / 126)


def test_a_page_says_why_there_is_no_example(tmp_path):
    examples = write_methods(tmp_path, {})
    assert f"<!-- {NOTHING} -->" in draw(examples)
    assert_inside(nothing("title", NOTHING))


@pytest.mark.parametrize("channels", [3, 4])
def test_colours_are_drawn(tmp_path, channels):
    examples = write_examples(tmp_path, channels)
    assert "<!-- L2 ≤ 0.5, 3 steps -->" in draw(examples)
    original = load_file(examples)["a/original"][0]
    first = shown(returned("figure", "fooling", {"examples": examples}))[0]
    np.testing.assert_allclose(first, original[:3].transpose(1, 2, 0), atol=1 / 126)  # a thumbnail has 64 levels


def test_a_file_without_rows_is_one_line(tmp_path):
    bare, text, cut = (tmp_path / f"{name}.safetensors" for name in ("bare", "text", "cut"))
    tensors = {"a/original": np.zeros((1, 1, 2, 2), np.float32)}
    save_file(tensors, bare)
    save_file(tensors, text, {"rows": "no JSON"})
    cut.write_bytes(b"cut off")
    for path in (bare, text):
        with pytest.raises(SpuriousError, match=rf"^/.*/{path.name}: no examples with their rows .* delete it and run"):
            draw(path)
    for path in (cut, tmp_path / "none.safetensors"):
        with pytest.raises(SpuriousError, match=rf"^/.*/{path.name}: not a readable safetensors .* delete it and run"):
            draw(path)


def test_rows_in_the_file_are_those_of_json(examples):
    rows = contents(Examples, [str(examples)]).rows
    assert json.loads(rows.head(1).to_json(orient="records"))[0]["method"] == "a"
    assert rows["clamp"].dtype == bool
