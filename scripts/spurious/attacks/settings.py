"""Settings of the searches: towards strongly classified images, and by evolution."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from spurious.parameters import Epsilon, MutationRate, Name, OneOf, OtherThan, Population, Queries, Unique
from spurious.perturbations.starts import STARTS
from spurious.problems import misfit
from spurious.registry import Settings

SEARCHES: dict[str, dict[str, Any]] = {
    "published": {
        "objective": "cost",
        "start": "uniform",
        "clamp": True,
        "learning_rate": 0.01,
        "max_steps": 60,
        "min_steps": 0,
        "stop_min_p": 0.999,
        "stop_mean_p": None,
        "tolerance": 0.0,
        "reinitialize_after": 3,
        "reinitialize_below": 0.99,
        "reference_weight": 0.5,
        "batch_weight": 0.5,
        "layer_weights": {"input": 1e-5, "conv1": 1e-4, "conv2": 1e-3, "fc": 1e-2, "softmax": 10.0},
    },
    "unclamped": {"objective": "cost", "clamp": False},
    "log-p": {"objective": "log_p", "learning_rate": 0.03, "max_steps": 120, "reinitialize_after": 0},
    "logit": {"objective": "logit", "learning_rate": 0.03, "max_steps": 120, "reinitialize_after": 0},
}

EVOLUTION = "evolution"  # a start of the attack that does not give up: noise, moved by scores alone
FROM_NOISE = ("uniform", "sparse", "dark", "low-passed", "permuted", EVOLUTION)  # its starts that are no real images

LayerWeight = Annotated[float, Field(ge=0, description="weight of the layer's term, 0 or more")]


class ImageOptimization(Settings):
    """A search for strongly classified images; the defaults are the published ones.

    `objective`: "cost" (the write-up's layer terms), "log_p" (ascent on log p) or "logit".
    `layer_weights`, `reference_weight` and `batch_weight` belong to "cost".
    `clamp` keeps the pixels in [0, 1] after every step. The search ends as soon as the smallest p
    exceeds `stop_min_p`, the mean exceeds `stop_mean_p`, the objective moves by less than `tolerance`,
    or after `max_steps`. An image starts again from noise when the last `reinitialize_after` values of its p,
    each after a step of its own, hold no rise and the last is below `reinitialize_below` (0: never). So n values
    are n - 1 differences, as in the original; one value tells no rise, and 1 is refused.
    """

    remedy = "settings of a search; what is left out is as published"

    objective: Literal["cost", "log_p", "logit"] = Field(
        "cost", description="cost (the write-up's layer terms), log_p or logit (ascent)"
    )
    start: Annotated[Name, OneOf(STARTS)] = Field(
        "uniform", description="uniform noise, or averages of disjoint parts of the label's training images"
    )
    clamp: bool = Field(True, description="true keeps the pixels in [0, 1] after every step, false only at the start")
    learning_rate: float = Field(0.01, gt=0, description="step size of the search, a number above 0")
    max_steps: int = Field(60, ge=1, description="the search ends after so many steps, 1 or more")
    min_steps: int = Field(0, ge=0, description="the search does not end before so many steps, 0 or more")
    stop_min_p: float | None = Field(
        0.999, ge=0, le=1, description="stop when the smallest p exceeds this, from 0 to 1 (null for never)"
    )
    stop_mean_p: float | None = Field(
        None, ge=0, le=1, description="stop when the mean p exceeds this, from 0 to 1 (null for never)"
    )
    tolerance: float = Field(0.0, ge=0, description="stop when the objective moves by less than this, 0 or more")
    reinitialize_after: Annotated[int, OtherThan(1)] = Field(
        3, ge=0, description="values of p without a rise before an image starts again; use 2 or more, or 0 for never"
    )
    reinitialize_below: float = Field(
        0.99, ge=0, le=1, description="only an image whose p is below this starts again, from 0 to 1"
    )
    reference_weight: float = Field(
        0.5, ge=0, description="weight of 1 / distance to the nearest training image of the label, 0 or more"
    )
    batch_weight: float = Field(
        0.5, ge=0, description="weight of 1 / distance among the images of the batch, 0 or more"
    )
    layer_weights: dict[str, LayerWeight] = Field(
        SEARCHES["published"]["layer_weights"], description="weights of the cost's terms by layer"
    )

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.min_steps > self.max_steps:
            raise misfit(f"{self.min_steps} exceeds max_steps ({self.max_steps})", "min_steps")
        return self


class Budget(Settings):
    """How an evolution spends its queries: `population` images live at once, at most `max_queries` are judged.

    A child has each pixel from one of two parents, and changed with probability `mutation_rate`.
    """

    population: Population
    max_queries: Queries
    mutation_rate: MutationRate = 0.03


class MapElites(Settings):
    """An evolution towards all classes at once: `runs` of `population` images a generation, seen after `generations`.

    Six runs: the smallest and the largest of their medians are an interval of 97 % of the median of runs.
    """

    remedy = "an evolution towards all classes at once"

    runs: int = Field(6, ge=1, description="independent runs, 1 or more")
    population: Population = 200
    generations: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Unique()] = Field(
        (50, 200), min_length=1, description="generations after which the best images are kept, different ones"
    )

    @property
    def queries(self) -> int:
        """Images that all runs judge: the first population and that of every generation."""
        return self.runs * self.population * (1 + max(self.generations))


class PersistentAttack(Settings):
    """An attack that does not give up on an image before all of its starts, objectives and sizes are tried.

    `images` are searched for each label. From each start, drawn `restarts` times, it ascends `steps` steps on each of
    `objectives` within each of `sizes`, and by scores alone (an evolution of at most `max_queries` images; 0: none).
    """

    remedy = "settings of the attack that does not give up"

    images: int = Field(8, ge=1, description="images that are searched for each label, 1 or more")
    objectives: Annotated[tuple[Literal["log_p", "margin", "logit"], ...], Unique()] = Field(
        ("log_p", "margin", "logit"), min_length=1, description="what is raised, different ones of log_p, margin, logit"
    )
    sizes: Annotated[tuple[Epsilon, ...], Unique()] = Field(
        (0.3, 1.0), min_length=1, description="largest changes of a pixel of the start, different ones; 1 is no limit"
    )
    steps: int = Field(50, ge=1, description="steps of an ascent, 1 or more")
    restarts: int = Field(2, ge=1, description="how often each start is drawn, 1 or more")
    population: Population = 20
    max_queries: int = Field(2000, ge=0, description="images that an evolution may have judged, 0 for no evolution")
