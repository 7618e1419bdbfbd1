"""A shard attacked part by part: the rows of all its images, and of the first ones checks and what was found."""

import gc

import pandas as pd
import pytest
import torch

from attacks.subjects import SIZE, network, starts_of
from attacks.subjects import defended as defended_by
from spurious import registry
from spurious.experiments.robustness.archive import sha256
from spurious.experiments.robustness.examples import MOST
from spurious.experiments.robustness.rows import all_rows, fitted_defences
from spurious.experiments.robustness.settings import RobustnessSettings
from spurious.experiments.robustness.shard import attack_parts, parts_of, work_on

SETTINGS = {
    "sizes": {"linf": [0.2]},
    "attacks": {"white-box": {"kind": "white-box", "steps": 6, "targets": 0}},
    "defences": {"none": "none", "vote": {"kind": "vote", "views": ["ns", "ss"]}},
    "checks": {"images": 3, "epsilon": 0.2},
    "archived": 7,
}
RANKS = torch.arange(10)[1::2]  # those of the second of two shards: 1, 3, 5, 7, 9
PARTS = (RANKS[:2], RANKS[2:])


def settings_of(**changes):
    return registry.parse(RobustnessSettings, SETTINGS | changes)


@pytest.fixture(scope="module")
def subjects():
    """The defences, the network behind them, and ten starts in the order in which they are attacked."""
    model, starts = network(), starts_of(defended_by("vote"), 10)
    return fitted_defences(settings_of().defences, model, ()), model, starts


@pytest.fixture(scope="module")
def made(subjects):
    """What attacks on PARTS gave, and of how many images they told."""
    defences, model, starts = subjects
    told = []
    return attack_parts(defences, model, PARTS, starts.at, settings_of(), 0, told.append), sum(told)


def found_of(rows):
    """Defence and id of the images that the attack found."""
    own = rows[(rows["variant"] == "plain") & rows["found"]]
    return set(zip(own["defence"], own["id"], strict=True))


def test_parts_have_the_rows_of_all_their_images(made, subjects):
    defences, model, starts = subjects
    expected, _ = all_rows(defences, model, starts.at(RANKS), settings_of(), 0, checked=1)
    keys = ["variant", "defence", "id"]
    own, expected = (rows.set_index(keys).sort_index() for rows in (made[0].rows, expected))
    assert own.index.equals(expected.index)
    pd.testing.assert_series_equal(own["found"], expected["found"])
    assert made[0].rows.index.tolist() == list(range(len(own)))


def test_the_first_ranks_are_checked_and_all_work_is_told(made, subjects):
    result, told = made
    first = subjects[2].at(torch.tensor([1])).ids  # below 3
    assert set(result.rows[result.rows["variant"] != "plain"]["id"]) == set(first)
    assert told == work_on(subjects[0], settings_of(), PARTS)
    assert told - work_on(subjects[0], settings_of(checks={"images": 1}), PARTS) == 2 * 6  # one image fewer


def test_all_that_was_found_is_described_and_of_the_first_ranks_kept(made, subjects):
    result, about = made[0], made[0].about
    assert [start["id"] for start in about["starts"]] == subjects[2].at(RANKS).ids
    assert {(own["defence"], own["id"]) for own in about["found"]} == found_of(result.rows)
    archived = set(subjects[2].at(torch.tensor([1, 3, 5])).ids)  # below 7
    stored = [own for own in about["found"] if own["stored"]]
    assert {own["id"] for own in about["found"]} > {own["id"] for own in stored}
    assert {own["id"] for own in stored} == {own["id"] for own in about["found"]} & archived
    kept = {name: image for name, image in result.images.items() if not name.startswith("examples/")}
    assert {name: sha256(image) for name, image in kept.items()} == {own["name"]: own["sha256"] for own in stored}


def images_alive():
    """How many single images (C, H, W) something holds."""
    gc.collect()
    return sum(type(own) is torch.Tensor and own.shape == (1, SIZE, SIZE) for own in gc.get_objects())


def test_between_parts_only_images_that_are_kept_are_held(subjects):
    """Those of the two first ranks, and the figure's: the others are gone when the next part begins."""
    defences, model, starts = subjects
    settings, held = settings_of(archived=2, batch_size=2), []

    def load(ranks):
        held.append(images_alive())
        return starts.at(ranks)

    result = attack_parts(defences, model, parts_of(torch.arange(10), settings, alike=True), load, settings, 0)
    kept = [image for image in result.images.values() if image.shape == (1, SIZE, SIZE)]
    assert len(held) == 5
    assert len(result.about["found"]) > len(kept) / 2
    assert held[-1] - held[0] <= len(kept)
    assert held[-1] == held[-2]  # past the first ranks and the figure's nothing is added


@pytest.mark.parametrize(("alike", "lengths"), [(True, [2, 2, 1]), (False, [1] * 5)])
def test_images_of_one_size_are_held_in_batches_and_others_one_by_one(alike, lengths):
    parts = parts_of(RANKS, settings_of(batch_size=2), alike)
    assert [len(part) for part in parts] == lengths
    assert torch.equal(torch.cat(list(parts)), RANKS)


def test_without_a_number_everything_that_was_found_is_kept(subjects):
    defences, model, starts = subjects
    result = attack_parts(defences, model, PARTS, starts.at, settings_of(archived=None), 0)
    assert all(own["stored"] for own in result.about["found"])
    assert {own["name"] for own in result.about["found"]} <= set(result.images)


def test_examples_come_from_all_parts_up_to_their_number(made, subjects):
    defences, model, starts = subjects
    by_vote = [name for name in starts.at(RANKS).ids if ("vote", name) in found_of(made[0].rows)]
    assert [row["id"] for row in made[0].shown] == by_vote[:MOST]
    one_by_one = attack_parts(defences, model, torch.arange(10).split(1), starts.at, settings_of(), 0)
    assert len(one_by_one.shown) == MOST
    assert {name.split("/")[1] for name in one_by_one.images if name.startswith("examples/")} == {
        row["id"] for row in one_by_one.shown
    }
