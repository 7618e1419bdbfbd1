"""What a trained classifier says of images."""

import torch
from torch import Tensor, nn


@torch.inference_mode()
def predict(model: nn.Module, images: Tensor, *, batch_size: int = 500) -> Tensor:
    """Softmax probabilities (N, classes), float32 on the CPU, of images (N, C, H, W) in [0, 1].

    Runs in float32 on the model's device; the batch size is fixed by default because the last bits of a
    convolution depend on it.
    """
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    batches = [model(batch.to(device)).softmax(1).cpu() for batch in images.split(batch_size)]
    model.train(was_training)
    return torch.cat(batches)


def accuracy(probabilities: Tensor, labels: Tensor) -> float:
    """Share of rows whose largest probability is at the label."""
    return (probabilities.argmax(1) == labels).float().mean().item()
