"""The sections of config.yaml: the settings of every experiment, and what is run."""

from typing import Annotated, Any

from pydantic import Field, create_model

from spurious.classifiers.defaults import CLASSIFIERS
from spurious.classifiers.entries import ClassifierEntry
from spurious.classifiers.recipes import RECIPES, TrainingRecipe
from spurious.data.sources import DATASETS, Source
from spurious.defences.denoising import DENOISERS, DenoiserSettings
from spurious.experiments.rooms import rooms
from spurious.parameters import Name, OtherThan, Seed, Text, Unique
from spurious.registry import Settings

DatasetName = Annotated[
    Name,
    OtherThan(
        *("downloads", "logs", "README.md", "demo.html", "paper.html"),
        remedy="a name other than 'downloads', 'logs' and those of the files in results/",
        ignore_case=True,
    ),
]
ROOMS = rooms()
OF_ROOMS = [name for room in ROOMS.values() for name in room.reserved]
FOLDERS = ["tables", "figures", *(name for name in OF_ROOMS if "." not in name)]
FILES = [*(name for name in OF_ROOMS if "." in name), "summary.rst", "Snakefile", "ro-crate-metadata.json"]
RESERVED = (*FOLDERS, *FILES)
ClassifierName = Annotated[
    Name,
    OtherThan(
        *RESERVED,
        remedy=f"a name other than {', '.join(map(repr, FOLDERS))} and those of the dataset's files",
        ignore_case=True,
    ),
]
RecipeName = Annotated[Name, OtherThan("own", remedy="a name other than 'own', the classifier's own recipe")]
ThreadCount = Annotated[int, Field(ge=1, description="whole number of threads of every job of the stage, 1 or more")]

Threads = create_model(
    "Threads",
    __base__=Settings,
    __module__=__name__,
    __doc__="Threads of every computing job, by stage: the last digits of a sum depend on how many share it.",
    **{room.threads: (ThreadCount, 1) for room in ROOMS.values() if room.threads},
)
Threads.remedy = "threads of every computing job, by stage"


class Common(Settings):
    """The settings of no single experiment that a dataset may change."""

    threads: Threads = Threads()
    classifiers: dict[ClassifierName, ClassifierEntry] = Field(
        CLASSIFIERS, validate_default=True, description="classifiers by name"
    )
    recipes: dict[RecipeName, TrainingRecipe] = Field(
        RECIPES, validate_default=True, description="training recipes by name"
    )
    denoisers: dict[Name, DenoiserSettings] = Field(
        DENOISERS, validate_default=True, description="denoisers before a classifier, by name"
    )


Shared = create_model(
    "Shared",
    __base__=Common,
    __module__=__name__,
    __doc__="The settings that a dataset may change.",
    **{name: (room.settings, room.settings()) for name, room in ROOMS.items() if room.settings},
)


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

Experiment = create_model(
    "Experiment",
    __base__=Settings,
    __module__=__name__,
    __doc__="What is run on a dataset: the classifiers of every stage, and the seeds of their training.",
    seeds=(
        Annotated[tuple[Seed, ...], Unique()],
        Field(min_length=1, description="different whole numbers of 0 or more, such as [0, 1, 2]"),
    ),
    **{name: room.runs for name, room in ROOMS.items() if room.runs},
    override=(Override, Field(Override(), description="what this dataset changes in the settings above")),
)
Experiment.remedy = "what is run on a dataset"


DatasetNames = Annotated[
    tuple[Annotated[str, Field(description="name of a dataset under experiments")], ...],
    Unique(),
    Field(description="different names of datasets under experiments"),
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
