"""The entries of `classifiers:`, by their kind: trained here, torchvision's, or supplied as a file."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from spurious.classifiers.torchvision_names import TORCHVISION
from spurious.errors import SpuriousError, unknown_name
from spurious.parameters import Sha256, Text
from spurious.problems import misfit, shown
from spurious.registry import Entry
from spurious.views.settings import Crop, Interpolation, Pixels
from spurious.wording import plural

if TYPE_CHECKING:  # a second to import
    from sklearn.base import ClassifierMixin
    from torch import nn

CLASSIFIERS: dict[str, dict[str, Any]] = {
    "cnn": {"architecture": "cnn", "recipe": "fast", "channels": (32, 64), "units": 1024},
    "cnn-published": {"architecture": "cnn", "recipe": "published", "channels": (32, 64), "units": 1024},
    "cnn-adversarial": {"architecture": "cnn", "recipe": "adversarial", "channels": (32, 64), "units": 1024},
    "softmax": {"architecture": "softmax", "recipe": "softmax", "published_as": "softmax regression"},
    "forest": {"scikit_learn": "forest", "trees": 100},
    "boosted": {"scikit_learn": "boosted", "rounds": 40, "training_images": 20000},
    "nearest": {"scikit_learn": "nearest", "neighbours": 10, "training_images": 10000},
    "resnet50": {
        "torchvision": "resnet50",
        "weights": "IMAGENET1K_V1",
        "sha256": "0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
        "published_as": "ResNet50",
    },
}

PublishedAs = Annotated[Text, Field(description="the classifier's name in workflow/resources/published.csv")]


class ClassifierEntry(Entry):
    """The entry of a name in `classifiers:`; the key that is present decides which of the kinds it is.

    A key that may be left out is None then; null is refused.
    """

    remedy = "exactly one of architecture, scikit_learn (both trained here), torchvision, torchscript, exported"
    key = None

    @classmethod
    def of(cls, value: Any) -> type[Self]:
        """The class of the kind whose key is in `value`."""
        if cls is not ClassifierEntry:
            return super().of(value)
        if not isinstance(value, Mapping):
            raise misfit(f"{shown(value)} is not allowed: a classifier, trained here or supplied", inner=True)
        for kind, chosen in cls.kinds.items():
            if kind in value:
                return chosen.of(value)
        raise misfit(cls.remedy)

    independent: ClassVar[bool] = False  # each class has a probability of its own: they need not sum to 1

    @property
    def group(self) -> str:
        """The key that decided what this is: architecture, scikit_learn, torchvision, torchscript or exported."""
        return self.key or self.kind


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


class ScikitLearn(ClassifierEntry, kind="scikit_learn", key="scikit_learn"):
    """A classifier of scikit-learn, without a gradient, fitted here to at most `training_images` (None: all).

    `trusted`: the compiled types that its file consists of, beside numpy and scikit-learn's classes written in Python.
    """

    trusted: ClassVar[tuple[str, ...]] = ()
    remedy = "forest (random forest), boosted (gradient-boosted trees) or nearest (nearest neighbours)"
    training_images: int = Field(
        None,
        ge=1,
        description="at most so many of the training images are used, chosen at random; all if it is not given",
    )

    @property
    def described(self) -> str:
        """What is to be known where its numbers are read."""
        return f"at most {self.training_images} training images" if self.training_images else "all training images"

    @abstractmethod
    def build(self, state: int, threads: int) -> "ClassifierMixin":
        """The classifier, not fitted yet; `state` is its random state."""

    def check_count(self, images: int) -> None:
        """Raise SpuriousError where so many training images are too few."""


class Forest(ScikitLearn, kind="forest"):
    """Random trees (Breiman 2001), fully grown. Only they are random."""

    trusted = ("sklearn.tree._tree.Tree",)

    trees: int = Field(ge=1, description="number of trees, 1 or more")

    def build(self, state: int, threads: int) -> "ClassifierMixin":
        """The classifier, not fitted yet; `state` is its random state."""
        from sklearn.ensemble import RandomForestClassifier

        return RandomForestClassifier(self.trees, random_state=state, n_jobs=threads)


class Boosted(ScikitLearn, kind="boosted"):
    """Gradient boosting over histograms: every tree has at most `leaves` leaves, and is shrunk by `learning_rate`."""

    trusted = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)

    rounds: int = Field(ge=1, description="rounds of boosting, 1 or more")
    leaves: int = Field(31, ge=2, description="most leaves of a boosted tree, 2 or more")
    learning_rate: float = Field(0.1, gt=0, description="shrinkage of every round of boosting, above 0")

    def build(self, state: int, threads: int) -> "ClassifierMixin":
        """The classifier, not fitted yet; it uses all threads that there are."""
        from sklearn.ensemble import HistGradientBoostingClassifier

        return HistGradientBoostingClassifier(
            max_iter=self.rounds,
            max_leaf_nodes=self.leaves,
            learning_rate=self.learning_rate,
            early_stopping=False,
            random_state=state,
        )


class Nearest(ScikitLearn, kind="nearest"):
    """The nearest training images, found exactly, each counting by the inverse of its distance.

    Among equal votes the scores still tell which image is nearer to another class, which is what a search can climb.
    """

    neighbours: int = Field(ge=1, description="number of neighbours, 1 or more")

    @property
    def described(self) -> str:
        """How they vote, and of which images."""
        return f"{plural(self.neighbours, 'neighbour')} weighted by inverse distance, {super().described}"

    def build(self, state: int, threads: int) -> "ClassifierMixin":
        """The classifier, not fitted yet; `state` is its random state."""
        from sklearn.neighbors import KNeighborsClassifier

        return KNeighborsClassifier(self.neighbours, weights="distance", algorithm="brute", n_jobs=threads)

    def check_count(self, images: int) -> None:
        """Raise SpuriousError where there are fewer training images than neighbours."""
        if self.neighbours > images:
            found = plural(images, "training image")
            raise SpuriousError(f"neighbours: {self.neighbours}, but {found}; lower it in config.yaml")


class Torchvision(ClassifierEntry, kind="torchvision"):
    """One of torchvision's classifiers with its published weights, and its own preprocessing where none is given."""

    torchvision: str = Field(
        pattern=r"^[a-z0-9_]+$(?!\n)", description="name of one of torchvision's classifiers, such as resnet50"
    )
    weights: str = Field(
        pattern=r"^[A-Z0-9_]+$(?!\n)", description="name of torchvision's weights, such as IMAGENET1K_V1"
    )
    sha256: Sha256 = Field(None, description="the SHA-256 of the classifier's file, 64 hexadecimal digits, in quotes")
    resize: Pixels = None
    crop: Crop = None
    published_as: PublishedAs = None

    @model_validator(mode="after")
    def _known_names(self) -> Self:
        if self.torchvision not in TORCHVISION:
            raise misfit(unknown_name("classifier", self.torchvision, TORCHVISION), "torchvision", inner=True)
        if self.weights not in (known := TORCHVISION[self.torchvision]):
            raise misfit(unknown_name("weights", self.weights, known), "weights", inner=True)
        return self

    @model_validator(mode="after")
    def _crop_within(self) -> Self:
        _check_crop(self)
        return self


ChannelValues = Annotated[
    tuple[Annotated[float, Field(description="a number for each channel")], ...],
    Field(min_length=1, description="numbers that pixels are normalized by, one for each channel"),
]
Deviations = Annotated[
    tuple[Annotated[float, Field(gt=0, description="a number above 0 for each channel")], ...],
    Field(min_length=1, description="numbers that pixels are normalized by, one for each channel"),
]


class _Program(ClassifierEntry):
    """A file that holds a whole classifier; `mean` and `std` where it does not normalize by itself."""

    sha256: Sha256 = Field(description="the SHA-256 of the classifier's file, 64 hexadecimal digits, in quotes")
    resize: Pixels = None
    crop: Crop = None
    interpolation: Interpolation = "bilinear"
    mean: ChannelValues = None
    std: Deviations = None
    published_as: PublishedAs = None

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if (self.mean is None) != (self.std is None) or (self.crop is not None and self.resize is None):
            raise SpuriousError("a program with its sha256; mean goes with std, and crop with resize")
        _check_crop(self)
        return self


class TorchScript(_Program, kind="torchscript"):
    """A program that torch.jit.save wrote."""

    torchscript: Text = Field(description="a TorchScript file in local_data/models, or its path or address")


class Exported(_Program, kind="exported"):
    """A program that torch.export.save wrote."""

    exported: Text = Field(description="a torch.export file (.pt2) in local_data/models, or its path or address")


def _check_crop(entry: Torchvision | _Program) -> None:
    if entry.crop is not None and entry.resize is not None and entry.crop > entry.resize:
        raise misfit(f"{entry.crop} exceeds resize ({entry.resize})", "crop")
