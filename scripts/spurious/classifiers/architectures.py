"""Networks that are trained here: the entries with the key `architecture`."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from spurious.classifiers.registry import ClassifierEntry, PublishedAs

if TYPE_CHECKING:  # planning reads settings without torch
    from torch import nn

NO_PARAMETERS = ("recipe", "published_as")  # keys that the network itself does not depend on


class Architecture(ClassifierEntry, kind="architecture", key="architecture"):
    """A network that is trained here. `layers` are the names of its activations, from the input to the logits."""

    remedy = (
        "cnn or lenet (two convolutions and a hidden layer, padded or not), softmax (one linear layer), "
        "maxout (two layers of maxout units) or rbf (a distance to the centre of each class)"
    )
    layers: ClassVar[tuple[str, ...]]
    needed = ("recipe",)

    recipe: str = Field(None, description="name of one of the recipes")

    @abstractmethod
    def build(self, image_shape: tuple[int, int, int], classes: int) -> "nn.Module":
        """The untrained network: images (N, C, H, W) in [0, 1] to logits (N, classes).

        Its `activations(images)` are those of `layers` by name, the logits last. Its parameters lie in layers of torch,
        linear or convolutional, which `models.initialize` draws. Where the classes are `independent`, so says its
        attribute `independent_classes`.
        """

    def parameters(self) -> dict[str, Any]:
        """The architecture's name, and those of its parameters that were given."""
        return {"architecture": self.kind, **self.model_dump(exclude={*NO_PARAMETERS}, exclude_unset=True)}

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """The parameters that may be left out."""
        fields = {name: field for name, field in cls.model_fields.items() if name not in NO_PARAMETERS}
        return {name: field.get_default() for name, field in fields.items() if not field.is_required()}


Channels = Annotated[
    tuple[Annotated[int, Field(ge=1, description="number of channels, 1 or more")], ...],
    Field(
        min_length=2,
        max_length=2,
        description="output channels of the two convolutions, two whole numbers such as [32, 64]",
    ),
]
Units = Annotated[int, Field(ge=1, description="units of the hidden layer, 1 or more")]


class Cnn(Architecture, kind="cnn"):
    """The write-up's CNN."""

    layers = ("input", "conv1", "conv2", "fc", "softmax")

    channels: Channels = (32, 64)
    units: Units = 1024
    published_as: PublishedAs = None

    def build(self, image_shape: tuple[int, int, int], classes: int) -> "nn.Module":
        """The untrained network."""
        from spurious.classifiers.models import ConvNet

        return ConvNet(image_shape, classes, self.channels, self.units)


class LeNet(Architecture, kind="lenet"):
    """The cnn without padding, as LeCun et al. (1998): the network of certified accuracies on MNIST."""

    layers = Cnn.layers

    channels: Channels = (20, 50)
    units: Units = 500
    published_as: PublishedAs = None

    def build(self, image_shape: tuple[int, int, int], classes: int) -> "nn.Module":
        """The untrained network; SpuriousError for images of less than 13 pixels a side."""
        from spurious.classifiers.models import ConvNet

        return ConvNet(image_shape, classes, self.channels, self.units, padding=0)


class Softmax(Architecture, kind="softmax"):
    """One linear layer on the pixels."""

    layers = ("input", "softmax")

    published_as: PublishedAs = None

    def build(self, image_shape: tuple[int, int, int], classes: int) -> "nn.Module":
        """The untrained network."""
        from spurious.classifiers.models import SoftmaxRegression

        return SoftmaxRegression(image_shape, classes)


class Maxout(Architecture, kind="maxout"):
    """Two hidden layers of maxout units, without dropout.

    Goodfellow et al., "Maxout networks", ICML (2013), sections 2 and 5.1: the network of MNIST that does not know where
    the pixels are. Theirs is trained with dropout and a largest norm of the weights of each unit.
    """

    layers = ("input", "hidden1", "hidden2", "softmax")

    units: int = Field(240, ge=1, description="maxout units of each of the two hidden layers, 1 or more")
    pieces: int = Field(5, ge=1, description="linear pieces whose largest is a maxout unit, 1 or more")
    published_as: PublishedAs = None

    def build(self, image_shape: tuple[int, int, int], classes: int) -> "nn.Module":
        """The untrained network."""
        from spurious.classifiers.models import MaxoutNetwork

        return MaxoutNetwork(image_shape, classes, self.units, self.pieces)


class RadialBasis(Architecture, kind="rbf"):
    """The shallow radial basis functions of Goodfellow et al. (2014), section 7: one for each class, independent.

    They leave open what beta is; here it is diagonal, with a width for every pixel of each class.
    """

    layers = ("input", "distances", "softmax")
    independent = True

    published_as: PublishedAs = None

    def build(self, image_shape: tuple[int, int, int], classes: int) -> "nn.Module":
        """The untrained network."""
        from spurious.classifiers.models import RadialBasisNetwork

        return RadialBasisNetwork(image_shape, classes)
