"""Settings of the search for strongly classified images."""

from typing import Self

from pydantic import Field, model_validator

from spurious.attacks.settings import SEARCHES, ImageOptimization
from spurious.parameters import Name
from spurious.problems import misfit
from spurious.registry import Settings


class Ablation(ImageOptimization):
    """A search that differs from the published one in what is named; `batch` of its images are searched together."""

    batch: int = Field(8, ge=2, description="images that are searched together, 2 or more")


class AblationSettings(Settings):
    """Searches that differ from the first one in one key: `images` per label and seed, in whole batches."""

    remedy = "settings of the ablation of the search"

    images: int = Field(128, ge=2, description="images per label and seed, a multiple of every batch")
    settings: dict[str, Ablation] = Field(
        {}, description="searches by name, the published one first ({} for no ablation)"
    )

    @model_validator(mode="after")
    def _whole_batches(self) -> Self:
        for name, setting in self.settings.items():
            if self.images % setting.batch:
                raise misfit(f"{self.images} images are no multiple of {setting.batch}", "settings", name, "batch")
        return self


class BackworkingSettings(Settings):
    """`images` per label and search; an image counts as found when its p exceeds `found_above`."""

    remedy = "settings of the search for strongly classified images"

    images: int = Field(
        8, ge=2, description="images per label, seed and search, 2 or more (the cost keeps them apart from each other)"
    )
    found_above: float = Field(
        0.999, ge=0, lt=1, description="an image counts as found when its p exceeds this, from 0 to below 1"
    )
    ablation: AblationSettings = AblationSettings()
    searches: dict[Name, ImageOptimization] = Field(SEARCHES, validate_default=True, description="searches by name")
