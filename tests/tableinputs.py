"""What every table reads: made-up rows of two classifiers, searches or attacks under plain names."""

import pandas as pd

from samplerows import (
    ablation_rows,
    attacked_rows,
    certified_rows,
    confidence_rows,
    defence_rows,
    fooling_rows,
    image_list,
    judged_rows,
    make_votes,
    predictions,
    retraining_inputs,
    scored_rows,
    search_rows,
    strong_rows,
    transfer_rows,
)
from spurious.experiments.smoothing.rates import main_rows, summarize

PLAIN = ("name-a", "name-b")


def both(frame, column="classifier"):
    """The rows twice, under two names."""
    return pd.concat([frame.assign(**{column: name}) for name in PLAIN], ignore_index=True)


RETRAINING = ("attacks", "old", "predictions", "negatives_rows")


def retraining(name):
    attacks, *others = retraining_inputs()
    frames = (both(both(attacks, "attack")), *(both(frame) for frame in others))
    return dict(zip(RETRAINING, frames, strict=True))[name]


def noises():
    """Two kinds of noise beside the test images, whose name is fixed."""
    rows = confidence_rows()
    test = rows["noise"] == "test"
    return both(pd.concat([rows[test], both(rows[~test & (rows["epsilon"] == 0)], "noise")]))


def votes():
    """Two classifiers, two variants beside the published one, two images."""
    frame = make_votes(images=2, classifiers=PLAIN, variants=("published", *PLAIN))
    return frame.assign(image=frame["image"].map({"n0": PLAIN[0], "n1": PLAIN[1]}))


def summaries():
    return pd.concat([summarize(main_rows(own), name) for name, own in votes().groupby("classifier", sort=False)])


ELITES = {"run": [0, 0, 1, 1], "generation": 200, "label": [0, 1, 0, 1], "p": [0.5, 0.7, 0.9, 0.9]}


def transferred():
    return transfer_rows([(name, 0) for name in PLAIN])


def excluded():
    frame = image_list(False).iloc[:2]
    return frame.assign(image=PLAIN, name=PLAIN, mode="1")


VOTES = {"votes": votes}
DEFENDED = {"rows": lambda: both(both(defence_rows()), "defence")}
INPUTS = {
    "classifiers": {"predictions": lambda: both(predictions())},
    "backworking": {"rows": lambda: both(both(search_rows()), "search")},
    "backworking-ablation": {"rows": lambda: both(both(ablation_rows()), "setting")},
    "backworking-summary": {"rows": lambda: both(both(search_rows()), "search")},
    "retraining": {name: lambda name=name: retraining(name) for name in RETRAINING},
    "retraining-summary": {name: lambda name=name: retraining(name) for name in RETRAINING},
    "retraining-strong": {
        "strong": lambda: both(strong_rows()),
        "attacks": lambda: retraining("attacks"),
    },
    "retraining-judges": {
        "strong": lambda: both(strong_rows()),
        "judged": lambda: both(both(judged_rows(judges=PLAIN[:1])), "judge"),
    },
    "retraining-noise": {"rows": noises},
    "smoothing": {"rows": summaries},
    "smoothing-clean": VOTES,
    "smoothing-seeds": VOTES,
    "smoothing-variants": VOTES,
    "smoothing-tests": VOTES,
    "smoothing-agreement": VOTES,
    "smoothing-pairs": VOTES,
    "smoothing-risk": VOTES,
    "fooling": {"rows": lambda: both(both(fooling_rows()), "method")},
    "fooling-rubbish": {
        "rows": lambda: both(pd.DataFrame({"kind": "normal", "seed": 0, "id": [0, 1], "p": [0.2, 0.9]}))
    },
    "black_box": {"rows": lambda: scored_rows(PLAIN), "predictions": lambda: both(predictions())},
    "map-elites": {"rows": lambda: both(pd.DataFrame(ELITES))},
    "transfer": {"rows": transferred},
    "robustness": DEFENDED,
    "robustness-checks": DEFENDED,
    "robustness-gain": DEFENDED,
    "certified": {"rows": lambda: both(both(certified_rows(), "defence"))},
    "certified-attacks": {"rows": lambda: both(both(attacked_rows(), "defence"))},
    "images-excluded": {"images": excluded},
}
FOUND = {"found_above": 0.999}
# Settings that tables of INPUTS are made with.
SETTINGS = {
    "backworking": FOUND,
    "backworking-ablation": FOUND,
    "backworking-summary": FOUND,
    "retraining": FOUND,
    "retraining-summary": FOUND,
    "retraining-strong": FOUND,
    "smoothing-clean": {"classes": 2},
    "certified": {"radii": [0.0, 0.25]},
}
