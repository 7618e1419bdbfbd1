"""The entries of `classifiers:` that are there without a configuration; no job reads them."""

from typing import Any

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
