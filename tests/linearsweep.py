"""Made-up files of a sweep of linear classifiers over its weight decays."""

import itertools

import numpy as np
import pandas as pd

DECAYS = (0.0, 0.001, 0.123456789, 10.0)
SEEDS = (3, 8)


IMAGES, CLASSES = 60, 4


ACCURACY = {0.0: 0.9, 0.001: 0.97, 0.123456789: 0.7, 10.0: 0.4}


def predictions(splits=("validation", "test"), count=400):
    rng = np.random.default_rng(5)
    rows = []
    for seed, decay, split in itertools.product(SEEDS, DECAYS, splits):
        right = rng.random(count) < ACCURACY[decay]
        for image in range(count):
            label = image % CLASSES
            rows.append((seed, decay, split, image, label, label if right[image] else (label + 1) % CLASSES))
    rows = pd.DataFrame(rows, columns=["seed", "weight_decay", "split", "id", "label", "predicted"])
    return rows.assign(weight_decay=[float(f"{decay:.7g}") for decay in rows["weight_decay"]])  # as CSV files do


def steps():
    files = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        sizes = rng.lognormal(size=(3, len(DECAYS), IMAGES, CLASSES)) * rng.lognormal(size=(1, 1, IMAGES, 1))
        sizes *= np.array([1, 1.5, 2, 4])[None, :, None, None]
        sizes[..., np.arange(IMAGES), np.arange(IMAGES) % CLASSES] = np.nan
        l2, linf, smallest = sizes.astype(np.float32)
        own = {"l2": l2, "linf": linf, "linf_smallest": smallest, "weight_decays": np.array(DECAYS)}
        own |= {"fgsm_wrong": rng.random((4, IMAGES)) < 0.7, "fgsm_p": rng.random((4, IMAGES)).astype(np.float32)}
        own |= {"right": rng.random((4, IMAGES)) < 0.8}
        own |= {f"{name}_image": rng.lognormal(size=(4, IMAGES)).astype(np.float32) for name in ("l2", "linf")}
        confident = rng.lognormal(size=(4, IMAGES)).astype(np.float32)
        confident[rng.random((4, IMAGES)) < np.array([0.0, 0.05, 0.2, 0.8])[:, None]] = np.inf
        own |= {"confident_linf": confident, "confident_least": confident / 3}
        own["rubbish_p"] = rng.random((4, 50)).astype(np.float32)
        files.append({"seed": seed, **own})
    return files


def weights():
    rng = np.random.default_rng(2)
    return [
        {"seed": seed, "weight": rng.normal(size=(4, CLASSES, 1, 5, 5)), "weight_decays": np.array(DECAYS)}
        for seed in SEEDS
    ]


def history():
    rows = [(s, step, float(f"{d:.7g}"), 2.3 - step / 100 + d) for s in SEEDS for step in (0, 50, 100) for d in DECAYS]
    return pd.DataFrame(rows, columns=["seed", "step", "weight_decay", "loss"]).sample(frac=1, random_state=0)
