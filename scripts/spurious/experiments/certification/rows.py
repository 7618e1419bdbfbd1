"""Rows of certification: one for each image, defence and noise, and one for each attack on a certificate."""

from collections.abc import Iterator, Mapping
from functools import partial

import torch
from torch import Tensor

from spurious.attacks.expectation import move_away
from spurious.defences.defended import Defended
from spurious.defences.rejection import ABSTAINED, REJECTED
from spurious.defences.smoothed import Certificate, Smoothed
from spurious.errors import SpuriousError
from spurious.experiments.certification.settings import CertificationSettings
from spurious.seeding import Id

COLUMNS = ["defence", "sigma", "id", "label", "decision", "radius", "count", "n", "n0", "alpha"]
ATTACKS = ["defence", "sigma", "id", "decision", "radius", "size", "moved", "found", "n", "draws", "steps"]


def smoothed(defences: Mapping[str, Defended], settings: CertificationSettings) -> dict[tuple[str, float], Smoothed]:
    """Every defence under noise of every sigma that it suits; SpuriousError where that is none."""
    options = {"seed": settings.seed, "batch_size": settings.batch_size}
    for name, defended in defences.items():
        if not any(map(defended.defence.suits, settings.sigmas)):
            raise SpuriousError(f"{name}: is trained for none of the sigmas {settings.sigmas}; certify its own")
    return {
        (name, sigma): Smoothed(defended.scores, sigma, **options)
        for name, defended in defences.items()
        for sigma in filter(defended.defence.suits, settings.sigmas)
    }


def rows_of_image(
    subjects: Mapping[tuple[str, float], Smoothed],
    image: Tensor,
    name: Id,
    label: int,
    settings: CertificationSettings,
    *,
    attack: bool,
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """What is certified of an image (C, H, W), a row of COLUMNS for each subject, and the rows ATTACKS of its attacks.

    `decision` is the class, REJECTED or ABSTAINED, `count` how many of the n draws named it. With `attack` every image
    with a radius is attacked at each multiple `size` of it: it was `moved` so far (L2), and `found` is what PREDICT
    says of it, by n draws of the attack's settings.
    """
    certified, attacked = [], []
    for (defence, sigma), subject in subjects.items():
        who = {"defence": defence, "sigma": sigma, "id": name}
        found = subject.certify(image, name, n0=settings.n0, n=settings.n, alpha=settings.alpha)
        made = {"n": settings.n, "n0": settings.n0, "alpha": settings.alpha}
        certified.append(who | {"label": label} | vars(found) | made)
        if attack and found.decision != ABSTAINED:
            attacked += [who | row for row in _attacks(subject, image, name, found, settings)]
    return certified, attacked


def _attacks(
    subject: Smoothed, image: Tensor, name: Id, certificate: Certificate, settings: CertificationSettings
) -> Iterator[dict[str, object]]:
    own = settings.attack
    with torch.no_grad():
        rejection = subject.scores(image[None]).shape[1] - 1
    place = rejection if certificate.decision == REJECTED else certificate.decision
    for size in own.sizes:
        noise = partial(_noise, subject, torch.zeros_like(image), name, own.draws)
        moved = move_away(subject.scores, image, place, size * certificate.radius, noise, steps=own.steps)
        yield {
            "decision": certificate.decision,
            "radius": certificate.radius,
            "size": size,
            "moved": (moved - image).norm().item(),
            "found": subject.predict(moved, name, n=own.n, alpha=settings.alpha),
            **{"n": own.n, "draws": own.draws, "steps": own.steps},
        }


def _noise(subject: Smoothed, zeros: Tensor, name: Id, draws: int, step: int) -> Tensor:
    return torch.cat([part.clone() for part in subject.draws(zeros, name, draws, f"attack, step {step}")])
