"""A reproduced number, in the words of workflow/resources/published.csv."""

COLUMNS = ["source", "quantity", "setting", "reproduced", "low", "high", "n"]


def reproduced_row(
    source: str, quantity: str, setting: str, reproduced: float, low: float, high: float, n: float | None = None
) -> dict[str, object]:
    return dict(zip(COLUMNS, (source, quantity, setting, reproduced, low, high, n), strict=True))
