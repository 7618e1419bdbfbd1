"""How denoisers before a classifier are trained; needs no torch."""

from typing import Any, Literal

from pydantic import Field

from spurious.parameters import Name
from spurious.registry import Settings

DENOISERS: dict[str, dict[str, Any]] = {
    "dncnn": {"sigma": 0.25, "layers": 5, "channels": 32, "recipes": {"mse": "denoiser", "stability": "denoiser"}}
}
Loss = Literal["mse", "stability"]


class DenoiserSettings(Settings):
    """A denoiser that is trained for one classifier and Gaussian noise of one standard deviation `sigma`.

    A DnCNN of `layers` convolutions with `channels` each. `recipes` names, by loss, how it is trained, one loss after
    the other: "mse" is the squared distance from the image without noise, "stability" the cross-entropy of the
    classifier's own answer to that image (Salman et al., NeurIPS 2020). Of a recipe, noise, shift and attacks do not
    count.
    """

    remedy = "a denoiser before a classifier"

    sigma: float = Field(gt=0, description="standard deviation of the noise, in pixel units of [0, 1], above 0")
    layers: int = Field(5, ge=2, description="convolutions, 2 or more")
    channels: int = Field(32, ge=1, description="channels of each convolution, 1 or more")
    recipes: dict[Loss, Name] = Field(min_length=1, description="names of recipes by loss, mse or stability, in order")
