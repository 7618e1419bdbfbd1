"""One image against one defence: what it is classified as before and after an attack that knows the defence."""

import contextlib
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from spurious import registry
from spurious.attacks.on_decisions import WhiteBox
from spurious.attacks.within import Starts, Within, to_8_bits
from spurious.defences.defended import Defended
from spurious.defences.entries import Undefended
from spurious.defences.kinds import Defence
from spurious.defences.rejection import REJECTED
from spurious.errors import SpuriousError, unknown_name
from spurious.seeding import Id


def named_defence(name: str, defences: Mapping[str, Defence]) -> Defence:
    """The defence of that name, or the kind with its defaults.

    SpuriousError where there is neither, or it would have to be fitted or trained first.
    """
    usable = {key: defence for key, defence in {**_kinds_by_default(), **defences}.items() if defence.ready}
    if name in usable:
        return usable[name]
    if name not in (*defences, *Defence.kinds):
        raise SpuriousError(unknown_name("defence", name, usable))
    raise SpuriousError(
        f"{name!r} has to be fitted or trained first, which only the pipeline does; "
        f"take {', '.join(usable)}, or give a threshold its log_odds"
    )


def _kinds_by_default() -> dict[str, Defence]:
    """The kinds that need no parameters."""
    found = {}
    for kind in Defence.kinds:
        with contextlib.suppress(SpuriousError):
            found[kind] = registry.parse(Defence, kind)
    return found


def attack_image(
    defended: Defended,
    image: Tensor,
    label: int | None,
    ball: Within,
    attack: WhiteBox,
    *,
    name: Id,
    seed: int,
    on_steps: Callable[[int, int], object] = lambda done, total: None,
) -> tuple[Tensor, dict[str, list[int]]]:
    """The image (1, C, H, W) that `attack` ends with, rounded to 8 bits towards the one that it starts from.

    And the decisions before, after and as rounded, of the defence and of its classifier alone. `label` is the true
    class, None for what the defence says. `on_steps` is called with how many more steps of the attack are done, and of
    how many. Raises SpuriousError where the defence rejects the image as it is, or says another class.
    """
    plain = Defended(Undefended(), defended.logits, defended.preprocessing)
    before = int(defended.decide(image))
    label = before if label is None else label
    if before == REJECTED:
        raise SpuriousError("is rejected before any attack; take another image or defence")
    if before != label:
        raise SpuriousError(f"is classified as class {before} before any attack, not as {label}; take another image")
    starts = Starts(images=image, labels=torch.tensor([label], device=image.device), ids=[name])
    found = attack(defended, plain, starts, ball, seed=seed, on_steps=on_steps).images
    written = to_8_bits(found, image)
    moments = torch.cat([image, found, written]).split(1)
    deciding = {"defence": defended, "undefended": plain}
    return written, {who: [int(each.decide(moment)) for moment in moments] for who, each in deciding.items()}
