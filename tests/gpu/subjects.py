"""What the paths compute with: the digits, and classifiers that begin alike on every device."""

import copy
import functools
from types import ModuleType

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import Tensor, nn

from comparing import CPU, Size, Skipped
from spurious.classifiers.linear import LinearTrainer
from spurious.classifiers.models import Description, build_classifier
from spurious.classifiers.recipes import TrainingRecipe
from spurious.classifiers.training import Trainer, TrainingSet, one_hot
from spurious.data.datasets import Dataset
from spurious.data.splits import InMemory
from spurious.experiments.linear.settings import LinearSettings
from spurious.seeding import generator

FULL = Size(
    channels=(32, 64),
    units=1024,
    epochs=10,
    images=400,
    steps=60,
    queries=1000,
    sigmas=(0.0, 0.125, 0.25, 0.375),
    network="resnet50",
    photographs=8,
    seconds=2.0,
)
SMALL = Size(
    channels=(4, 8),
    units=32,
    epochs=2,
    images=40,
    steps=10,
    queries=100,
    sigmas=(0.0, 0.25),
    network="resnet18",
    photographs=1,
    seconds=0.0,
)
CLASSES = 10
RECIPE = TrainingRecipe(learning_rate=2e-3, schedule="one_cycle", batch_size=64, epochs=1, shift=1)
LINEAR = LinearSettings(weight_decays=(0.0, 1e-2, 1.0), learning_rate=0.1, batch_size=50, epochs=2, initial_std=1e-3)


@functools.cache
def digits() -> Dataset:
    """scikit-learn's digits at 28 x 28 pixels, the last 400 of a random order as the test split.

    Resized by torch alone: only the photographs need torchvision.
    """
    bunch = load_digits()
    images = torch.from_numpy(bunch.images).float()[:, None] / bunch.images.max()
    images = F.interpolate(images, size=(28, 28), mode="bicubic", antialias=True).clamp(0, 1)
    stored, labels = images.mul(255).round().byte(), torch.from_numpy(bunch.target).long()
    train, test = torch.randperm(len(labels), generator=generator("gpu", "split")).tensor_split([len(labels) - 400])
    places = {"train": train, "test": test}
    return Dataset(
        images={split: stored[place] for split, place in places.items()},
        labels={split: labels[place] for split, place in places.items()},
        classes=CLASSES,
    )


def split(name: str) -> InMemory:
    """A split of the digits as the linear trainer reads it."""
    return InMemory(digits().images[name], digits().labels[name])


def tested(size: Size) -> tuple[Tensor, Tensor]:
    """The test images that a path takes, float32 (N, 1, 28, 28) in [0, 1], and their labels (N,)."""
    return digits().pixels("test")[: size.images], digits().labels["test"][: size.images]


def trainer(size: Size, device: torch.device, precision: str) -> Trainer:
    """A training of the CNN on the digits that has not begun."""
    widths = {"channels": size.channels, "units": size.units}
    description = Description(architecture="cnn", image_shape=(1, 28, 28), classes=CLASSES, **widths)
    targets = one_hot(digits().labels["train"], CLASSES)
    recipe = RECIPE.changed(epochs=size.epochs, precision=precision)
    data = TrainingSet(images=digits().pixels("train"), targets=targets)
    return Trainer(build_classifier(description).to(device), data, recipe, seed=0)


@functools.cache
def cnn(size: Size, device: torch.device) -> nn.Module:
    """The CNN that the CPU has trained, on `device`: all paths but the trainings begin with the same weights."""
    if device != CPU:
        return copy.deepcopy(cnn(size, CPU)).to(device)
    own = trainer(size, CPU, "float32")
    list(own.run(rows=1))
    return own.model.eval().requires_grad_(False)


@functools.cache
def softmax_regression() -> tuple[Tensor, Tensor]:
    """Weights (classes, pixels) and biases (classes,) of a softmax regression that the CPU has trained."""
    own = LinearTrainer(split("train"), LINEAR, CLASSES, seed=0)
    list(own.run(rows=1))
    weight, bias = own.weights()
    return weight[0].flatten(1), bias[0]


def pretrained_module() -> ModuleType:
    """The library's module of torchvision's classifiers; raises Skipped where torchvision does not fit to torch."""
    try:
        from spurious.classifiers import pretrained
    except Exception as error:  # an ImportError, or a RuntimeError for want of an operator
        raise Skipped(f"torchvision cannot be imported ({type(error).__name__})") from None
    return pretrained


@functools.cache
def pretrained(name: str, precision: str, device: torch.device) -> nn.Module:
    """torchvision's classifier with random weights, as a job of the pipeline opens it."""
    module = pretrained_module()
    torch.manual_seed(0)
    model = module.torchvision_classifier(name)
    return module.accelerate(model, 224, precision) if device == CPU else module.Classifier(model.to(device), precision)
