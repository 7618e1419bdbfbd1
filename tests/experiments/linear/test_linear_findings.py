"""What the findings say of linear classifiers."""

import pandas as pd

from samplerows import linear_table
from sentences import text
from spurious.experiments.linear import findings as linear_findings


def test_linear_names_the_most_resistant_and_what_is_significantly_worse():
    rows = [(0.01, 0.0, -0.4, -1.0, 0.2, "within noise"), (1.0, 0.0, -42.0, -45.0, -39.0, "lower")]
    columns = ["weight_decay", "against", "accuracy_difference", "low", "high", "accuracy_verdict"]
    tests = pd.DataFrame(rows, columns=columns).assign(n=1000)
    said = text(linear_findings.linear(linear_table(), tests))
    assert "1,000 test images (one seed): accuracy 92.00 %, 95 % interval 91.00 to 93.00 %, with" in said
    assert "; 50.00 %, 95 % interval 49.00 to 51.00 %, with a weight decay of 1." in said
    assert "than 2.5 (L2, 95 % interval 2.25 to 2.75) with a weight decay of 0.01: 2.5 times as long" in said
    assert "significantly less accurate: 1 (-42.00 points, -45.00 to -39.00)" in said
    several = text(linear_findings.linear(linear_table().assign(n=3000, seeds=3), tests))
    assert "1,000 test images (means over 3 seeds)" in several
    none = tests.assign(accuracy_verdict="within noise")
    assert "no other is significantly less accurate" in text(linear_findings.linear(linear_table(), none))
