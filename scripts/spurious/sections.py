"""The sections of config.yaml: the settings of every experiment, and what is run."""

from typing import Annotated, Any

from pydantic import Field, create_model

from spurious.classifiers.entries import CLASSIFIERS, ClassifierEntry
from spurious.classifiers.recipes import RECIPES, TrainingRecipe
from spurious.data.sources import DATASETS, Source
from spurious.experiments.backworking.settings import BackworkingSettings
from spurious.experiments.black_box.settings import BlackBoxSettings
from spurious.experiments.fooling.settings import FoolingSettings
from spurious.experiments.linear.settings import LinearSettings
from spurious.experiments.retraining.settings import RetrainingSettings
from spurious.experiments.smoothing.settings import SmoothingSettings
from spurious.experiments.transfer.settings import TransferSettings
from spurious.parameters import Name, OtherThan, Seed, Text, Unique
from spurious.registry import Settings

DatasetName = Annotated[
    Name,
    OtherThan(
        *("downloads", "logs", "README.md", "demo.html", "paper.html"),
        remedy="a name other than 'downloads', 'logs' and those of the files in results/",
    ),
]
ClassifierName = Annotated[
    Name,
    OtherThan(
        *("tables", "figures", "images", "linear", "store"),
        *("data.safetensors", "images.csv", "class_names.csv", "transfer.csv", "summary.rst"),
        remedy="a name other than 'tables', 'figures', 'images', 'linear', 'store' and those of the dataset's files",
    ),
]
ThreadCount = Annotated[int, Field(ge=1, description="whole number of threads of every job of the stage, 1 or more")]


class Threads(Settings):
    """Threads of every computing job, by stage: the last digits of a sum depend on how many share it."""

    remedy = "threads of every computing job, by stage"

    training: ThreadCount = 1
    backworking: ThreadCount = 1
    retraining: ThreadCount = 1
    smoothing: ThreadCount = 1
    linear: ThreadCount = 1
    fooling: ThreadCount = 1
    black_box: ThreadCount = 1
    transfer: ThreadCount = 1


class Shared(Settings):
    """The settings that a dataset may change."""

    threads: Threads = Threads()
    classifiers: dict[ClassifierName, ClassifierEntry] = Field(
        CLASSIFIERS, validate_default=True, description="classifiers by name"
    )
    recipes: dict[Name, TrainingRecipe] = Field(RECIPES, validate_default=True, description="training recipes by name")
    backworking: BackworkingSettings = BackworkingSettings()
    retraining: RetrainingSettings = RetrainingSettings()
    smoothing: SmoothingSettings = SmoothingSettings()
    linear: LinearSettings = LinearSettings()
    fooling: FoolingSettings = FoolingSettings()
    black_box: BlackBoxSettings = BlackBoxSettings()
    transfer: TransferSettings = TransferSettings()


Override = create_model(
    "Override",
    __base__=Settings,
    __module__=__name__,
    **{
        name: (
            dict[str, Any],
            Field(
                {}, description=field.annotation.remedy if hasattr(field.annotation, "remedy") else field.description
            ),
        )
        for name, field in Shared.model_fields.items()
    },
)

ClassifierNames = Annotated[tuple[Annotated[str, Field(description="name of one of the classifiers")], ...], Unique()]
TrainingSeeds = Annotated[tuple[Seed, ...], Unique()]
TransferSeeds = Annotated[TrainingSeeds, Field(min_length=1, description="different seeds, such as [0, 1]")]


class Experiment(Settings):
    """What is run on a dataset: the classifiers of every stage, and the seeds of their training."""

    remedy = "what is run on a dataset"

    seeds: TrainingSeeds = Field(min_length=1, description="different whole numbers of 0 or more, such as [0, 1, 2]")
    classifiers: ClassifierNames = Field(
        (), description="different names of the classifiers that are trained and compared ([] for none)"
    )
    backworking: ClassifierNames = Field(
        (), description="different names of the classifiers that are searched for spurious inputs ([] for none)"
    )
    retraining: ClassifierNames = Field(
        (), max_length=1, description="the name of the one classifier that is retrained ([] for none)"
    )
    smoothing: ClassifierNames = Field(
        (), description="different names of the classifiers that face noise and blur ([] for none)"
    )
    linear: bool = Field(False, description="whether the linear classifiers are trained and broken, true or false")
    fooling: ClassifierNames = Field(
        (), description="different names of the classifiers that are fooled by their gradient ([] for none)"
    )
    black_box: ClassifierNames = Field(
        (), description="different names of the classifiers that are fooled by their scores ([] for none)"
    )
    transfer: dict[str, TransferSeeds] = Field(
        {},
        description="seeds of every classifier whose fooling images the others judge, "
        "such as {cnn [0, 1], softmax [0]}",
    )
    override: Override = Field(Override(), description="what this dataset changes in the settings above")


DatasetNames = Annotated[
    tuple[Annotated[str, Field(description="name of a dataset that stands under experiments")], ...],
    Unique(),
    Field(description="different names of datasets that stand under experiments"),
]


TargetName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z][A-Za-z0-9_-]*$(?!\n)",
        description="a name made of letters, digits, '_' and '-', starting with a letter",
    ),
    OtherThan("all", remedy="a name other than 'all', which is the default target"),
]


class Extensions(Settings):
    """Files that declare kinds of their own."""

    extensions: tuple[Annotated[Text, Field(description="path of a Python file")], ...] = Field(
        (), description="paths of Python files that declare kinds of their own, such as [mine.py]"
    )


class Configuration(Shared, Extensions):
    """All that config.yaml may say."""

    remedy = "the settings by key"

    local_data: Text | None = Field(None, description="folder that is looked in before any URL (null to download)")
    datasets: dict[DatasetName, Source] = Field(DATASETS, validate_default=True, description="datasets by name")
    experiments: dict[str, Experiment] = Field(description="what is run, by dataset")
    targets: dict[TargetName, DatasetNames] = Field(
        {"demo": (), "paper": ()},
        validate_default=True,
        description="the datasets of each target, demo, paper and those of one's own",
    )
