"""How classifiers are trained."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from spurious.errors import SpuriousError
from spurious.parameters import Unique
from spurious.registry import Settings

RECIPES: dict[str, dict[str, Any]] = {
    "published": {
        "initialization": "published",
        "learning_rate": 1e-4,
        "epsilon": 2e-10,  # the write-up sums the loss over the 50 images: the same as their mean with 1e-8 / 50
        "batch_size": 50,
        "steps": 20000,
        "precision": "float32",
    },
    "fast": {
        "initialization": "pytorch",
        "learning_rate": 2e-3,
        "schedule": "one_cycle",
        "batch_size": 64,
        "epochs": 2,
        "min_steps": 1719,  # those of 2 epochs of MNIST's 55,000 training images
        "shift": 1,
    },
    "softmax": {
        "initialization": "pytorch",
        "learning_rate": 1e-3,
        "schedule": "one_cycle",
        "batch_size": 100,
        "epochs": 10,
    },
    "adversarial": {
        "initialization": "pytorch",
        "learning_rate": 1e-3,
        "schedule": "one_cycle",
        "batch_size": 64,
        "epochs": 9,
        "adversarial": {"epsilon": 0.3, "steps": 10, "warm_up": 0.5},
    },
    "denoiser": {
        "initialization": "pytorch",
        "learning_rate": 1e-3,
        "schedule": "one_cycle",
        "batch_size": 64,
        "epochs": 2,
    },
}


class Adversarial(Settings):
    """Training against attacks: each batch is changed within `epsilon` (L-inf) by `steps` steps of its gradient.

    The size grows linearly from 0 over the first `warm_up` of the training: a network that meets the whole size at once
    may learn nothing.
    """

    remedy = "training against attacks (null for none)"

    epsilon: float = Field(ge=0, description="largest change of a pixel, in pixel units of [0, 1], 0 or more")
    steps: int = Field(10, ge=1, description="gradient steps on the images before each step on the weights, 1 or more")
    warm_up: float = Field(
        0.5, ge=0, le=1, description="share of the training over which the size grows to epsilon, from 0 to 1"
    )

    def size(self, step: int, total: int) -> float:
        """The largest change at `step`, counted from 0, of `total`."""
        return self.epsilon * min(1.0, step / (self.warm_up * total)) if self.warm_up else self.epsilon


class TrainingRecipe(Settings):
    """How a classifier is trained: Adam or SGD on the cross-entropy, `steps` batches or `epochs` passes.

    `initialization`: "published" is a normal with standard deviation .1 truncated at two of them and
    biases of .1 (the TensorFlow tutorial that the write-up follows), "pytorch" the library's default.
    `schedule` "step": a tenth of the rate after each `step_epochs`. `shift`: random translation by up to so many
    pixels. `noise`: standard deviation of Gaussian noise that is added to every batch, not clamped (Cohen et al., ICML
    2019). `precision` "auto" is bfloat16 autocast on a
    GPU and float32 elsewhere.
    """

    remedy = "a training recipe"

    learning_rate: float = Field(
        gt=0, description="learning rate, a number above 0 such as 2.0e-3 (YAML needs the point)"
    )
    batch_size: int = Field(ge=1, description="images in a batch, 1 or more")
    steps: int | None = Field(
        None, ge=1, description="number of batches to train on, 1 or more; the alternative to epochs"
    )
    epochs: float | None = Field(
        None, gt=0, description="number of passes over the training images, above 0; the alternative to steps"
    )
    min_steps: int | None = Field(
        None,
        ge=1,
        description="least number of batches where epochs of a small data set are fewer, 1 or more (null: none)",
    )
    initialization: Literal["published", "pytorch"] = Field(
        "pytorch", description="published (truncated normal, biases .1) or pytorch (the library's default)"
    )
    schedule: Literal["constant", "one_cycle", "step"] = Field(
        "constant", description="course of the learning rate, constant, one_cycle or step"
    )
    step_epochs: float | None = Field(
        None, gt=0, description="epochs after each of which the rate falls to a tenth, above 0 (with the schedule step)"
    )
    optimizer: Literal["adam", "sgd"] = Field("adam", description="adam or sgd")
    momentum: float = Field(0.9, ge=0, lt=1, description="momentum of sgd, from 0 to below 1")
    epsilon: float = Field(
        1e-8, gt=0, description="Adam's epsilon, a number above 0 such as 1.0e-8 (YAML needs the point)"
    )
    weight_decay: float = Field(0.0, ge=0, description="weight decay, 0 or more")
    shift: int = Field(0, ge=0, description="images are translated by up to so many pixels, 0 or more")
    noise: float = Field(
        0.0, ge=0, description="standard deviation of the Gaussian noise that is added in training, 0 or more"
    )
    adversarial: Adversarial | None = Field(None, description="training against attacks (null for none)")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="auto (bfloat16 on a GPU), float32 or bfloat16"
    )

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.steps is None) == (self.epochs is None):
            raise SpuriousError("exactly one of steps and epochs; in an override, null removes the other one")
        if self.schedule == "step" and None in (self.epochs, self.step_epochs):
            raise SpuriousError("the schedule step needs epochs and step_epochs")
        return self

    def total_steps(self, images: int) -> int:
        """Optimization steps for a training set of so many images; a set smaller than a batch is one batch.

        `min_steps` is the least that `epochs` come to.
        """
        if self.steps is not None:
            return self.steps
        return max(self.min_steps or 1, round(self.epochs * images / min(self.batch_size, images)))


WeightDecay = Annotated[float, Field(ge=0, description="weight of half the squared weights in the loss, 0 or more")]


class LinearRecipe(Settings):
    """How softmax regression on pixels in [0, 1] is trained, once for every weight decay.

    Every one of `weight_decays` (d adds d / 2 times the squared weights to the mean cross-entropy) is trained on the
    same batches by stochastic gradient descent with `momentum` and a rate that falls linearly to zero. The weights
    start from a normal with standard deviation `initial_std`.
    """

    weight_decays: Annotated[tuple[WeightDecay, ...], Unique()] = Field(
        (0.0, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0),
        min_length=2,
        description="two or more different weight decays, such as [0.0, 1.0e-4] (YAML needs the point)",
    )
    learning_rate: float = Field(
        0.1, gt=0, description="first rate of the gradient descent, above 0; lower it where the loss explodes"
    )
    momentum: float = Field(0.9, ge=0, lt=1, description="momentum of the gradient descent, from 0 to below 1")
    batch_size: int = Field(100, ge=1, description="images in a batch, 1 or more")
    epochs: float = Field(20.0, gt=0, description="number of passes over the training images, above 0")
    initial_std: float = Field(1e-3, ge=0, description="standard deviation of the first weights, 0 or more")
