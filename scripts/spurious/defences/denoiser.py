"""The network of the defence `denoised`, and its training.

Salman, Sun, Yang, Kapoor and Kolter, "Denoised smoothing: a provable defense for pretrained classifiers", NeurIPS
(2020); the network is the DnCNN of Zhang et al., IEEE Transactions on Image Processing 26 (2017).
"""

from typing import Any, Self

import torch.nn.functional as F
from torch import Tensor, nn

from spurious.classifiers.predictions import predict
from spurious.classifiers.recipes import TrainingRecipe
from spurious.classifiers.training import Trainer, TrainingSet, one_hot
from spurious.defences.denoising import DenoiserSettings, Loss
from spurious.registry import as_data
from spurious.views.preprocessing import Preprocessing, prepare


class DnCNN(nn.Module):
    """Takes the noise that it finds from images (N, C, H, W) of any size, with the `depth` C; not clamped.

    `sigma` is the noise that it is trained for.
    """

    def __init__(self, depth: int, settings: DenoiserSettings):
        super().__init__()
        self.sigma, width = settings.sigma, settings.channels
        parts: list[nn.Module] = [nn.Conv2d(depth, width, 3, padding=1), nn.ReLU()]
        for _ in range(settings.layers - 2):
            parts += [nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        self.noise = nn.Sequential(*parts, nn.Conv2d(width, depth, 3, padding=1, bias=False))

    def forward(self, images: Tensor) -> Tensor:
        """Denoised images (N, C, H, W)."""
        return images - self.noise(images)


class Judged(nn.Module):
    """Logits (N, K) of a classifier, which stays as it is, for denoised images (N, C, H, W)."""

    def __init__(self, denoiser: nn.Module, classifier: nn.Module, preprocessing: Preprocessing):
        super().__init__()
        self.denoiser, self.preprocessing = denoiser, preprocessing
        self.classifier = classifier.requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """The logits."""
        return self.classifier(prepare(self.denoiser(images), self.preprocessing))

    def train(self, mode: bool = True) -> Self:
        """Only the denoiser is trained."""
        super().train(mode)
        self.classifier.eval()
        return self


class AnswersTrainer(Trainer):
    """Trains a denoiser by what the classifier of `Judged` answers, which its preprocessing decides, too."""

    def decided_by(self) -> tuple[list[Any], list[Tensor]]:
        """Those of every training, and the preprocessing."""
        settings, tensors = super().decided_by()
        return [*settings, as_data(self.model.preprocessing)], tensors


def squares(outputs: Tensor, targets: Tensor) -> Tensor:
    """The mean squared error (N,) of each image (N, C, H, W)."""
    return F.mse_loss(outputs, targets, reduction="none").flatten(1).mean(1)


def denoiser_trainer(
    loss: Loss, judged: Judged, images: Tensor, recipe: TrainingRecipe, *, seed: int, fresh: bool
) -> Trainer:
    """What trains the denoiser of `judged` by one loss on images (N, C, H, W) in [0, 1] under noise.

    With `fresh` its weights are drawn again; else they are the start, as another loss left them.
    """
    recipe = recipe.changed(noise=judged.denoiser.sigma, shift=0, adversarial=None)
    if loss == "mse":
        data = TrainingSet(images=images, targets=images)
        return Trainer(judged.denoiser, data, recipe, seed=f"{seed} mse", loss=squares, fresh=fresh)
    answers = predict(Judged(nn.Identity(), judged.classifier, judged.preprocessing), images)
    data = TrainingSet(images=images, targets=one_hot(answers.argmax(1), answers.shape[1]))
    return AnswersTrainer(judged, data, recipe, seed=f"{seed} stability", fresh=fresh)
