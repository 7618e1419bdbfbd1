"""Settings of fooling by the gradient."""

from pydantic import Field

from spurious.attacks.entries import METHODS, Attack
from spurious.parameters import ImageCount, Name
from spurious.registry import Settings


class FoolingSettings(Settings):
    """Methods by name, each on the first `images` test images (noise: as many), and with `rubbish` inputs, N(0, I).

    `batch_size` is that of the gradient steps; an image's result does not depend on it but for rounding.
    """

    remedy = "settings of fooling by the gradient"

    images: ImageCount = 500
    rubbish: ImageCount = 10000
    batch_size: ImageCount = 250
    methods: dict[Name, Attack] = Field(METHODS, min_length=1, validate_default=True, description="methods by name")
