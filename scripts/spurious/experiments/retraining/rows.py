"""An arm of the experiment: rounds of negatives, a training and attacks, and the rows of each."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial

import pandas as pd
import torch
from torch import Tensor, nn

from spurious.attacks.map_elites import map_elites_runs
from spurious.attacks.optimization import SearchResult, run_searches
from spurious.attacks.optimization_rows import image_rows, label_probability
from spurious.attacks.settings import ImageOptimization, MapElites
from spurious.classifiers.models import Description, build_classifier
from spurious.classifiers.predictions import predict
from spurious.classifiers.recipes import TrainingRecipe
from spurious.classifiers.training import Trainer, TrainingSet
from spurious.data.datasets import Dataset
from spurious.experiments.retraining.settings import RetrainingSettings
from spurious.experiments.retraining.strong import StrongAttack, noise_rows
from spurious.experiments.retraining.training_set import target_classes, with_negatives
from spurious.perturbations.negatives import Evolved, FreshNoise, Growing, function_of, is_searched, search_of
from spurious.seeding import generator

ATTACK_COLUMNS = [
    *("classifier", "negatives", "target", "round", "seed", "attack", "label", "image"),
    *("steps", "reinitialized", "predicted", "p"),
]
ROWS = ("attacks", "old", "predictions", "negatives", "history", "strong", "noise")

# Trains to the end and gives the history of (trainer, validation images and labels, number of the round).
Training = Callable[[Trainer, tuple[Tensor, Tensor], int], pd.DataFrame]
# Of (what is done, unit): a context that gives a function of (how much more is done, of how much).
Counting = Callable[[str, str], AbstractContextManager[Callable[[int, int], object]]]


@dataclass(frozen=True)
class Arm:
    """One arm with one seed.

    `before` is the classifier to retrain, as `description` builds it, `control` one of another seed. `found` are the
    images (N, C, H, W) that the arm's search found in `before`, label by label, `found_rows` the rows of all searches
    in it. Each of the `searches` looks for so many `images` of each label.
    """

    classifier: str
    negatives: str
    target: str
    seed: int
    data: Dataset
    before: nn.Module
    description: Description
    control: nn.Module
    strong: StrongAttack
    found: Sequence[Tensor]
    found_rows: pd.DataFrame
    settings: RetrainingSettings
    searches: Mapping[str, ImageOptimization]
    images: int
    recipe: TrainingRecipe
    train: Training
    counting: Counting

    @property
    def named(self) -> FreshNoise | Growing | Evolved | None:
        """The negatives' parameters, where they have some."""
        return self.settings.negatives.get(self.negatives)

    @property
    def search(self) -> str:
        """The search whose images are the negatives, or are looked at again where these are none."""
        return search_of(self.negatives, self.settings.attacks, self.settings.negatives)

    @property
    def rounds(self) -> int:
        """How many trainings: fresh noise adds nothing from one to the next."""
        return 1 if isinstance(self.named, FreshNoise) else self.settings.rounds

    def identification(self, number: int) -> dict[str, object]:
        """The columns that tell a round's rows from others."""
        names = {"classifier": self.classifier, "negatives": self.negatives, "target": self.target}
        return names | {"round": number, "seed": self.seed}

    def seed_of(self, number: int) -> str:
        """The seed of a round's training and attacks: the same in every arm, so that the arms pair."""
        return f"{self.seed}, round {number}"


@dataclass
class Results:
    """Rows by ROWS, all negatives (N, C, H, W), and the images of the strong attack, `round<n>` (M, C, H, W)."""

    parts: dict[str, list[pd.DataFrame]] = field(default_factory=lambda: {name: [] for name in ROWS})
    negatives: Tensor = field(default_factory=lambda: torch.empty(0))
    strong: dict[str, Tensor] = field(default_factory=dict)

    def rows(self) -> dict[str, pd.DataFrame]:
        """Those of all rounds as one table for each of ROWS."""
        return {name: pd.concat(parts) for name, parts in self.parts.items()}


def retrained(arm: Arm) -> Results:
    """All rounds of an arm; of the arm "none" also the classifier before, as round 0, once for all arms."""
    made = Results(negatives=torch.empty(0, *arm.data.image_shape))
    if arm.negatives == "none":
        made.parts["predictions"].append(_test_rows(arm, arm.before, 0))
        made.parts["attacks"].append(_attack_rows_before(arm))
        _attack_strongly(arm, arm.before, 0, 0, made)
    model, old = arm.before, arm.found
    for number in range(1, arm.rounds + 1):
        model, old = _round(arm, model, old, number, made)
    return made


def _round(
    arm: Arm, model: nn.Module, old: Sequence[Tensor], number: int, made: Results
) -> tuple[nn.Module, Sequence[Tensor]]:
    """A round, from the classifier of the one before and what was found in it; the new classifier, and the same."""
    new = _new_negatives(arm, model, old, number)
    made.parts["negatives"].append(_negatives_rows(arm, model, new, number))
    made.negatives = torch.cat([made.negatives, new])
    held_out = _search_again(arm, model, number)
    trainer = _trainer(arm, made.negatives, number)
    model = _trained(arm, trainer, number, made)
    made.parts["predictions"].append(_test_rows(arm, model, number))
    for name, images in (("first", old), ("second", held_out)):
        made.parts["old"] += _old_rows(arm, model, images, number, name)
    attacks, found = _attack_rows(arm, model, number)
    made.parts["attacks"] += attacks
    _attack_strongly(arm, model, number, trainer.passes, made)
    return model, found


def _attack_rows_before(arm: Arm) -> pd.DataFrame:
    """The attacks on the trained classifier, as round 0."""
    rows = arm.found_rows
    versions = [*arm.settings.attacks, *(f"{name}, clamped" for name in arm.settings.attacks)]
    kept = rows[(rows["seed"] == arm.seed) & rows["search"].isin(versions)]
    return _in_columns(kept.assign(**arm.identification(0)))


def _new_negatives(arm: Arm, model: nn.Module, old: Sequence[Tensor], number: int) -> Tensor:
    """This round's addition to the negatives; `model` is the classifier of the round before."""
    named = arm.named
    if isinstance(named, Growing):
        images = arm.images * named.factor**number
        found = _searched(arm, model, [arm.search], f"{arm.seed_of(number - 1)}, negatives", images)
        return torch.cat([of_label[arm.search].images for of_label in found]).clamp_(0, 1)
    if isinstance(named, Evolved):
        return _evolved(arm, model, named, f"{arm.seed_of(number - 1)}, negatives")
    if isinstance(named, FreshNoise):
        return old[0][:0]
    return function_of(arm.negatives)(torch.cat(list(old)), generator(arm.seed, arm.negatives, number))


def _evolved(arm: Arm, model: nn.Module, named: Evolved, seed: str) -> Tensor:
    """What evolves in a classifier, class by class, an image of each run; an extra class is no goal."""
    settings = MapElites(runs=named.runs, population=named.population, generations=(named.generations,))
    classes, shape = arm.data.classes, arm.data.image_shape
    with arm.counting(f"evolution, seed {seed}", "query") as count:
        runs = map_elites_runs(
            lambda images: predict(model, images)[:, :classes],
            shape,
            settings,
            seed,
            lambda judged: count(judged, settings.queries),
        )
        elites = [images for _, _, images, _ in runs]
    return torch.stack(elites, dim=1).flatten(0, 1)


def _negatives_rows(arm: Arm, model: nn.Module, images: Tensor, number: int) -> pd.DataFrame:
    """A row per new negative, judged by the classifier of the round before.

    p is that of the label that an image was searched for; noise, which was searched for none, has its highest of a real
    class: what an extra class takes for itself fools nobody.
    """
    probabilities = predict(model, images)
    label = probabilities[:, : arm.data.classes].argmax(1)
    if is_searched(arm.negatives, arm.settings.negatives):
        label = torch.arange(arm.data.classes).repeat_interleave(len(images) // arm.data.classes)
    p = probabilities.gather(1, label[:, None])[:, 0]
    columns = {"image": range(len(images)), "label": label, "predicted": probabilities.argmax(1), "p": p}
    return pd.DataFrame(arm.identification(number) | columns)


def _trainer(arm: Arm, negatives: Tensor, number: int) -> Trainer:
    """The training of a round, from scratch, seeded by the round, equally in every arm."""
    classes = target_classes(arm.data.classes, arm.target)
    model = build_classifier(arm.description.changed(classes=classes)).to(next(arm.before.parameters()).device)
    return Trainer(model, _training_set(arm, negatives), arm.recipe, seed=arm.seed_of(number))


def _training_set(arm: Arm, negatives: Tensor) -> TrainingSet:
    """All training images and the negatives of all rounds so far."""
    data, copies = arm.data, arm.settings.copies
    images, labels = data.pixels("train"), data.labels["train"]
    return with_negatives(images, labels, data.classes, negatives, arm.target, copies, arm.named)


def _trained(arm: Arm, trainer: Trainer, number: int, made: Results) -> nn.Module:
    validation = arm.data.pixels("validation"), arm.data.labels["validation"]
    history = arm.train(trainer, validation, number)
    made.parts["history"].append(pd.DataFrame(arm.identification(number) | dict(history.items())))
    return trainer.model.eval().requires_grad_(False)


def _test_rows(arm: Arm, model: nn.Module, number: int) -> pd.DataFrame:
    """A row per test image; an extra class counts as a prediction like any other."""
    labels = arm.data.labels["test"]
    probability, predicted = predict(model, arm.data.pixels("test")).max(1)
    columns = {"id": range(len(labels)), "label": labels, "predicted": predicted, "probability": probability}
    return pd.DataFrame(arm.identification(number) | columns)


def _search_again(arm: Arm, model: nn.Module, number: int) -> list[Tensor]:
    """What a second run of the arm's search, from other starts, finds in the classifier of the round before.

    No training sees these images, label by label: they are held out.
    """
    found = _searched(arm, model, [arm.search], f"{arm.seed_of(number - 1)}, held out")
    return [of_label[arm.search].images for of_label in found]


def _searched(
    arm: Arm, model: nn.Module, names: Sequence[str], seed: str, images: int | None = None
) -> Iterator[dict[str, SearchResult]]:
    """What these searches find in a classifier, label by label, so many images of each (None: as configured)."""
    searches = {name: arm.searches[name] for name in names}
    with arm.counting(f"searches, seed {seed}", "label") as count:
        for label in range(arm.data.classes):
            references = arm.data.of_label(label)
            yield run_searches(model, label, references, searches, images=images or arm.images, seed=seed)
            count(1, arm.data.classes)


def _old_rows(arm: Arm, model: nn.Module, old: Sequence[Tensor], number: int, which: str) -> Iterator[pd.DataFrame]:
    """The images of a run on the round before, judged by the retrained classifier and by the control."""
    for label, images in enumerate(old):
        for name, by in (("retrained", model), ("control", arm.control)):
            columns = {"run": which, "judge": name, "label": label, "image": range(len(images))}
            columns |= label_probability(partial(predict, by), label, images)
            yield pd.DataFrame(arm.identification(number) | columns)


def _attack_rows(arm: Arm, model: nn.Module, number: int) -> tuple[list[pd.DataFrame], list[Tensor]]:
    """Attack every label with every search; also what the arm's own search found."""
    rows, own = [], []
    for label, found in enumerate(_searched(arm, model, arm.settings.attacks, arm.seed_of(number))):
        rows += image_rows(partial(predict, model), label, found, arm.identification(number) | {"label": label})
        own.append(found[arm.search].images)
    return [_in_columns(part) for part in rows], own


def _attack_strongly(arm: Arm, model: nn.Module, number: int, passes: int, made: Results) -> None:
    """Attack without giving up, and look at noise; `passes` are those of the training of this round."""
    seed, identification = arm.seed_of(number), arm.identification(number)
    with arm.counting(f"strong attack, seed {seed}", "start") as count:
        found, images = arm.strong.rows(model, seed, count)
    made.parts["strong"].append(pd.DataFrame(identification | dict(found.items()) | {"passes": passes}))
    made.strong[f"round{number}"] = images
    noise = noise_rows(model, arm.data, arm.settings.confidence, seed)
    made.parts["noise"].append(pd.DataFrame(identification | dict(noise.items())))


def _in_columns(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of a search as rows of an attack."""
    return rows.rename(columns={"search": "attack"})[ATTACK_COLUMNS]
