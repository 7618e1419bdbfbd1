"""Settings of the transfer of fooling images."""

from typing import Annotated

from pydantic import Field

from spurious.attacks.settings import Budget
from spurious.parameters import Epsilon, ImageCount, Population, Queries, Seed, Unique
from spurious.registry import Settings

TransferSeeds = Annotated[
    tuple[Seed, ...], Unique(), Field(min_length=1, description="different seeds, such as [0, 1]")
]


class TransferSettings(Settings):
    """Fooling images of every source, judged by all: untargeted, within `epsilon` (L-infinity) of the test image.

    Classifiers with a gradient are fooled by projected gradient descent with so many `steps`, the others by evolution
    with `population` and `max_queries`; both are spent to the end, for the largest margin.
    """

    remedy = "settings of the transfer of fooling images"

    images: ImageCount = 200
    epsilon: Epsilon = 0.15
    steps: int = Field(20, ge=1, description="steps of the gradient, 1 or more")
    population: Population = 20
    max_queries: Queries = 1000

    @property
    def budget(self) -> Budget:
        """What one evolution may spend."""
        return Budget(population=self.population, max_queries=self.max_queries)
