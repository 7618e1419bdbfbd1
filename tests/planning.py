"""A made-up dataset of ImageNet's size that a dry run can plan for: its images need not be there."""

import hashlib
import re

from projects import change_config

DATASET = "made-up"
IMAGES, CLASSES = 50_000, 1000  # as many as ImageNet's validation set
CLASSIFIERS = ("resnet", "mobilenet", "vit")  # not in config.yaml
NOISE_SEEDS = 5
MANIFEST = "made-up.csv"
SWEEP_OF_ONE_SHARD = f"results/{DATASET}/{CLASSIFIERS[0]}/smoothing/shard0.csv"

# Jobs of a plan that do not share images: once, and once for every classifier.
ONCE = {
    "fetch_images": 1,
    "prepare_images": 1,
    "make_table_images_excluded": 1,
    "make_table_smoothing": 1,
    "make_table_smoothing_seeds": 1,
    "make_table_smoothing_clean": 1,
    "make_table_smoothing_tests": 1,
    "make_table_smoothing_agreement": 1,
    "make_table_smoothing_pairs": 1,
    "make_table_smoothing_risk": 1,
    "make_table_claims": 1,
    "draw_smoothing": 1,
    "draw_smoothing_gain": 1,
    "write_provenance": 1,
    "write_summary": 1,
    "demo": 1,
}
PER_CLASSIFIER = ("fetch_classifier", "gather_smoothing", "draw_risk", "draw_gallery")


def make_large(folder, shards):
    """Let the target demo of the project in `folder` be the noise sweep of three classifiers in `shards` shards.

    The manifest names 50,000 images with made-up hashes. Returns the folder.
    """
    for name in CLASSIFIERS:
        (folder / f"{name}.pt").touch()  # a plan asks whether it is there
    (folder / MANIFEST).write_text("file,label,sha256\n" + "".join(map(_line, range(IMAGES))), encoding="utf-8")
    changes = {
        "datasets": {DATASET: _photographs()},
        "classifiers": {name: _brought(name) for name in CLASSIFIERS},
        "smoothing": {"shards": shards, "seeds": list(range(NOISE_SEEDS))},
        "experiments": {DATASET: _experiment()},
        "targets": {"demo": [DATASET]},
    }
    change_config(folder, changes)
    return folder


def expected_jobs(shards):
    """{rule: number of jobs} of the target demo after `make_large`."""
    shared = dict.fromkeys(PER_CLASSIFIER, len(CLASSIFIERS))
    return ONCE | shared | {"smooth_shard": shards * len(CLASSIFIERS)}


def planned_by_rule(text):
    """{rule: number of jobs} of the table that a dry run prints, without its sum."""
    rows = re.findall(r"^(\w+) +(\d+)$", text, re.MULTILINE)
    return {rule: int(count) for rule, count in rows if rule != "total"}


def _line(number):
    name = f"made-up_{number:08d}.JPEG"
    return f"{name},{number % CLASSES},{hashlib.sha256(name.encode()).hexdigest()}\n"


def _photographs():
    names = {"classes": CLASSES, "class_names": "workflow/resources/imagenet_classes.csv"}
    return {"source": "images", "folder": "made-up", "manifest": MANIFEST, **names}


def _brought(name):
    return {"torchscript": f"{name}.pt", "sha256": hashlib.sha256(name.encode()).hexdigest()}


def _experiment():
    return {"seeds": [0], "classifiers": [], "backworking": [], "retraining": [], "smoothing": list(CLASSIFIERS)}
