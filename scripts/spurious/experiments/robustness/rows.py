"""Rows of attacks on defences: a row for each image, defence, attack and size."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice

import pandas as pd
import torch
from torch import Tensor

from spurious.attacks.on_decisions import DecisionAttack, RandomDirections, WhiteBox
from spurious.attacks.scores import Scores
from spurious.attacks.white_box import vanishes
from spurious.attacks.within import Found, Starts, Within, judged, to_8_bits
from spurious.defences.defended import Defended
from spurious.defences.entries import Threshold, Undefended
from spurious.defences.looks import AS_IT_IS
from spurious.defences.registry import Defence
from spurious.defences.rejection import REJECTED
from spurious.experiments.robustness.settings import OTHERS, PLAIN, UNPRUNED, RobustnessSettings
from spurious.perturbations.balls import project
from spurious.perturbations.balls import sizes as sizes_of
from spurious.seeding import Id
from spurious.views.preprocessing import Preprocessing

VARIANTS = ("alone", "one step", "more steps", "more restarts", "untargeted", "targeted")  # of the white box
COLUMNS = [
    *("defence", "gradient", "norm", "epsilon", "claimed", "attack", "goal", "sees", "id", "label"),
    *("undefended", "clean"),
    *("found", "found_at", "predicted", "found_rounded", "predicted_rounded", "l2", "linf", "vanished", "repeats"),
]


def fitted_defences(
    defences: Mapping[str, Defence],
    logits: Scores,
    kept: Iterable[Tensor],
    preprocessing: Preprocessing = Preprocessing(),  # noqa: B008
) -> dict[str, Defended]:
    """The defences by name, with what they take from images that nobody attacks, before `logits`.

    `kept` gives these in batches (n, C, H, W), as often as it is asked. `preprocessing` is the classifier's.
    """
    with torch.no_grad():
        clean = torch.cat([torch.empty(0), *(logits(AS_IT_IS(part, preprocessing)).cpu() for part in kept)])
    fitted = {}
    for name, defence in defences.items():
        like = defence.like if isinstance(defence, Threshold) else None
        coverage = _coverage(Defended(defences[like], logits, preprocessing), kept) if like else None
        fitted[name] = Defended(defence.fitted(clean, coverage), logits, preprocessing)
    return fitted


def knowing(settings: RobustnessSettings, kept: Iterable[Tensor]) -> RobustnessSettings:
    """The settings whose attacks know the first OTHERS images of `kept`, batches (n, C, H, W) that nobody attacks."""
    others = [*islice(chain.from_iterable(kept), OTHERS)]
    attacks = {name: attack.knowing(others) for name, attack in settings.attacks.items()}
    return settings.model_copy(update={"attacks": attacks})


def _coverage(defended: Defended, kept: Iterable[Tensor]) -> float | None:
    """The share of images that are answered; None where there are none."""
    answered = [decision != REJECTED for part in kept for decision in defended.decide(part).tolist()]
    return sum(answered) / len(answered) if answered else None


def attack_rows(
    defences: Mapping[str, Defended],
    logits: Scores,
    starts: Starts,
    settings: RobustnessSettings,
    seed: int,
    on_images: Callable[[int], object] = lambda done: None,
) -> tuple[pd.DataFrame, dict[str, Tensor]]:
    """All attacks on all defences, from the same images: rows of the columns COLUMNS, and every image (C, H, W) that
    was found, by `image_name`.

    `claimed` says whether the defence claims to hold at the size. `undefended` and `clean` are the decisions of the
    classifier and of the defence on the image, `predicted` that on the image that the attack ended with, `found`
    whether this is what the attack wants (its `goal`), `found_at` the size at which it was; `*_rounded` the same after
    rounding to 8 bits towards the image; `vanished` whether the gradient of the decision on the image is 0; `repeats`
    whether both decisions, before and after, are the same when they are made again. Decisions of -1 are rejections.
    Sizes ascend: what an attack has found at one counts at all larger ones, where it goes on with the other images. An
    image that the defence does not answer rightly is not attacked, as it is an error already; a defence that never
    rejects has no rows of attacks that want a rejection. `on_images` is called with the number of images of every
    batch after each attack and size.
    """
    plain = Defended(Undefended(), logits, next(iter(defences.values())).preprocessing)
    parts, images = [], {}
    for places in torch.arange(len(starts.images)).split(settings.batch_size):
        own = starts.at(places)
        shared = {"id": own.ids, "label": own.labels.cpu(), "undefended": plain.decide(own.images).cpu()}
        attacks = {name: attack.for_one_batch() for name, attack in settings.attacks.items()}
        for name, defended in defences.items():
            who = {"defence": name, "gradient": defended.defence.gradient, "vanished": vanishes(defended, own).cpu()}
            for attack_name, attack in attacks.items():
                if not _is_met(attack, defended):
                    continue
                how = who | {"attack": attack_name, "goal": attack.goal, "sees": attack.sees}
                for rows, found in _ascending(attack, defended, plain, own, settings, seed):
                    claimed = defended.defence.claims(rows["norm"], rows["epsilon"])
                    parts.append(pd.DataFrame(how | shared | rows | {"claimed": claimed}))
                    names = (image_name(name, attack_name, rows["norm"], own.ids[place]) for place in found)
                    images |= dict(zip(names, found.values(), strict=True))
                    on_images(len(own.ids))
    return pd.concat(parts, ignore_index=True)[COLUMNS], images


def _is_met(attack: DecisionAttack, defended: Defended) -> bool:
    """Whether a defence can do what the attack wants."""
    return attack.goal != "rejected" or defended.defence.rejects


def work(defences: Mapping[str, Defended], settings: RobustnessSettings, count: int, checked: int) -> int:
    """Of how many images `all_rows` tells for so many starts: each once per defence, attack and size, and per check."""
    pairs = sum(_is_met(attack, own) for own in defences.values() for attack in settings.attacks.values())
    checks = sum(isinstance(attack, WhiteBox) for attack in settings.attacks.values()) * len(defences) * len(VARIANTS)
    checks += len(_run_again(settings)) * len(defences)
    return pairs * sum(map(len, settings.sizes.values())) * count + checks * min(checked, count)


def image_name(defence: str, attack: str, norm: str, name: Id) -> str:
    """Of the image that an attack found of a start: one at most, as it counts at all larger sizes."""
    return f"{defence}/{attack}/{norm}/{name}"


def all_rows(
    defences: Mapping[str, Defended],
    logits: Scores,
    starts: Starts,
    settings: RobustnessSettings,
    seed: int,
    checked: int,
    on_images: Callable[[int], object] = lambda done: None,
) -> tuple[pd.DataFrame, dict[str, Tensor]]:
    """Rows of the attacks (`variant` PLAIN); for the checks, of the first `checked` starts, those of the white box's
    variants and of the others (UNPRUNED); and the images that the attacks found, as from `attack_rows`. `on_images` is
    told how many more images are done, in all as many as `work` says.
    """
    first = starts.at(torch.arange(min(checked, len(starts.images))))
    rows, images = attack_rows(defences, logits, starts, settings, seed, on_images)
    parts = [rows.assign(variant=PLAIN)]
    for name, attack in settings.attacks.items() if len(first.images) else ():
        if isinstance(attack, WhiteBox):
            for defence, defended in defences.items():
                for own in _variants({defence: defended}, logits, first, settings, name, seed):
                    parts += own
                    on_images(len(first.ids))
    if len(first.images) and _others(settings):
        parts.append(_unpruned(rows, defences, logits, first, settings, seed, on_images).assign(variant=UNPRUNED))
    return pd.concat(parts, ignore_index=True), images


def _others(settings: RobustnessSettings) -> dict[str, DecisionAttack]:
    """The attacks that the white box is compared with: all others that want a wrong class."""
    attacks = settings.attacks.items()
    return {name: attack for name, attack in attacks if attack.goal == "wrong" and not isinstance(attack, WhiteBox)}


def _begins_with_checks(settings: RobustnessSettings) -> bool:
    """Whether the size of the checks is the smallest of its norm, where every attack starts from every image anyway."""
    checks = settings.checks
    return checks.epsilon == min(settings.sizes.get(checks.norm, ()), default=None)


def _run_again(settings: RobustnessSettings) -> dict[str, DecisionAttack]:
    """Those of `_others` that the checks run by themselves, as they run there: what tries more than before, or all."""
    others = {name: _in_checks(attack, settings) for name, attack in _others(settings).items()}
    if not _begins_with_checks(settings):
        return others
    return {name: attack for name, attack in others.items() if attack != settings.attacks[name]}


def _in_checks(attack: DecisionAttack, settings: RobustnessSettings) -> DecisionAttack:
    """The attack as the checks run it: random changes with as many directions as they ask for."""
    directions = settings.checks.directions
    if directions is None or not isinstance(attack, RandomDirections):
        return attack
    return attack.model_copy(update={"directions": directions})


def _unpruned(
    rows: pd.DataFrame,
    defences: Mapping[str, Defended],
    logits: Scores,
    starts: Starts,
    settings: RobustnessSettings,
    seed: int,
    on_images: Callable[[int], object],
) -> pd.DataFrame:
    """Rows of `_others` from all starts at the size of the checks: those of `attack_rows` where they are the same."""
    checks, again = settings.checks, _run_again(settings)
    there = (rows["norm"] == checks.norm) & (rows["epsilon"] == checks.epsilon) & rows["id"].isin(starts.ids)
    parts = [rows[there & rows["attack"].isin(_others(settings).keys() - again.keys())]]
    if again:
        changed = {"sizes": {checks.norm: (checks.epsilon,)}, "attacks": again}
        parts += [attack_rows(defences, logits, starts, settings.model_copy(update=changed), seed, on_images)[0]]
    return pd.concat([part for part in parts if len(part)], ignore_index=True)


def _variants(
    defence: Mapping[str, Defended],
    logits: Scores,
    starts: Starts,
    settings: RobustnessSettings,
    name: str,
    seed: int,
) -> Iterator[list[pd.DataFrame]]:
    """Rows of each of VARIANTS of the white box with this name: at one size, so that no smaller one goes before.

    "untargeted" and "targeted" are of the images that it finds "alone", since the searches of these two are its own;
    "more steps" and "more restarts" of those that it misses. None where no image is left to one.
    """
    checks, attack = settings.checks, settings.attacks[name]
    every = torch.arange(len(starts.images))

    def rows(variant: str, places: Tensor, **change: object) -> pd.DataFrame:
        changed = {"sizes": {checks.norm: (checks.epsilon,)}, "attacks": {name: attack.model_copy(update=change)}}
        own = attack_rows(defence, logits, starts.at(places), settings.model_copy(update=changed), seed)[0]
        return own.assign(variant=variant)

    alone = rows("alone", every)
    found = torch.tensor(alone["found"].to_numpy(bool))
    yield [alone]
    for variant, places, change in (
        ("one step", every, {"steps": 1, "restarts": 1}),
        ("more steps", every[~found], {"steps": checks.more * attack.steps}),
        ("more restarts", every[~found], {"restarts": checks.more * attack.restarts}),
        ("untargeted", every[found], {"targets": 0}),
        ("targeted", every[found], {"away": False}),
    ):
        # a table without rows would change the types of the others' columns
        yield [rows(variant, places, **change)] if len(places) else []


@dataclass
class _State:
    """What an attack has of each image (N, ...) so far."""

    images: Tensor
    found: Tensor
    found_at: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.found_at = torch.full(self.found.shape, torch.nan, dtype=torch.float64)


def _ascending(
    attack: DecisionAttack, defended: Defended, plain: Defended, starts: Starts, settings: RobustnessSettings, seed: int
) -> Iterator[tuple[dict[str, object], dict[int, Tensor]]]:
    """Columns of the rows at each size, and the images (C, H, W) that are found there, by place."""
    clean = defended.decide(starts.images)
    right, same = clean == starts.labels, clean == defended.decide(starts.images)
    for norm, epsilons in settings.sizes.items():
        state = _State(starts.images.clone(), torch.zeros(len(right), dtype=torch.bool, device=right.device))
        search = _search(attack, defended, plain, starts, right.nonzero().flatten(), norm, seed)
        for epsilon in sorted(epsilons):
            left = (right & ~state.found).nonzero().flatten()
            if len(left):
                found = search(left, Within(norm=norm, epsilon=epsilon))
                state.images[left], state.found[left] = found.images, found.success
                left = left[found.success]
                state.found_at[left.cpu()] = epsilon
            columns = {"norm": norm, "epsilon": epsilon, "clean": clean.cpu()}
            columns |= _judged_again(attack, defended, starts, state)
            columns["repeats"] &= same.cpu()
            yield columns, {place: state.images[place].cpu().clone() for place in left.tolist()}


def _search(
    attack: DecisionAttack, defended: Defended, plain: Defended, starts: Starts, right: Tensor, norm: str, seed: int
) -> Callable[[Tensor, Within], Found]:
    """What the attack finds in a ball around the starts at some places (n,), which are among those `right` ones.

    One that needs no size is run once, from all of these; what it found is cut to each ball and judged there.
    """
    if not attack.any_size:
        return lambda places, ball: attack(defended, plain, starts.at(places), ball, seed=seed)
    nearest = starts.images.clone()
    if len(right):
        everywhere = Within(norm=norm, epsilon=math.inf)
        nearest[right] = attack(defended, plain, starts.at(right), everywhere, seed=seed).images

    def cut(places: Tensor, ball: Within) -> Found:
        own = starts.at(places)
        return judged(defended, project(nearest[places], own.images, ball), own.labels, attack.goal)

    return cut


def _judged_again(attack: DecisionAttack, defended: Defended, starts: Starts, state: _State) -> dict[str, Tensor]:
    """Decisions on the images that an attack has, as they are and in 8 bits, and the size of their change."""
    rounded = to_8_bits(state.images, starts.images)
    there = judged(defended, rounded, starts.labels, attack.goal).success & state.found
    columns = {"found": state.found, "found_rounded": there, **sizes_of(state.images, starts.images)}
    predicted = defended.decide(state.images)
    columns |= {"predicted": predicted, "predicted_rounded": defended.decide(rounded)}
    columns["repeats"] = predicted == defended.decide(state.images)  # in the same batch, so to the last bit
    # copies: what is found at the next size must not count at this one
    return {name: value.cpu().clone() for name, value in columns.items()} | {"found_at": state.found_at.clone()}
