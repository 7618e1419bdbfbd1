"""The rates of the smoothing write-up, by the names of the published table."""

import re

import pandas as pd

SMOOTHING = "smoothing write-up"
QUANTITIES = {
    "acc_ns": "accuracy, no smoothing",
    "acc_ss": "accuracy, single smoothing",
    "acc_ds": "accuracy, double smoothing",
    "acc_maj": "accuracy, majority of the accepted",
    "reject_rate": "reject rate",
}


def published_rates(numbers: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """The smoothing write-up's rates on a dataset: `rate, kernel, sigma, value, name`, name being its classifier.

    `numbers`: the rows of published.csv, whose settings read "imagenet-samples, ResNet50, 5 taps, sigma 0.25".
    """
    rates = {quantity: rate for rate, quantity in QUANTITIES.items()}
    pattern = rf"^{re.escape(dataset)}, (?P<name>.+), (?P<kernel>[0-9]+) taps, sigma (?P<sigma>[0-9.]+)$"
    own = numbers[(numbers["source"] == SMOOTHING) & numbers["quantity"].isin(list(rates))]
    settings = own["setting"].str.extract(pattern).assign(rate=own["quantity"].map(rates), value=own["published"])
    return settings.dropna().astype({"kernel": int, "sigma": float})
