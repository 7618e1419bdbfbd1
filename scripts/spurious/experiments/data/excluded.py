"""The table of the photographs that are left out."""

import pandas as pd

from spurious.frames import require


def images_excluded(images: pd.DataFrame) -> pd.DataFrame:
    """The images of a folder that the experiment leaves out, and why: the rows of images.csv that are not `kept`.

    Returns `image, label, name, width, height, mode, channel_difference, reason`.
    """
    columns = ["image", "label", "name", "width", "height", "mode", "channel_difference", "reason"]
    require(images, [*columns, "kept"], "images")
    return images.loc[~images["kept"].astype(bool), columns].reset_index(drop=True)
