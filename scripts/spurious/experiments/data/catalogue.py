"""What is shown of the photographs of a dataset."""

from spurious.experiments.catalogue import Table

TITLE, HERE = "Images", "spurious.experiments.data"


def PRESENT(settings):
    return settings["dataset"]["source"] == "images"


RESULTS = [Table("images-excluded", f"{HERE}.excluded:images_excluded", {"images": "prepare_images"})]
FINDINGS = []
