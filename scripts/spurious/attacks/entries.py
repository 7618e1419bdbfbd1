"""The entries of `fooling.methods`, by their kind: how images are changed until a classifier errs."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from spurious.parameters import Epsilon, Name, OneOf
from spurious.perturbations.norms import NORMS
from spurious.perturbations.starts import ATTACK_STARTS, IMAGE
from spurious.problems import misfit
from spurious.registry import Entry

if TYPE_CHECKING:  # planning reads settings without torch
    from torch import Tensor, nn

    from spurious.seeding import Id

METHODS: dict[str, dict[str, Any]] = {
    "fgsm": {"epsilon": 0.25},
    "fgsm-unclamped": {"epsilon": 0.25, "clamp": False, "images": 10000},
    "pgd-linf": {"epsilon": 0.25, "steps": 20},
    "pgd-linf-targeted": {"epsilon": 0.25, "steps": 20, "goal": "targeted"},
    "pgd-l2-targeted": {"epsilon": 3.0, "norm": "l2", "steps": 20, "goal": "targeted"},
    "noise-targeted": {"epsilon": 0.25, "steps": 20, "goal": "targeted", "start": "noise"},
}


class Attack(Entry):
    """A search in `steps` for images within `epsilon` of the start in the `norm` that a classifier gets wrong.

    `start` is the name of one of ATTACK_STARTS: the test image, or what has no label, such as noise U[0, 1]. The goal
    "targeted" wants a target, "untargeted" any class but the label. `clamp` keeps the pixels in [0, 1]. `images`
    replaces that of the section (None: as there).
    """

    remedy = "an attack: its parameters, with its kind where that is not gradient"
    usual: ClassVar[str] = "gradient"

    epsilon: Epsilon
    norm: Annotated[Name, OneOf(NORMS)] = Field(
        "linf", description="measure of the change, linf (largest pixel) or l2 (root of the summed squares)"
    )
    steps: int = Field(1, ge=1, description="number of steps, 1 or more")
    start: Annotated[Name, OneOf(ATTACK_STARTS)] = Field(
        IMAGE, description="what is changed, a test image or uniform noise"
    )
    goal: Literal["targeted", "untargeted"] = Field(
        "untargeted", description="targeted (towards a random other class) or untargeted (away from the label)"
    )
    clamp: bool = Field(True, description="whether pixels are kept in [0, 1], true or false")
    images: int | None = Field(None, ge=1, description="number of images, 1 or more (null as for the other methods)")

    @abstractmethod
    def __call__(
        self,
        model: "nn.Module",
        images: "Tensor",
        labels: "Tensor",
        *,
        targets: "Tensor | None" = None,
        ids: "Sequence[Id]",
        seed: int | str,
        batch_size: int = 250,
    ) -> "Tensor":
        """The changed images (N, C, H, W), float32 on the CPU, within epsilon of `images` (N, C, H, W) in [0, 1].

        `model` gives logits (n, classes) and is left as it was. `labels` (N,) int64 are the true classes, -1 for noise;
        `targets` (N,) those that a targeted attack wants. What is drawn for an image is seeded by (seed, id) alone:
        its result depends neither on the other images nor, but for rounding, on `batch_size`, the images at a time.
        """

    @model_validator(mode="after")
    def _noise_has_a_target(self) -> Self:
        if self.start != IMAGE and self.goal == "untargeted":
            raise misfit("'untargeted' is not allowed: targeted where the start is noise", "goal")
        return self


class GradientAttack(Attack, kind="gradient"):
    """One or several steps along the gradient on the pixels.

    One step of the size epsilon in "linf" is the fast gradient sign method (Goodfellow et al. 2014, section 4), several
    are projected gradient descent (Madry et al. 2018, section 2.1). The goal "targeted" raises the log probability of a
    target, "untargeted" lowers that of the label. `step_size` None is epsilon for one step, 2.5 epsilon / steps for
    several. `random_start` begins anywhere in the ball.
    """

    step_size: float | None = Field(None, gt=0, description="size of a step, above 0 (null to have it chosen)")
    random_start: bool = Field(False, description="whether to begin anywhere within epsilon, true or false")

    def __call__(self, model: "nn.Module", images: "Tensor", labels: "Tensor", **others: Any) -> "Tensor":
        """As `Attack` says, by `spurious.attacks.gradient.fool`."""
        from spurious.attacks.gradient import fool

        return fool(model, images, labels, self, **others)
