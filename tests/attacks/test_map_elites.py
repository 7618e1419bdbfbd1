"""MAP-Elites with a direct encoding: its mutation, its elites, and the rows and table of them."""

import pandas as pd
import pytest
import torch

from spurious.attacks import map_elites as module
from spurious.attacks.map_elites import RATE, STRENGTH, map_elites, mutated
from spurious.attacks.settings import MapElites
from spurious.errors import SpuriousError
from spurious.experiments.black_box.elites import elites
from spurious.experiments.black_box.rows import elites_rows
from spurious.seeding import generator
from spurious.writeups.nguyen import confidence

SHAPE = (1, 3, 4)
SETTINGS = MapElites(runs=2, population=5, generations=(2, 6))


def scores(images):
    """Three classes: the upper part bright, the lower part bright, grey."""
    upper, lower = images[:, 0, 0].mean(1), images[:, 0, 2].mean(1)
    return torch.stack([4 * upper, 4 * lower, 1 + upper - upper**2], 1).softmax(1)


def test_it_is_the_same_as_one_child_after_the_other():
    draw = generator("s", "map-elites")
    best = [(-1.0, None)] * 3
    population = torch.rand(5, *SHAPE, generator=draw)
    expected = {}
    for number in range(7):
        for child in population:
            for label, p in enumerate(scores(child[None])[0].tolist()):
                if p > best[label][0]:
                    best[label] = (p, child)
        expected[number] = list(best)
        parents = torch.randint(3, (5,), generator=draw).tolist()
        population = mutated(torch.stack([best[parent][1] for parent in parents]), RATE, draw)
    kept = list(map_elites(scores, SHAPE, SETTINGS, "s"))
    assert [number for number, _, _ in kept] == [2, 6]
    for number, images, p in kept:
        assert p.tolist() == pytest.approx([own for own, _ in expected[number]], rel=1e-6)
        assert torch.equal(images, torch.stack([image for _, image in expected[number]]))
        torch.testing.assert_close(scores(images).diagonal(), p)


def test_more_generations_are_surer_and_another_seed_is_another_run():
    (_, _, early), (_, images, late) = map_elites(scores, SHAPE, SETTINGS, 0)
    assert (late >= early).all()
    assert (late > early).any()
    *_, (_, others, _) = map_elites(scores, SHAPE, SETTINGS, 1)
    assert not torch.equal(images, others)


def test_it_tells_of_every_image_that_is_judged():
    told, judged = [], []

    def counted(images):
        judged.append(len(images))
        return scores(images)

    elites_rows(counted, SHAPE, SETTINGS, {"classifier": "cnn", "seed": 7}, told.append)
    assert told == judged == [5] * 14
    assert sum(told) == SETTINGS.queries


def test_a_mutation_changes_a_tenth_of_the_pixels_by_the_polynomial_distribution():
    images = torch.full((400, 1, 10, 10), 0.5)
    change = (mutated(images, 0.1, torch.Generator().manual_seed(0)) - images).flatten()
    moved = change[change != 0]
    assert len(moved) / len(change) == pytest.approx(0.1, abs=0.01)
    for share in (0.1, 0.25, 0.75, 0.9):  # F(d) = (1 + d)^(n + 1) / 2 below 0, and its mirror image
        edge = (2 * min(share, 1 - share)) ** (1 / (STRENGTH + 1)) - 1
        assert moved.quantile(share).item() == pytest.approx(edge if share < 0.5 else -edge, abs=0.005)


def test_pixels_stay_in_their_range_and_without_mutation_as_they_are():
    ends = torch.tensor([0.0, 1.0]).repeat(500).reshape(10, 1, 10, 10)
    changed = mutated(ends, 1.0, torch.Generator().manual_seed(0))
    assert (changed.min(), changed.max()) == (0, 1)
    assert torch.equal(mutated(ends, 0.0, torch.Generator().manual_seed(0)), ends)


def test_the_rate_halves_every_thousand_generations(monkeypatch):
    rates = []
    monkeypatch.setattr(module, "mutated", lambda images, rate, draw: rates.append(rate) or images)
    list(map_elites(scores, SHAPE, MapElites(population=2, generations=(2001,)), 0))
    assert [rates[place] for place in (0, 999, 1000, 1999, 2000)] == [0.1, 0.1, 0.05, 0.05, 0.025]


def test_rows_and_table():
    rows = elites_rows(scores, SHAPE, SETTINGS, {"classifier": "cnn", "seed": 7})
    assert len(rows) == 2 * 2 * 3  # runs, generations, classes
    *_, (_, _, p) = map_elites(scores, SHAPE, SETTINGS, "7, run 1")
    assert rows.query("run == 1 and generation == 6")["p"].tolist() == p.tolist()
    table = elites(rows)
    assert table["generation"].tolist() == [2, 6]
    medians = rows.query("generation == 6").groupby("run")["p"].median()
    (last,) = table.query("generation == 6").to_dict("records")
    assert (last["runs"], last["images"]) == (2, 6)
    assert (last["run_low"], last["run_high"]) == (medians.min(), medians.max())
    assert last["median_p"] == rows.query("generation == 6")["p"].median()


def test_without_settings_there_are_no_rows_but_their_columns():
    rows = elites_rows(scores, SHAPE, None, {"classifier": "cnn", "seed": 0})
    assert rows.empty
    assert elites(rows).empty
    with pytest.raises(SpuriousError, match="the column run is missing"):
        elites(rows.drop(columns="run"))


def test_only_the_network_after_200_generations_is_held_against_the_published_number():
    rows = pd.DataFrame({"classifier": ["cnn", "cnn", "forest"], "generation": [50, 200, 200], "images": 60})
    rows = rows.assign(runs=6, median_p=[0.9, 0.99, 0.5], run_low=0.4, run_high=1.0)
    (row,) = confidence(rows, "cnn").to_dict("records")
    assert (row["reproduced"], row["low"], row["high"], row["n"]) == (0.99, 0.4, 1.0, 60)
    assert confidence(rows, "softmax").empty


def test_the_range_of_five_runs_is_no_interval():
    rows = pd.DataFrame({"classifier": ["cnn"], "generation": 200, "images": 50, "runs": 5, "median_p": 0.995})
    (row,) = confidence(rows.assign(run_low=0.99, run_high=1.0), "cnn").to_dict("records")
    assert row["reproduced"] == 0.995
    assert pd.isna([row["low"], row["high"]]).all()
