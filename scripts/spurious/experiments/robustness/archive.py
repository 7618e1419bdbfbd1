"""What is kept beside the images that attacks on defences found, so that they can be judged again."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any

import pandas as pd
from pydantic import Field, model_validator
from torch import Tensor

from spurious.attacks.within import Starts
from spurious.defences.defended import Defended
from spurious.defences.rejection import REJECTED
from spurious.experiments.robustness.rows import image_name
from spurious.experiments.robustness.settings import PLAIN
from spurious.registry import Settings, as_data
from spurious.seeding import Id

KEYS = ["defence", "attack", "goal"]
FOUND = [*KEYS, "norm", "epsilon", "id", "label", "predicted", "predicted_rounded"]
Decision = Annotated[int, Field(ge=REJECTED)]


class Start(Settings):
    """An image that was attacked, and by defence the decision on it."""

    id: Id
    label: Annotated[int, Field(ge=0)]
    sha256: str
    clean: dict[str, Decision]


class AttackOfDefence(Settings):
    """An attack that ran, by name, on a defence, and what it wanted."""

    defence: str
    attack: str
    goal: str


class FoundImage(AttackOfDefence):
    """An image that an attack found."""

    name: str
    norm: str
    epsilon: float
    id: Id
    label: int
    predicted: Decision
    predicted_rounded: Decision
    stored: bool
    sha256: str


class Archive(Settings):
    """What is written beside the images: what `description` gives, and of which classifier it is."""

    classifier: str
    seed: int
    entry: dict[str, Any]
    sources: dict[str, Any] = Field(default_factory=dict)
    defences: dict[str, dict[str, Any]]
    preprocessing: dict[str, Any]
    attacks: tuple[AttackOfDefence, ...]
    sizes: dict[str, tuple[float, ...]]
    starts: Annotated[tuple[Start, ...], Field(min_length=1)]
    found: tuple[FoundImage, ...]

    @model_validator(mode="after")
    def _fits_together(self) -> "Archive":
        ids = {start.id for start in self.starts}
        if any(start.clean.keys() != self.defences.keys() for start in self.starts):
            raise ValueError("a start has not the decision of every defence")
        if any(own.id not in ids or own.defence not in self.defences for own in self.found):
            raise ValueError("an image was found of no start or behind no defence")
        return self


def description(
    rows: pd.DataFrame,
    images: Mapping[str, Tensor],
    starts: Starts,
    defences: Mapping[str, Defended],
    stored: Collection[Id],
) -> dict[str, Any]:
    """What `all_rows` gave for `starts`, in types of JSON.

    `defences` with their parameters, `attacks` the KEYS of all that ran, `sizes` by norm, `preprocessing` the
    classifier's. `starts`: `id`, `label`, `sha256` and by defence the decision `clean`. `found`: of each image the
    columns FOUND, `epsilon` the size at which it was found, its `name` among `images`, its `sha256`, and whether it is
    `stored`, as those of some starts (ids) are.
    """
    rows = rows[rows["variant"] == PLAIN]
    found = rows[rows["found"] & (rows["epsilon"] == rows["found_at"])][FOUND].to_dict("records")
    for row in found:
        row["name"] = image_name(row["defence"], row["attack"], row["norm"], row["id"])
        row["stored"] = row["id"] in stored
        row["sha256"] = sha256(images[row["name"]])
    clean = rows.drop_duplicates(["defence", "id"]).pivot(index="id", columns="defence", values="clean")
    own = zip(starts.ids, starts.labels.tolist(), starts.images, strict=True)
    any_of_them = next(iter(defences.values()))
    return {
        "defences": {name: as_data(defended.defence) for name, defended in defences.items()},
        "preprocessing": as_data(any_of_them.preprocessing),
        "attacks": rows[KEYS].drop_duplicates().to_dict("records"),
        "sizes": rows.groupby("norm")["epsilon"].unique().map(list).to_dict(),
        "starts": [
            {"id": name, "label": label, "sha256": sha256(image), "clean": clean.loc[name].to_dict()}
            for name, label, image in own
        ],
        "found": found,
    }


def joined(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The descriptions of several starts as one."""
    lists = {name: [item for part in parts for item in part[name]] for name in ("starts", "found")}
    return {**parts[0], **lists}


def sha256(image: Tensor) -> str:
    """Of the float32 pixels of an image (C, H, W)."""
    return hashlib.sha256(image.cpu().contiguous().numpy().tobytes()).hexdigest()
