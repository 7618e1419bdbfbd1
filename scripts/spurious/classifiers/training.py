"""Training that resumes exactly where it was interrupted."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spurious.adam import Adam
from spurious.attacks.confidence import raise_confidence
from spurious.attacks.inner import raise_loss
from spurious.classifiers.models import initialize
from spurious.classifiers.predictions import accuracy, predict
from spurious.classifiers.recipes import TrainingRecipe
from spurious.modules import has_independent_classes
from spurious.perturbations.negatives import FreshNoise
from spurious.perturbations.noise_images import mixture
from spurious.seeding import generator
from spurious.sgd import Sgd


@dataclass(frozen=True, kw_only=True)
class Fresh:
    """Noise that is fresh in every batch, with the target probabilities (outputs,) of each of its images.

    The first `classes` outputs are those of real classes, which an inner attack raises.
    """

    noise: FreshNoise
    target: Tensor
    classes: int


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """Images (N, C, H, W), float32 in [0, 1], with target probabilities (N, classes).

    The last `negatives` of them are no examples of a class: their loss is logged apart, since a uniform
    target cannot fall below ln(classes). `fresh` negatives come to every batch beside its images.
    """

    images: Tensor
    targets: Tensor
    negatives: int = 0
    fresh: Fresh | None = None


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One row of a training history; the losses are means since the row before."""

    step: int
    learning_rate: float
    loss: float
    negative_loss: float
    validation_accuracy: float


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """The loss (N,) of each image, of logits and target probabilities (N, classes)."""
    return F.cross_entropy(outputs, targets, reduction="none")


def independent_cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """The loss (N,) of each image where classes are independent: the cross-entropies of all classes, summed.

    `outputs` (N, classes) are the log odds of each class alone, `targets` (N, classes) its probability.
    """
    return F.binary_cross_entropy_with_logits(outputs, targets, reduction="none").sum(1)


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """Labels (N,) as target probabilities (N, classes), float32."""
    return F.one_hot(labels, classes).float()


class Trainer:
    """Trains `model` on `data` by `recipe`; everything random derives from `seed`.

    `loss` (N,) is of its outputs and the targets; without one it is the cross-entropy of what its logits mean. Frozen
    parameters stay as they are, and without `fresh` all of them are where training starts.

    Batch i of epoch e is decided by (seed, e), its shifts, attacks and fresh noise by (seed, step): a run that was
    interrupted and restored from `state()` continues with the very batches it would have seen, and ends in the same
    weights as an undisturbed one.
    """

    progress = Progress

    def __init__(
        self,
        model: nn.Module,
        data: TrainingSet,
        recipe: TrainingRecipe,
        *,
        seed: int | str,
        loss: Callable[[Tensor, Tensor], Tensor] | None = None,
        fresh: bool = True,
    ):
        self.model, self.data, self.recipe, self.seed = model, data, recipe, seed
        self.loss = loss or (independent_cross_entropy if has_independent_classes(model) else cross_entropy)
        self.step = 0
        self.total = recipe.total_steps(len(data.images))
        if fresh:
            initialize(model, recipe.initialization, generator(seed, "initialization"))
        device = next(model.parameters()).device
        self.device = device
        model.to(memory_format=torch.channels_last)
        self.parameters = {name: own for name, own in model.named_parameters() if own.requires_grad}
        self.optimizer = _optimizer(list(self.parameters.values()), recipe)
        self.autocast = recipe.precision == "bfloat16" or (recipe.precision == "auto" and device.type == "cuda")

    @property
    def precision(self) -> str:
        """The precision of the products in the network, "bfloat16" or "float32"; weights are always float32."""
        return "bfloat16" if self.autocast else "float32"

    @property
    def passes(self) -> int:
        """Images that the whole training passes forward and backward, those of an inner attack at each of its steps."""
        size, fresh = min(self.recipe.batch_size, len(self.data.images)), self.data.fresh
        passes = self.total * (size + (fresh.noise.count(size) * (1 + fresh.noise.steps) if fresh else 0))
        if attack := self.recipe.adversarial:
            passes += size * attack.steps * sum(attack.size(step, self.total) > 0 for step in range(self.total))
        return passes

    def decided_by(self) -> tuple[list[Any], list[Tensor]]:
        """Recipe, precision and what is fresh in every batch; the training images, and the weights at the start."""
        settings = [self.recipe.model_dump(mode="json"), self.autocast, self.data.negatives]
        tensors = [self.data.images, self.data.targets, *self.model.state_dict().values()]
        if (fresh := self.data.fresh) is not None:
            settings += [fresh.noise.model_dump(mode="json"), fresh.classes]
            tensors += [fresh.target]
        return settings, tensors

    def state(self) -> dict[str, Tensor]:
        """Parameters, the optimizer's moments, the model's buffers and the step, as flat tensors."""
        return {"step": torch.tensor(self.step), **{name: value.detach() for name, value in self._restorable()}}

    @torch.no_grad()
    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Continue from what `state()` returned; raises KeyError or RuntimeError when it is another model's."""
        for name, value in self._restorable():
            value.copy_(tensors[name])
        self.step = int(tensors["step"])
        self.optimizer.continue_at(self.step)

    def _restorable(self) -> Iterator[tuple[str, Tensor]]:
        """Parameters, moments and buffers, each by its kind and name."""
        for kind, values in {"parameter": self.optimizer.parameters, **self.optimizer.moments}.items():
            yield from ((f"{kind}/{name}", value) for name, value in zip(self.parameters, values, strict=True))
        yield from ((f"buffer/{name}", value) for name, value in self.model.named_buffers())

    def run(
        self,
        *,
        validation: tuple[Tensor, Tensor] | None = None,
        rows: int = 10,
        on_step: Callable[[], object] = lambda: None,
    ) -> Iterator[Progress]:
        """Train to the end, yielding a row about `rows` times and calling `on_step` after every step.

        `validation` is (images, labels); without it the validation accuracy is nan. The caller may
        save `state()` at every row.
        """
        every = max(1, math.ceil(self.total / rows))
        self.model.train()
        sums = torch.zeros(2, 2, device=self.device)  # (real, negative) x (summed loss, images)
        while self.step < self.total:
            sums += self._train_step()
            on_step()
            if self.step % every == 0 or self.step == self.total:
                real, negative = (sums[:, 0] / sums[:, 1]).tolist()
                sums.zero_()
                yield Progress(
                    step=self.step,
                    learning_rate=self._learning_rate(self.step - 1),
                    loss=real,
                    negative_loss=negative,
                    validation_accuracy=self._validate(validation),
                )

    def _validate(self, validation: tuple[Tensor, Tensor] | None) -> float:
        return math.nan if validation is None else accuracy(predict(self.model, validation[0]), validation[1])

    def _train_step(self) -> Tensor:
        """One update; returns the summed losses and the counts of real images and negatives, (2, 2)."""
        index = self._batch_indices()
        images = shift(self.data.images[index], self.recipe.shift, generator(self.seed, "shift", self.step))
        images = noisy(images, self.recipe.noise, generator(self.seed, "noise", self.step))
        images = images.to(self.device, memory_format=torch.channels_last, non_blocking=True)
        targets = self.data.targets[index].to(self.device, non_blocking=True)
        images = self._attacked(images, targets)
        negative = (index >= len(self.data.images) - self.data.negatives).to(self.device)
        if self.data.fresh is not None:
            noise = self._fresh_noise(index)
            images, negative = torch.cat([images, noise]), F.pad(negative, (0, len(noise)), value=True)
            targets = torch.cat([targets, self.data.fresh.target.to(self.device).expand(len(noise), -1)])
        losses = self.loss(self._logits(images).float(), targets)
        gradients = torch.autograd.grad(losses.mean(), self.optimizer.parameters)
        self.optimizer.step(list(gradients), self._learning_rate(self.step))
        self.step += 1
        detached = losses.detach()
        return torch.stack([torch.stack([detached[mask].sum(), mask.sum()]) for mask in (~negative, negative)])

    def _logits(self, images: Tensor) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast):
            return self.model(images)

    def _fresh_noise(self, index: Tensor) -> Tensor:
        """The noise of this step, from the batch's real images, where the weights of this step are most confident."""
        fresh, wanted = self.data.fresh, self.data.fresh.noise
        images = self.data.images[index[: wanted.count(len(index))]]
        noise = mixture(images, generator(self.seed, "fresh noise", self.step))
        noise = noise.to(self.device, memory_format=torch.channels_last, non_blocking=True)
        return raise_confidence(self._logits, noise, fresh.classes, epsilon=wanted.epsilon, steps=wanted.steps)

    def _attacked(self, images: Tensor, targets: Tensor) -> Tensor:
        """The images, moved by the recipe's attack on the weights as they are now."""
        attack = self.recipe.adversarial
        size = attack.size(self.step, self.total) if attack else 0
        if not size:
            return images
        drawn_by = generator(self.seed, "adversarial", self.step)
        return raise_loss(self._logits, images, targets, size, attack.steps, drawn_by, loss=self.loss)

    def _batch_indices(self) -> Tensor:
        """The images of this step: consecutive parts of one permutation an epoch, its remainder dropped."""
        size = min(self.recipe.batch_size, len(self.data.images))
        epoch, position = divmod(self.step, len(self.data.images) // size)
        if getattr(self, "_epoch", None) != epoch:
            self._epoch = epoch
            self._order = torch.randperm(len(self.data.images), generator=generator(self.seed, "order", epoch))
        return self._order[position * size : (position + 1) * size]

    def _learning_rate(self, step: int) -> float:
        """Constant, falling in steps, or one cycle: linear warm-up over the first 30 %, then linear decay to zero."""
        if self.recipe.schedule == "constant":
            return self.recipe.learning_rate
        if self.recipe.schedule == "step":
            falls = math.floor(step * self.recipe.epochs / self.total / self.recipe.step_epochs)
            return self.recipe.learning_rate * 0.1**falls
        warm_up = 0.3 * self.total
        fraction = (step + 1) / warm_up if step < warm_up else (self.total - step) / (self.total - warm_up)
        return self.recipe.learning_rate * min(1.0, fraction)


def _optimizer(parameters: list[Tensor], recipe: TrainingRecipe) -> Adam | Sgd:
    if recipe.optimizer == "sgd":
        return Sgd(parameters, momentum=recipe.momentum, weight_decay=recipe.weight_decay)
    return Adam(parameters, epsilon=recipe.epsilon, weight_decay=recipe.weight_decay, fused=True)


def noisy(images: Tensor, sigma: float, generator: torch.Generator) -> Tensor:
    """Images plus Gaussian noise of standard deviation `sigma`, not clamped; drawn on the CPU."""
    return images if sigma == 0 else images + sigma * torch.empty(images.shape).normal_(generator=generator)


def shift(images: Tensor, pixels: int, generator: torch.Generator) -> Tensor:
    """Each image of (N, C, H, W) translated by its own offset of up to `pixels`, zeros moving in."""
    if pixels == 0:
        return images
    count, depth, height, width = images.shape
    padded = F.pad(images, [pixels] * 4)
    down, right = torch.randint(0, 2 * pixels + 1, (2, count, 1, 1, 1), generator=generator)
    image = torch.arange(count).view(-1, 1, 1, 1)
    channel = torch.arange(depth).view(1, -1, 1, 1)
    return padded[image, channel, down + torch.arange(height).view(-1, 1), right + torch.arange(width)]
