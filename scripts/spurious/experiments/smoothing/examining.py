"""One image under growing noise: what each of its views is taken for, and what the majority makes of them."""

from collections.abc import Callable, Sequence

import pandas as pd
import torch
from torch import Tensor

from spurious.classifiers.scoring import Scorer
from spurious.defences.vote import majority
from spurious.experiments.smoothing.examples import VIEWS
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
    predicted, name, logit, p, decision`, three for each sigma in the order of VIEWS, and the views (sigmas, 3, C, h, w)
    as the model got them. Name, seed and sigma give the noise of the sweep. Raises SpuriousError, naming the image
    where it is too small to blur, and where the logits are no numbers or not one for each class.
    """
    (kernel,) = viewer.settings.kernels
    views = torch.cat([viewer.views(image[None], [name], sigma, seed) for sigma in sigmas])
    with torch.inference_mode():
        parts = [_judge(model, view, classes) for view in views]
    rows = pd.concat([part.assign(sigma=float(sigma)) for part, sigma in zip(parts, sigmas, strict=True)])
    rows = rows.assign(image=name, seed=seed, kernel=kernel)
    columns = ["image", "seed", "kernel", "sigma", "view", "predicted", "name", "logit", "p", "decision"]
    return rows[columns].reset_index(drop=True), views.cpu()


def _judge(model: Callable[[Tensor], Tensor], views: Tensor, classes: Sequence[str]) -> pd.DataFrame:
    """The rows of one sigma, of its views (3, C, h, w)."""
    logits = model(views)
    predicted, p = Scorer(lambda _: logits, len(classes), len(views), views.device)(views)
    decision = majority(*predicted[:, None]).item()
    return pd.DataFrame(
        {
            "view": list(VIEWS),
            "predicted": predicted,
            "name": [classes[label] for label in predicted],
            "logit": logits.max(dim=1).values.cpu(),
            "p": p,
            "decision": decision,
        }
    )
