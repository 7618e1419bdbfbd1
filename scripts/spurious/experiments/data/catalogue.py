"""What is shown of the photographs of a dataset."""

from spurious.experiments.catalogue import Table
from spurious.experiments.rooms import Room

HERE = "spurious.experiments.data"


def of_photographs(settings):
    return settings["dataset"]["source"] == "images"


ROOM = Room(
    title="Images", present=of_photographs, reserved=("images", "data.safetensors", "images.csv", "class_names.csv")
)

RESULTS = [Table("images-excluded", f"{HERE}.excluded:images_excluded", {"images": "prepare_images"})]
FINDINGS = []
