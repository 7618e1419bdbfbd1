"""Rows of the attack that does not give up, and of what a classifier makes of noise."""

from collections.abc import Callable, Iterator

import pandas as pd
import torch
from torch import Tensor, nn

from spurious.attacks.confidence import raise_confidence
from spurious.attacks.persistent import Wanted, persist
from spurious.attacks.scores import Scores
from spurious.attacks.settings import PersistentAttack
from spurious.classifiers.predictions import predict
from spurious.data.datasets import Dataset
from spurious.data.elsewhere import ELSEWHERE
from spurious.experiments.retraining.settings import Confidence
from spurious.modules import device_of
from spurious.perturbations.noise_images import NOISE
from spurious.perturbations.starts import averages as averages_of
from spurious.seeding import generator

COMPARED = 200  # test images whose distance to the training images is looked at
AT_ONCE = 500
PLAIN = ("uniform", "permuted", "low-passed")  # noise as it is drawn


class StrongAttack:
    """The attack on classifiers of one dataset, and what its images are like.

    `control` is a classifier that had no part in the search. An image's distance to its nearest training image (L2) is
    seen beside the median of the first test images'.
    """

    def __init__(self, data: Dataset, control: Scores, settings: PersistentAttack, above: float):
        self.data, self.control, self.settings, self.above = data, control, settings, above
        self.training = data.pixels("train").flatten(1)
        compared = data.pixels("test")[:COMPARED]
        self.test_distance = nearest_distances(compared, self.training).median().item()

    def rows(
        self, model: nn.Module, seed: str, on_starts: Callable[[int, int], object] = lambda done, total: None
    ) -> tuple[pd.DataFrame, Tensor]:
        """A row per label and image, and these images (N, C, H, W); `on_starts` as of `persist`."""
        wanted = self._wanted(seed)
        found = persist(model, wanted, self.settings, above=self.above, seed=seed, on_starts=on_starts)
        probabilities, place = predict(model, found.images), wanted.labels[:, None]
        columns = {
            "label": wanted.labels,
            "image": torch.arange(len(place)) % self.settings.images,
            "start": found.start,
            "objective": found.objective,
            "tried": found.tried.cpu(),
            "flat": found.flat.cpu(),
            "predicted": probabilities.argmax(1),
            "p": probabilities.gather(1, place)[:, 0],
            "control_p": self.control(found.images).gather(1, place)[:, 0],
            "distance": nearest_distances(found.images, self.training),
            "test_distance": self.test_distance,
        }
        return pd.DataFrame(columns), found.images

    def _wanted(self, seed: str) -> Wanted:
        count, labels = self.settings.images, self.data.labels["test"]
        others, averages = [], []
        for label in range(self.data.classes):
            draw = generator(seed, "strong", label)
            places = (labels != label).nonzero()[:, 0]
            others.append(places[torch.randint(len(places), (count,), generator=draw)])
            averages.append(averages_of(count, self.data.of_label(label), draw))
        return Wanted(
            labels=torch.arange(self.data.classes).repeat_interleave(count),
            others=self.data.pixels("test")[torch.cat(others)],
            averages=torch.cat(averages),
        )


def nearest_distances(images: Tensor, training: Tensor) -> Tensor:
    """The L2 distance (N,) of each image (N, C, H, W) to the nearest of `training` (M, pixels), in pixel units."""
    return torch.cat([torch.cdist(part, training).amin(1) for part in images.flatten(1).split(AT_ONCE)])


def noise_rows(model: nn.Module, data: Dataset, settings: Confidence, seed: str) -> pd.DataFrame:
    """`noise, epsilon, image, confidence` per image: the largest probability of a real class.

    Of the first test images ("test"), of noise as it is drawn, of images of something else (by their name), and of the
    mixture moved within every size ("adversarial") to where the classifier is most confident.
    """
    parts = []
    for noise, epsilon, images in _noise(model, data, settings, seed):
        confidence = predict(model, images)[:, : data.classes].amax(1)
        columns = {"noise": noise, "epsilon": epsilon, "image": range(len(images)), "confidence": confidence}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts)


def _noise(model: nn.Module, data: Dataset, settings: Confidence, seed: str) -> Iterator[tuple[str, float, Tensor]]:
    images = data.pixels("test")[: settings.images]
    yield "test", 0.0, images
    for name in PLAIN:
        yield name, 0.0, NOISE[name](images, generator(seed, "confidence", name))
    if settings.elsewhere is not None:
        draw = generator(seed, "confidence", settings.elsewhere)
        yield settings.elsewhere, 0.0, ELSEWHERE[settings.elsewhere](len(images), data.image_shape, draw)
    start = NOISE["mixture"](images, generator(seed, "confidence", "mixture"))
    for size in settings.sizes:
        parts = [
            raise_confidence(model, part, data.classes, epsilon=size, steps=settings.steps).cpu()
            for part in start.to(device_of(model)).split(AT_ONCE)
        ]
        yield "adversarial", size, torch.cat(parts)
