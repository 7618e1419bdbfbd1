"""Classifiers that come as a file: the entries with the key `torchvision`, `torchscript` or `exported`."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from spurious.classifiers.registry import ClassifierEntry, PublishedAs
from spurious.classifiers.torchvision_names import TORCHVISION
from spurious.errors import SpuriousError, unknown_name
from spurious.parameters import Sha256, Text
from spurious.problems import misfit
from spurious.views.preprocessing import Crop, Interpolation, Pixels


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
