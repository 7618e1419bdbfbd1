"""One image under growing noise: what each of its views is classified as, and what the majority makes of them."""

from collections.abc import Callable, Sequence

import pandas as pd
import torch
from torch import Tensor

from spurious.classifiers.predictions import to_probabilities
from spurious.defences.vote import vote
from spurious.views.viewer import Viewer


def examine(
    image: Tensor,
    name: str,
    model: Callable[[Tensor], Tensor],
    viewer: Viewer,
    *,
    sigmas: Sequence[float],
    seed: int,
    classes: Sequence[str],
) -> tuple[pd.DataFrame, Tensor]:
    """What `model` makes of an image (C, H, W), float32 in [0, 1], under each of `sigmas`; `name` seeds the noise.

    `viewer` has one kernel, `classes` the names of the model's classes. Returns rows `image, seed, kernel, sigma, view,
    predicted, name, logit, p, decision`, for each sigma one of every view of the settings, and the views (sigmas, V, C,
    h, w) as the model got them. Name, seed and sigma give the noise of the sweep. Raises SpuriousError, naming the
    image where a view cannot be made of it, and where the logits are no numbers or not one for each class.
    """
    (kernel,) = viewer.settings.kernels
    shown = viewer.places(kernel)
    views = torch.cat([viewer.views(image[None], [name], sigma, seed)[:, shown] for sigma in sigmas])
    names = [view.name for view in viewer.settings.views]
    with torch.inference_mode():
        parts = [_view_rows(model, view, names, classes) for view in views]
    rows = pd.concat([part.assign(sigma=float(sigma)) for part, sigma in zip(parts, sigmas, strict=True)])
    rows = rows.assign(image=name, seed=seed, kernel=kernel)
    columns = ["image", "seed", "kernel", "sigma", "view", "predicted", "name", "logit", "p", "decision"]
    return rows[columns].reset_index(drop=True), views.cpu()


def _view_rows(
    model: Callable[[Tensor], Tensor], views: Tensor, names: Sequence[str], classes: Sequence[str]
) -> pd.DataFrame:
    """The rows of one sigma, of its views (V, C, h, w) and their names."""
    logits = model(views)
    p, predicted = to_probabilities(logits, len(classes)).cpu().max(1)
    decision = vote(predicted[:, None]).item()
    return pd.DataFrame(
        {
            "view": list(names),
            "predicted": predicted,
            "name": [classes[label] for label in predicted],
            "logit": logits.max(dim=1).values.cpu(),
            "p": p,
            "decision": decision,
        }
    )
