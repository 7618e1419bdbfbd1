"""What a classifier says of images: its probabilities, checked."""

import torch
from torch import Tensor, nn

from spurious.errors import SpuriousError, reason_of
from spurious.modules import device_of, evaluating, has_independent_classes

LEAST = -80.0  # log of the smallest p that the likeliest of independent classes is given: float32 goes to -103
NO_NUMBERS = "the classifier gives logits that are no numbers (NaN or infinite); check its weights"


@torch.inference_mode()
def predict(
    model: nn.Module,
    images: Tensor,
    *,
    batch_size: int = 500,
    classes: int | None = None,
    device: torch.device | None = None,
) -> Tensor:
    """Probabilities (N, K), float32 on the CPU, of images (N, C, H, W) in [0, 1].

    They are those of a softmax, or of a sigmoid where the classes are independent (`has_independent_classes`). `model`
    gives logits (n, K); it is used in evaluation mode, on `device` (that of its parameters if left out). The last bits
    of a convolution depend on the batch size, so every caller has a fixed one. Raises SpuriousError where the
    classifier does not take the images, or its logits are not what `to_probabilities` takes.

    >>> import torch
    >>> from torch import nn
    >>> from spurious.classifiers.predictions import predict
    >>> class Brightness(nn.Module):
    ...     def forward(self, images):
    ...         mean = images.mean((1, 2, 3))
    ...         return 10 * torch.stack([0.5 - mean, mean - 0.5], 1)  # dark, bright
    >>> images = torch.stack([torch.full((1, 4, 4), 0.4), torch.full((1, 4, 4), 0.9)])
    >>> [[round(p, 4) for p in row] for row in predict(Brightness(), images).tolist()]
    [[0.8808, 0.1192], [0.0003, 0.9997]]
    """
    device = device or device_of(model)
    with evaluating(model):
        logits = (_logits(model, part.to(device)) for part in images.split(batch_size))
        parts = [to_probabilities(part, classes, independent=has_independent_classes(model)) for part in logits]
    return torch.cat(parts).cpu()


def to_probabilities(logits: Tensor, classes: int | None = None, *, independent: bool = False) -> Tensor:
    """Probabilities (n, K), float32, of logits (n, K): of a softmax, or of a sigmoid where the classes are independent.

    Where every p of a sigmoid is below exp(LEAST), the image's logits are raised together until the largest is that.
    Raises SpuriousError where they are no such matrix, not one for each of so many `classes`, or no numbers.
    """
    if logits.ndim != 2 or classes not in (None, logits.shape[1]):
        wanted = "(n, classes)" if classes is None else f"one for each of {classes} classes"
        raise SpuriousError(
            f"the classifier gives logits {tuple(logits.shape)}, not {wanted}; {_remedy(logits, classes)}"
        )
    if not logits.isfinite().all():
        raise SpuriousError(NO_NUMBERS)
    logits = logits.float()
    if not independent:
        return logits.softmax(1)
    # Else all p of an image may be 0, and none the largest.
    raised = (LEAST - logits.amax(1, keepdim=True)).clamp_min(0)
    return (logits + raised).sigmoid()


def _remedy(logits: Tensor, classes: int | None) -> str:
    """What to do about logits of this shape."""
    if logits.ndim > 2 and logits[0].numel() == logits.shape[1]:
        return "export it with logits.flatten(1)"
    if logits.ndim == 2 and classes is not None and logits.shape[1] == classes + 1:
        return (
            "if the first is a background class, export it without, logits[:, 1:]; else set the dataset's key classes"
        )
    return "use one that was trained for this dataset, or set the dataset's key classes"


def accuracy(probabilities: Tensor, labels: Tensor) -> float:
    """Share of rows whose largest probability is at the label."""
    return (probabilities.argmax(1) == labels).float().mean().item()


def _logits(model: nn.Module, images: Tensor) -> Tensor:
    try:
        return model(images)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:  # torch's own
        reason = reason_of(error)[:200]
        shape = tuple(images.shape[1:])
        raise SpuriousError(
            f"the classifier does not take images of shape {shape} ({reason}); give such as it was trained on"
        ) from None
