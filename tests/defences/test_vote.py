from itertools import product

import pytest
import torch

from spurious.defences.rejection import REJECTED
from spurious.defences.vote import vote


def counted(labels):
    """The class that more than half of the labels name, by counting each."""
    return next((label for label in labels if labels.count(label) > len(labels) / 2), REJECTED)


@pytest.mark.parametrize("views", [1, 2, 3, 4, 5, 6])
def test_every_combination_of_votes_is_counted(views):
    combinations = list(product(range(4), repeat=views))
    decided = vote(torch.tensor(combinations).T).tolist()
    assert decided == [counted(labels) for labels in combinations]
    assert (REJECTED in decided) == (views > 1)


@pytest.mark.parametrize("labels", [(3, 3, 5, 5), (3, 5), (3, 3, 5, 7), (0, 0, 0, 1, 1, 1)])
def test_half_of_the_views_is_not_enough(labels):
    assert vote(torch.tensor(labels)[:, None]).tolist() == [REJECTED]


def test_the_order_of_the_views_does_not_matter():
    labels = torch.randint(3, (5, 200), generator=torch.Generator().manual_seed(0))
    assert torch.equal(vote(labels), vote(labels.flip(0)))
