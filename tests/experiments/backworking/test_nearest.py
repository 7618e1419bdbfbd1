"""How far found images lie from training images, against distances worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from spurious.experiments.backworking.nearest import nearest, to_nearest
from spurious.statistics.bootstrap import bootstrap_median, draws


def flat(*levels):
    """Images of 2 x 2 equal pixels: two of them lie twice the difference of their levels apart."""
    return np.array(levels)[:, None, None, None] * np.ones((1, 1, 2, 2))


DATA = {
    "train_images": (255 * flat(0.0, 0.2, 1.0)).astype(np.uint8),
    "train_labels": np.array([0, 0, 1]),
    "test_images": (255 * flat(0.4, 0.6)).astype(np.uint8),
    "test_labels": np.array([0, 1]),
}


def made(label, p, seeds=(0,)):
    """(images, rows): of label 0, found images .2, .4 and .6 from the nearest training image, whose unit is .4."""
    levels = (0.3, 0.4, 0.5) if label == 0 else (0.9, 0.8, 0.7)
    images = {f"log-p/seed{seed}": flat(*levels).astype(np.float32) for seed in seeds}
    keys = [(seed, image) for seed in seeds for image in range(3)]
    rows = pd.DataFrame(keys, columns=["seed", "image"]).assign(classifier="cnn", label=label, search="log-p")
    return images, rows.assign(p=list(p) * len(seeds)).sample(frac=1, random_state=0)


def test_ratios_are_those_of_the_found_images():
    images, rows = made(0, (1.0, 0.5, 1.0))
    others = [rows.assign(search=name) for name in ("unclamped", "unclamped, clamped")]  # their images are not real
    (row,) = nearest([images], [pd.concat([*others, rows])], DATA).to_dict("records")
    assert (row["classifier"], row["search"], row["n"]) == ("cnn", "log-p", 2)
    assert row["ratio"] == pytest.approx((0.2 + 0.6) / 2 / 0.4, rel=0.02)


def test_every_label_has_its_own_training_images_and_unit():
    zero, one = made(0, (1.0, 1.0, 1.0), (0, 1, 2)), made(1, (1.0, 1.0, 1.0), (0, 1, 2))
    (row,) = nearest([zero[0], one[0]], [zero[1], one[1]], DATA).to_dict("records")
    own = np.array([[0.5, 1.0, 1.5]] * 3 + [[0.25, 0.5, 0.75]] * 3)
    assert row["n"] == 18
    assert row["ratio"] == pytest.approx(np.median(own), rel=0.03)
    assert (row["low"], row["high"]) == pytest.approx(bootstrap_median(own, draws(6)), rel=0.03)


def test_fewer_than_six_groups_have_no_interval():
    """One image found eight times, or in five groups, would have an interval of next to no width."""
    parts = [made(label, (1.0, 1.0, 1.0), seeds) for label, seeds in ((0, (0, 1, 2)), (1, (0, 1)))]
    (row,) = nearest(*zip(*parts, strict=True), DATA).to_dict("records")
    assert row["n"] == 15
    assert row["ratio"] > 0
    assert np.isnan([row["low"], row["high"]]).all()


def test_a_search_that_found_nothing_has_no_ratio():
    images, rows = made(0, (0.5, 0.5, 0.5))
    table = nearest([images], [rows], DATA)
    assert table["n"].tolist() == [0]
    assert table[["ratio", "low", "high"]].isna().all(axis=None)


def test_a_label_of_which_nothing_was_found_widens_nothing():
    """Every other replicate draws only the label without a found image, which has no distance."""
    zero, one = made(0, (1.0, 1.0, 1.0), range(6)), made(1, (0.5, 0.5, 0.5), range(6))
    (row,) = nearest([zero[0], one[0]], [zero[1], one[1]], DATA).to_dict("records")
    (alone,) = nearest([zero[0]], [zero[1]], DATA).to_dict("records")
    assert (row["n"], row["ratio"], row["low"], row["high"]) == (
        18,
        alone["ratio"],
        *(alone[key] for key in ("low", "high")),
    )


def test_distances_are_those_of_a_loop():
    rng = np.random.default_rng(0)
    images, references = rng.random((4, 1, 3, 3)), rng.random((5, 1, 3, 3))
    expected = [min(np.linalg.norm(image - other) for other in references) for image in images]
    assert to_nearest(images, references) == pytest.approx(expected)


def test_a_search_that_did_not_clamp_is_left_out_whatever_its_name():
    images, rows = made(0, (1.0, 1.0, 1.0))
    others = [rows.assign(search=name) for name in ("raw", "raw, clamped")]
    assert nearest([images], [pd.concat([*others, rows])], DATA)["search"].tolist() == ["log-p"]
