"""Numbers in words: shares, intervals, plurals."""

NO_BREAK = "\N{NO-BREAK SPACE}"


def percent(share: float) -> str:
    """A share as a percentage with enough digits to tell 99.98 from 100."""
    return f"{100 * share:.2f}{NO_BREAK}%"


def interval(share: float, low: float, high: float) -> str:
    """A share with its 95 % interval."""
    return f"{percent(share)}, 95{NO_BREAK}% interval {percent(low)} to {percent(high)}"


def plural(count: int, noun: str) -> str:
    """`count` with commas between thousands, and the noun in the right number."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
