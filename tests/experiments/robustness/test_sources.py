"""Which classifier an attack of transfer follows."""

import pytest

from spurious.experiments.robustness.jobs import sources

CLASSIFIERS = {"cnn": {"architecture": "cnn"}, "softmax": {"architecture": "softmax"}, "own": {"torchscript": "own.pt"}}


def followed(attack, seeds=(0, 1, 2), classifier="cnn", seed=0):
    """(classifier, seed) that one attack beside another one follows."""
    settings = {
        "experiment": {"seeds": list(seeds)},
        "classifiers": CLASSIFIERS,
        "robustness": {"attacks": {"square": "square", "other": attack}},
    }
    return sources(settings, classifier, seed)


@pytest.mark.parametrize(
    ("attack", "given", "expected"),
    [
        ("transfer", {}, ("cnn", 1)),
        ({"kind": "transfer"}, {"seed": 2}, ("cnn", 0)),
        ({"kind": "transfer", "seed": 2}, {}, ("cnn", 2)),
        ({"kind": "transfer", "seed": 0}, {"seed": 1}, ("cnn", 0)),
        ({"kind": "transfer", "classifier": "softmax"}, {}, ("softmax", 1)),
        ({"kind": "transfer", "classifier": "softmax"}, {"seeds": (4,), "classifier": "own"}, ("softmax", 4)),
        ({"kind": "transfer", "classifier": "own"}, {"seed": 1}, ("own", 0)),
    ],
)
def test_the_source_is_the_named_one_or_the_next_seed(attack, given, expected):
    assert followed(attack, **given) == {"other": expected}


def test_other_attacks_follow_none():
    assert followed({"kind": "oblivious"}) == {}
