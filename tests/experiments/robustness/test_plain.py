"""Decisions by plain calls are those of the defences, and no others."""

import pytest
import torch

from attacks.subjects import CLASSES, network
from spurious import registry
from spurious.defences.defended import Defended
from spurious.defences.kinds import Defence
from spurious.errors import SpuriousError
from spurious.experiments.robustness.plain import holds
from spurious.seeding import generator
from spurious.views.preprocessing import Preprocessing

VIEWS = ["ns", "ss", "ds", "median", {"kind": "bilateral", "contrast": 0.2}, {"kind": "jpeg", "quality": 20}, "bits"]
DEFENCES = [
    "none",
    {"kind": "blur", "kernel": 3, "sigma": 2.0},
    {"kind": "vote", "views": ["ns", "ss"]},
    {"kind": "vote", "views": VIEWS, "kernel": 5},
    {"kind": "threshold", "log_odds": 1.0},
]


@pytest.mark.parametrize("defence", DEFENCES)
@pytest.mark.parametrize("size", [10, 14])
def test_plain_calls_decide_as_the_defence(defence, size):
    own = registry.parse(Defence, defence)
    preprocessing = Preprocessing(resize=11, crop=10) if size > 10 else Preprocessing()
    images = torch.rand(80, 1, size, size, generator=generator("plain"))
    defended = Defended(own, network(), preprocessing)
    decisions = defended.decide(images)
    told = registry.as_data(own), network(), images, registry.as_data(preprocessing)
    assert holds(*told, decisions).all()
    two = defended.scores(images).topk(2).values
    clear = two[:, 0] - two[:, 1] > 0.01
    assert clear.sum() > 60
    others = (decisions + 2) % (CLASSES + 1) - 1  # the next one, a rejection among them
    assert not holds(*told, others)[clear].any()


def test_what_has_no_plain_call_is_one_line():
    images = torch.rand(2, 1, 10, 10)
    with pytest.raises(SpuriousError, match="vote: a defence, or with a view, that cannot be judged by plain calls"):
        holds({"kind": "vote", "views": [{"kind": "fog"}]}, network(), images, {}, torch.zeros(2))


@pytest.mark.parametrize("defence", DEFENCES)
def test_no_image_is_of_a_class_that_there_is_not(defence):
    """Nor of class 0, which stands for one where the scores are looked up."""
    images, plain = torch.rand(40, 1, 10, 10, generator=generator("plain")), network()
    own, preprocessing = registry.parse(Defence, defence), Preprocessing()

    def logits(images):
        return 20 * plain(images).flip(1)  # surely, and the first classes instead of the last ones

    assert (Defended(own, logits, preprocessing).decide(images) == 0).any()
    told = registry.as_data(own), logits, images, registry.as_data(preprocessing)
    assert not holds(*told, torch.full((40,), CLASSES)).any()


@pytest.mark.parametrize(
    "defence",
    [{}, {"kind": "threshold"}, {"kind": "vote", "views": [{}]}, {"kind": "blur", "kernel": "x", "sigma": 1.0}],
)
def test_a_damaged_defence_is_one_line(defence):
    with pytest.raises(SpuriousError, match="cannot be judged"):
        holds(
            defence,
            network(),
            torch.rand(2, 1, 10, 10),
            registry.as_data(Preprocessing()),
            torch.zeros(2, dtype=torch.int64),
        )
