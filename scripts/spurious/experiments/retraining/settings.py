"""Settings of the rounds of attack and retraining."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from spurious.attacks.settings import PersistentAttack
from spurious.data.elsewhere import ELSEWHERE
from spurious.parameters import Epsilon, ImageCount, Name, OneOf, OtherThan, Seed, Unique
from spurious.perturbations.negatives import NEGATIVES, OF_SEARCH, NamedNegatives
from spurious.problems import misfit, shown
from spurious.registry import Settings

ARMS: tuple[dict[str, Any], ...] = (
    {"negatives": "none", "target": "none"},
    *(
        {"negatives": negatives, "target": target}
        for target, names in (
            ("uniform", ("uniform", "normal", "backworked", "backworked-log-p")),
            ("extra", ("uniform", "normal", "backworked")),
        )
        for negatives in names
    ),
)
# Noise as in Hein et al. 2019: plain (their CEDA), and moved by an inner attack at every step (their ACET).
NAMED: dict[str, dict[str, Any]] = {
    "noise-1": {"kind": "noise", "share": 0.01},
    "noise-10": {"kind": "noise", "share": 0.1},
    "noise-50": {"kind": "noise", "share": 0.5},
    "acet": {"kind": "noise", "share": 0.5, "steps": 10, "epsilon": 0.3},
    "acet-unbounded": {"kind": "noise", "share": 0.5, "steps": 10, "epsilon": 1.0},
    "growing": {"kind": "searched", "search": "log-p", "factor": 4},
    "evolved": {"kind": "evolved", "runs": 8, "population": 200, "generations": 200},
}
# The network that the published search defeats is retrained as published: once, by its own recipe.
CLASSIFIERS: dict[str, dict[str, Any]] = {
    "cnn-published": {
        "rounds": 1,
        "recipe": "own",
        "copies": 1,
        "arms": tuple(arm for arm in ARMS if arm["target"] != "extra" and arm["negatives"] != "normal"),
    }
}


IS_EXAMPLE = 0.5  # p of the judge above which an image is an example of a class


class Arm(Settings):
    """What is added to the training set, and how it is labelled."""

    remedy = "an arm with its negatives and target"

    negatives: Name = Field(
        description=f"one of {', '.join(NEGATIVES)}, a name of retraining.negatives, or {OF_SEARCH}<one of attacks>"
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


Rounds = Annotated[int, Field(ge=1, description="how often the classifier is attacked and retrained, 1 or more")]
Recipe = Annotated[str, Field(description="name of the recipe that retrains in every arm, or own: the classifier's")]
Copies = Annotated[int, Field(ge=1, description="how often every negative is in the training set, 1 or more")]
Arms = Annotated[
    tuple[Arm, ...],
    Field(
        min_length=1,
        description="different pairs such as {negatives uniform, target extra}, and {negatives none, target none}",
    ),
    Unique(),
    AfterValidator(_has_a_control),
]


class OwnRetraining(Settings):
    """What is different for one classifier; what is left out is as for the others."""

    remedy = "what is different for one classifier, such as {rounds 1, recipe own}"

    rounds: Rounds | None = Field(None, description="rounds of this classifier (null as for the others)")
    recipe: Recipe | None = Field(None, description="recipe of this classifier (null as for the others)")
    copies: Copies | None = Field(None, description="copies for this classifier (null as for the others)")
    arms: Arms | None = Field(None, description="arms of this classifier (null as for the others)")


class Judge(Settings):
    """Who says of found images whether they are examples of their label by now."""

    remedy = "a judge with its classifier, such as {classifier forest}"

    classifier: Name = Field(description="name of a classifier of the dataset that had no part in the search")
    seed: Seed | None = Field(None, description="seed of that classifier (null: the first of the experiment)")


class Matters(Settings):
    """The smallest differences to retraining without negatives that matter: only verdicts depend on them."""

    remedy = "the differences that matter"

    accuracy: float = Field(0.005, gt=0, lt=1, description="of the accuracy, between 0 and 1")
    found: float = Field(0.1, gt=0, lt=1, description="of the share of images that an attack finds, between 0 and 1")


class Confidence(Settings):
    """How sure a classifier is of noise: of `images` of each kind, and of noise moved within `sizes` by `steps`.

    And of what is `elsewhere`: images of something else than the dataset shows, that come with scikit-learn.
    """

    remedy = "how the confidence in noise is measured"

    images: ImageCount = 300
    sizes: Annotated[tuple[Epsilon, ...], Unique()] = Field(
        (0.05, 0.1, 0.3, 1.0), min_length=1, description="largest changes of the noise's pixels, different ones"
    )
    steps: int = Field(40, ge=1, description="steps of the attack that moves the noise, 1 or more")
    elsewhere: Annotated[str, OneOf(ELSEWHERE)] | None = Field(
        "photographs", description="images of something else, beside noise: digits or photographs (null: none)"
    )


class RetrainingSettings(Settings):
    """Rounds of: attack, add what was found to the training set, train from scratch, attack again.

    `attacks` names searches of the backworking settings; the images of the first one become the negatives
    of the arm "backworked", those of another one the negatives of "backworked-<its name>". Every negative is put into
    the training set `copies` times. An arm may also call one of `negatives` by its name. One whose noise is fresh in
    every batch needs no attack before it, and has one round. `strong` attacks every net again. The `judges` had no part
    in that search, and say of its images whether they are examples of their label by now.
    """

    remedy = "settings of the rounds of attack and retraining"

    rounds: Rounds = 2
    recipe: Recipe = "fast"
    copies: Copies = 1
    attacks: Annotated[
        tuple[Annotated[str, Field(description="name of one of backworking.searches")], ...], Unique()
    ] = Field(
        ("published", "log-p"),
        min_length=1,
        description="different names of searches; the first one makes the backworked negatives",
    )
    matters: Matters = Matters()
    strong: PersistentAttack = PersistentAttack()
    judges: Annotated[tuple[Judge, ...], Unique()] = Field(
        ({"classifier": "forest"},),
        validate_default=True,
        min_length=1,
        description="different judges of the found images, such as {classifier forest}",
    )
    confidence: Confidence = Confidence()
    negatives: dict[Annotated[Name, OtherThan(*NEGATIVES)], NamedNegatives] = Field(
        NAMED, validate_default=True, description="negatives with parameters, by the name that an arm gives"
    )
    arms: Arms = Field(ARMS, validate_default=True)
    classifiers: dict[Name, OwnRetraining] = Field(
        CLASSIFIERS, validate_default=True, description="what is different for a classifier, by its name"
    )

    @model_validator(mode="after")
    def _negatives_are_known(self) -> Self:
        own = {("classifiers", name, "arms"): each.arms or () for name, each in self.classifiers.items()}
        known = [*NEGATIVES, *self.negatives]
        for place, arms in ({("arms",): self.arms} | own).items():
            for index, arm in enumerate(arms):
                if arm.negatives not in known and not arm.negatives.startswith(OF_SEARCH):
                    text = f"one of {', '.join(known)} or {OF_SEARCH}<one of attacks>"
                    raise misfit(f"{shown(arm.negatives)} is not allowed: {text}", *place, index, "negatives")
        return self
