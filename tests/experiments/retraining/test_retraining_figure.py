"""The figure of retraining."""

import pandas as pd

from figurechecks import EveryPage, keys_of
from making import make
from spurious.experiments.retraining import figure as retraining_figure


def retraining_table():
    arms = [("none", "none", 0), ("none", "none", 1), ("normal", "extra", 1), ("backworked", "uniform", 1)]
    rows = [
        ("cnn", *arm, s, 0.9 + s / 100, a, 5 + s, 80) for arm in arms for s in (0, 1) for a in ("published", "log-p")
    ]
    columns = ["classifier", "negatives", "target", "round", "seed", "accuracy", "attack", "found", "images"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(accuracy_low=table["accuracy"] - 0.01, accuracy_high=table["accuracy"] + 0.01)


def summary(classifiers=("cnn",)):
    """What the figure reads of the table `retraining-summary`: 1,250 test images, judged for two seeds."""
    return pd.DataFrame({"classifier": classifiers, "accuracy_n": 2500, "seeds": 2})


DRAWN = {
    "retraining": lambda: retraining_figure.retraining(retraining_table(), summary(), "title of it"),
}


class TestEveryPage(EveryPage):
    drawn = DRAWN


def test_retraining_draws_every_arm_from_round_0():
    figure = DRAWN["retraining"]()
    assert [axes.get_title() for axes in figure.axes] == [
        "cnn: accuracy\n1,250 test images, 2 seeds",
        "attack: published",
        "attack: log-p",
    ]
    lines = figure.axes[1].get_lines()
    assert [line.get_ydata().tolist() for line in lines] == [[5.5, 5.5]] * 3
    keys = [text for text, _ in keys_of(figure)]
    assert keys[:3] == ["negatives: none", "negatives: normal", "negatives: backworked"]
    assert keys[3:] == ["target: uniform labels", "target: extra class"]


def test_retraining_has_a_row_of_panels_for_each_classifier():
    table = retraining_table()
    both = pd.concat([table, table.assign(classifier="other", found=0)])
    figure = retraining_figure.retraining(both, summary(["cnn", "other"]))
    assert [axes.get_title().split("\n")[0] for axes in figure.axes[::3]] == ["cnn: accuracy", "other: accuracy"]
    assert [axes.get_lines()[0].get_ydata().tolist() for axes in figure.axes[1::3]] == [[5.5, 5.5], [0, 0]]


def test_retraining_is_drawn_from_its_table(tmp_path):
    retraining_table().to_csv(tmp_path / "table.csv", index=False)
    summary().to_csv(tmp_path / "summary.csv", index=False)
    inputs = {name: tmp_path / f"{name}.csv" for name in ("table", "summary")}
    files = make(tmp_path, "figure", "retraining", inputs)
    assert b"<!-- attack: log-p -->" in files["svg"].read_bytes()
