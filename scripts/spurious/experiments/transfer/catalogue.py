"""What is shown of images that fool one classifier, before the others."""

from pydantic import Field

from spurious.experiments.catalogue import Figure, Findings, Table
from spurious.experiments.rooms import Room
from spurious.experiments.transfer.settings import TransferSeeds, TransferSettings

HERE = "spurious.experiments.transfer"
ROWS = {"rows": "transfer_images"}

ROOM = Room(
    title="Transfer",
    after="black_box",
    settings=TransferSettings,
    threads="transfer",
    runs=(
        dict[str, TransferSeeds],
        Field(
            {},
            description="seeds of every classifier whose fooling images the others judge, "
            "such as {cnn [0, 1], softmax [0]}",
        ),
    ),
    kinds=("architecture", "scikit_learn"),
    measured=("transfer_images",),
    reserved=("transfer.csv",),
)

RESULTS = [
    Table("transfer", f"{HERE}.table:transfer", ROWS, label="images of one classifier, judged by others"),
    Figure("transfer", f"{HERE}.figure:figure", ROWS, label="heat map of transfer"),
]
FINDINGS = [
    Findings(
        "Transfer",
        f"{HERE}.findings:transfer",
        {"table": "transfer"},
        question="Do images that fool one classifier fool the others?",
        figure="transfer",
    )
]
