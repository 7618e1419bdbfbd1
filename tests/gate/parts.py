"""The parts of the gate: one dataset each, and so little of everything that the jobs hardly do more than start.

Nothing here is shared with the projects of the tests: a change of theirs must not change what the gate compares.
Datasets are called as published ones where that lets the table `published` find numbers to stand beside.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import sources

NOTHING = {stage: [] for stage in ("classifiers", "backworking", "retraining", "smoothing")}


@dataclass(frozen=True)
class Part:
    """`make(folder, data)` writes the sources and returns what differs from the checkout's config.yaml.

    Without it the configuration is as it stands. `commands` are run on the results afterwards, by name.
    """

    dataset: str
    make: Callable | None
    target: str = "paper"  # with the table `published`
    commands: dict[str, list[str]] = field(default_factory=dict)


def photographs(folder, data):
    """A supplied program: noise sweep in shards and variants, fooling, linear on the copies in a store."""
    found = sources.real_photographs(folder, data) if data else sources.made_up_photographs(folder)
    manifest = f"{sources.PLACE}/manifest.csv"
    dataset = {"source": "images", "manifest": manifest, "grey_below": 0.1, "size": 16, "example": found["example"]}
    small = {"epsilon": 0.0157, "steps": 2}
    methods = dict.fromkeys(("pgd-linf", "pgd-linf-targeted", "noise-targeted"), small)
    methods |= {"fgsm": {"epsilon": 0.0157}, "fgsm-unclamped": {"epsilon": 0.0157, "images": 6}}
    methods |= {"pgd-l2-targeted": {"steps": 2}}
    override = {
        "smoothing": {
            "sigmas": [0.0, 0.25],
            "kernels": [5],
            "batch_size": 10,
            "shards": 2,
            "seeds": [0],
            "variants": {"published": {}, "antialias": {"antialias": True}},
        },
        "fooling": {
            "images": 6,
            "rubbish": 10,
            "batch_size": 4,
            "methods": methods | {"pgd-l2-targeted": {"steps": 2}},
        },
        "linear": _linear(found["targets"]) | {"step_images": 20},
    }
    stages = {"smoothing": ["brought"], "fooling": ["brought"], "linear": True}
    return {
        "local_data": found["local_data"],
        "datasets": dataset | found["images"],
        "classifiers": {"brought": found["classifier"] | {"published_as": "ResNet50"}},
        "experiment": NOTHING | {"seeds": [0], **stages, "override": override},
    }


def mnist(folder, data):
    """2,000 images of three labels: both recipes, two threads, backworking by every search, a round of retraining."""
    files = sources.idx_files(folder, data, classes=3, train=2000, test=400)
    narrow = {"channels": [4, 8], "units": 32}
    names = ("published", "unclamped", "log-p", "logit", "averages")
    override = {
        "threads": {"training": 2, "backworking": 2, "retraining": 2},
        "classifiers": {"cnn": narrow, "cnn-published": narrow},
        "recipes": {"fast": {"epochs": 1, "min_steps": None}, "published": {"steps": 60}},
        "backworking": {"images": 2, "searches": {name: {"max_steps": 6} for name in names}},
        "retraining": {
            "rounds": 1,
            "arms": [{"negatives": "none", "target": "none"}, {"negatives": "backworked", "target": "extra"}],
            "strong": {"images": 1, "steps": 2, "restarts": 1, "max_queries": 20},
            "confidence": {"images": 20, "steps": 1},
        },
    }
    stages = {"classifiers": ["cnn", "cnn-published"], "backworking": ["cnn"], "retraining": ["cnn"]}
    return {
        "datasets": {"source": "idx", "classes": 3, "validation": 200, "files": files},
        "searches": {"averages": {"objective": "cost", "start": "averages"}},
        "experiment": NOTHING | {"seeds": [0, 1], **stages, "override": override},
    }


def archive(folder, data):
    """Three grey classes in an .npz file: fooling by scores alone, transfer, and a noise sweep of tensors in shards."""
    override = {
        "classifiers": {
            "cnn": {"channels": [4, 8], "units": 16},
            "forest": {"trees": 5},
            "boosted": {"rounds": 2},
            "nearest": {"neighbours": 3},
        },
        "recipes": {
            "fast": {"steps": 40, "epochs": None, "learning_rate": 0.02},
            "softmax": {"steps": 50, "epochs": None, "learning_rate": 0.05},
        },
        "smoothing": {"sigmas": [0.0, 0.25], "kernels": [5], "shards": 2, "seeds": [0, 1]},
        "fooling": {"images": 6, "rubbish": 20},
        "black_box": {"images": 3, "population": 4, "max_queries": 40},
        "transfer": {"images": 5, "steps": 2, "population": 4, "max_queries": 20},
    }
    stages = {
        "smoothing": ["softmax"],
        "fooling": ["softmax"],
        "black_box": ["forest", "boosted", "nearest", "cnn"],
        "transfer": {"cnn": [0], "softmax": [0], "forest": [0]},
    }
    files = sources.archive(folder, classes=3)
    return {
        "datasets": {"source": "npz", "validation": 30, "test": 60, "seed": 0, "classes": 3, "files": files},
        "experiment": NOTHING | {"seeds": [0], **stages, "override": override},
    }


def tree(folder, data):
    """A store made of two trees of class folders, with linear classifiers and a pair."""
    places = sources.trees(folder, classes=4, train=15, test=8)
    dataset = {"source": "store", "classes": 4, "size": 8, "validation": 12, "seed": 0, "tree": places}
    override = {"linear": _linear([0, 1, 2, 3]) | {"pair": [0, 3]}}
    return {
        "datasets": dataset,
        "experiment": NOTHING | {"seeds": [0, 1], "linear": True, "override": override},
    }


def _linear(targets):
    sizes = {"learning_rate": 0.02, "batch_size": 10, "epochs": 5}
    return {"weight_decays": [0.0, 0.01, 1.0], **sizes, "targets": targets}


FOOL = ["scripts/fool.py", f"{sources.PLACE}/example.png", "--classifier", "brought", "--steps", "3"]

PARTS = {
    "photographs": Part("imagenet-samples", photographs, commands={"fool": FOOL}),
    "mnist": Part("mnist-2000", mnist),
    "archive": Part("mnist", archive),
    "tree": Part("imagenet64", tree),
    "demo": Part("digits", None, "demo"),
}
SMALL = [name for name, part in PARTS.items() if part.make]
