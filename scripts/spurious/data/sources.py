"""The entries of `datasets:`, by their source."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from spurious.errors import SpuriousError
from spurious.parameters import NamesOrTable, Sha256, Text, Unique
from spurious.registry import Entry, Settings

DIGITS_IMAGES, DIGITS_CLASSES = 1797, 10

_MNIST = ("https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist")


def _mnist_file(name: str, sha256: str) -> dict[str, Any]:
    return {"sha256": sha256, "urls": tuple(f"{place}/{name}.gz" for place in _MNIST)}


DATASETS: dict[str, dict[str, Any]] = {
    "digits": {"source": "digits", "size": 28, "validation": 200, "test": 400, "seed": 0},
    "mnist": {
        "source": "idx",
        "validation": 5000,
        "files": {
            "train_images": _mnist_file(
                "train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
            ),
            "train_labels": _mnist_file(
                "train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
            ),
            "test_images": _mnist_file(
                "t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
            ),
            "test_labels": _mnist_file(
                "t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
            ),
        },
    },
    "imagenet-samples": {
        "source": "images",
        "classes": 1000,
        "folder": "imagenet-sample-images",
        "manifest": "workflow/resources/imagenet_samples.csv",
        "class_names": "workflow/resources/imagenet_classes.csv",
        "grey_below": 0.1,
        "example": "n03100240_convertible.JPEG",
        "size": 64,
        "urls": (
            "https://raw.githubusercontent.com/EliSchwartz/imagenet-sample-images/"
            "bc69043e2862758a1906c6a24a792bb28c6bb2ff/{file}",
        ),
    },
    "imagenet64": {
        "source": "store",
        "classes": 1000,
        "size": 64,
        "validation": 10000,
        "seed": 0,
        "class_names": "workflow/resources/imagenet_classes.csv",
        "tree": {"train": "data/imagenet/train", "test": "data/imagenet/val"},
    },
}

_PATH = r"^(?!\.{1,2}(/|$))[^/\x00-\x1f]+(/(?!\.{1,2}(/|$))[^/\x00-\x1f]+)*$(?!\n)"

Classes = Annotated[int, Field(ge=2, description="number of classes, labels being 0 to classes - 1")]
ClassesOr10 = Annotated[
    int, Field(ge=2, description="number of classes, labels being 0 to classes - 1; 10 where it is not given")
]
ClassNames = Annotated[
    str | tuple[str, ...],
    NamesOrTable(),
    Field(description="the names of all classes: a list of different texts, or the path of a table label,wordnet,name"),
]
Upright = Annotated[
    bool,
    Field(
        description="whether photographs are turned upright as their EXIF says; pixels are taken as stored otherwise"
    ),
]
Address = Annotated[
    str,
    Field(
        pattern=r"^((https?|file)://\S+|(?!.*://).+)$",
        description="an address (https, http or file) or the path of a file",
    ),
]
AddressOfFiles = Annotated[
    str,
    Field(
        pattern=r"^(https?|file)://\S*\{file\}\S*$", description="an address (https, http or file) with {file} in it"
    ),
]
Folder = Annotated[Text, Field(description="a folder with one folder for each class")]
BatchFiles = Annotated[
    tuple[Annotated[Text, Field(description="path of a file")], ...],
    Unique(),
    Field(min_length=1, description="different paths of downsampled-ImageNet files, as npz"),
]


class File(Settings):
    """A file that is downloaded, or copied."""

    remedy = "a file by its sha256 and urls"

    sha256: Sha256 = Field(description="the SHA-256 of the unpacked content, 64 hexadecimal digits, in quotes")
    urls: Annotated[tuple[Address, ...], Unique()] = Field(
        min_length=1, description="different addresses, tried in their order"
    )


class IdxFiles(Settings):
    """Four IDX files, packed or not."""

    train_images: File
    train_labels: File
    test_images: File
    test_labels: File


class NpzFiles(Settings):
    """One file with the arrays images and labels, or keras's x_train, y_train, x_test, y_test."""

    archive: File


class Tree(Settings):
    """Folders of splits."""

    train: Folder
    test: Folder


class Batches(Settings):
    """Files of splits."""

    train: BatchFiles
    test: BatchFiles


class Source(Entry, key="source"):
    """Where the images of a dataset come from. `classes` is the number of its classes.

    A key that may be left out is None then; null is refused.
    """

    remedy = "where the images come from, digits (bundled), idx (as MNIST), npz, images or store (your own)"

    @model_validator(mode="after")
    def _name_of_every_class(self) -> Self:
        names = getattr(self, "class_names", None)
        if isinstance(names, tuple) and len(names) != self.classes:
            raise SpuriousError(f"class_names has {len(names)} names, classes is {self.classes}: name every class once")
        return self


class Digits(Source, kind="digits"):
    """scikit-learn's digits at `size` x `size` pixels; `seed` is that of the stratified split."""

    classes: ClassVar[int] = DIGITS_CLASSES

    size: int = Field(ge=8, description="height and width in pixels that the 8x8 images are resized to, 8 or more")
    validation: int = Field(ge=10, description="number of validation images, 10 or more (one of each digit)")
    test: int = Field(ge=10, description="number of test images, 10 or more (one of each digit)")
    seed: int = Field(0, ge=0, description="seed of the stratified split, a whole number of 0 or more")
    class_names: ClassNames = None

    @model_validator(mode="after")
    def _some_left(self) -> Self:
        taken = self.validation + self.test
        if taken > DIGITS_IMAGES - DIGITS_CLASSES:
            raise SpuriousError(
                f"validation and test take {taken} of the {DIGITS_IMAGES} images: "
                f"leave at least {DIGITS_CLASSES} for training"
            )
        return self


class Idx(Source, kind="idx"):
    """Four IDX files; the first `validation` training images are the validation split.

    The job that reads the `files` gets their paths instead.
    """

    needed = ("files",)

    validation: int = Field(ge=1, description="how many of the first training images validate, 1 or more")
    classes: ClassesOr10 = 10
    class_names: ClassNames = None
    files: IdxFiles = Field(None, description="the four IDX files of images and labels")


class Npz(Source, kind="npz"):
    """An own dataset in one .npz file; `seed` is that of the stratified split. `files` as for IDX."""

    needed = ("files",)

    validation: int = Field(ge=1, description="number of validation images, 1 or more")
    test: int = Field(
        None, ge=1, description="number of test images, 1 or more; left out where the file has a test split of its own"
    )
    seed: int = Field(0, ge=0, description="seed of the split, a whole number of 0 or more")
    scale: float = Field(
        None,
        gt=0,
        description="value of a white pixel in the file, above 0, such as 16; needed where the values leave it open",
    )
    classes: ClassesOr10 = 10
    class_names: ClassNames = None
    files: NpzFiles = Field(None, description="the archive of images and labels")


class Images(Source, kind="images"):
    """Photographs of any size, which nothing is trained on but linear classifiers on their copies."""

    classes: Classes
    folder: Text = Field(description="the folder of the image files, in local_data or as a path")
    manifest: Text = Field(
        description="the table of the files, their labels and sha256 (scripts/make_manifest.py writes one)"
    )
    class_names: ClassNames
    size: int = Field(
        64,
        ge=1,
        description="height and width in pixels of the copies for linear classifiers, 1 or more; 64 if it is not given",
    )
    grey_below: float = Field(
        0.0,
        ge=0,
        le=255,
        description="images whose channels differ by less on average are left out as grey, 0 (none) to 255",
    )
    exif_orientation: Upright = False
    example: str = Field(
        None,
        pattern=_PATH,
        description="the file of the manifest that a figure shows under every noise and blur, a path inside its folder",
    )
    urls: Annotated[tuple[AddressOfFiles, ...], Unique()] = Field(
        (), description="different addresses with {file} in the place of the file's name, tried in their order"
    )


class Store(Source, kind="store"):
    """Files that the user brings, too many for memory."""

    classes: Classes
    size: int = Field(ge=1, description="height and width in pixels, 1 or more")
    validation: int = Field(ge=1, description="number of training images that are set aside for validation, 1 or more")
    seed: int = Field(0, ge=0, description="seed of the choice of validation images, a whole number of 0 or more")
    class_names: ClassNames = None
    exif_orientation: Upright = False
    tree: Tree = Field(None, description="the folders train and test, each with one folder for each class")
    batches: Batches = Field(None, description="the files of the splits train and test")

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.tree is None) == (self.batches is None):
            raise SpuriousError(
                "a store needs either tree (folders of class folders) or batches (downsampled-ImageNet files)"
            )
        if self.batches and self.exif_orientation:
            raise SpuriousError("exif_orientation: batches hold pixels without EXIF; remove it, or give a tree")
        return self
