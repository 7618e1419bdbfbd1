"""How often the interval of a rate over seeds covers that rate, simulated: `docs/measured/coverage.csv`.

python tests/benchmarks/coverage_of_rates.py [DRAWS]
"""

import sys
from dataclasses import asdict
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

import pandas as pd  # noqa: E402 - found through the paths above

from simulating import Case, coverage  # noqa: E402

DESIGNS = (("images", 400), ("images", 2000), ("searches", 80))
RATES = (0.5, 0.8, 0.9, 0.99, 0.999, 0.9999)
SPREADS = ((0.0, 1.0, 0.5), (0.1, 1.0, 0.5), (0.3, 1.0, 0.5), (0.05, 2.0, 1.0), (0.6, 0.6, 0.5))


def main(draws: int) -> None:
    """Every case, into the table."""
    table = []
    for (design, images), seeds, rate, spread in product(DESIGNS, (2, 3, 5), RATES, SPREADS):
        effects = dict(zip(("seed_sd", "image_sd", "label_sd"), spread, strict=True))
        case = Case(design=design, images=images, seeds=seeds, rate=rate, **effects)
        table.append(asdict(case) | {"draws": draws} | coverage(case, draws=draws, seed=0))
    path = ROOT / "docs" / "measured" / "coverage.csv"
    pd.DataFrame(table).to_csv(path, index=False, float_format="%.4g", lineterminator="\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
