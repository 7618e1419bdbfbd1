"""The table of photographs that are left out."""

from making import make
from pipeline.files.rows import read_rows
from samplerows import image_list
from spurious.experiments.data import excluded
from spurious.report import formats


def test_images_excluded_golden(tmp_path):
    image_list([False, True, False]).to_csv(tmp_path / "images.csv", index=False)
    made = make(tmp_path, "table", "images-excluded", {"images": tmp_path / "images.csv"})
    table = read_rows([made["csv"]])
    assert list(table) == ["image", "label", "name", "width", "height", "mode", "channel_difference", "reason"]
    assert table.to_numpy().tolist() == [
        ["a.JPEG", 0, "hook", 4, 3, "RGB", 0.01, "grey"], ["c.JPEG", 2, "NA", 4, 3, "L", 0, "grey: one channel"],
    ]  # fmt: skip


def test_no_image_excluded_is_an_empty_table():
    table = excluded.images_excluded(image_list(True))
    assert table.empty
    assert formats.to_markdown(table).startswith("| image")
