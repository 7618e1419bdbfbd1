"""What is shown of the photographs of a dataset."""

from spurious.experiments.catalogue import Table, of_photographs
from spurious.experiments.rooms import Room

HERE = "spurious.experiments.data"

ROOM = Room(
    title="Images", present=of_photographs, reserved=("images", "data.safetensors", "images.csv", "class_names.csv")
)

RESULTS = [
    Table(
        "images-excluded",
        f"{HERE}.excluded:images_excluded",
        {"images": "prepare_images"},
        label="photographs left out",
    )
]
FINDINGS = []
