"""A classifier behind a defence, as one classifier of K + 1 classes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

import torch
from torch import Tensor, nn

from spurious.attacks.margins import joint
from spurious.attacks.scores import Scores
from spurious.classifiers.predictions import NO_NUMBERS
from spurious.defences.looks import Look
from spurious.defences.registry import Defence
from spurious.defences.rejection import REJECTED
from spurious.errors import SpuriousError
from spurious.modules import evaluating
from spurious.views.preprocessing import Preprocessing


class Defended:
    """What is attacked and judged: `logits` gives (n, K) of prepared images, `preprocessing` is the classifier's.

    >>> import torch
    >>> from torch import nn
    >>> from spurious.defences.defended import Defended
    >>> from spurious.defences.entries import Vote
    >>> class Brightness(nn.Module):
    ...     def forward(self, images):
    ...         mean = images.mean((1, 2, 3))
    ...         return 10 * torch.stack([0.5 - mean, mean - 0.5], 1)  # dark, bright
    >>> vote = Defended(Vote(views=("ns", "ss", "ds"), kernel=5, sigma=1.0), Brightness())
    >>> vote.decide(torch.stack([torch.full((1, 8, 8), 0.4), torch.full((1, 8, 8), 0.9)]))  # -1 is a rejection
    tensor([0, 1])
    """

    def __init__(self, defence: Defence, logits: Scores, preprocessing: Preprocessing = Preprocessing()):  # noqa: B008
        self.defence, self.logits, self.preprocessing = defence, logits, preprocessing

    def margins(self, images: Tensor) -> Tensor:
        """Margins (V, N, K) of the looks at images (N, C, H, W), float32 in [0, 1]; differentiable.

        Raises SpuriousError where the classifier gives no numbers: the largest of them would be a decision.
        """
        return margins_of_all([self], images)[0]

    def scores(self, images: Tensor) -> Tensor:
        """Scores (N, K + 1), the last that of a rejection; the largest is the decision. Differentiable."""
        return joint(self.margins(images))

    def decide(self, images: Tensor) -> Tensor:
        """The class (N,) of each image, REJECTED where there is none."""
        with torch.no_grad():
            scores = self.scores(images)
        decision = scores.argmax(1)
        return torch.where(decision == scores.shape[1] - 1, REJECTED, decision)


def margins_of_all(subjects: Sequence[Defended], images: Tensor) -> list[Tensor]:
    """`Defended.margins` of several defences of the same classifier, which gets all that they look at in one batch.

    What several of them look at is seen and classified once.
    """
    first = subjects[0]
    wanted = [subject.defence.looks for subject in subjects]
    looks: list[Look] = []  # not a set: settings of a view may have no hash
    for look in chain.from_iterable(wanted):
        looks += [look] if look not in looks else []
    seen = torch.cat([look(images, first.preprocessing) for look in looks])
    logits = first.logits(seen).float().unflatten(0, (len(looks), len(images)))
    found = []
    for subject, own in zip(subjects, wanted, strict=True):
        places = list(map(looks.index, own))
        found.append(subject.defence.margins(logits if places == list(range(len(looks))) else logits[places]))
        if not found[-1].isfinite().all():
            raise SpuriousError(NO_NUMBERS)
    return found


def scores_of_all(subjects: Sequence[Defended], images: Tensor) -> list[Tensor]:
    """`Defended.scores` of several defences of the same classifier, as by `margins_of_all`."""
    return [joint(margins) for margins in margins_of_all(subjects, images)]


@contextmanager
def logits_of(model: nn.Module) -> Iterator[Scores]:
    """The logits of a network in evaluation mode, whose weights need no gradient for a while."""
    wanted = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in wanted:
        parameter.requires_grad_(False)
    try:
        with evaluating(model):
            yield model
    finally:
        for parameter in wanted:
            parameter.requires_grad_(True)
