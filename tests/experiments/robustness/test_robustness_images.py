"""What is kept of attacks for the figure, and the figure of attacked images."""

import numpy as np
import pandas as pd
import pytest
import torch

from attacks.subjects import defended as defended_by
from attacks.subjects import network, starts_of
from spurious import registry
from spurious.experiments.robustness.examples import examples_of
from spurious.experiments.robustness.images import figure
from spurious.experiments.robustness.rows import all_rows, fitted_defences
from spurious.experiments.robustness.settings import RobustnessSettings
from spurious.figures.examples import Examples

SETTINGS = {
    "sizes": {"linf": [0.05, 0.2]},
    "attacks": {"denial": {"kind": "denial", "steps": 4}, "white-box": {"kind": "white-box", "steps": 6, "targets": 0}},
    "defences": {"none": "none", "vote": {"kind": "vote", "views": ["ns", "ss", "ds"]}},
}
KINDS = ("original", "fooled", "views", "labels")


@pytest.fixture(scope="module")
def attacked():
    """Rows and images of an attack, its starts, its defences and the network."""
    settings, model = registry.parse(RobustnessSettings, SETTINGS), network()
    starts, defences = starts_of(defended_by("vote"), 8), fitted_defences(settings.defences, model, ())
    return *all_rows(defences, model, starts, settings, 0, 0), starts, defences, model


def test_what_is_kept_is_what_was_found_of_the_vote(attacked):
    rows, images, starts, defences, model = attacked
    kept, tensors = examples_of(rows, images, starts, defences, 3)
    for row in kept:
        original, fooled, views, labels = (tensors[f"examples/{row['id']}/{kind}"] for kind in KINDS)
        assert row["views"] == ("ns", "ss", "ds")
        assert torch.equal(original, starts.images[starts.ids.index(row["id"])])
        assert torch.equal(fooled, images[f"vote/white-box/linf/{row['id']}"])
        assert (fooled - original).abs().max().item() == pytest.approx(row["linf"])
        assert row["linf"] <= row["epsilon"] + 1e-6
        assert torch.equal(views[0], fooled)
        assert torch.equal(labels, model(views).argmax(1))
        assert row["predicted"] != row["label"]
        assert (labels == row["predicted"]).sum() >= 2
    names = [row["id"] for row in kept]
    assert len(names) == 3
    assert names == [name for name in starts.ids if name in names]


def examples(attacked):
    rows, tensors = examples_of(*attacked[:4], 2)
    named = [row | {"classifier": "net", "seed": 3, "views": list(row["views"])} for row in rows]
    return Examples({name: tensor.numpy() for name, tensor in tensors.items()}, pd.DataFrame(named))


def test_a_row_shows_the_original_the_change_and_every_view(attacked):
    own = examples(attacked)
    drawn = figure(own)
    pictures = [np.asarray(axes.images[0].get_array())[..., 0] for axes in drawn.axes]
    assert len(pictures) == 2 * 5
    first = own.rows.iloc[0]
    original, fooled, views, labels = (own.tensors[f"examples/{first['id']}/{kind}"] for kind in KINDS)
    change = (fooled - original)[0]
    assert pictures[0] == pytest.approx(original[0], abs=0.5 / 63)
    assert np.abs(pictures[1] - 0.5).max() == pytest.approx(0.5, abs=0.03)
    assert ((pictures[1] > 0.6) <= (change > 0)).all()
    assert ((pictures[1] < 0.4) <= (change < 0)).all()
    for picture, view in zip(pictures[2:5], views, strict=True):
        assert picture == pytest.approx(view[0].clip(0, 1), abs=0.5 / 63)
    texts = [text.get_text() for text in drawn.texts]
    assert f"decision: {first['predicted']}" in texts
    assert "net behind vote, seed 3" in drawn.get_suptitle()
    italic = [text.get_text() for text in drawn.texts if text.get_style() == "italic"]
    second = own.rows.iloc[1]
    wrong = [*(labels != first["label"]), *(own.tensors[f"examples/{second['id']}/labels"] != second["label"])]
    assert len(italic) == sum(wrong) >= 4


def test_a_norm_that_no_column_measures_is_shown_by_its_limit(attacked):
    own = examples(attacked)
    drawn = figure(Examples(own.tensors, own.rows.assign(norm="rms", epsilon=0.25)))
    assert any("rms \N{LESS-THAN OR EQUAL TO} 0.25" in text.get_text() for text in drawn.texts)


def test_texts_stay_apart_and_on_the_page_and_classes_have_their_names(attacked):
    drawn = figure(examples(attacked), [f"a class with the number {number}" for number in range(4)])
    drawn.draw_without_rendering()
    width, _ = drawn.get_size_inches() * drawn.dpi
    boxes = [text.get_window_extent().padded(-1) for text in drawn.texts if text.get_text()]
    assert all(0 <= box.x0 < box.x1 <= width for box in boxes)
    assert not any(box.overlaps(other) for place, box in enumerate(boxes) for other in boxes[place + 1 :])
    assert any(text.get_text().startswith("a class") for text in drawn.texts)


def test_where_nothing_was_found_a_sentence_says_so(attacked):
    rows, images, starts, defences, _ = attacked
    assert examples_of(rows.assign(found_at=np.nan), images, starts, defences) == ([], {})
    assert any("no image was found" in text.get_text() for text in figure(Examples({}, pd.DataFrame())).texts)
