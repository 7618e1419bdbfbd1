"""Retrain a classifier against negatives, round by round, and attack it again after each."""

import argparse
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from pipeline.jobs.arguments import (
    Parser,
    add_compute_arguments,
    add_required,
    answer_help,
    declare_own_kinds,
    json_argument,
    run,
    settings_argument,
)
from pipeline.jobs.devices import name_of, note_slow_precision, prepare_compute
from spurious.classifiers.entries import ClassifierEntry
from spurious.classifiers.recipes import TrainingRecipe
from spurious.experiments.backworking.settings import BackworkingSettings
from spurious.experiments.retraining.settings import RetrainingSettings


def parse(argv: list[str] | None) -> argparse.Namespace:
    declare_own_kinds()  # they may add to the choices
    parser = Parser(description=__doc__)
    add_required(parser, "data", "classifier", "weights", "seed", "attacks-rows", "old-rows", "predictions-rows")
    add_required(parser, "negatives-rows", "history-rows", "strong-rows", "noise-rows", "negatives-file")
    parser.add_argument("--architecture", type=json_argument, help="JSON: what the weights must be of")
    parser.add_argument("--control", required=True, help="an unretrained classifier of another seed")
    parser.add_argument("--judge", required=True, help="a classifier of another architecture: .skops or .safetensors")
    entry = settings_argument(ClassifierEntry)
    parser.add_argument("--judge-entry", type=entry, required=True, help="JSON: under classifiers")
    parser.add_argument("--found", nargs="+", required=True, help="found images, one file per label in order")
    parser.add_argument("--found-rows", nargs="+", required=True, help="their rows")
    parser.add_argument("--negatives", required=True, help="their name in the arm")
    parser.add_argument("--target", choices=["none", "uniform", "extra"], required=True)
    parser.add_argument("--settings", type=settings_argument(RetrainingSettings), required=True)
    parser.add_argument("--recipe", type=settings_argument(TrainingRecipe), required=True, help="that retrains")
    parser.add_argument("--searches", type=settings_argument(BackworkingSettings), required=True)
    parser.add_argument("--strong-file", required=True, help="the images of the attack that does not give up")
    add_compute_arguments(parser)
    return parser.parse_args(argv)


answer_help(__name__, parse)

import pandas as pd
import torch

from pipeline.files.checkpoints import train
from pipeline.files.estimators import open_any
from pipeline.files.rows import read_rows, write_rows
from pipeline.files.tensors import load_classifier, read_dataset, read_description, read_tensors, write_tensors
from pipeline.jobs.progress import counting, progress
from spurious.attacks.optimization import SearchResult, run_searches
from spurious.attacks.optimization_rows import image_rows, label_probability
from spurious.classifiers.models import build_classifier
from spurious.classifiers.predictions import predict
from spurious.classifiers.scikit_learn import scores_of
from spurious.classifiers.training import Trainer, TrainingSet
from spurious.data.datasets import Dataset
from spurious.experiments.retraining.strong import StrongAttack, noise_rows
from spurious.experiments.retraining.training_set import target_classes, with_negatives
from spurious.perturbations.negatives import FreshNoise, Growing, function_of, is_searched, search_of
from spurious.seeding import generator

ATTACK_COLUMNS = [
    *("classifier", "negatives", "target", "round", "seed", "attack", "label", "image"),
    *("steps", "reinitialized", "predicted", "p"),
]


def main(argv: list[str] | None = None) -> None:
    """Read data, the trained classifier, its control and what was found in it; write rows of all rounds."""
    arguments = parse(argv)
    device = prepare_compute(arguments)
    note_slow_precision(arguments.recipe.precision, device)
    arm = Arm(arguments, device)
    names = ("attacks", "old", "predictions", "negatives", "history", "strong", "noise")
    rows: dict[str, list[pd.DataFrame]] = {name: [] for name in names}
    old = arm.found_before()
    if arguments.negatives == "none":  # the classifiers before retraining, once for all arms
        rows["predictions"].append(arm.test_rows(arm.before, 0))
        rows["attacks"].append(arm.attack_rows_before())
        arm.attack_strongly(arm.before, 0, rows)
    negatives, model = torch.empty(0, *arm.data.image_shape), arm.before
    for number in range(1, arm.rounds + 1):
        new = arm.new_negatives(model, old, number)
        rows["negatives"].append(arm.negatives_rows(model, new, number))
        negatives = torch.cat([negatives, new])
        held_out = arm.search_again(model, number)
        model, history = arm.retrain(negatives, number)
        rows["history"].append(history)
        rows["predictions"].append(arm.test_rows(model, number))
        for name, images in (("first", old), ("second", held_out)):
            rows["old"] += arm.old_rows(model, images, number, name)
        attacks, old = arm.attack_rows(model, number)
        rows["attacks"] += attacks
        arm.attack_strongly(model, number, rows)
    write_tensors(arguments.negatives_file, {"negatives": negatives})
    write_tensors(arguments.strong_file, arm.strong_images)
    for name, parts in rows.items():
        write_rows(getattr(arguments, f"{name}_rows"), pd.concat(parts))
    arm.remove_checkpoints()


class Arm:
    """One arm of the experiment with one seed: its files' contents and the steps of a round."""

    def __init__(self, arguments: argparse.Namespace, device: torch.device):
        self.arguments, self.device = arguments, device
        self.data: Dataset = read_dataset(arguments.data)
        self.before = load_classifier(arguments.weights, device, arguments.architecture)
        self.control = load_classifier(arguments.control, device, arguments.architecture)
        self.settings: RetrainingSettings = arguments.settings
        named = self.settings.negatives
        self.named = named.get(arguments.negatives)
        self.name = f"{arguments.negatives}-{arguments.target}"
        self.rounds = 1 if isinstance(self.named, FreshNoise) else self.settings.rounds
        self.search = search_of(arguments.negatives, self.settings.attacks, named)
        self.is_searched = is_searched(arguments.negatives, named)
        judge = scores_of(open_any(arguments.judge, arguments.judge_entry, device, arguments.threads))
        above = arguments.searches.found_above
        self.strong = StrongAttack(self.data, judge, partial(predict, self.control), self.settings.strong, above)
        self.strong_images: dict[str, torch.Tensor] = {}
        self.passes = 0
        self.folder = Path(arguments.attacks_rows).parent
        classes = target_classes(self.data.classes, arguments.target)
        self.description = read_description(arguments.weights).changed(classes=classes)

    def identification(self, number: int) -> dict[str, object]:
        """The columns that tell a round's rows from others."""
        arguments = self.arguments
        return {
            "classifier": arguments.classifier,
            "negatives": arguments.negatives,
            "target": arguments.target,
            "round": number,
            "seed": arguments.seed,
        }

    def seed_of(self, number: int) -> str:
        """The seed of a round's training and attacks: the same in every arm, so that the arms pair."""
        return f"{self.arguments.seed}, round {number}"

    def found_before(self) -> list[torch.Tensor]:
        """What the arm's search found in the trained classifier, label by label."""
        name = f"{self.search}/seed{self.arguments.seed}"
        return [read_tensors(path)[0][name] for path in self.arguments.found]

    def attack_rows_before(self) -> pd.DataFrame:
        """The attacks on the trained classifier, as round 0."""
        rows = read_rows(self.arguments.found_rows)
        versions = [*self.settings.attacks, *(f"{name}, clamped" for name in self.settings.attacks)]
        kept = rows[(rows["seed"] == self.arguments.seed) & rows["search"].isin(versions)]
        return in_columns(kept.assign(**self.identification(0)))

    def negatives_rows(self, model: torch.nn.Module, images: torch.Tensor, number: int) -> pd.DataFrame:
        """A row per new negative, judged by the classifier of the round before.

        p is that of the label that an image was searched for; noise, which was searched for none, has its highest.
        """
        probabilities = predict(model, images)
        predicted = probabilities.argmax(1)
        label = predicted
        if self.is_searched:
            label = torch.arange(self.data.classes).repeat_interleave(len(images) // self.data.classes)
        p = probabilities.gather(1, label[:, None])[:, 0]
        columns = {"image": range(len(images)), "label": label, "predicted": predicted, "p": p}
        return pd.DataFrame(self.identification(number) | columns)

    def new_negatives(self, model: torch.nn.Module, old: list[torch.Tensor], number: int) -> torch.Tensor:
        """This round's addition to the negatives; `model` is the classifier of the round before."""
        name = self.arguments.negatives
        if isinstance(self.named, Growing):
            images = self.arguments.searches.images * self.named.factor**number
            seed = f"{self.seed_of(number - 1)}, negatives"
            found = self.searched(model, [self.search], seed, images)
            return torch.cat([of_label[self.search].images for of_label in found]).clamp_(0, 1)
        if isinstance(self.named, FreshNoise):
            return old[0][:0]
        return function_of(name)(torch.cat(old), generator(self.arguments.seed, name, number))

    def training_set(self, negatives: torch.Tensor) -> TrainingSet:
        """All training images and the negatives of all rounds so far."""
        images, labels = self.data.pixels("train"), self.data.labels["train"]
        target, copies = self.arguments.target, self.settings.copies
        return with_negatives(images, labels, self.data.classes, negatives, target, copies, self.named)

    def retrain(self, negatives: torch.Tensor, number: int) -> tuple[torch.nn.Module, pd.DataFrame]:
        """A new classifier, trained from scratch, and its history; seeded by the round, equally in every arm."""
        model = build_classifier(self.description).to(self.device)
        seed = self.seed_of(number)
        trainer = Trainer(model, self.training_set(negatives), self.arguments.recipe, seed=seed)
        validation = self.data.pixels("validation"), self.data.labels["validation"]
        self.passes = trainer.passes
        history = pd.DataFrame(train(trainer, validation, self.checkpoint(number), f"{self.name}, seed {seed}"))
        columns = self.identification(number) | dict(history.items())
        columns |= {"device": name_of(self.device), "precision": trainer.precision}
        return model.eval().requires_grad_(False), pd.DataFrame(columns)

    def test_rows(self, model: torch.nn.Module, number: int) -> pd.DataFrame:
        """A row per test image; an extra class counts as a prediction like any other."""
        labels = self.data.labels["test"]
        probability, predicted = predict(model, self.data.pixels("test")).max(1)
        columns = {"id": range(len(labels)), "label": labels, "predicted": predicted, "probability": probability}
        return pd.DataFrame(self.identification(number) | columns)

    def search_again(self, model: torch.nn.Module, number: int) -> list[torch.Tensor]:
        """What a second run of the arm's search, from other starts, finds in the classifier of the round before.

        No training sees these images, label by label: they are held out.
        """
        found = self.searched(model, [self.search], f"{self.seed_of(number - 1)}, held out")
        return [of_label[self.search].images for of_label in found]

    def searched(
        self, model: torch.nn.Module, names: Sequence[str], seed: str, images: int | None = None
    ) -> Iterator[dict[str, SearchResult]]:
        """What these searches find in a classifier, label by label, so many images of each (None: as configured)."""
        settings: BackworkingSettings = self.arguments.searches
        searches = {name: settings.searches[name] for name in names}
        for label in progress(range(self.data.classes), f"{self.name}, searches, seed {seed}", "label"):
            references = self.data.of_label(label)
            yield run_searches(model, label, references, searches, images=images or settings.images, seed=seed)

    def old_rows(
        self, model: torch.nn.Module, old: list[torch.Tensor], number: int, which: str
    ) -> Iterator[pd.DataFrame]:
        """The images of a run on the round before, judged by the retrained classifier and by the control."""
        for label, images in enumerate(old):
            for name, by in (("retrained", model), ("control", self.control)):
                columns = {"run": which, "judge": name, "label": label, "image": range(len(images))}
                columns |= label_probability(partial(predict, by), label, images)
                yield pd.DataFrame(self.identification(number) | columns)

    def attack_rows(self, model: torch.nn.Module, number: int) -> tuple[list[pd.DataFrame], list[torch.Tensor]]:
        """Attack every label with every search; also what the arm's own search found."""
        rows, own = [], []
        for label, found in enumerate(self.searched(model, self.settings.attacks, self.seed_of(number))):
            identification = self.identification(number) | {"label": label}
            rows += image_rows(partial(predict, model), label, found, identification)
            own.append(found[self.search].images)
        return [in_columns(part) for part in rows], own

    def attack_strongly(self, model: torch.nn.Module, number: int, rows: dict[str, list[pd.DataFrame]]) -> None:
        """Attack without giving up, and look at noise; `passes` are those of the training of this round."""
        seed, identification = self.seed_of(number), self.identification(number)
        with counting(f"{self.name}, strong attack, seed {seed}", "start") as count:
            found, images = self.strong.rows(model, seed, count)
        rows["strong"].append(pd.DataFrame(identification | dict(found.items()) | {"passes": self.passes}))
        self.strong_images[f"round{number}"] = images
        noise = noise_rows(model, self.data, self.settings.confidence, seed)
        rows["noise"].append(pd.DataFrame(identification | dict(noise.items())))

    def checkpoint(self, number: int) -> Path:
        """Where a round's training is saved; kept until the arm's results are written."""
        return self.folder / f"round{number}.checkpoint.safetensors"

    def remove_checkpoints(self) -> None:
        """Delete what only a killed run would need."""
        for number in range(1, self.rounds + 1):
            self.checkpoint(number).unlink(missing_ok=True)


def in_columns(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of a search as rows of an attack."""
    return rows.rename(columns={"search": "attack"})[ATTACK_COLUMNS]


if __name__ == "__main__":
    run(main)
