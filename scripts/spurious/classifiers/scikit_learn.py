"""Classifiers of scikit-learn, without a gradient, and the scores of any classifier as one kind of function."""

from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from spurious.attacks.distances import Stored
from spurious.attacks.scores import Scores
from spurious.classifiers.fitted import ScikitLearn
from spurious.classifiers.predictions import predict
from spurious.errors import SpuriousError
from spurious.seeding import for_scikit_learn, generator

if TYPE_CHECKING:  # importing it takes a second
    from sklearn.base import ClassifierMixin


BATCH = 100  # images that a network gets at once: more of them no longer fit the processor's cache


def build(entry: ScikitLearn, seed: int, threads: int = 1) -> "ClassifierMixin":
    """The classifier, not fitted, that an entry of `classifiers:` with the key scikit_learn describes."""
    return entry.build(for_scikit_learn(seed), threads)


def fit(entry: ScikitLearn, images: Tensor, labels: Tensor, seed: int, threads: int = 1) -> "ClassifierMixin":
    """The entry's classifier after learning from images (N, C, H, W), float32 in [0, 1], and labels 0 .. K - 1.

    With training_images at most so many are used, the first of an order decided by `seed`. Raises SpuriousError
    where one of the labels is left without an image, and for more neighbours than images.
    """
    count = min(entry.training_images or len(images), len(images))
    entry.check_count(count)
    order = torch.randperm(len(images), generator=generator(seed, "training images"))[:count]
    missing = sorted(set(labels.tolist()) - set(labels[order].tolist()))
    if missing:
        raise SpuriousError(f"training_images: none of the {count} is of label {missing[0]}; raise it in config.yaml")
    return build(entry, seed, threads).fit(flat(images[order]), labels[order].numpy())


def check_fitted(classifier: "ClassifierMixin") -> None:
    """ValueError, or what scikit-learn raises, where what a file said of a fitted classifier cannot be computed with.

    scikit-learn trusts the numbers of its own trees and labels: one out of range would read any memory, or never end.
    """
    features, classes = classifier.n_features_in_, len(classifier.classes_)
    for tree in getattr(classifier, "estimators_", ()):
        nodes = tree.tree_
        _check_nodes(nodes.children_left, nodes.children_right, nodes.feature, nodes.children_left == -1, features)
    for predictor in (one for several in getattr(classifier, "_predictors", ()) for one in several):
        nodes = predictor.nodes
        _check_nodes(nodes["left"], nodes["right"], nodes["feature_idx"], nodes["is_leaf"] != 0, features)
        if nodes["is_categorical"].any():
            raise ValueError("a tree has categories")
    labels = getattr(classifier, "_y", None)
    if labels is not None and not ((labels >= 0) & (labels < classes)).all():
        raise ValueError("its labels are out of range")
    scores = classifier.predict_proba(torch.zeros(1, features).numpy())
    if scores.shape != (1, classes):
        raise ValueError(f"gives scores of the shape {scores.shape} for an image of {classes} classes")


def _check_nodes(left: Any, right: Any, feature: Any, leaf: Any, features: int) -> None:
    """ValueError unless every node but the leaves leads to two later ones and looks at a feature."""
    (inner,) = (~leaf).nonzero()
    ahead = all(((inner < child[inner]) & (child[inner] < len(leaf))).all() for child in (left, right))
    known = ((feature[inner] >= 0) & (feature[inner] < features)).all()
    if not len(leaf) or not ahead or not known:
        raise ValueError("a tree leads to nodes or features that are not there")


def flat(images: Tensor) -> Any:
    """Images (N, C, H, W) as an array (N, pixels), what scikit-learn takes."""
    return images.flatten(1).numpy()


def stored_by(classifier: "nn.Module | ClassifierMixin") -> Stored | None:
    """The training images of nearest neighbours, which they keep; None for other classifiers."""
    if not hasattr(classifier, "n_neighbors"):
        return None
    images, labels = torch.from_numpy(classifier._fit_X).float(), torch.from_numpy(classifier._y).long()
    return Stored(images=images, labels=labels, count=classifier.n_neighbors)


def scores_of(classifier: "nn.Module | ClassifierMixin") -> Scores:
    """The probabilities that a network or a fitted classifier of scikit-learn gives to images."""
    if isinstance(classifier, nn.Module):
        return partial(predict, classifier, batch_size=BATCH)
    return lambda images: torch.from_numpy(classifier.predict_proba(flat(images))).float()
