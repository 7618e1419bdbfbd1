"""Settings of the rounds of attack and retraining."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from spurious.parameters import Name, OneOf, Unique
from spurious.perturbations.negatives import NEGATIVES
from spurious.problems import misfit
from spurious.registry import Settings

ARMS: tuple[dict[str, Any], ...] = (
    {"negatives": "none", "target": "none"},
    *(
        {"negatives": negatives, "target": target}
        for target in ("uniform", "extra")
        for negatives in ("uniform", "normal", "backworked")
    ),
)


class Arm(Settings):
    """What is added to the training set, and how it is labelled."""

    remedy = "an arm with its negatives and target"

    negatives: Annotated[Name, OneOf(NEGATIVES)] = Field(
        description=f"what is added to the training set, one of {', '.join(NEGATIVES)}"
    )
    target: Literal["none", "uniform", "extra"] = Field(
        description="how negatives are labelled, uniform (1 / classes each) or extra (a class of its own)"
    )

    @model_validator(mode="after")
    def _target_for_negatives(self) -> Self:
        if (self.negatives == "none") != (self.target == "none"):
            remedy = "none where there are no" if self.negatives == "none" else "uniform or extra where there are"
            raise misfit(f"{self.target!r} is not allowed: {remedy} negatives", "target")
        return self


def _has_a_control(arms: tuple[Arm, ...]) -> tuple[Arm, ...]:
    if all(arm.negatives != "none" for arm in arms):
        raise PydanticCustomError("no_control", "one arm must have no negatives")
    return arms


class Matters(Settings):
    """The smallest differences to retraining without negatives that matter: only verdicts depend on them."""

    remedy = "the differences that matter"

    accuracy: float = Field(0.005, gt=0, lt=1, description="of the accuracy, between 0 and 1")
    found: float = Field(0.1, gt=0, lt=1, description="of the share of images that an attack finds, between 0 and 1")


class RetrainingSettings(Settings):
    """Rounds of: attack, add what was found to the training set, train anew, attack again.

    `attacks` names searches of the backworking settings; the images of the first one become the negatives
    of the arm "backworked". Every negative is put into the training set `copies` times.
    """

    remedy = "settings of the rounds of attack and retraining"

    rounds: int = Field(2, ge=1, description="how often the classifier is attacked and retrained, 1 or more")
    recipe: str = Field("fast", description="name of the recipe that retrains")
    copies: int = Field(1, ge=1, description="how often every negative stands in the training set, 1 or more")
    attacks: Annotated[
        tuple[Annotated[str, Field(description="name of one of backworking.searches")], ...], Unique()
    ] = Field(
        ("published", "log-p"),
        min_length=1,
        description="different names of searches; the first one makes the backworked negatives",
    )
    matters: Matters = Matters()
    arms: Annotated[tuple[Arm, ...], Unique(), AfterValidator(_has_a_control)] = Field(
        ARMS,
        min_length=1,
        validate_default=True,
        description="different pairs such as {negatives uniform, target extra}, and {negatives none, target none}",
    )
