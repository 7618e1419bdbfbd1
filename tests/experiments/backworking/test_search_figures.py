"""Searches side by side: counts by label, shares by seed, and the contact sheet."""

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from figurechecks import assert_inside, assert_same_bytes
from making import returned
from spurious.errors import SpuriousError
from spurious.experiments.backworking import counts_figure
from spurious.experiments.backworking.searches import backworking, backworking_summary
from spurious.experiments.backworking.sheet import sheet
from spurious.figures.style import BLACK, BLUE

SEARCHES = ("log-p", "published", "unclamped", "unclamped, clamped")
FOUND = {"log-p": (3, 3), "published": (0, 2), "unclamped": (1, 2), "unclamped, clamped": (0, 1)}  # of 3, by label
ABOVE = 0.999


def rows(seeds=(4, 7), classifiers=("cnn", "other")):
    """Of 3 images, so many are found as FOUND says; the second seed finds one less of each label, if it can."""
    parts = []
    for classifier in classifiers:
        for place, seed in enumerate(seeds):
            for search in SEARCHES:
                for label, most in enumerate(FOUND[search]):
                    p = np.where(np.arange(3) < max(most - place, 0), 0.9995, 0.3)
                    keys = {"classifier": classifier, "seed": seed, "search": search, "label": label}
                    parts.append(pd.DataFrame({**keys, "image": range(3), "steps": 5, "reinitialized": 0, "p": p}))
    return pd.concat(parts, ignore_index=True)


def counts(**others):
    every = rows(**others)
    tables = backworking(every, found_above=ABOVE), backworking_summary(every, found_above=ABOVE)
    return counts_figure.figure(*tables, "cnn", ABOVE)


def test_cells_count_all_seeds_of_the_classifier_in_the_order_of_the_searches():
    cells, shares = counts().axes
    assert [text.get_text() for text in cells.texts] == ["0", "1", "0", "5", "3", "3", "1", "5"]
    expected = np.array([[0, 1, 0, 5], [3, 3, 1, 5]]) / 6 * 100
    np.testing.assert_allclose(cells.images[0].get_array(), expected)
    assert [tick.get_text() for tick in shares.get_xticklabels()] == [
        "published",
        "unclamped",
        "unclamped,\nclamped",
        "log-p",
    ]
    assert cells.get_title() == "found of 6 images of each label, 2 seeds"


def test_every_seed_has_a_dot_and_the_mean_lies_between():
    shares = counts().axes[1]
    dots = [line.get_ydata() for line in shares.lines if line.get_color() == BLACK]
    np.testing.assert_allclose(dots, np.array([[2, 3, 1, 6], [1, 1, 0, 4]]) / 6 * 100)
    (means,) = (line.get_ydata() for line in shares.lines if line.get_color() == BLUE and line.get_marker() == "o")
    np.testing.assert_allclose(means, np.mean(dots, axis=0))
    bars = [path.vertices[:, 1] for path in shares.collections[0].get_paths()]
    assert all(low <= mean <= high for (low, high), mean in zip(bars, means, strict=True))


def test_one_seed_is_one_seed():
    assert counts(seeds=(4,)).axes[0].get_title() == "found of 3 images of each label, 1 seed"


def test_a_classifier_without_rows_is_an_error():
    every = rows(classifiers=("other",))
    with pytest.raises(SpuriousError, match="no rows"):
        counts_figure.figure(backworking(every), backworking_summary(every), "cnn", ABOVE)


def pages(labels, searches=2):
    """A contact sheet of made-up images."""
    draw = np.random.default_rng(0)
    images, p = draw.random((searches, labels, 6, 6)), draw.random((searches, labels))
    names = [f"search {place}\n1 of 8" for place in range(searches)]
    return sheet(images, p, names, [f"label {place}" for place in range(labels)], "title of it", found_above=0.5), p


@pytest.mark.parametrize(("labels", "bands"), [(3, 1), (10, 1), (11, 2), (26, 3)])
def test_ten_labels_stand_in_a_row_and_the_others_below(labels, bands):
    figure, p = pages(labels)
    across = min(labels, 10)
    grid = np.array(figure.axes).reshape(bands * 2, across)
    for label in range(labels):
        band, column = divmod(label, 10)
        assert grid[2 * band, column].get_title() == f"label {label}"
        shown = [grid[2 * band + search, column].get_xlabel() for search in (0, 1)]
        assert shown == [f"{value:.4f}" for value in p[:, label]]
    drawn = [axes for axes in grid.flat if axes.images]
    assert len(drawn) == 2 * labels
    assert_inside(figure)


def test_italics_mark_what_is_not_found_and_a_file_is_the_same_every_time():
    figure, p = pages(3)
    styles = [axes.xaxis.label.get_style() for axes in figure.axes]
    assert styles == ["normal" if value > 0.5 else "italic" for value in p.flat]
    assert_same_bytes(lambda: pages(12)[0], "svg", b"<?xml")


@pytest.fixture
def stored(tmp_path):
    """Images of every search but the clamped one, brighter by search and image, with their rows, as files."""
    files = {"images": [], "rows": []}
    for label in (0, 1):
        own = rows(classifiers=("cnn",)).query(f"label == {label}")
        p = own["p"] + own["image"] / 1e5  # the last found image is the strongest
        files["rows"].append(tmp_path / f"label{label}.csv")
        own.assign(p=p).to_csv(files["rows"][-1], index=False)
        kept = enumerate(SEARCHES[:3])
        tensors = {
            f"{search}/seed{seed}": np.full((3, 1, 4, 4), place / 10, np.float32)
            + np.arange(3, dtype=np.float32)[:, None, None, None] / 100
            + label / 2
            for place, search in kept
            for seed in (4, 7)
        }
        files["images"].append(tmp_path / f"label{label}.safetensors")
        save_file(tensors, files["images"][-1])
    return files


def test_the_sheet_shows_the_strongest_stored_image_with_the_count_of_its_search(stored):
    figure = returned("figure", "searches", stored, classifier="cnn", seed=4, found_above=ABOVE)
    names = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()]
    assert names == ["published\n2 of 6", "unclamped\n3 of 6", "log-p\n6 of 6"]
    values = [float(axes.images[0].get_array()[0, 0]) for axes in figure.axes]
    # published: nothing of label 0 is found, so the last image is the strongest; of label 1 the second
    assert values == pytest.approx([0.12, 0.61, 0.2, 0.71, 0.02, 0.52], abs=1e-6)
    assert "above 0.999: cnn" in figure.get_suptitle()


def test_labels_have_their_names(stored, tmp_path):
    names = tmp_path / "names.csv"
    names.write_text("label,wordnet,name\n0,,hen\n1,,crane\n", encoding="utf-8")
    files = {**stored, "class_names": names}
    figure = returned("figure", "searches", files, classifier="cnn", seed=4, found_above=ABOVE)
    assert [axes.get_title() for axes in figure.axes if axes.get_title()] == ["hen", "crane"]
    every = rows()
    tables = backworking(every), backworking_summary(every)
    cells, _ = counts_figure.figure(*tables, "cnn", ABOVE, ["hen", "crane"]).axes
    assert [tick.get_text() for tick in cells.get_yticklabels()] == ["hen", "crane"]


def test_the_sheet_names_a_file_without_images_of_the_seed(stored):
    with pytest.raises(SpuriousError, match=r"label0\.safetensors: no images of seed 5"):
        returned("figure", "searches", stored, classifier="cnn", seed=5, found_above=ABOVE)
