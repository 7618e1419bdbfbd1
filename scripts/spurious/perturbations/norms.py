"""Norms that measure a change of images, by name: their sizes, balls, directions and random members."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:  # planning reads the names of norms without torch
    from torch import Generator, Tensor

ROUNDING = 5e-7  # of a size; what is further beyond it is corrected


class Norm(ABC):
    """A norm of changes (N, C, H, W), in pixel units of [0, 1]. What it is about one image depends on no other.

    `words` is its name in figures.
    """

    words: ClassVar[str]

    @abstractmethod
    def size(self, changes: "Tensor") -> "Tensor":
        """The size (N,) of each change (N, C, H, W)."""

    @abstractmethod
    def project(self, images: "Tensor", start: "Tensor", epsilon: float) -> "Tensor":
        """The images (N, C, H, W) within epsilon of `start` that are nearest to `images`, those within as they are."""

    @abstractmethod
    def direction(self, gradients: "Tensor") -> "Tensor":
        """The change of size 1 that rises most along each gradient (N, C, H, W); 0 where the gradient is."""

    @abstractmethod
    def draw(self, shape: Sequence[int], generator: "Generator") -> "Tensor":
        """A member of the ball of size 1, uniformly distributed: one change of the shape (C, H, W)."""

    @abstractmethod
    def random_direction(self, shape: Sequence[int], generator: "Generator") -> "Tensor":
        """A change of the shape (C, H, W) and of size 1, as likely in one direction as in its opposite."""

    def cut(self, images: "Tensor", start: "Tensor", sizes: "Tensor") -> "Tensor":
        """The images (N, C, H, W) on their way to `start` where they are within `sizes` (N,): along the line."""
        change, sizes = images - start, sizes[:, None, None, None]
        return start + change * (sizes / self.size(change)[:, None, None, None].clamp(min=1e-12)).clamp(max=1)

    def span(self, shape: Sequence[int]) -> float:
        """The size of a change of 1 in every pixel of an image (C, H, W): the largest between two images in [0, 1]."""
        import torch

        return self.size(torch.ones((1, *shape), dtype=torch.float64)).item()


class LInf(Norm):
    """The largest change of a pixel."""

    words = "L\N{INFINITY}"

    def size(self, changes: "Tensor") -> "Tensor":
        """The largest change (N,)."""
        return changes.flatten(1).abs().amax(1)

    def project(self, images: "Tensor", start: "Tensor", epsilon: float) -> "Tensor":
        """Every pixel cut to the interval around its start."""
        return images.clamp(start - epsilon, start + epsilon)

    def cut(self, images: "Tensor", start: "Tensor", sizes: "Tensor") -> "Tensor":
        """Through ever smaller boxes around the start."""
        sizes = sizes[:, None, None, None]
        return start + (images - start).clamp(-sizes, sizes)

    def direction(self, gradients: "Tensor") -> "Tensor":
        """The signs."""
        return gradients.sign()

    def draw(self, shape: Sequence[int], generator: "Generator") -> "Tensor":
        """U[-1, 1] for every pixel."""
        import torch

        return 2 * torch.rand(shape, generator=generator) - 1

    def random_direction(self, shape: Sequence[int], generator: "Generator") -> "Tensor":
        """Random signs."""
        import torch

        return torch.randn(shape, generator=generator).sign()


class L2(Norm):
    """The root of the summed squares of all changes."""

    words = "L2"

    def size(self, changes: "Tensor") -> "Tensor":
        """The length (N,), summed in float64: in float32 that of a large photograph is up to .002 of it too small."""
        import torch

        return torch.linalg.vector_norm(changes.flatten(1), dim=1, dtype=torch.float64).to(changes.dtype)

    def project(self, images: "Tensor", start: "Tensor", epsilon: float) -> "Tensor":
        """Along the line to the start."""
        import torch

        change = (images - start).flatten(1).renorm(2, 0, epsilon)
        # renorm sums in float32: of a large photograph too little, so that a size may be .0003 of it too large.
        shorter = epsilon / torch.linalg.vector_norm(change, dim=1, keepdim=True, dtype=torch.float64)
        shorter = torch.where(shorter < 1 - ROUNDING, shorter, 1.0).to(change.dtype)
        return start + (change * shorter).view_as(start)

    def direction(self, gradients: "Tensor") -> "Tensor":
        """The gradient at length 1."""
        from torch.nn.functional import normalize

        return normalize(gradients.flatten(1)).view_as(gradients)

    def draw(self, shape: Sequence[int], generator: "Generator") -> "Tensor":
        """The radius of a uniform point of a ball in D dimensions has the distribution r^D."""
        import torch

        direction = self.random_direction(shape, generator)
        return direction * torch.rand((), generator=generator) ** (1 / direction.numel())

    def random_direction(self, shape: Sequence[int], generator: "Generator") -> "Tensor":
        """A normal deviate for every pixel, at length 1."""
        import torch

        drawn = torch.randn(shape, generator=generator)
        return drawn / drawn.norm()


NORMS: dict[str, Norm] = {"linf": LInf(), "l2": L2()}
