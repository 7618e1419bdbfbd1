"""Settings of the evolution that sees scores only."""

from pydantic import Field

from spurious.attacks.settings import Budget, MapElites
from spurious.parameters import Epsilon, ImageCount, MutationRate, Population, Queries
from spurious.registry import Settings


class BlackBoxSettings(Settings):
    """Evolution that sees class scores only, towards a random target, from noise and from test images.

    `images` searches of each kind, with `population` images each and at most `max_queries` of them judged. From an
    image, pixels stay within `epsilon` (L-infinity) and the search succeeds when the decision is the target; from
    noise any image in [0, 1] goes and p of the target must exceed `found_above`, which lies between the shares that a
    vote of ten can have. A child has each pixel from one of two
    parents, and changed with probability `mutation_rate`. `map_elites` is the evolution of Nguyen et al. 2015.
    """

    remedy = "settings of the evolution that sees scores only"

    images: ImageCount = 100
    population: Population = 20
    max_queries: Queries = 4000
    epsilon: Epsilon = 0.25
    found_above: float = Field(
        0.85, ge=0, lt=1, description="a search from noise succeeds above this p of its target, from 0 to below 1"
    )
    mutation_rate: MutationRate = 0.03
    map_elites: MapElites | None = Field(None, description="evolution towards all classes at once (null for none)")

    @property
    def budget(self) -> Budget:
        """What one search may spend."""
        return Budget(population=self.population, max_queries=self.max_queries, mutation_rate=self.mutation_rate)
