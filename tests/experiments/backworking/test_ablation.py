"""The ablation of the published search: rows against searches run one by one, the table against counting by hand."""

import pandas as pd
import pytest
import torch

from samplerows import ablation_rows as made_up
from spurious import registry
from spurious.attacks.cost import build_cost, reference_activations
from spurious.attacks.optimization import optimize_images
from spurious.classifiers.models import ConvNet, initialize
from spurious.classifiers.predictions import predict
from spurious.errors import SpuriousError
from spurious.experiments.backworking.ablation import ablation
from spurious.experiments.backworking.ablation_rows import NEAR, ablation_rows, collisions
from spurious.experiments.backworking.settings import AblationSettings
from spurious.perturbations.starts import STARTS
from spurious.rates import difference_over_seeds, over_seeds
from spurious.seeding import generator

SETTINGS = {
    "images": 4,
    "settings": {
        "published": {"batch": 2, "max_steps": 3},
        "same": {"batch": 2, "max_steps": 3},
        "batch 4": {"batch": 4, "max_steps": 3},
        "log p": {"batch": 2, "max_steps": 3, "objective": "log_p"},
    },
}


@pytest.fixture(scope="module")
def searched():
    """(settings, network, training images, test images, rows)."""
    settings = registry.parse(AblationSettings, SETTINGS)
    model = ConvNet((1, 8, 8), 3, (2, 4), 8)
    initialize(model, "published", generator("ablation net"))
    model.eval().requires_grad_(False)
    draw = generator("ablation test")
    references, tested = torch.rand(20, 1, 8, 8, generator=draw), torch.rand(5, 1, 8, 8, generator=draw)
    rows = ablation_rows(model, lambda images: predict(model, images), 1, references, tested, settings, 0)
    return settings, model, references, tested, rows


def test_every_batch_is_a_search_of_its_own(searched):
    settings, model, references, _, rows = searched
    start = STARTS["uniform"](4, references, generator(0, "ablation", 1))
    for name, setting in settings.settings.items():
        cost = build_cost(reference_activations(model, references), setting)
        for place, own in enumerate(start.split(setting.batch)):
            restart = generator(0, "ablation restart", 1, place)
            found = optimize_images(model, 1, own, setting, restart, cost if setting.objective == "cost" else None)
            part = rows[rows["setting"] == name].iloc[place * setting.batch :][: setting.batch]
            assert part["p"].tolist() == pytest.approx(predict(model, found.images)[:, 1].tolist())
            assert set(part["steps"]) == {found.steps}


def test_settings_that_are_equal_find_the_same_from_the_same_images(searched):
    rows = searched[-1].set_index("setting")
    pd.testing.assert_frame_equal(rows.loc["published"], rows.loc["same"].set_axis(rows.loc["published"].index))
    assert rows.loc["log p"]["start_distance"].tolist() == rows.loc["batch 4"]["start_distance"].tolist()
    assert (rows.loc["log p"]["p"].to_numpy() != rows.loc["published"]["p"].to_numpy()).all()


def test_distances_are_the_smallest_of_all_pairs(searched):
    _, _, references, tested, rows = searched

    def nearest(images):
        return [min((image - other).square().mean().sqrt().item() for other in references) for image in images]

    start = STARTS["uniform"](4, references, generator(0, "ablation", 1))
    assert rows["start_distance"].tolist() == pytest.approx(4 * nearest(start), rel=1e-5)
    assert rows["test_distance"].tolist() == pytest.approx(len(rows) * [sorted(nearest(tested))[2]], rel=1e-5)


def test_a_collapsed_batch_shows():
    start = torch.rand(6, 1, 8, 8, generator=generator("start"))
    assert collisions(start, start).tolist() == [0] * 6
    assert collisions(start, start[:1].expand(6, -1, -1, -1)).tolist() == [5] * 6
    apart = torch.pdist(start.flatten(1)).median().item()
    line = torch.zeros(6, 1, 8, 8)
    line[:, 0, 0, 0] = torch.tensor([0, 0.9, 3, 5, 7, 9]) * NEAR * apart
    assert collisions(start, line).tolist() == [1, 1, 0, 0, 0, 0]


def test_the_table_is_counted_by_hand():
    rows = made_up()
    table = ablation(rows).set_index("setting")
    assert table.index.tolist() == ["published", "no batch cost"]
    for setting, own in rows.groupby("setting"):
        row, found = table.loc[setting], own["p"] > 0.999
        clusters = own.groupby(["seed", "label"]).ngroup()
        share = over_seeds(found, own["seed"], clusters)
        assert (row["n"], row["found"], row["seeds"]) == (len(own), found.sum(), 2)
        assert (row["share"], row["low"], row["high"]) == (share.rate, share.low, share.high)
        assert row["collided"] == own["near"].sum() / own["pairs"].sum()
        assert row["ratio"] == pytest.approx((own["distance"] / own["test_distance"]).iloc[0])
    assert (table.loc["published", ["gain", "collided"]] == 0).all()
    assert table.loc["no batch cost", "collided"] == 1
    first, second = (rows[rows["setting"] == name].set_index(["seed", "label", "image"])["p"] for name in table.index)
    changes = (second > 0.999).astype(int) - (first > 0.999).astype(int)
    images = changes.index.to_frame(index=False)
    clusters = images.groupby(["seed", "label"]).ngroup()
    expected = difference_over_seeds(changes, images["seed"], clusters)
    assert tuple(table.loc["no batch cost", ["gain", "gain_low", "gain_high"]]) == pytest.approx(expected)
    assert table.loc["no batch cost", "gain"] < 0


def test_images_in_another_order_give_the_same_table():
    rows = made_up()
    shuffled = pd.concat([own.sample(frac=1, random_state=0) for _, own in rows.groupby("setting", sort=False)])
    pd.testing.assert_frame_equal(ablation(shuffled), ablation(rows))


def test_a_broken_batch_is_one_line():
    with pytest.raises(SpuriousError, match=r"settings\.published\.batch: 4 images are no multiple of 3"):
        registry.parse(AblationSettings, {"images": 4, "settings": {"published": {"batch": 3}}})
