"""Single images out of a noise sweep: which ones a figure shows, and what an image's views say in words."""

import pandas as pd

from spurious.defences.rejection import REJECTED
from spurious.views.kinds import words_of


def corrected(rows: pd.DataFrame, reference: str = "ns") -> pd.DataFrame:
    """The rows (`label, ns, decision`) of the images that the majority gets right and the view `reference` wrong."""
    return rows[(rows["decision"] == rows["label"]) & (rows[reference] != rows["label"])]


def rejected(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows (`decision`) of the images of which no class has more than half of the views."""
    return rows[rows["decision"] == REJECTED]


def decision(rows: pd.DataFrame) -> tuple[str, str]:
    """What the majority of an image's views says, in two parts: the class or "rejected", and why.

    `rows`: `predicted, name, decision` of the views of one sigma and kernel.
    """
    if rows["decision"].iloc[0] == REJECTED:
        return "rejected", "no two agree" if len(rows) == 3 else "no majority"
    agreeing = rows[rows["predicted"] == rows["decision"]]
    return agreeing["name"].iloc[0], f"{len(agreeing)} of {len(rows)}"


def describe(rows: pd.DataFrame) -> str:
    """The views of an image and their majority as a table for the terminal.

    `rows`: `sigma, view, predicted, name, logit, p, decision`, one of every view for each sigma.
    """
    width = max(len(name) for name in rows["name"])
    widest = max(15, *(len(words_of(view)) + 2 for view in rows["view"]))
    line = f"{{:<7}}{{:<{widest}}}{{:>5}}  {{:<{width}}}  {{:>8}}  {{:>6}}".format
    lines = [line("sigma", "view", "label", "name", "logit", "p")]
    for sigma, own in rows.groupby("sigma", sort=False):
        starts = [f"{sigma:g}", *[""] * (len(own) - 1)]
        for start, row in zip(starts, own.itertuples(), strict=True):
            lines.append(line(start, words_of(row.view), row.predicted, row.name, f"{row.logit:.3f}", f"{row.p:.4f}"))
        verdict, why = decision(own)
        lines.append(line("", "majority", "", f"{verdict} ({why})", "", "").rstrip())
    return "\n".join(lines)
