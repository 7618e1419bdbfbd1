"""Programs that others exported: what is wrong with one is found on the first images that it gets."""

import torch
from torch import Tensor, nn

from spurious.errors import SpuriousError

_EQUAL = 1e-4  # of the largest logit: more than rounding, less than any dropout
_COMPANY = 0.1  # of the largest logit: quantization by the batch's range stays below, batch statistics do not


class Program(nn.Module):
    """`model` as a function of images (N, C, H, W) to logits (N, classes).

    Raises SpuriousError at the first images where `model` answers differently when it is asked again, or where an
    image's answer depends on the other images of the batch.
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model, self.examined = model, False

    def forward(self, images: Tensor) -> Tensor:
        """Logits."""
        if not self.examined:
            self._examine(images)
            self.examined = True
        return self.model(images)

    @torch.no_grad()
    def _examine(self, images: Tensor) -> None:
        """Ask for two images, so that what depends on their number shows whatever the size of the first batch."""
        probe = images[:2] if len(images) > 1 else images.repeat(2, 1, 1, 1)
        with torch.autocast(images.device.type, enabled=False):
            answers = self.model(probe)
            if isinstance(answers, Tensor) and answers.isfinite().all():  # else the caller says what is wrong
                _check_repeatable(answers, self.model(probe))
                _check_independent(answers, self.model(probe[:1]))


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
