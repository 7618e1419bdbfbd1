"""The kinds of defences: none, one blur, the vote of views, a threshold of the probability, a denoiser."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, PrivateAttr, model_validator

from spurious.defences.looks import AS_IT_IS, Look, Viewed
from spurious.defences.registry import Defence, Gradient
from spurious.errors import SpuriousError, unknown_name
from spurious.parameters import Name, Odd
from spurious.problems import misfit
from spurious.registry import parse
from spurious.views.kinds import View

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from spurious.views.preprocessing import Preprocessing

BLURRED = parse(View, "ss")
Taps = Annotated[int, Odd(), Field(ge=3, description="odd number of taps of the Gaussian blur: 3, 5, 7, ...")]
BlurSigma = Annotated[float, Field(gt=0, description="standard deviation of the blur in pixels, above 0")]


class Undefended(Defence, kind="none"):
    """The classifier as it is."""

    words = "undefended"


class Blur(Defence, kind="blur"):
    """The image under one Gaussian of `kernel` taps and `sigma` pixels, border reflected.

    Judging raises SpuriousError where an image is too small for the kernel.
    """

    words = "one blur"
    kernel: Taps = 5
    sigma: BlurSigma = 1.0

    @property
    def looks(self) -> tuple[Look, ...]:
        """The blurred image."""
        return (Viewed(BLURRED, self.kernel, self.sigma),)


class Vote(Defence, kind="vote"):
    """The class that more than half of the `views` name, else a rejection.

    `kernel` and `sigma` are the taps and the pixels of the blur of those views that blur.
    """

    words = "vote"
    rejects = True
    views: tuple[View, ...] = Field(
        ("ns", "ss", "ds"), min_length=1, validate_default=True, description="the views that vote, such as [ns, ss, ds]"
    )
    kernel: Taps = 5
    sigma: BlurSigma = 1.0

    @property
    def gradient(self) -> Gradient:
        """The least exact one of the views."""
        found = {view.gradient for view in self.views}
        return next((kind for kind in ("identity", "stand-in") if kind in found), "exact")

    @property
    def looks(self) -> tuple[Look, ...]:
        """Every view, in their order."""
        return tuple(
            AS_IT_IS if view == AS_IT_IS.view else Viewed(view, self.kernel if view.swept else None, self.sigma)
            for view in self.views
        )


class Threshold(Defence, kind="threshold"):
    """The classifier's class where its log odds, log p / (1 - p), are `log_odds` or more, else a rejection.

    They grow with the probability, and still tell apart what rounds to a probability of 1. Where `log_odds` is left
    out, they are chosen on images that nobody attacks: the largest ones at which it answers at least the share
    `coverage` of these, or the share that the defence with the name `like` answers.
    """

    words = "probability threshold"
    rejects = True
    log_odds: float | None = Field(None, description="smallest log odds that are answered (null to have them chosen)")
    coverage: float | None = Field(None, gt=0, le=1, description="share that is answered, above 0, at most 1")
    like: Name | None = Field(None, description="name of the defence of which the share is that it answers")

    @model_validator(mode="after")
    def _one_of_three(self) -> Self:
        if sum(value is not None for value in (self.log_odds, self.coverage, self.like)) != 1:
            raise misfit("needs exactly one of log_odds, coverage and like: leave out the others")
        return self

    @property
    def ready(self) -> bool:
        """Whether its log odds are chosen."""
        return self.log_odds is not None

    def margins(self, logits: "Tensor") -> "Tensor":
        """Log odds (1, N, K) minus the smallest ones that are answered; SpuriousError before these are chosen."""
        from spurious.defences.odds import log_odds_of_all

        if self.log_odds is None:
            raise SpuriousError("threshold: its log_odds are not chosen; fit it to images that nobody attacks")
        return (log_odds_of_all(logits[0]) - self.log_odds)[None]

    def fitted(self, kept: "Tensor", coverage: float | None = None) -> Self:
        """With `log_odds` chosen; SpuriousError where there are no images, or no coverage of the defence `like`."""
        from spurious.defences.odds import log_odds_of_all

        if self.log_odds is not None:
            return self
        share = self.coverage if self.like is None else coverage
        if share is None or not len(kept):
            raise SpuriousError("threshold: nothing to choose its log_odds by; give log_odds, or images not attacked")
        confidences = log_odds_of_all(kept.float()).amax(1).sort(descending=True).values
        place = max(1, math.ceil(share * len(kept) - 1e-9))  # the share of 9 of 10 images is no more than 9
        return type(self)(log_odds=confidences[place - 1].item(), claim=self.claim)


class Denoised(Defence, kind="denoised"):
    """The image without the noise that a network finds in it, which is trained for the classifier and one noise."""

    words = "denoiser"
    denoiser: Name = Field(description="name of one of the denoisers")
    _network: "nn.Module | None" = PrivateAttr(None)

    @property
    def ready(self) -> bool:
        """Whether it has its network."""
        return self._network is not None

    def trained(self, networks: "Mapping[str, nn.Module]") -> Self:
        """With its network; SpuriousError where it is not among them."""
        if self.denoiser not in networks:
            raise SpuriousError(unknown_name("denoiser", self.denoiser, networks))
        own = self.model_copy()
        own._network = networks[self.denoiser]
        return own

    def suits(self, sigma: float) -> bool:
        """Whether its network is trained for this noise."""
        return self._network is not None and self._network.sigma == sigma

    @property
    def looks(self) -> tuple[Look, ...]:
        """The denoised image; SpuriousError without its network."""
        if self._network is None:
            raise SpuriousError(f"denoised: the denoiser {self.denoiser!r} is not trained here; use another defence")
        return (Cleaned(self._network),)


@dataclass(frozen=True)
class Cleaned:
    """The images that a network makes of noisy ones."""

    network: "nn.Module"
    name = "denoised"

    def __call__(self, images: "Tensor", preprocessing: "Preprocessing") -> "Tensor":
        """The image as it is, of what the network makes of images (N, C, H, W)."""
        return AS_IT_IS(self.network(images), preprocessing)
