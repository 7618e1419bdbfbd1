"""Frozen settings, one dataclass per experiment, made once from the validated configuration."""

import dataclasses
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from spurious.errors import SpuriousError
from spurious.perturbations.noises import Gaussian, Noise
from spurious.registry import Entry, parse
from spurious.views.blurs import BlurredOnce, BlurredTwice, NotBlurred
from spurious.views.kinds import View

if TYPE_CHECKING:  # planning reads settings without torch
    from torch import Tensor

Settings = TypeVar("Settings")

GAUSSIAN = Gaussian()


def from_mapping(cls: type[Settings], values: Mapping[str, Any]) -> Settings:
    """`values` as a `cls`: lists become tuples, nested mappings nested dataclasses.

    Raises SpuriousError for a key that `cls` lacks and for one that it needs.
    """
    hints = typing.get_type_hints(cls)
    known = {f.name: f for f in dataclasses.fields(cls)}
    for key in values:
        if key not in known:
            raise SpuriousError(f"{cls.__name__}: unknown key {key!r}; known are {', '.join(known)}")
    for name, spec in known.items():
        has_default = (spec.default, spec.default_factory) != (dataclasses.MISSING,) * 2
        if name not in values and not has_default:
            raise SpuriousError(f"{cls.__name__}: the key {name!r} is missing")
    return cls(**{key: _convert(hints[key], value) for key, value in values.items()})


def _convert(hint: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(value, Mapping):
        return from_mapping(hint, value)
    if isinstance(hint, type) and issubclass(hint, Entry):
        return parse(hint, value)
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is dict and dataclasses.is_dataclass(arguments[1]):
        return {key: from_mapping(arguments[1], item) for key, item in value.items()}
    if typing.get_origin(hint) is tuple and isinstance(value, list):
        return tuple(_convert(arguments[0], item) for item in value)
    return value


@dataclass(frozen=True, kw_only=True)
class TrainingRecipe:
    """How a classifier is trained: Adam on the cross-entropy, `steps` batches or `epochs` passes.

    `initialization`: "published" is a normal with standard deviation .1 truncated at two of them and
    biases of .1 (the TensorFlow tutorial that the write-up follows), "pytorch" the library's default.
    `shift`: random translation by up to so many pixels. `precision` "auto" is bfloat16 autocast on a
    GPU and float32 elsewhere.
    """

    learning_rate: float
    batch_size: int
    steps: int | None = None
    epochs: float | None = None
    initialization: Literal["published", "pytorch"] = "pytorch"
    schedule: Literal["constant", "one_cycle"] = "constant"
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    shift: int = 0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.epochs is None):
            raise SpuriousError("a training recipe needs either 'steps' or 'epochs'")

    def total_steps(self, images: int) -> int:
        """Optimization steps for a training set of so many images; a set smaller than a batch is one batch."""
        if self.steps is not None:
            return self.steps
        return max(1, round(self.epochs * images / min(self.batch_size, images)))


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """A search for strongly classified images; the defaults are the published ones.

    `objective`: "cost" (the write-up's layer terms), "log_p" (ascent on log p) or "logit".
    `layer_weights`, `reference_weight` and `batch_weight` belong to "cost".
    `clamp` keeps the pixels in [0, 1] after every step. The search ends as soon as the smallest p
    exceeds `stop_min_p`, the mean exceeds `stop_mean_p`, the objective moves by less than `tolerance`,
    or after `max_steps`. An image starts again from noise when the last `reinitialize_after` values of its p,
    each after a step of its own, hold no rise and the last is below `reinitialize_below` (0: never). So n values
    are n - 1 differences, as in the original; one value tells no rise, and 1 raises SpuriousError.
    """

    objective: Literal["cost", "log_p", "logit"] = "cost"
    start: Literal["uniform", "averages"] = "uniform"
    clamp: bool = True
    learning_rate: float = 0.01
    max_steps: int = 60
    min_steps: int = 0
    stop_min_p: float | None = 0.999
    stop_mean_p: float | None = None
    tolerance: float = 0.0
    reinitialize_after: int = 3
    reinitialize_below: float = 0.99
    reference_weight: float = 0.5
    batch_weight: float = 0.5
    layer_weights: dict[str, float] = field(
        default_factory=lambda: {"input": 1e-5, "conv1": 1e-4, "conv2": 1e-3, "fc": 1e-2, "softmax": 10.0}
    )

    def __post_init__(self) -> None:
        if self.reinitialize_after == 1:
            raise SpuriousError(
                "reinitialize_after: 1 value of p tells no rise; use 2 or more, or 0 to start no image again"
            )


@dataclass(frozen=True, kw_only=True)
class BackworkingSettings:
    """`images` per label and search; an image counts as found when its p exceeds `found_above`."""

    images: int = 8
    found_above: float = 0.999
    searches: dict[str, SearchSettings] = field(default_factory=lambda: {"published": SearchSettings()})


@dataclass(frozen=True, kw_only=True)
class RetrainingSettings:
    """Rounds of: attack, add what was found to the training set, train anew, attack again.

    `attacks` names searches of the backworking settings; the images of the first one become the negatives
    of the arm "backworked". Every negative is put into the training set `copies` times.
    """

    rounds: int
    recipe: TrainingRecipe
    attacks: tuple[str, ...]
    copies: int = 1


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """What a classifier wants done to an image of any size: its short side resized to `resize`, its centre cropped.

    None leaves the step out. Normalization is none of this: it is the classifier's first layer.
    """

    resize: int | None = None
    crop: int | None = None
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"

    def __post_init__(self) -> None:
        if self.crop is not None and (self.resize is None or self.crop > self.resize):
            raise SpuriousError(f"a crop of {self.crop} pixels needs a resize to at least as many, not {self.resize}")


@dataclass(frozen=True, kw_only=True)
class Variant:
    """How noise gets into an image and the image into the classifier; the defaults are the published ones.

    `antialias`: whether shrinking averages (torchvision's default since 0.17) or picks (before it, on tensors).
    `noise_at`: "native" adds the noise at the image's own resolution and blurs there, "prepared" does both after
    resizing and cropping. `noise_scale` multiplies sigma, one factor or one per channel: with a normalization's
    standard deviations the noise is that of somebody who adds it to normalized pixels. `clamp`: to [0, 1]. `noise` is
    the kind of noise, and says what sigma means.
    """

    antialias: bool = False
    noise_at: Literal["native", "prepared"] = "native"
    noise_scale: tuple[float, ...] = (1.0,)
    clamp: bool = True
    noise: Noise = GAUSSIAN

    def noisy(self, images: "Tensor", ids: Sequence[str], sigma: float, seed: int) -> "Tensor":
        """Images (N, C, H, W) under noise; the level `sigma`, the seed and its id decide what an image gets."""
        return self.noise(images, ids, sigma, seed, scale=self.noise_scale, clamp=self.clamp)


@dataclass(frozen=True, kw_only=True)
class SmoothingSettings:
    """The noise sweep: every sigma (standard deviation in pixel units of [0, 1]) with every kernel.

    `blur_sigma` is the Gaussian's standard deviation in pixels, `kernels` its sizes in taps, `batch_size` the
    number of views that the classifier gets at once. The variant "published" is run with noise of each of `seeds`,
    the other variants with that of the first. `precision` is that of the classifier. `views` are those that vote,
    their names different.
    """

    sigmas: tuple[float, ...] = (0.0, 0.125, 0.25, 0.375)
    kernels: tuple[int, ...] = (5, 7)
    blur_sigma: float = 1.0
    batch_size: int = 250
    seeds: tuple[int, ...] = (0,)
    precision: Literal["float32", "bfloat16"] = "float32"
    variants: dict[str, Variant] = field(default_factory=lambda: {"published": Variant()})
    views: tuple[View, ...] = (NotBlurred(), BlurredOnce(), BlurredTwice())

    def __post_init__(self) -> None:
        names = [view.name for view in self.views]
        if not names:
            raise SpuriousError("smoothing.views: there are none; name those that vote, such as [ns, ss, ds]")
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise SpuriousError(f"smoothing.views: two views are called {twice!r}: give one of them another name")


@dataclass(frozen=True, kw_only=True)
class LinearSettings:
    """The regularization sweep of softmax regression on pixels in [0, 1].

    Every one of `weight_decays` (d adds d / 2 times the squared weights to the mean cross-entropy) is trained on the
    same batches by stochastic gradient descent with `momentum` and a rate that falls linearly to zero. The weights
    start from a normal with standard deviation `initial_std`. `targets` are the classes that the figures fool towards,
    `step_images` how many test images are attacked: their smallest steps, and the fast gradient sign method with
    `epsilon` (None: all). `pair` are two classes that a logistic regression tells apart and the same method confuses
    (None: neither).
    """

    weight_decays: tuple[float, ...]
    learning_rate: float
    batch_size: int
    epochs: float
    momentum: float = 0.9
    initial_std: float = 0.0255
    targets: tuple[int, ...] = (0, 1, 2, 3)
    step_images: int | None = None
    pair: tuple[int, ...] | None = None
    epsilon: float = 0.25


@dataclass(frozen=True, kw_only=True)
class FoolingMethod:
    """One or several steps along the gradient on the pixels, within `epsilon` of the start in the `norm`.

    One step of the size epsilon in "linf" is the fast gradient sign method (Goodfellow et al. 2014, section 4), several
    are projected gradient descent (Madry et al. 2018, section 2.1). `start` "noise" begins from U[0, 1] instead of a
    test image. "targeted" raises the log probability of a target, "untargeted" lowers that of the label.
    `step_size` None is epsilon for one step, 2.5 epsilon / steps for several. `random_start` begins anywhere in the
    ball. `clamp` keeps the pixels in [0, 1]. `images` replaces that of the section (None: as there).
    """

    epsilon: float
    norm: Literal["linf", "l2"] = "linf"
    steps: int = 1
    step_size: float | None = None
    start: Literal["image", "noise"] = "image"
    goal: Literal["targeted", "untargeted"] = "untargeted"
    random_start: bool = False
    clamp: bool = True
    images: int | None = None

    def __post_init__(self) -> None:
        if self.step_size == 0:
            raise SpuriousError("step_size: 0 moves nothing; give a size above 0, or null to have it chosen")
        if self.start == "noise" and self.goal == "untargeted":
            raise SpuriousError("start: noise has no label to lose; make the goal targeted")


@dataclass(frozen=True, kw_only=True)
class FoolingSettings:
    """Methods by name, each on the first `images` test images (noise: as many), and with `rubbish` inputs, N(0, I).

    `batch_size` is that of the gradient steps; an image's result does not depend on it but for rounding.
    """

    methods: dict[str, FoolingMethod]
    images: int = 500
    rubbish: int = 10000
    batch_size: int = 250


@dataclass(frozen=True, kw_only=True)
class BlackBoxSettings:
    """Evolution that sees class scores only, towards a random target, from noise and from test images.

    `images` searches of each kind, with `population` images each and at most `max_queries` of them judged. From an
    image, pixels stay within `epsilon` (L-infinity) and the search succeeds when the decision is the target; from
    noise any image in [0, 1] goes and p of the target must exceed `found_above`. A child has each pixel from one of two
    parents, and changed with probability `mutation_rate`.
    """

    images: int = 50
    population: int = 20
    max_queries: int = 4000
    epsilon: float = 0.25
    found_above: float = 0.9
    mutation_rate: float = 0.03


@dataclass(frozen=True, kw_only=True)
class TransferSettings:
    """Fooling images of every source, judged by all: untargeted, within `epsilon` (L-infinity) of the test image.

    Classifiers with a gradient are fooled by projected gradient descent with so many `steps`, the others by evolution
    with `population` and `max_queries`.
    """

    images: int = 200
    epsilon: float = 0.25
    steps: int = 20
    population: int = 20
    max_queries: int = 2000
