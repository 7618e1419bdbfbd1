"""What an image is called when none may be rejected."""

import numpy as np
import pandas as pd

from spurious.defences.rejection import REJECTED
from spurious.experiments.smoothing.rows import fallback_of, probabilities, views_of


def decided(rows: pd.DataFrame) -> pd.DataFrame:
    """What an image is called when none may be rejected: `right, agreeing, p`, a row per row.

    The class is the majority's, and that of ss where it rejects (of the first view where ss is none of them);
    `agreeing` counts the views that name it (1 where three views reject), `p` is the largest probability that one of
    those gives to it.
    """
    views = views_of(rows)
    answer = rows["decision"].where(rows["decision"] != REJECTED, rows[fallback_of(views)])
    names = rows[views].eq(answer, axis=0).to_numpy()
    p = np.where(names, rows[probabilities(views)].to_numpy(), -np.inf).max(axis=1)
    return pd.DataFrame({"right": answer == rows["label"], "agreeing": names.sum(axis=1), "p": p})
