"""The family of defences: which class, and whether it is rejected. Its kinds are in `entries`."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field

from spurious.defences.looks import AS_IT_IS, Look
from spurious.parameters import Epsilon, Name, OneOf
from spurious.perturbations.norms import NORMS
from spurious.registry import Entry, Settings

if TYPE_CHECKING:  # planning reads the settings of defences without torch
    from collections.abc import Mapping

    from torch import Tensor, nn

Gradient = Literal["exact", "identity", "stand-in"]


class Claim(Settings):
    """What a defence claims: to answer rightly, or to reject, however an image is changed within `epsilon`."""

    remedy = "what a defence claims: a norm and a size"

    norm: Annotated[Name, OneOf(NORMS)] = Field(description="measure of the change, linf or l2")
    epsilon: Epsilon


class Defence(Entry):
    """What is between a classifier and its images.

    `words` is its name in figures. `rejects`: whether it may answer nothing.
    """

    remedy = "a defence, by name or with its kind and parameters"
    words: ClassVar[str] = ""
    rejects: ClassVar[bool] = False

    claim: Claim | None = Field(None, description="what it claims, {norm: linf, epsilon: 0.1} (null for nothing)")

    def claims(self, norm: str, epsilon: float) -> bool:
        """Whether it claims to hold against every change of this size."""
        return self.claim is not None and self.claim.norm == norm and epsilon <= self.claim.epsilon

    @property
    def gradient(self) -> Gradient:
        """Which gradient `margins` has on the pixels."""
        return "exact"

    @property
    def ready(self) -> bool:
        """Whether it decides as it is, with nothing to be fitted or trained before."""
        return True

    @property
    def looks(self) -> tuple[Look, ...]:
        """What the classifier gets to see: the image as it is."""
        return (AS_IT_IS,)

    def margins(self, logits: "Tensor") -> "Tensor":
        """Margins (M, N, K) by the logits (V, N, K) of the V looks at N images: float32, differentiable.

        Here M = V. The decision is that of `spurious.attacks.margins.joint`: a class that is above 0 in more than half
        of the M, else a rejection. The margins of an image must not depend on the others.
        """
        from spurious.attacks.margins import margins

        return margins(logits)

    def trained(self, networks: "Mapping[str, nn.Module]") -> Self:
        """The defence with the network that it has of these, which are denoisers by name; most have none."""
        return self

    def suits(self, sigma: float) -> bool:
        """Whether it is made for Gaussian noise of this standard deviation."""
        return True

    def fitted(self, kept: "Tensor", coverage: float | None = None) -> Self:
        """The defence with what it takes from images that nobody attacks; most take nothing.

        `kept` (M, K): the undefended classifier's logits of such images. `coverage`: the share of them that another
        defence answers, where this one goes by it.
        """
        return self
