"""Settings of the search for strongly classified images."""

from pydantic import Field

from spurious.attacks.settings import SEARCHES, ImageOptimization
from spurious.parameters import Name
from spurious.registry import Settings


class BackworkingSettings(Settings):
    """`images` per label and search; an image counts as found when its p exceeds `found_above`."""

    remedy = "settings of the search for strongly classified images"

    images: int = Field(
        8, ge=2, description="images per label, seed and search, 2 or more (the cost keeps them apart from each other)"
    )
    found_above: float = Field(
        0.999, ge=0, lt=1, description="an image counts as found when its p exceeds this, from 0 to below 1"
    )
    searches: dict[Name, ImageOptimization] = Field(SEARCHES, validate_default=True, description="searches by name")
