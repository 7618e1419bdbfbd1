"""The entries of `classifiers:` with every kind that is ours: importing this registers them all, without torch."""

from spurious.classifiers.architectures import Architecture, Cnn
from spurious.classifiers.fitted import Boosted, Forest, Nearest, ScikitLearn
from spurious.classifiers.registry import ClassifierEntry
from spurious.classifiers.trained_elsewhere import Exported, TorchScript, Torchvision

__all__ = [
    "Architecture",
    "Boosted",
    "ClassifierEntry",
    "Cnn",
    "Exported",
    "Forest",
    "Nearest",
    "ScikitLearn",
    "TorchScript",
    "Torchvision",
]
