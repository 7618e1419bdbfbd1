"""The first losses of softmax regression, against formulas and a slow reference."""

import math

import numpy as np
import pytest
import torch

from spurious.data.splits import InMemory, Splits
from spurious.experiments.linear import start as module
from spurious.experiments.linear.start import FLOOR, losses, start
from spurious.seeding import generator


def splits(count=40, classes=5):
    images = torch.randint(0, 256, (count, 3, 4, 4), generator=generator("images"), dtype=torch.uint8)
    return Splits({"train": InMemory(images, torch.arange(count) % classes)}, classes)


def test_rows_say_what_the_claims_read():
    table = start(splits())
    assert table["start"].tolist() == ["sensible", "usual", "usual, mean kept", "usual rate"]
    sensible, usual, kept, _ = (row for _, row in table.iterrows())
    assert sensible["floored"] == pytest.approx(math.log(5), abs=0.1)
    assert sensible["low"] <= sensible["floored"] <= sensible["high"]
    assert sensible["floored"] < usual["floored"] < kept["floored"]
    assert table[["classes", "images", "n"]].drop_duplicates().to_numpy().tolist() == [[5, 40, module.DRAWS]]
    assert table["after"].isna().tolist() == [True, True, True, False]


def test_the_floor_is_that_of_caffe():
    """A probability of 0 costs ln of the smallest normal float32, 87.3, and no more."""
    pixels, labels = torch.full((2, 4), 1e4), torch.tensor([0, 1])
    entropy, floored, _ = losses(pixels, labels, 2, 1.0, 0.0, 0)
    assert entropy > 1000
    assert floored == pytest.approx(-math.log(FLOOR) / 2)
    assert -math.log(FLOOR) == pytest.approx(87.34, abs=0.1)


def test_steps_are_those_of_plain_momentum(monkeypatch):
    """Against float64 and autograd, step by step."""
    monkeypatch.setattr(module, "BATCH", 8)
    generated = generator("pixels")
    pixels, labels = torch.randn((12, 6), generator=generated), torch.arange(12) % 3
    weight = (0.1 * torch.randn((3, 6), generator=generator(1, "start"))).double().requires_grad_()
    bias = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([weight, bias], lr=0.5, momentum=0.9)
    after = []
    for step in range(module.STEPS):
        batch = [(step * 8 + place) % 12 for place in range(8)]
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(pixels[batch].double() @ weight.T + bias, labels[batch]).backward()
        optimizer.step()
        after.append(torch.nn.functional.cross_entropy(pixels[batch].double() @ weight.T + bias, labels[batch]).item())
    assert losses(pixels, labels, 3, 0.1, 0.5, 1)[2] == pytest.approx(max(after), rel=1e-5)
    assert np.isnan(losses(pixels, labels, 3, 0.1, 0.0, 1)[2])


def test_a_loss_that_is_no_number_any_more_has_exploded():
    pixels, labels = torch.full((4, 4), 1e30), torch.arange(4) % 2
    assert losses(pixels, labels, 2, 1e-4, 1e30, 0)[2] == module.MOST
