"""What is added to an image before it is classified: every noise by its kind."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from spurious.errors import SpuriousError
from spurious.registry import Entry

if TYPE_CHECKING:  # planning reads the settings of noises without torch
    from torch import Tensor


class Noise(Entry):
    """Noise of a level sigma, whose meaning is the kind's."""

    remedy = "a noise, by name or with its kind and parameters"

    def __call__(
        self,
        images: "Tensor",
        ids: Sequence[str],
        sigma: float,
        seed: int,
        *,
        scale: Sequence[float] = (1.0,),
        clamp: bool = True,
    ) -> "Tensor":
        """Images (N, C, H, W), float32 in [0, 1], under noise: the same shape, the given images left alone.

        The noise of an image must depend on (seed, sigma, id) and its shape only, so that neither batch nor shard
        changes it: draw it by `spurious.seeding.generator` on the CPU. Other kinds begin with a word of their own. With
        a sigma of 0 there is no noise. `scale` holds factors of sigma, one or one per channel; `clamp`: to [0, 1].
        """
        raise NotImplementedError


class Gaussian(Noise, kind="gaussian"):
    """Normal with standard deviation sigma, in pixel units of [0, 1]."""

    def __call__(
        self,
        images: "Tensor",
        ids: Sequence[str],
        sigma: float,
        seed: int,
        *,
        scale: Sequence[float] = (1.0,),
        clamp: bool = True,
    ) -> "Tensor":
        """As `spurious.perturbations.noise.add_noise`."""
        from spurious.perturbations.noise import add_noise

        return add_noise(images, ids, sigma, seed, scale=scale, clamp=clamp)


class SaltAndPepper(Noise, kind="salt_and_pepper"):
    """A share sigma of the pixels set to 0 or 1, all channels of a pixel together. Nothing is left to clamp."""

    def __call__(
        self,
        images: "Tensor",
        ids: Sequence[str],
        sigma: float,
        seed: int,
        *,
        scale: Sequence[float] = (1.0,),
        clamp: bool = True,
    ) -> "Tensor":
        """As `spurious.perturbations.noise.salt_and_pepper`; SpuriousError for factors of the channels."""
        from spurious.perturbations.noise import salt_and_pepper

        if len(scale) != 1:
            raise SpuriousError(
                f"smoothing: noise_scale has {len(scale)} factors, but salt_and_pepper sets all channels of a pixel"
                " together; give one"
            )
        return salt_and_pepper(images, ids, sigma * scale[0], seed)
