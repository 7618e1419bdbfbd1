"""The table of images that evolved towards all classes at once."""

import pandas as pd

from spurious.frames import require


def elites(rows: pd.DataFrame) -> pd.DataFrame:
    """How sure a classifier is of evolved noise: a row per (classifier, generation).

    `rows`: these and `run, label, p`, p of the label in the best image of each. Returns `runs, images`, and
    `median_p` of all images; `run_low, run_high` are the smallest and the largest median of a run: an interval of the
    median of runs, with six of them of 97 % (sign test).
    """
    keys = ["classifier", "generation"]
    require(rows, [*keys, "run", "label", "p"], "rows of the evolution towards all classes")
    runs = rows.groupby([*keys, "run"], sort=False)["p"].median().groupby(keys, sort=False)
    table = rows.groupby(keys, sort=False)["p"].agg(images="size", median_p="median")
    table.insert(0, "runs", runs.size())
    return table.assign(run_low=runs.min(), run_high=runs.max()).reset_index()
