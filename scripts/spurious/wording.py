"""Numbers in words: shares with as many digits as their images are worth, intervals, seeds, plurals."""

NO_BREAK = "\N{NO-BREAK SPACE}"
MOST = 4  # decimals of a percentage
COUNTS = {3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine", 10: "ten"}


def decimals(n: float | None) -> int:
    """How many decimals a percentage of n images deserves: none below 100, one below 1,000, else two.

    None: n is not known, which deserves none.
    """
    return 0 if n is None or n < 100 else 1 if n < 1000 else 2


def digits(share: float, n: float | None = None) -> str:
    """A share of n images as a percentage without its sign.

    What is not exactly 0 or 100 does not look like it: it gets more decimals, up to MOST.
    """
    places = decimals(n)
    while places < MOST and 0 < share < 1 and float(f"{100 * share:.{places}f}") in (0, 100):
        places += 1
    return f"{100 * share:.{places}f}" if 0 < share < 1 else f"{100 * share:.0f}"


def percent(share: float, n: float | None = None) -> str:
    """A share of n images as a percentage."""
    return f"{digits(share, n)}{NO_BREAK}%"


def bounds(low: float, high: float, n: float | None = None) -> str:
    """The ends of an interval of shares of n images."""
    return f"{digits(low, n)} to {percent(high, n)}"


def interval(share: float, low: float, high: float, n: float | None = None) -> str:
    """A share of n images with its 95 % interval."""
    return f"{percent(share, n)}, 95{NO_BREAK}% interval {bounds(low, high, n)}"


def points(difference: float, n: float | None = None) -> str:
    """A difference of two shares of n images, in points with its sign."""
    return f"{100 * difference:+.{decimals(n)}f}"


def over_seeds(lowest: str, highest: str, seeds: int, unit: str = "") -> str:
    """What the seeds range over, as printed: one number where all agree, "one seed" of a single one."""
    if seeds == 1:
        return "one seed"
    if lowest != highest:
        return f"per seed {lowest} to {highest}{unit}"
    every = "both" if seeds == 2 else f"all {COUNTS.get(seeds, seeds)}"
    return f"{every} seeds {lowest}{unit}"


def plural(count: int, noun: str) -> str:
    """`count` with commas between thousands, and the noun in the right number."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
