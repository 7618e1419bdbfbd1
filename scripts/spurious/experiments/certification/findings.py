"""What the tables of certification say, in sentences."""

from collections.abc import Iterator

import pandas as pd

from spurious.wording import interval, percent, plural


def certification(table: pd.DataFrame, attacks: pd.DataFrame | None) -> Iterator[str]:
    """A sentence per classifier and noise, of its defences at the smallest radius above 0; one on the attacks."""
    for (classifier, sigma), own in table.groupby(["classifier", "sigma"], sort=False):
        radius = own["radius"][own["radius"] > 0].min() if (own["radius"] > 0).any() else own["radius"].max()
        rows = own[own["radius"] == radius]
        parts = [
            f"*{row.defence}* {interval(row.certified_accuracy, row.low, row.high, row.n)}"
            f" (abstained {percent(row.abstained, row.n)}, rejected {percent(row.rejected, row.n)})"
            for row in rows.itertuples()
        ]
        yield (
            f"**{classifier}** under noise of {sigma:g}, {rows['samples'].iloc[0]:,} draws, n = {rows['n'].iloc[0]:,},"
            f" is certified to be right within an L2 radius of {radius:g}: {', '.join(parts)}."
        )
    if attacks is not None and len(attacks):
        inside, outside = (attacks[part] for part in (attacks["size"] <= 1, attacks["size"] > 1))
        counts = [(round((part["changed"] * part["n"]).sum()), part["n"].sum()) for part in (inside, outside)]
        yield (
            "Attacks changed {} of {} certified decisions inside the radius and {} of {} beyond it".format(
                *counts[0], *counts[1]
            )
            + f", {_span(attacks['n'])} for each defence and noise."
        )


def _span(counts: pd.Series) -> str:
    """From the fewest to the most images, in words."""
    least, most = counts.min(), counts.max()
    return plural(most, "image") if least == most else f"{least:,} to {plural(most, 'image')}"
