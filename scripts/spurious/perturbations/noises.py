"""What is added to an image before it is classified: every noise by its kind."""

from spurious.registry import Entry


class Noise(Entry):
    """Noise of a level sigma, whose meaning is the kind's."""

    remedy = "a noise, by name or with its kind and parameters"


class Gaussian(Noise, kind="gaussian"):
    """Normal with standard deviation sigma, in pixel units of [0, 1]."""
