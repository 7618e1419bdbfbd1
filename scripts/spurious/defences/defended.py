"""A classifier behind a defence, as one classifier of K + 1 classes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain

import torch
from torch import Tensor, nn

from spurious.attacks.margins import is_rejected, joint
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
        return margins_of_all([self.defence], self.logits, images, self.preprocessing)[0]

    def scores(self, images: Tensor) -> Tensor:
        """Scores (N, K + 1), the last that of a rejection; the largest is the decision. Differentiable."""
        return joint(self.margins(images))

    def decide(self, images: Tensor) -> Tensor:
        """The class (N,) of each image, REJECTED where there is none.

        Raises SpuriousError where the defence rejects, and says that it never does: nobody would attack that.
        """
        with torch.no_grad():
            scores = self.scores(images)
        rejected = is_rejected(scores)
        if rejected.any() and not self.defence.rejects:
            raise SpuriousError(f"{self.defence.kind}: rejects an image; set rejects = True in its class")
        return torch.where(rejected, REJECTED, scores.argmax(1))


class Together:
    """Several defences of one classifier, by name, that judge the same images: what several look at is seen once."""

    def __init__(
        self,
        defences: Mapping[str, Defence],
        logits: Scores,
        preprocessing: Preprocessing = Preprocessing(),  # noqa: B008
    ):
        self.defences, self.logits, self.preprocessing = defences, logits, preprocessing

    def __getitem__(self, name: str) -> Defended:
        return Defended(self.defences[name], self.logits, self.preprocessing)

    def suited(self, sigma: float) -> "Together":
        """Those that are made for Gaussian noise of this standard deviation."""
        chosen = {name: defence for name, defence in self.defences.items() if defence.suits(sigma)}
        return Together(chosen, self.logits, self.preprocessing)

    def scores(self, images: Tensor) -> list[Tensor]:
        """`Defended.scores` of each defence, in their order."""
        margins = margins_of_all([*self.defences.values()], self.logits, images, self.preprocessing)
        return list(map(joint, margins))


def margins_of_all(
    defences: Sequence[Defence], logits: Scores, images: Tensor, preprocessing: Preprocessing
) -> list[Tensor]:
    """`Defended.margins` of each defence; the classifier gets all that they look at in one batch, every look once.

    Raises SpuriousError as `Defended.margins`, and where looks have different shapes.
    """
    looks_of_each = [defence.looks for defence in defences]
    looks: list[Look] = []  # not a set: settings of a view may have no hash
    for look in chain.from_iterable(looks_of_each):
        if look not in looks:
            looks.append(look)
    seen = [look(images, preprocessing) for look in looks]
    shapes = {tuple(each.shape[1:]) for each in seen}
    if len(shapes) > 1:
        raise SpuriousError(f"looks of defences have the shapes {' and '.join(map(str, sorted(shapes)))}: use one")
    classified = logits(torch.cat(seen)).float().unflatten(0, (len(looks), len(images)))
    margins = [
        defence.margins(torch.stack([classified[looks.index(look)] for look in own]))
        for defence, own in zip(defences, looks_of_each, strict=True)
    ]
    if not all(each.isfinite().all() for each in margins):
        raise SpuriousError(NO_NUMBERS)
    return margins


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
