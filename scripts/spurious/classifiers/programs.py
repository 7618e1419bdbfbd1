"""Programs that others exported: what is wrong with one is found on the first images that it gets."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from spurious.errors import SpuriousError

_EQUAL = 1e-4  # of the largest logit: more than rounding, less than any dropout
_COMPANY = 0.1  # of the largest logit: quantization by the batch's range stays below, batch statistics do not
_SUM = 1e-3  # that probabilities may differ from 1 by, in half precision too


class Program(nn.Module):
    """`model` as a function of images (N, C, H, W) to logits (N, classes).

    Where `model` gives probabilities, the logits are their logarithms; `note` gets a sentence that says so. Raises
    SpuriousError at the first images where `model` answers differently when it is asked again, or where an image's
    answer depends on the other images of the batch.
    """

    def __init__(self, model: nn.Module, note: Callable[[str], None]):
        super().__init__()
        self.model, self.note = model, note
        self.examined = self.probabilities = False

    def forward(self, images: Tensor) -> Tensor:
        """Logits."""
        if not self.examined:
            self._examine(images)
            self.examined = True
        answers = self.model(images)
        return _logarithm(answers) if self.probabilities else answers

    @torch.no_grad()
    def _examine(self, images: Tensor) -> None:
        """Ask for two images, so that what depends on their number shows whatever the size of the first batch."""
        probe = images[:2] if len(images) > 1 else images.repeat(2, 1, 1, 1)
        with torch.autocast(images.device.type, enabled=False):
            answers = self.model(probe)
            if not isinstance(answers, Tensor) or not answers.isfinite().all():
                return  # the caller says what is wrong
            _check_repeatable(answers, self.model(probe))
            _check_independent(answers, self.model(probe[:1]))
        if _are_probabilities(answers):
            self.probabilities = True
            self.note("gives probabilities; their logarithms are used. Export it without its softmax for exact logits")


def _check_repeatable(answers: Tensor, again: Tensor) -> None:
    if _differ(answers, again, _EQUAL):
        raise SpuriousError(
            "the classifier answers the same images differently each time; call eval() and export it again"
            " (dropout is left on)"
        )


def _check_independent(answers: Tensor, alone: Tensor) -> None:
    if _differ(answers[:1], alone, _COMPANY):
        raise SpuriousError(
            "the classifier's answer for an image depends on the other images; call eval() and export it again"
            " (batch normalization is left in training mode)"
        )


def _differ(answers: Tensor, others: Tensor, tolerance: float) -> bool:
    return bool(((answers - others).abs().max() > tolerance * answers.abs().max()).item())


def _are_probabilities(answers: Tensor) -> bool:
    """Whether no value is negative and those of each image sum to 1; one class alone has nothing to tell by."""
    if answers.ndim != 2 or answers.shape[1] < 2:
        return False
    sums = answers.float().sum(1)
    return bool((answers >= 0).all()) and bool(((sums - 1).abs() <= _SUM).all())


def _logarithm(probabilities: Tensor) -> Tensor:
    """Finite where a probability is 0: the smallest normal float32 stands for it."""
    return probabilities.float().clamp(min=torch.finfo(torch.float32).tiny).log()
