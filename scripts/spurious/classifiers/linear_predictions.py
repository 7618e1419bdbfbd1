"""What the linear classifiers of a sweep say of images."""

import contextlib
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from spurious.data.splits import Split, prefetched


def to_pixels(images: Tensor, device: torch.device) -> Tensor:
    """uint8 (n, C, H, W) as float32 (n, pixels) in [0, 1] on the device."""
    return images.to(device).flatten(1).float().div_(255)


@dataclass(frozen=True, kw_only=True)
class LinearPredictions:
    """What M classifiers say of N images, (M, N) each on the CPU: class, its probability, that of the label."""

    predicted: Tensor
    probability: Tensor
    p_label: Tensor


@torch.inference_mode()
def predict_linear(weight: Tensor, bias: Tensor, source: Split, *, batch_size: int = 500) -> LinearPredictions:
    """The decisions of softmax regressions, weight (M, classes, C, H, W) and bias (M, classes) for pixels in [0, 1].

    Computed on their device, batch by batch, all M in one product: `predictions.predict` would ask them one by one.
    """
    rows, parts = weight.flatten(0, 1).flatten(1), []
    with contextlib.closing(prefetched(source, torch.arange(len(source)).split(batch_size))) as batches:
        for images, labels in batches:
            scores = torch.addmm(bias.flatten(), to_pixels(images, weight.device), rows.T)
            p = scores.view(len(images), *bias.shape).softmax(2)
            probability, predicted = p.max(2)
            own = p.gather(2, labels.to(weight.device)[:, None, None].expand(-1, len(bias), 1))[..., 0]
            parts.append([value.cpu() for value in (predicted, probability, own)])
    predicted, probability, p_label = (torch.cat(values).T for values in zip(*parts, strict=True))
    return LinearPredictions(predicted=predicted, probability=probability, p_label=p_label)


def prediction_rows(predictions: LinearPredictions, labels: Tensor, weight_decays: tuple[float, ...]) -> pd.DataFrame:
    """A row per weight decay and image: `weight_decay, id, label, predicted, probability, p_label`."""
    count, decays = len(labels), len(weight_decays)
    columns = {
        "weight_decay": [decay for decay in weight_decays for _ in range(count)],
        "id": list(range(count)) * decays,
        "label": labels.repeat(decays),
        "predicted": predictions.predicted.flatten(),
        "probability": predictions.probability.flatten(),
        "p_label": predictions.p_label.flatten(),
    }
    return pd.DataFrame(columns)
