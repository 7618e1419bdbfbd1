"""The class of many views, in batches."""

from collections.abc import Callable

import torch
from torch import Tensor

from spurious.errors import SpuriousError

Score = Callable[[Tensor], tuple[Tensor, Tensor]]


class Scorer:
    """Names the class of every view, `batch_size` views at a time on `device`.

    `model` maps images (n, C, h, w) in [0, 1] to logits (n, classes).
    """

    def __init__(self, model: Callable[[Tensor], Tensor], classes: int, batch_size: int, device: torch.device):
        self.model, self.classes, self.batch_size, self.device = model, classes, batch_size, device

    @torch.inference_mode()
    def __call__(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """Classes (n,) int64 and their softmax probabilities (n,) float32 of views (n, C, h, w), on the CPU.

        Raises SpuriousError where the classifier has another number of classes or its logits are no numbers.
        """
        scores = [self._score(part.to(self.device)) for part in views.split(self.batch_size)]
        probabilities, classes = torch.cat(scores).max(dim=1)
        return classes.cpu(), probabilities.cpu()

    def _score(self, views: Tensor) -> Tensor:
        logits = self.model(views)
        if logits.ndim != 2 or logits.shape[1] != self.classes:
            raise SpuriousError(
                f"the classifier gives logits {tuple(logits.shape)}, not one for each of {self.classes} classes;"
                " use one that was trained for this dataset, or set the dataset's key classes"
            )
        if not logits.isfinite().all():
            raise SpuriousError("the classifier gives logits that are no numbers (NaN or infinite); check its weights")
        return logits.float().softmax(dim=1)
