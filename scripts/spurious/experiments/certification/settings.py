"""Settings of the certification by randomized smoothing."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from spurious.defences.entries import Threshold
from spurious.defences.kinds import Defence
from spurious.parameters import ImageCount, Name, Unique
from spurious.problems import misfit
from spurious.registry import Settings

DEFENCES: dict[str, Any] = {
    "none": "none",
    "blur": {"kind": "blur", "kernel": 5},
    "vote": {"kind": "vote", "views": ("ns", "ss", "ds"), "kernel": 5},
}
Sigma = Annotated[float, Field(gt=0, description="standard deviation of the noise, in pixel units of [0, 1], above 0")]
Sigmas = Annotated[
    tuple[Sigma, ...], Unique(), Field(min_length=1, description="different standard deviations, such as [0.25, 0.5]")
]
Every = Annotated[int, Field(ge=1, description="every so many-th test image, from the first, 1 or more")]
Draws = Annotated[int, Field(ge=2, description="noise draws for each image, 2 or more")]
Defences = Annotated[
    dict[Name, Defence], Field(min_length=1, description="defences whose smoothed decision is certified, by name")
]
Radius = Annotated[float, Field(ge=0, description="L2 radius, in pixel units of [0, 1], 0 or more")]
Shards = Annotated[int, Field(ge=1, description="jobs that share the images, 1 or more")]


class SmoothedAttack(Settings):
    """The attack that must fail inside a certificate: its first `images`, at multiples of the certified radius."""

    remedy = "settings of the attack on certificates"

    images: int = Field(10, ge=0, description="images that are attacked, the first ones, 0 or more")
    steps: int = Field(20, ge=1, description="steps of the gradient, 1 or more")
    draws: int = Field(16, ge=16, description="noise draws in each step, 16 or more")
    n: Draws = 1000
    sizes: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Unique()] = Field(
        (1.0, 3.0), description="multiples of the certified radius, 1 inside, more as the control"
    )


class OwnCertification(Settings):
    """What is different for one classifier; what is left out is as for the others."""

    remedy = "what is different for one classifier, such as {sigmas [0.25], n 100000}"

    images: ImageCount | None = Field(None, description="images of this classifier (null as for the others)")
    every: Every | None = Field(None, description="step through the images (null as for the others)")
    sigmas: Sigmas | None = Field(None, description="noise of this classifier (null as for the others)")
    n: Draws | None = Field(None, description="draws for this classifier (null as for the others)")
    defences: Defences | None = Field(None, description="defences of this classifier (null as for the others)")
    shards: Shards | None = Field(None, description="jobs of this classifier (null as for the others)")


class CertificationSettings(Settings):
    """Randomized smoothing of a classifier behind every defence, with noise of every standard deviation.

    Of every `every`-th test image the first `images`, shared by `shards` jobs. `n0` draws choose the decision, `n` give
    its radius, which is wrong with probability `alpha` at most. `radii` are those of the table. `batch_size` noisy
    images are judged together: the classifier gets all that defences look at of them.
    """

    remedy = "settings of the certification"

    images: ImageCount = 100
    every: Every = 1
    sigmas: Sigmas = (0.25, 0.5)
    n0: Draws = 100
    n: Draws = 10000
    alpha: float = Field(0.001, gt=0, lt=0.5, description="probability of a wrong radius, above 0, below 0.5")
    radii: Annotated[tuple[Radius, ...], Unique()] = Field(
        (0.0, 0.25, 0.5, 0.75, 1.0, 1.5), min_length=1, description="different L2 radii of the table"
    )
    defences: Defences = Field(DEFENCES, validate_default=True)
    attack: SmoothedAttack = SmoothedAttack()
    seed: int = Field(0, ge=0, description="seed of the noise, 0 or more")
    batch_size: int = Field(250, ge=1, description="noisy images that are judged together, 1 or more")
    shards: Shards = 1
    classifiers: dict[Name, OwnCertification] = Field({}, description="what is different for a classifier, by its name")

    @model_validator(mode="after")
    def _thresholds_are_chosen(self) -> Self:
        places = {("defences",): self.defences}
        places |= {("classifiers", name, "defences"): own.defences or {} for name, own in self.classifiers.items()}
        for place, defences in places.items():
            for name, defence in defences.items():
                if isinstance(defence, Threshold) and defence.log_odds is None:
                    raise misfit("a threshold needs its log_odds here: nothing is fitted", *place, name)
        return self
