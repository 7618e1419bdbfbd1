"""What is kept of attacks on defences for their figure: some images, what changed them, and what every view says."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from spurious.attacks.within import Starts
from spurious.defences.defended import Defended
from spurious.experiments.robustness.rows import image_name
from spurious.experiments.robustness.settings import EXAMPLES, PLAIN
from spurious.views.preprocessing import prepare

MOST = 4  # images that the figure has room for
KEYS = ["defence", "attack", "norm", "epsilon", "id", "label", "clean", "predicted", "l2", "linf"]


def examples_of(
    rows: pd.DataFrame, images: Mapping[str, Tensor], starts: Starts, defences: Mapping[str, Defended], most: int = MOST
) -> tuple[list[dict[str, Any]], dict[str, Tensor]]:
    """At most `most` of what the gradient found of the defence with most views, of what `all_rows` gave for `starts`.

    Of each image, at the size at which it was found, a row of KEYS with the names of the `views`, and the tensors
    `examples/<id>/`: `original` and `fooled` (C, h, w), resized and cropped for the classifier, `views` (V, C, h, w) of
    the second, and the `labels` of these (V,).
    """
    shown = max(defences, key=lambda name: len(defences[name].defence.looks))
    own = rows[(rows["variant"] == PLAIN) & (rows["defence"] == shown) & (rows["epsilon"] == rows["found_at"])]
    own = own[(own["goal"] == "wrong") & (own["sees"] == "gradient")].drop_duplicates("id").head(most)
    described, tensors = own[KEYS].to_dict("records"), {}
    for row in described:
        image = images[image_name(row["defence"], row["attack"], row["norm"], row["id"])]
        row["views"] = tuple(look.name for look in defences[shown].defence.looks)
        made = _tensors(image[None], starts.images[list(starts.ids).index(row["id"])][None], defences[shown])
        tensors |= {f"{EXAMPLES}/{row['id']}/{name}": tensor for name, tensor in made.items()}
    return described, tensors


@torch.no_grad()
def _tensors(image: Tensor, start: Tensor, defended: Defended) -> dict[str, Tensor]:
    image, preprocessing = image.to(start.device), defended.preprocessing
    original, fooled = (prepare(each, preprocessing)[0] for each in (start, image))
    views = torch.cat([look(image, preprocessing) for look in defended.defence.looks])
    made = {"original": original, "fooled": fooled, "views": views, "labels": defended.logits(views).argmax(1)}
    return {name: tensor.cpu().clone() for name, tensor in made.items()}
