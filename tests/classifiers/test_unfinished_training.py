"""Trainings that end while the validation accuracy still rises: the table, the front page, the terminal."""

import math

import pandas as pd
import pytest

import train_classifier
from pipeline.files.results import called
from spurious.classifiers.progress import Rise, rise_of
from spurious.classifiers.training import Progress
from spurious.experiments.classifiers.findings import classifiers

STEPS = list(range(12, 121, 12))
RISING = [0.1, 0.2, 0.25, 0.3, 0.36, 0.4, 0.45, 0.5, 0.55, 0.57]
LEVEL = [0.5, 0.8, 0.9, 0.95, 0.97, 0.98, 0.985, 0.988, 0.99, 0.991]


def test_the_rise_is_over_the_last_third():
    assert rise_of(STEPS, RISING, 500) == Rise(before=0.4, after=0.57, images=500)  # step 72 of 120; 84 lies after 80
    assert rise_of([40], [0.5], 500) is None
    assert rise_of([10, 20, 30], [0.1, 0.4, 0.5], 500).before == 0.4  # a row at two thirds lies within them


@pytest.mark.parametrize(
    ("before", "after", "images", "clear"),
    [
        (0.40, 0.57, 500, True),
        (0.40, 0.57, 20, False),  # of so few images that is chance
        (0.978, 0.997, 5000, False),  # as on MNIST: the learning rate falls to zero
        (0.97, 0.995, 5000, True),
        (0.6, 0.5, 500, False),
        (0.9, 0.9, 500, False),
    ],
)
def test_a_clear_rise_is_large_and_no_chance(before, after, images, clear):
    assert Rise(before=before, after=after, images=images).clear is clear


def test_the_limit_is_two_standard_errors():
    before, images = 0.5, 400
    error = math.sqrt(2 * 0.25 / images)
    assert Rise(before=before, after=before + 2.02 * error, images=images).clear
    assert not Rise(before=before, after=before + 1.95 * error, images=images).clear


def files(folder, *trained):
    """CSV files of a history and of predictions for each (classifier, seed, accuracies)."""
    paths = {"histories": [], "predictions": []}
    for name, seed, accuracies in trained:
        tables = {
            "histories": pd.DataFrame({"step": STEPS, "validation_accuracy": accuracies}),
            "predictions": pd.DataFrame({"classifier": name, "seed": seed, "split": ["validation"] * 500 + ["test"]}),
        }
        for keyword, table in tables.items():
            paths[keyword].append(str(folder / f"{keyword}-{name}-{seed}.csv"))
            table.to_csv(paths[keyword][-1], index=False)
    return paths


def table(folder, *trained):
    return called("spurious.experiments.classifiers.training:training", files(folder, *trained), {})


def test_a_row_for_every_training(tmp_path):
    rows = table(tmp_path, ("1.1", 0, RISING), ("1.1", 1, LEVEL), ("1.10", 0, LEVEL))
    assert list(rows) == ["classifier", "seed", "steps", "n", "before", "validation_accuracy", "still_rising"]
    assert rows["classifier"].tolist() == ["1.1", "1.1", "1.10"]
    assert rows["still_rising"].tolist() == ["yes", "no", "no"]
    assert rows.iloc[0].tolist() == ["1.1", 0, 120, 500, 0.4, 0.57, "yes"]


def test_the_front_page_names_a_classifier_that_has_not_learned(tmp_path):
    accuracies = pd.DataFrame(
        {
            "classifier": "cnn",
            "seed": [0, "all"],
            "n": 9,
            "accuracy": 0.5,
            "low": 0.4,
            "high": 0.6,
            "largest_class": 0.1,
        }
    )
    rising = [*classifiers(accuracies, 10, table(tmp_path, ("cnn", 0, RISING), ("cnn", 1, RISING)))]
    assert len(rising) == 2  # once, not for every seed
    assert "**cnn** has not learned what it could" in rising[1]
    assert "at the end of 120 steps, from 40" in rising[1]
    level = [*classifiers(accuracies, 10, table(tmp_path, ("cnn", 0, LEVEL)))]
    assert level == [*classifiers(accuracies, 10)] == rising[:1]


def test_the_terminal_names_it_too(capsys):
    def history(accuracies):
        rest = {"learning_rate": 0.1, "loss": 1.0, "negative_loss": math.nan}
        return [Progress(step=step, validation_accuracy=a, **rest) for step, a in zip(STEPS, accuracies, strict=True)]

    train_classifier.report_unfinished(history(LEVEL), 500, "cnn, seed 0")
    assert capsys.readouterr().err == ""
    train_classifier.report_unfinished(history(RISING), 500, "cnn, seed 0")
    told = (
        "note: cnn, seed 0: the validation accuracy still rises after 120 steps, from 0.400 to 0.570 in the last third"
    )
    assert capsys.readouterr().err == f"{told}; raise epochs or min_steps of its recipe\n"
