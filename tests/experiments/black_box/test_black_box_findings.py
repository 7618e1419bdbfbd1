"""What the findings say of attacks by scores alone."""

import pandas as pd
import pytest

from sentences import text
from spurious.experiments.black_box import findings

NAN = float("nan")


@pytest.mark.parametrize(
    ("queries", "low", "high", "told"),
    [
        (57.5, 40.0, 77.0, "after 58 queries (median, 95 % interval 40 to 77);"),
        (57.5, NAN, NAN, "after 58 queries (median);"),
        (NAN, NAN, NAN, "to 40 %; random"),
    ],
)
def test_black_box_shows_evolution_beside_random_search(queries, low, high, told):
    first = {
        "classifier": "forest",
        "accuracy": 0.96,
        "start": "image",
        "low": 0.2,
        "high": 0.4,
        "described": "",
        "n": 9,
        "queries_low": low,
        "queries_high": high,
    }
    rows = [
        {**first, "search": "evolution", "success": 0.3, "queries_median": queries},
        {**first, "search": "random", "success": 0.1, "queries_median": 9},
    ]
    said = text(findings.black_box(pd.DataFrame(rows)))
    assert "30 %, 95 % interval 20 to 40 %" in said
    assert told in said
    assert said.endswith("random search in 10 %, 95 % interval 20 to 40 % (n = 9 each).")


def test_nearest_neighbours_are_described_and_attacked_by_distances():
    first = {"classifier": "nearest", "accuracy": 0.96, "start": "image", "low": 0.2, "high": 0.4, "n": 9}
    first |= {"queries_median": float("nan"), "described": "10 neighbours weighted by inverse distance"}
    searches = {"evolution": 0.3, "random": 0.1, "distances": 0.9}
    rows = [{**first, "search": search, "success": success} for search, success in searches.items()]
    said = text(findings.black_box(pd.DataFrame(rows)))
    assert "(accuracy 96 %; 10 neighbours weighted by inverse distance), from test images" in said
    assert "needs no scores, in 90 %, 95 % interval 20 to 40 %." in said
