"""Rows of certification: one for each image, defence and noise, and one for each attack on a certificate."""

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import product

import torch
from torch import Tensor

from spurious.attacks.expectation import move_away
from spurious.defences.defended import Together
from spurious.defences.registry import Defence
from spurious.defences.rejection import ABSTAINED
from spurious.defences.smoothed import Certificate, Noise, Smoothed
from spurious.errors import SpuriousError
from spurious.experiments.certification.settings import CertificationSettings
from spurious.perturbations.norms import NORMS
from spurious.seeding import Id

COLUMNS = ["defence", "sigma", "id", "label", "decision", "radius", "count", "n", "n0", "alpha"]
ATTACKS = ["defence", "sigma", "id", "decision", "radius", "size", "moved", "found", "n", "draws", "steps"]


def check_suited(defences: Mapping[str, Defence], settings: CertificationSettings) -> None:
    """SpuriousError where a defence suits no sigma."""
    for name, defence in defences.items():
        if not any(map(defence.suits, settings.sigmas)):
            raise SpuriousError(f"{name}: is trained for none of the sigmas {settings.sigmas}; certify its own")


def rows_of_image(
    subjects: Together,
    image: Tensor,
    name: Id,
    label: int,
    settings: CertificationSettings,
    *,
    attack: bool,
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """What is certified of an image (C, H, W), and the rows ATTACKS of the attacks on it.

    A row of COLUMNS for each defence and each sigma that it suits: `decision` is the class, REJECTED or ABSTAINED,
    `count` how many of the n draws named it. The defences are judged by the same draws. With
    `attack` every image with a radius is attacked at each multiple `size` of it: it was `moved` so far (L2), and
    `found` is what PREDICT says of it, by n draws of the attack's settings.
    """
    certified, attacked = [], []
    made = {"n": settings.n, "n0": settings.n0, "alpha": settings.alpha}
    for (defence, noise), found in _certificates(subjects, image, name, settings).items():
        who = {"defence": defence, "sigma": noise.sigma, "id": name}
        certified.append(who | {"label": label} | vars(found) | made)
        if attack and found.decision != ABSTAINED:
            subject = Smoothed(subjects[defence].scores, noise)
            attacked += [who | row for row in _attacks(subject, image, name, found, settings)]
    return certified, attacked


def _certificates(
    subjects: Together, image: Tensor, name: Id, settings: CertificationSettings
) -> dict[tuple[str, Noise], Certificate]:
    """By defence and noise, in this order."""
    found, noises = {}, [Noise(sigma, settings.seed, settings.batch_size) for sigma in settings.sigmas]
    for noise in noises:
        suited = subjects.suited(noise.sigma)
        if suited.defences:
            own = noise.certify(suited.scores, image, name, n0=settings.n0, n=settings.n, alpha=settings.alpha)
            found |= {(defence, noise): each for defence, each in zip(suited.defences, own, strict=True)}
    return {key: found[key] for key in product(subjects.defences, noises) if key in found}


def _attacks(
    subject: Smoothed, image: Tensor, name: Id, certificate: Certificate, settings: CertificationSettings
) -> Iterator[dict[str, object]]:
    own, place = settings.attack, certificate.decision  # REJECTED, -1, is the place of its score, too: the last
    for size in own.sizes:
        noise = partial(_noise, subject.noise, torch.zeros_like(image), name, own.draws)
        moved = move_away(subject.scores, image, place, size * certificate.radius, noise, steps=own.steps)
        yield {
            "decision": certificate.decision,
            "radius": certificate.radius,
            "size": size,
            "moved": NORMS["l2"].size((moved - image)[None]).item(),
            "found": subject.predict(moved, name, n=own.n, alpha=settings.alpha),
            **{"n": own.n, "draws": own.draws, "steps": own.steps},
        }


def _noise(noise: Noise, zeros: Tensor, name: Id, draws: int, step: int) -> Tensor:
    return torch.cat([part.clone() for part in noise.draws(zeros, name, draws, f"attack, step {step}")])
