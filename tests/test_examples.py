"""The examples in docstrings give what they show."""

import doctest
import importlib

import pytest
import torch

from sourcecode import modules

WITH_EXAMPLES = sorted(module for module, source in modules().items() if "\n    >>> " in source)
FIRST_MET = {  # what a user of the library meets first: docs/library.md
    "spurious.attacks.gradient.fool",
    "spurious.attacks.layers.Layered",
    "spurious.attacks.on_decisions.WhiteBox",
    "spurious.attacks.optimization.run_searches",
    "spurious.classifiers.predictions.predict",
    "spurious.defences.defended.Defended",
    "spurious.defences.smoothed.Smoothed",
    "spurious.defences.vote.vote",
    "spurious.statistics.randomized_smoothing.certified_radius",
    "spurious.views.viewer.view_of",
}


def examples(module):
    """The examples of a module; each brings its own imports."""
    found = doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(module), globs={})
    return [example for example in found if example.examples]


@pytest.mark.parametrize("module", WITH_EXAMPLES)
@pytest.mark.usefixtures("one_thread")
def test_examples_give_what_they_show(module):
    for example in examples(module):
        said = []
        with torch.random.fork_rng():
            result = doctest.DocTestRunner().run(example, out=said.append)
        assert result.failed == 0, "".join(said)


def test_what_a_user_meets_first_has_an_example():
    assert {example.name for module in WITH_EXAMPLES for example in examples(module)} == FIRST_MET


def test_a_wrong_example_is_noticed():
    (example,) = doctest.DocTestFinder().find(WrongExample, globs={})
    assert doctest.DocTestRunner(verbose=False).run(example, out=lambda text: None).failed == 1


class WrongExample:
    """One that shows something else.

    >>> 1 + 1
    3
    """
