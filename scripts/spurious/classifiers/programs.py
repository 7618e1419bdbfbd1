"""Programs that others exported: what is wrong with one is found on the first images that it gets."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from spurious.errors import SpuriousError

_EQUAL = 1e-4  # of the largest logit: more than rounding, less than any dropout
_COMPANY = 0.1  # of the largest logit: quantization by the batch's range stays below, batch statistics do not
_SUM = 1e-3  # that probabilities may differ from 1 by, in half precision too
_SIZES = tuple(2**power for power in range(9))  # batches that are tried where a trace does not take one image and two
_TYPES = (
    torch.float32,
    torch.float64,
    torch.float16,
    torch.bfloat16,
)  # of images, in the order in which they are tried


class Batched(nn.Module):
    """`model`, which takes batches of `least` to `most` images, for any number of them.

    A smaller batch is filled up with copies of its last image.
    """

    def __init__(self, model: nn.Module, least: int, most: int):
        super().__init__()
        self.model, self.least, self.most = model, least, most

    def forward(self, images: Tensor) -> Tensor:
        """What the model gives for the images (N, ...), (N, ...)."""
        parts = [self._padded(part) for part in images.split(self.most)]
        return torch.cat(parts) if len(parts) > 1 else parts[0]

    def _padded(self, images: Tensor) -> Tensor:
        count = len(images)
        if count >= self.least:
            return self.model(images)
        return self.model(torch.cat([images, images[-1:].expand(self.least - count, *images.shape[1:])]))[:count]


class Program(nn.Module):
    """`model` as a function of images (N, C, H, W) to logits (N, classes).

    Where `model` gives probabilities, the logits are their logarithms; where it takes one number of images only, it is
    asked in such batches; where it computes in another type than float32, images are converted. `note` gets a sentence
    that says so, or that the answers look like a sigmoid's, which are used as they are. Raises SpuriousError at the
    first images where `model` answers differently when it is asked again, or where an image's answer depends on the
    other images of the batch.
    """

    def __init__(self, model: nn.Module, note: Callable[[str], None]):
        super().__init__()
        self.model, self.note = model, note
        self.dtype = torch.float32
        self.examined = self.probabilities = False

    def forward(self, images: Tensor) -> Tensor:
        """Logits."""
        if not self.examined:
            self._examine(images)
            self.examined = True
        answers = self.model(images.to(self.dtype))
        return _logarithm(answers) if self.probabilities else answers

    @torch.no_grad()
    def _examine(self, images: Tensor) -> None:
        """Ask for two images, so that what depends on their number shows whatever the size of the first batch."""
        probe = images[:2] if len(images) > 1 else images.repeat(2, 1, 1, 1)
        with torch.autocast(images.device.type, enabled=False):
            answers = self._first_answers(probe)
            if not isinstance(answers, Tensor) or not answers.isfinite().all():
                return  # the caller says what is wrong
            _check_repeatable(answers, self.model(probe.to(self.dtype)))
            _check_independent(answers, self.model(probe[:1].to(self.dtype)))
        if isinstance(self.model, Batched) and self.model.least == self.model.most:
            size = self.model.most
            self.note(f"takes batches of {size} only; this is slow: export it with a batch of any size")
        if _are_probabilities(answers):
            self.probabilities = True
            self.note("gives probabilities; their logarithms are used. Export it without its softmax for exact logits")
        elif _are_independent_probabilities(answers):
            self.note(
                "gives values from 0 to 1 that do not sum to 1, as a sigmoid does, instead of logits. p is wrong: "
                "export it without its sigmoid"
            )

    def _first_answers(self, probe: Tensor) -> object:
        """What `model` gives for the images in the first type that it takes; None where it takes none."""
        for dtype in _TYPES:
            if self._find_batch_size(probe.to(dtype)):
                self.dtype = dtype
                if dtype != torch.float32:
                    name = str(dtype).removeprefix("torch.")
                    self.note(f"computes in {name}; images are converted. Call .float() before export to be faster")
                return self.model(probe.to(dtype))
        return None

    def _find_batch_size(self, probe: Tensor) -> bool:
        """Whether `model` takes the images; a trace that holds for one batch size is put into such batches."""
        if _takes(self.model, probe) and _takes(self.model, probe[:1]):
            return True
        for size in _SIZES:
            batched = Batched(self.model, size, size)
            if _takes(batched, probe):
                self.model = batched
                return True
        return False


def _takes(model: nn.Module, images: Tensor) -> bool:
    """Whether the model gives an answer for each of the images, or something else than a tensor."""
    try:
        answers = model(images)
        return not isinstance(answers, Tensor) or len(answers) == len(images)
    except Exception:  # whatever the program of another raises
        return False


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


def _are_independent_probabilities(answers: Tensor) -> bool:
    """Whether each value may be a probability on its own: above 0, at most 1.

    A sigmoid does not reach 0 in float32, while logits after a ReLU have zeros, or values above 1.
    """
    if answers.ndim != 2 or answers.shape[1] < 2:
        return False
    return bool(((answers > 0) & (answers <= 1)).all())


def _logarithm(probabilities: Tensor) -> Tensor:
    """Finite where a probability is 0: the smallest normal float32 stands for it."""
    return probabilities.float().clamp(min=torch.finfo(torch.float32).tiny).log()
