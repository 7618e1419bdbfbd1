"""Settings of the noise sweep."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from spurious.experiments.smoothing.names import PUBLISHED
from spurious.parameters import Name, Odd, Unique
from spurious.problems import misfit
from spurious.registry import Settings
from spurious.views.kinds import View
from spurious.views.settings import Variant

EXAMPLE = "write variants: {salt: {noise: salt_and_pepper}}, for instance"


class SmoothingSettings(Settings):
    """The noise sweep: every sigma (standard deviation in pixel units of [0, 1]) with every kernel.

    `blur_sigma` is the Gaussian's standard deviation in pixels, `kernels` its sizes in taps, `batch_size` the
    number of views that the classifier gets at once. The variant "published" is run with noise of each of `seeds`,
    the other variants with that of the first. `precision` is that of the classifier. `views` are those that vote,
    their names different.
    """

    remedy = "settings of the noise sweep"

    sigmas: Annotated[
        tuple[
            Annotated[float, Field(ge=0, description="standard deviation of the noise, pixels in [0, 1]; 0 or more")],
            ...,
        ],
        Unique(),
    ] = Field(
        (0.0, 0.125, 0.25, 0.375),
        min_length=1,
        description="different standard deviations of the noise, such as [0.0, 0.125]",
    )
    kernels: Annotated[
        tuple[Annotated[int, Odd(), Field(ge=3, description="odd number of taps: 3, 5, 7, ...")], ...], Unique()
    ] = Field((5, 7), min_length=1, description="different sizes of the Gaussian blur, such as [5, 7]")
    blur_sigma: float = Field(1.0, gt=0, description="standard deviation of the blur in pixels, above 0")
    batch_size: int = Field(250, ge=1, description="views in a batch, 1 or more")
    shards: int = Field(1, ge=1, description="jobs that share the test images, 1 or more")
    seeds: Annotated[
        tuple[Annotated[int, Field(ge=0, description="seed of the noise, a whole number of 0 or more")], ...], Unique()
    ] = Field(
        (0, 1, 2),
        min_length=1,
        description="different seeds of the noise, such as [0, 1, 2]; the first is that of the tables",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="of the classifier, float32 or bfloat16 (faster, changes some labels)"
    )
    views: tuple[View, ...] = Field(
        ("ns", "ss", "ds"),
        min_length=1,
        validate_default=True,
        description="the views that vote, such as [ns, ss, ds], their names different",
    )
    variants: dict[Name, Variant] = Field(
        {PUBLISHED: {}},
        validate_default=True,
        description="changes of the published order of noise, resize and clamp, by name",
    )

    @model_validator(mode="before")
    @classmethod
    def _keys_of_variants_are_in_variants(cls, value: Any) -> Any:
        misplaced = [key for key in value if key in Variant.model_fields] if isinstance(value, Mapping) else []
        if misplaced:
            raise misfit(f"the key {misplaced[0]!r} belongs to a variant: {EXAMPLE}", inner=True)
        return value

    @model_validator(mode="after")
    def _published_is_as_published(self) -> Self:
        remedy = f"{{}}, the order that was published; changes are variants of their own: {EXAMPLE}"
        if PUBLISHED not in self.variants:
            raise misfit(f"the key {PUBLISHED!r} is missing: {remedy}", "variants")
        if self.variants[PUBLISHED].model_fields_set:
            raise misfit(remedy, "variants", PUBLISHED)
        return self

    @model_validator(mode="after")
    def _different_views(self) -> Self:
        names = [view.name for view in self.views]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise misfit(f"two views are called {twice!r}: give one of them another name", "views")
        return self
