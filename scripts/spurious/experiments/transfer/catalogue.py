"""What is shown of images that fool one classifier, before the others."""

from spurious.experiments.catalogue import Figure, Findings, Table

TITLE, HERE = "Transfer", "spurious.experiments.transfer"
ROWS = {"rows": "transfer_images"}

RESULTS = [
    Table("transfer", f"{HERE}.table:transfer", ROWS),
    Figure("transfer", f"{HERE}.figure:figure", ROWS),
]
FINDINGS = [Findings("Transfer", f"{HERE}.findings:transfer", {"table": "transfer"})]
