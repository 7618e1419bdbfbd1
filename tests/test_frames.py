"""Rows are chosen from data frames."""

import pandas as pd
import pytest

from spurious import frames
from spurious.errors import SpuriousError


def test_lowest_sorts_and_counts():
    frame = pd.DataFrame({"id": range(6), "label": [1, 0, 1, 0, 1, 0], "p_label": [0.5, 0.1, 0.2, 0.9, 0.8, 0.3]})
    assert frames.lowest(frame, 2)["id"].tolist() == [1, 5, 2, 0]
    with pytest.raises(SpuriousError, match="has 3 predictions, 4 are needed"):
        frames.lowest(frame, 4)


@pytest.mark.parametrize(
    ("count", "places"), [(0, []), (1, [6]), (2, [3, 9]), (3, [2, 6, 10]), (12, [*range(12)]), (99, [*range(12)])]
)
def test_spread_takes_rows_from_everywhere(count, places):
    assert frames.spread(pd.DataFrame({"place": range(12)}), count)["place"].tolist() == places
