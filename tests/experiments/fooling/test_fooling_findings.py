"""What the findings say of fooling."""

import pandas as pd

from sentences import text
from spurious.experiments.fooling import findings as fooling_findings
from spurious.experiments.fooling import success

FOOLING_ROW = {"classifier": "cnn", "method": "pgd", "start": "image", "goal": "untargeted", "norm": "linf"}
FOOLING_ROW |= {"epsilon": 0.1, "steps": 1, "clamp": True, "seed": 0, "id": 0, "label": 0, "target": float("nan")}
FOOLING_ROW |= {"p": 0.5, "l2": 1.0, "linf": 0.1}


def test_fooling_shows_every_method_beside_its_control():
    rows = [("cnn", "fgsm", 3, 9, 0.9, 0.1), ("cnn", "fgsm", "all", 9, 0.5, 0.5), ("cnn", "pgd", 3, 9, 1.0, 0.05)]
    bounds = {"low": 0.2, "high": 0.95, "control_low": 0.01, "control_high": 0.3}
    table = pd.DataFrame(rows, columns=["classifier", "method", "seed", "n", "success", "control"]).assign(**bounds)
    said = text(fooling_findings.fooling(table))
    fgsm = "*fgsm* 90 %, 95 % interval 20 to 95 %, of 9 [10 %, 95 % interval 1 to 30 %]; *pgd*"
    assert fgsm in said
    assert said.endswith("(seed 3).")


def test_fooling_of_a_classifier_that_was_right_nowhere():
    rows = pd.DataFrame(FOOLING_ROW, index=range(2)).assign(clean_predicted=1, predicted=1, control_predicted=1)
    said = text(fooling_findings.fooling(success.fooling(rows)))
    assert "*pgd* nothing (no image was right before) (seed 0)" in said
    assert "nan" not in said
