"""Made-up rows, as the programs of each experiment write them: what tables, figures and findings are tried with."""

import math

import numpy as np
import pandas as pd

from spurious.defences.rejection import ABSTAINED, REJECTED
from spurious.experiments.fooling.success import METHOD
from spurious.experiments.transfer import table


def predictions(seeds=(0, 1)):
    rows = []
    for seed in seeds:
        wrong = {"test": seed + 1, "validation": 0}
        for split in ("train", "validation", "test"):
            for i in range(10):
                guess = 1 - i % 2 if i < wrong.get(split, 10) else i % 2
                rows.append(("cnn", seed, split, i, i % 2, guess, 0.9, 0.9))
    return pd.DataFrame(
        rows, columns=["classifier", "seed", "split", "id", "label", "predicted", "probability", "p_label"]
    )


def search_rows():
    p = {("published", 0): [0.999, 0.9990001, 0.5], ("published", 1): [0.9995, 1.0, 0.9999]}
    return pd.DataFrame(
        [
            ("cnn", seed, label, search, i, 10 + seed, int(i == 2), 3, value)
            for (search, seed), values in p.items()
            for label in (3, 4)
            for i, value in enumerate(values)
        ],
        columns=["classifier", "seed", "label", "search", "image", "steps", "reinitialized", "predicted", "p"],
    )


ARMS = [("cnn", "none", "none", 0), ("cnn", "none", "none", 1), ("cnn", "backworked", "uniform", 1)]
RETRAINED_BY = ["classifier", "negatives", "target", "round", "seed"]


def retraining_inputs(seeds=(0, 1, 2)):
    attacks, old, judged, negatives = [], [], [], []
    for arm in ARMS:
        for seed in seeds:
            key = (*arm, seed)
            strong = 0 if arm[1] == "backworked" else 2 + seed
            attacks += [
                (*key, "log-p", i % 2, i, 20 + 10 * (i % 2), 0, 0, 0.9995 if i < strong else 0.4) for i in range(6)
            ]
            right = 16 + seed - (arm[1] == "backworked")
            judged += [(*key, i, 1, int(i < right), 0.9) for i in range(20)]
            if arm[1] == "backworked":
                negatives += [(*key, i, i, i, p) for i, p in enumerate([0.9991, 0.999, 0.5, 1.0])]
            if arm[3]:
                old += [
                    (*key, run, judge, 0, i, 0, p)
                    for run, judge, p in (
                        ("first", "retrained", 0.1),
                        ("first", "control", 0.2),
                        ("second", "retrained", 0.7),
                        ("second", "control", 0.25),
                    )
                    for i in (0, 1)
                ]
    return (
        pd.DataFrame(
            attacks, columns=[*RETRAINED_BY, "attack", "label", "image", "steps", "reinitialized", "predicted", "p"]
        ),
        pd.DataFrame(old, columns=[*RETRAINED_BY, "run", "judge", "label", "image", "predicted", "p"]),
        pd.DataFrame(judged, columns=[*RETRAINED_BY, "id", "label", "predicted", "probability"]),
        pd.DataFrame(negatives, columns=[*RETRAINED_BY, "image", "label", "predicted", "p"]),
    )


STARTS = ["uniform", "evolution", "other classes", "averages"]


def strong_rows(seeds=(0, 1, 2)):
    """Of 2 labels and 4 images: all found without negatives, half of them from noise in the other arm."""
    rows = []
    for arm in ARMS:
        for seed in seeds:
            for number in range(8):
                start = STARTS[number % 4] if arm[1] == "backworked" else "uniform"
                passes = (0 if arm[3] == 0 else 100) * (1 + (arm[1] == "backworked"))
                row = (
                    *arm,
                    seed,
                    number // 4,
                    number % 4,
                    start,
                    "log_p",
                    4,
                    1,
                    0,
                    0.9995,
                    0.2,
                    6.0,
                    4.0,
                    passes,
                )
                rows.append(row)
    columns = ["label", "image", "start", "objective", "tried", "flat", "predicted", "p", "control_p"]
    return pd.DataFrame(rows, columns=[*RETRAINED_BY, *columns, "distance", "test_distance", "passes"])


def judged_rows(seeds=(0, 1, 2), judges=("forest-seed0", "cnn-seed5")):
    """Those of `strong_rows`: every judge gives what starts from averages to its label, and knows static."""
    rows = strong_rows(seeds)
    own = rows[[*RETRAINED_BY, "label", "image"]].assign(
        judge_p=np.where(rows["start"] == "averages", 0.9, 0.1), judge_real=0.9, judge_noise=0.0, limit=0.5
    )
    return pd.concat([own.assign(judge=name, limit_real=0.9) for name in judges], ignore_index=True)


def confidence_rows(seeds=(0, 1)):
    """Test images are surer than uniform noise, but for one; adversarial noise is as sure as they are."""
    rows = []
    for arm in ARMS:
        for seed in seeds:
            for noise, epsilon, values in (
                ("test", 0.0, [0.99, 0.9, 0.8, 0.3]),
                ("uniform", 0.0, [0.2, 0.25, 0.1, 0.5]),
                ("adversarial", 0.3, [0.99, 0.9, 0.8, 0.3]),
            ):
                rows += [(*arm, seed, noise, epsilon, image, value) for image, value in enumerate(values)]
    return pd.DataFrame(rows, columns=[*RETRAINED_BY, "noise", "epsilon", "image", "confidence"])


def image_list(kept):
    return pd.DataFrame(
        {"image": ["a.JPEG", "NA.JPEG", "c.JPEG"], "label": [0, 1, 2], "name": ["hook", "tench", "NA"], "sha256": "0",
         "width": 4, "height": 3, "mode": ["RGB", "RGB", "L"], "orientation": 1,
         "channel_difference": [0.01, 40.0, 0.0], "kept": kept, "reason": ["grey", "", "grey: one channel"]}
    )  # fmt: skip


def trace_rows():
    rows = []
    for search, lengths in (("published", (3, 5)), ("log-p", (4, 4))):
        for label, length in enumerate(lengths):
            rows += [("cnn", 0, label, search, step, i, 0.1 + 0.2 * step) for i in (0, 1) for step in range(length)]
    return pd.DataFrame(rows, columns=["classifier", "seed", "label", "search", "step", "image", "p"])


def smoothing_table(views=("ns", "ss", "ds")):
    rows = []
    for classifier in ("cnn", "softmax"):
        for kernel in (5, 7):
            for sigma in (0.0, 0.125):
                row = {"classifier": classifier, "kernel": kernel, "sigma": sigma, "n": 400}
                for name in (*(f"acc_{view}" for view in views), "acc_maj", "acc_maj_all", "reject_rate"):
                    row |= {name: 0.8 - sigma, f"{name}_low": 0.7 - sigma, f"{name}_high": 0.9 - sigma}
                rows.append(row)
    return pd.DataFrame(rows)


FOOLING_METHODS = {
    "away": ("image", "untargeted", "linf", 0.1, 1, True),
    "towards": ("image", "targeted", "l2", 2.0, 5, True),
    "noise": ("noise", "targeted", "linf", 0.1, 5, True),
    "fgsm-unclamped": ("image", "untargeted", "linf", 0.25, 1, False),
}


FOOLED_IMAGES = [
    (1, 2, 1, 2, 0.9, 1.0, 0.1, 1),
    (1, 3, 1, 2, 0.7, 2.0, 0.1, 1),
    (2, 3, 2, 3, 0.5, 3.0, 0.1, 3),
    (2, 3, 2, 2, 0.3, 4.0, 0.1, 2),
    (5, 3, 4, 3, 0.8, 9.0, 0.1, 3),  # wrong before
]


def fooling_rows(method="away", seed=0, images=FOOLED_IMAGES, classifier="cnn"):
    columns = ["label", "target", "clean_predicted", "predicted", "p", "l2", "linf", "control_predicted"]
    table = pd.DataFrame(images, columns=columns).assign(id=range(len(images)))
    if FOOLING_METHODS[method][1] == "untargeted":
        table["target"] = math.nan
    if FOOLING_METHODS[method][0] == "noise":
        table["label"] = math.nan
    own = dict(zip(METHOD, (classifier, method, *FOOLING_METHODS[method]), strict=True))
    return table.assign(seed=seed, **own)


VIEWS = ("ns", "ss", "ds")
RNG_SEED = 20260801


def majority(views):
    agreed = [view for view in views if list(views).count(view) > 1]
    return agreed[0] if agreed else REJECTED


def make_votes(images=6, classes=3, classifiers=("resnet50", "cnn"), variants=("published", "antialias"), seeds=(4, 1)):
    """Views that often disagree, with many equal probabilities."""
    rng = np.random.default_rng(RNG_SEED)
    rows = []
    for classifier in classifiers:
        for variant in variants:
            for seed in seeds:
                for kernel in (5, 7):
                    for sigma in (0.0, 0.25) if seed == seeds[0] else (0.25,):
                        for image in range(images):
                            label = image % classes
                            views = [label if rng.random() < 0.4 else int(rng.integers(classes)) for _ in VIEWS]
                            p = rng.choice([0.1, 0.5, 1.0], size=3).tolist()
                            key = (classifier, f"n{image}", label, variant, seed, kernel, sigma)
                            rows.append((*key, *views, majority(views), *p))
    key = ["classifier", "image", "label", "variant", "seed", "kernel", "sigma"]
    return pd.DataFrame(rows, columns=[*key, *VIEWS, "decision", "p_ns", "p_ss", "p_ds"])


CLASSIFIERS = ["forest", "boosted", "nearest", "cnn"]


def scored_rows(classifiers=CLASSIFIERS, count=5):
    rows = []
    for number, classifier in enumerate(classifiers):
        for start in ("image", "noise"):
            for search in ("evolution", "random"):
                for place in range(count):
                    success = place <= number and search == "evolution"
                    row = {"classifier": classifier, "seed": 0, "start": start, "search": search, "id": place}
                    row |= {"label": 4 if start == "image" else None, "target": 3, "success": success}
                    row |= {"queries": 20 * (place + 1) if success else 400, "flat": 0.0, "predicted": 3}
                    rows.append(row | {"p_target": 0.5, "start_p_target": 0.001, "l2": 1.0, "linf": 0.25})
    return pd.DataFrame(rows)


def by_distances(rows, classifier="nearest"):
    """The rows of scores, and those of an attack on distances, which always succeeds and asks nothing."""
    own = rows[(rows["classifier"] == classifier) & (rows["start"] == "image") & (rows["search"] == "random")]
    return pd.concat([rows, own.assign(search="distances", success=True, queries=0)], ignore_index=True)


def transfer_rows(names=(("cnn", 0), ("cnn", 1), ("softmax", 0))):
    rows = []
    for place, source in enumerate(names):
        for column, judge in enumerate(names):
            for image in range(8):
                row = dict(zip(table.KEYS, (*source, *judge), strict=True))
                wrong = place == column or image < 2 * column
                row |= {"id": image, "label": 0, "fooled_source": True, "predicted": int(wrong)}
                rows.append(row | {"control_predicted": int(image < column), "queries": 21})
    return pd.DataFrame(rows)


def defence_rows():
    """Attacks on the decisions of a classifier, as test_checks.py counts them: two images at two sizes.

    The gradient finds image 0 at the small size and both at the large one, the others nothing.
    """
    sees = {"white-box": "gradient", "square": "scores", "random": "nothing"}
    rows = [
        {"id": image, "epsilon": epsilon, "attack": attack, "sees": sees[attack], "label": 3, "clean": 3}
        | {"vanished": False, "found": attack == "white-box" and (epsilon == 0.2 or image == 0), "goal": "wrong"}
        for epsilon in (0.1, 0.2)
        for attack in sees
        for image in (0, 1)
    ]
    named = pd.DataFrame(rows).assign(classifier="net", seed=0, defence="vote", gradient="exact", norm="linf")
    return named.assign(found_rounded=named["found"], variant="plain", repeats=True)


def ablation_rows():
    """Two settings of a search: what the published one finds, and a batch in which everything collides."""
    rows = [
        {"setting": setting, "seed": seed, "label": label, "image": image, "near": near, "distance": distance}
        | {"p": 0.9999 if image < found + seed else 0.5}
        for setting, near, distance, found in (("published", 0, 0.4, 2), ("no batch cost", 2, 0.1, 0))
        for seed in (0, 1)
        for label in (3, 4)
        for image in range(3)
    ]
    shared = {"batch": 3, "pairs": 2, "steps": 60, "reinitialized": 0, "start_distance": 0.5, "test_distance": 0.2}
    return pd.DataFrame(rows).assign(classifier="cnn", **shared)


def certified_rows():
    """Three images of which the first is certified rightly, the second abstained, the third wrong."""
    rows = [(3, 0.5, 99), (ABSTAINED, 0.0, 50), (4, 0.3, 90)]
    return pd.DataFrame(
        [
            ("net", "vote", 0.25, image, 3, decision, radius, count, 100, 10, 0.001)
            for image, (decision, radius, count) in enumerate(rows)
        ],
        columns=[*("classifier", "defence", "sigma", "id", "label", "decision", "radius", "count", "n", "n0", "alpha")],
    )


def attacked_rows():
    """What an attack makes of the two certificates: nothing inside, one decision beyond."""
    certified = certified_rows().query("decision != @ABSTAINED").drop(columns=["label", "n0", "alpha"])
    inside = certified.assign(size=1.0, found=certified["decision"], draws=16)
    return pd.concat([inside, inside.assign(size=3.0, found=[4, ABSTAINED])], ignore_index=True)


def linear_table():
    """Three weight decays, as the table `linear` has them."""
    rows = []
    for decay, accuracy, step in ((0.0, 0.92, 1.0), (0.01, 0.9, 2.5), (1.0, 0.5, 2.0)):
        for seed in (4, "all"):
            rates = {"accuracy": accuracy, "low": accuracy - 0.01, "high": accuracy + 0.01, "n": 1000, "seeds": 1}
            row = {"weight_decay": decay, "seed": seed, "split": "test", "l2_median": step, "initial_loss": 6.93}
            rows.append(row | rates | {"l2_low": step - 0.25, "l2_high": step + 0.25})
    return pd.DataFrame(rows)
