"""Settings of the attacks on defences."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from spurious.attacks.on_decisions import DecisionAttack
from spurious.defences.entries import Threshold
from spurious.defences.kinds import Defence
from spurious.errors import unknown_name
from spurious.parameters import Epsilon, ImageCount, Name, OneOf, OtherThan, Unique
from spurious.perturbations.norms import NORMS
from spurious.problems import misfit
from spurious.registry import Settings

PLAIN = "plain"  # the variant of an attack that tables of errors are of
UNPRUNED = "unpruned"  # that of every attack but the white box at the size of the checks, from each of their images
WORST = "worst"  # of the attacks on an image, in the table
EXAMPLES = "examples"  # the folder of the figure's tensors among those of an attack's images
OTHERS = 20  # images that nobody attacks, at which searches may begin
KEPT_PHOTOGRAPHS = 300  # at most, that nobody attacks and thresholds are chosen by: each is as expensive as an attack's
NormName = Annotated[Name, OneOf(NORMS)]
SeedCount = Annotated[
    int, Field(ge=1, description="how many trainings of a classifier are attacked, the first seeds; 1 or more")
]
AttackName = Annotated[Name, OtherThan(WORST, remedy="a name other than 'worst', which is that of all together")]
DefenceName = Annotated[Name, OtherThan(EXAMPLES, remedy="a name other than 'examples', the figure's own images")]
Defences = Annotated[dict[DefenceName, Defence], Field(min_length=1, description="defences that are attacked, by name")]
Sizes = Annotated[tuple[Epsilon, ...], Unique(), Field(min_length=1, description="different sizes, such as [0.1, 0.2]")]
SizesByNorm = Annotated[dict[NormName, Sizes], Field(min_length=1)]

DEFENCES: dict[str, Any] = {
    "none": "none",
    "blur": {"kind": "blur", "kernel": 5},
    "vote": {"kind": "vote", "views": ("ns", "ss", "ds"), "kernel": 5},
    "threshold": {"kind": "threshold", "like": "vote"},
}
ATTACKS: dict[str, Any] = {
    "random": {"kind": "random", "directions": 100},
    "oblivious": {"kind": "oblivious", "steps": 100},
    "white-box": {"kind": "white-box", "steps": 100, "restarts": 2, "targets": 9},
    "denial": {"kind": "denial", "steps": 100},
    "square": {"kind": "square", "queries": 1000},
    "hop-skip-jump": {"kind": "hop-skip-jump", "rounds": 10},
}


class CheckSettings(Settings):
    """What the attacks are checked with: variants of the white box that start again, at one size, on the first images.

    Beside the attack itself: one step; `more` times as many steps, or restarts; without targets; towards targets only.
    The other attacks start again there, too, that by random changes with so many `directions`.
    """

    remedy = "settings of the checks on attacks"

    images: ImageCount = 100
    norm: NormName = "linf"
    epsilon: Epsilon = 0.1
    more: int = Field(2, ge=2, description="how many times as many steps, and restarts, 2 or more")
    directions: int | None = Field(
        None, ge=1, description="how many random changes are tried, 1 or more (null: as many as the attack tries)"
    )


class OwnRobustness(Settings):
    """What is different for one classifier; what is left out is as for the others."""

    remedy = "what is different for one classifier, such as {seeds 1}"

    seeds: SeedCount | None = Field(None, description="trainings of this classifier (null as for the others)")
    sizes: SizesByNorm | None = Field(None, description="largest changes by norm (null as for the others)")
    defences: Defences | None = Field(None, description="defences of this classifier (null as for the others)")
    checks: CheckSettings | None = Field(None, description="all settings of its checks (null as for the others)")


class RobustnessSettings(Settings):
    """Every attack on every defence, at ascending sizes of the change in every norm.

    `images` test images, the first ones, share `shards` jobs, `batch_size` are attacked together; photographs are taken
    in a random order that is always the same, and one by one. `seeds` trainings of each classifier are attacked, the
    first ones. `sizes` are in pixel units of [0, 1], by norm.
    """

    remedy = "settings of the attacks on defences"

    images: ImageCount = 500
    seeds: SeedCount = 3
    sizes: SizesByNorm = Field({"linf": (0.1, 0.2, 0.3), "l2": (1.0, 2.0, 3.0)}, description="largest changes by norm")
    defences: Defences = Field(DEFENCES, validate_default=True)
    attacks: dict[AttackName, DecisionAttack] = Field(
        ATTACKS, min_length=1, validate_default=True, description="attacks by name, none of them 'worst'"
    )
    checks: CheckSettings = CheckSettings()
    archived: int | None = Field(
        None, ge=1, description="of how many images, the first ones, what is found is kept (null for all)"
    )
    batch_size: int = Field(100, ge=1, description="images that are attacked together, 1 or more")
    shards: int = Field(1, ge=1, description="jobs that share the images, 1 or more")
    classifiers: dict[Name, OwnRobustness] = Field({}, description="what is different for a classifier, by its name")

    @model_validator(mode="after")
    def _attacks_know_the_norms(self) -> Self:
        norms = dict.fromkeys(norm for own in (self, *self.classifiers.values()) for norm in own.sizes or ())
        for name, attack in self.attacks.items():
            unknown = [norm for norm in norms if attack.norms is not None and norm not in attack.norms]
            if unknown:
                known = " and ".join(attack.norms)
                remedy = f"leave the attack out, or {unknown[0]!r} out of sizes"
                raise misfit(f"knows the norms {known} only, and sizes has {unknown[0]!r}: {remedy}", "attacks", name)
        return self

    @model_validator(mode="after")
    def _thresholds_follow_a_defence(self) -> Self:
        places = {("defences",): self.defences}
        places |= {("classifiers", name, "defences"): own.defences or {} for name, own in self.classifiers.items()}
        for place, defences in places.items():
            others = [name for name, defence in defences.items() if not isinstance(defence, Threshold)]
            for name, defence in defences.items():
                if isinstance(defence, Threshold) and defence.like not in (None, *others):
                    raise misfit(unknown_name("defence", defence.like, others), *place, name, "like")
        return self
