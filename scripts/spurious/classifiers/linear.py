"""Softmax regression on pixels, trained with every weight decay at once."""

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from spurious.classifiers.linear_predictions import predict_linear, to_pixels
from spurious.classifiers.recipes import LinearRecipe
from spurious.data.splits import Split, prefetched, sampled, shuffled
from spurious.errors import SpuriousError
from spurious.seeding import generator

CPU = torch.device("cpu")
MEAN_OF = 20_000  # images: the mean of so many is known to less than a hundredth of the pixels' spread
INITIAL_BATCHES = 10
INITIAL_TOLERANCE = 0.5  # nats off ln(classes): the write-up's 80 is 73 off, its corrected start next to nothing
# Zero weights give ln(classes), and the start is checked to be about there. A batch's loss may rise for a few steps
# that momentum overshoots, or where there are few images; ten times what knowing nothing costs is not on the way down.
EXPLODED = 10.0


@dataclass(frozen=True, kw_only=True)
class LinearProgress:
    """One row of a training history; every tuple has one number per weight decay.

    `losses` are mean cross-entropies since the row before, at step 0 those of the first batches before any update;
    `penalties` and `validation_accuracies` are those of the weights after `step` steps.
    """

    step: int
    learning_rate: float
    losses: tuple[float, ...]
    penalties: tuple[float, ...]
    validation_accuracies: tuple[float, ...]

    @property
    def loss(self) -> float:
        """The smallest one, for a progress bar."""
        return min(self.losses)

    @property
    def validation_accuracy(self) -> float:
        """The largest one, for a progress bar."""
        return max(self.validation_accuracies)


class LinearTrainer:
    """Trains one softmax regression per weight decay on the same batches, from the same start.

    Everything random derives from `seed`, the batches of epoch e from (seed, e): a run that was interrupted and
    restored from `state()` ends in the same weights as an undisturbed one. While training, the mean training image is
    subtracted from every image: its direction, by far the steepest, would allow small learning rates only. `weights()`
    are free of it. The source is read batch by batch. Raises SpuriousError for a weight decay that must diverge.
    """

    progress = LinearProgress

    def __init__(
        self,
        source: Split,
        settings: LinearRecipe,
        classes: int,
        *,
        seed: int | str,
        device: torch.device = CPU,
    ):
        _check_stability(settings)
        self.source, self.settings, self.classes, self.seed, self.device = source, settings, classes, seed, device
        self.batch_size = min(settings.batch_size, len(source))
        self.total = max(1, round(settings.epochs * len(source) / self.batch_size))
        self.step, self.started = 0, False
        self.mean = mean_image(source).float().to(device)
        decays = len(settings.weight_decays)
        noise = torch.randn((classes, self.mean.numel()), generator=generator(seed, "initialization"))
        # (decays * classes, pixels): the scores of all decays are one matrix product
        self.weight = (noise * settings.initial_std).repeat(decays, 1).to(device)
        self.bias = torch.zeros(decays * classes, device=device)
        self.weight_momentum, self.bias_momentum = torch.zeros_like(self.weight), torch.zeros_like(self.bias)
        self.decay = torch.tensor(settings.weight_decays, device=device)
        self.row_decay = self.decay.repeat_interleave(classes)[:, None]

    def decided_by(self) -> tuple[list[Any], list[Tensor]]:
        """The settings, and how its source is shuffled; the mean image and a sample of the source."""
        settings = [self.settings.model_dump(mode="json"), self.source.block, self.source.window]
        return settings, [self.mean.cpu(), *sampled(self.source)]

    def state(self) -> dict[str, Tensor]:
        """Weights, momenta and the step, as tensors."""
        return {**self._tensors(), "step": torch.tensor(self.step), "started": torch.tensor(self.started)}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Continue from what `state()` returned; raises KeyError or RuntimeError when it is another run's."""
        for name, own in self._tensors().items():
            own.copy_(tensors[name])
        self.step, self.started = int(tensors["step"]), bool(tensors["started"])

    def _tensors(self) -> dict[str, Tensor]:
        return {name: getattr(self, name) for name in ("weight", "bias", "weight_momentum", "bias_momentum")}

    def weights(self) -> tuple[Tensor, Tensor]:
        """Weights (decays, classes, C, H, W) and biases (decays, classes) for pixels in [0, 1], on the CPU."""
        shape = (len(self.decay), self.classes)
        bias = self.bias.double() - self.weight.double() @ self.mean.double()
        return self.weight.cpu().view(*shape, *self.source.image_shape), bias.float().cpu().view(shape)

    def run(
        self,
        *,
        validation: Split | None = None,
        rows: int = 10,
        on_step: Callable[[], object] = lambda: None,
    ) -> Iterator[LinearProgress]:
        """Train to the end, yielding a row at the start and about `rows` times later; `on_step` follows every step.

        The caller may save `state()` at every row. Without `validation` its accuracies are nan. Raises SpuriousError
        where the start's loss is not about ln(classes), or a loss explodes.
        """
        if not self.started:
            losses = self._initial_losses()
            self.started = True
            yield self._row(losses, validation)
        every = max(1, math.ceil(self.total / rows))
        summed, count = torch.zeros_like(self.decay), 0
        with contextlib.closing(prefetched(self.source, self._index_batches())) as batches:
            for images, labels in batches:
                summed, count = summed + self._train_step(images, labels), count + 1
                on_step()
                if self.step % every == 0 or self.step == self.total:
                    yield self._row(summed / count, validation)
                    summed, count = torch.zeros_like(self.decay), 0

    def _index_batches(self) -> Iterator[Tensor]:
        """The batches of the steps that are left."""
        per_epoch = len(self.source) // self.batch_size
        step = self.step
        while step < self.total:
            epoch, position = divmod(step, per_epoch)
            order = shuffled(self.source, self.batch_size, generator(self.seed, "order", epoch))
            some = min(per_epoch - position, self.total - step)
            yield from islice(order, position, position + some)
            step += some

    def _initial_losses(self) -> Tensor:
        order = shuffled(self.source, self.batch_size, generator(self.seed, "order", 0))
        parts = []
        with contextlib.closing(prefetched(self.source, islice(order, INITIAL_BATCHES))) as batches:
            for images, labels in batches:
                parts.append(self._forward(images, labels)[2])
        losses = torch.stack(parts).mean(0)
        expected, found = math.log(self.classes), losses.max().item()
        if not abs(found - expected) <= INITIAL_TOLERANCE:
            raise SpuriousError(
                f"linear.initial_std: {self.settings.initial_std:g} gives an initial loss of {found:.4g}, which should "
                f"be about ln({self.classes}) = {expected:.4g}; lower it in config.yaml"
            )
        return losses

    def _forward(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Centred pixels (n, pixels), log probabilities (n, decays, classes), mean losses (decays,)."""
        pixels = to_pixels(images, self.device).sub_(self.mean)
        scores = torch.addmm(self.bias, pixels, self.weight.T)
        log_p = scores.view(len(pixels), len(self.decay), self.classes).log_softmax(2)
        return pixels, log_p, -log_p.gather(2, self._at(labels)).mean(0)[:, 0]

    def _at(self, labels: Tensor) -> Tensor:
        return labels.to(self.device)[:, None, None].expand(-1, len(self.decay), 1)

    def _train_step(self, images: Tensor, labels: Tensor) -> Tensor:
        """One update by stochastic gradient descent with momentum; returns the losses (decays,) before it."""
        pixels, log_p, losses = self._forward(images, labels)
        self._check_losses(losses)
        places = self._at(labels)
        gradient = log_p.exp_().scatter_add_(2, places, -torch.ones_like(places, dtype=log_p.dtype))
        gradient = gradient.flatten(1).div_(len(pixels))  # of the scores, (n, decays * classes)
        rate, momentum = self._learning_rate(self.step), self.settings.momentum
        self.weight_momentum.addmm_(gradient.T, pixels, beta=momentum).addcmul_(self.row_decay, self.weight)
        self.bias_momentum.mul_(momentum).add_(gradient.sum(0))
        self.weight.sub_(self.weight_momentum, alpha=rate)
        self.bias.sub_(self.bias_momentum, alpha=rate)
        self.step += 1
        return losses

    def _check_losses(self, losses: Tensor) -> None:
        limit = EXPLODED * math.log(self.classes)
        for decay, loss in zip(self.settings.weight_decays, losses.tolist(), strict=True):
            if not loss <= limit:  # nan, too
                raise SpuriousError(
                    f"linear.learning_rate: {self.settings.learning_rate:g} is too high: the loss exploded to "
                    f"{loss:.4g} at step {self.step} with weight decay {decay:g}; lower it in config.yaml"
                )

    def _learning_rate(self, step: int) -> float:
        return self.settings.learning_rate * (self.total - step) / self.total

    def _row(self, losses: Tensor, validation: Split | None) -> LinearProgress:
        squares = self.weight.square().sum(1).view(-1, self.classes).sum(1)
        accuracies = [math.nan] * len(self.decay)
        if validation is not None:
            weight, bias = (tensor.to(self.device) for tensor in self.weights())
            predicted = predict_linear(weight, bias, validation).predicted
            accuracies = (predicted == validation.labels).float().mean(1).tolist()
        return LinearProgress(
            step=self.step,
            learning_rate=self._learning_rate(max(self.step - 1, 0)),
            losses=tuple(losses.tolist()),
            penalties=tuple((self.decay / 2 * squares).tolist()),
            validation_accuracies=tuple(accuracies),
        )


def _check_stability(settings: LinearRecipe) -> None:
    """The penalty alone is a parabola of curvature d; the heavy ball leaves it where rate * d reaches 2 (1 + momentum).

    Polyak, "Some methods of speeding up the convergence of iteration methods", USSR Computational Mathematics and
    Mathematical Physics 4 (1964).
    """
    limit = 2 * (1 + settings.momentum) / settings.learning_rate
    largest = max(settings.weight_decays)
    if largest >= limit:
        raise SpuriousError(
            f"linear.weight_decays: {largest:g} diverges with the learning rate {settings.learning_rate:g}, which "
            f"bears less than {limit:.4g}; lower one of the two in config.yaml"
        )


def mean_image(source: Split, batch_size: int = 500) -> Tensor:
    """The mean, float64 (pixels,) in [0, 1], of all images or of 20,000 evenly spread ones."""
    count = min(len(source), MEAN_OF)
    indices = torch.arange(count) * len(source) // count
    total = torch.zeros(math.prod(source.image_shape), dtype=torch.float64)
    for chunk in indices.split(batch_size):
        total += source.batch(chunk).flatten(1).sum(0)  # of whole numbers: exact
    return total / (255 * count)


def history_rows(history: list[LinearProgress], weight_decays: tuple[float, ...]) -> pd.DataFrame:
    """A row per step and weight decay: `step, weight_decay, loss, penalty, validation_accuracy, learning_rate`."""
    rows = [
        (row.step, *numbers, row.learning_rate)
        for row in history
        for numbers in zip(weight_decays, row.losses, row.penalties, row.validation_accuracies, strict=True)
    ]
    columns = ["step", "weight_decay", "loss", "penalty", "validation_accuracy", "learning_rate"]
    return pd.DataFrame(rows, columns=columns)
