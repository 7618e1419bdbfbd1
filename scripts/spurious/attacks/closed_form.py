"""What fools a linear classifier, in closed form: the smallest steps over a border, fractions of a template."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

CHUNK = 1000  # images whose scores are at hand in float64 at once
BISECTIONS = 40
CONFIDENT = 0.99
# Of the template over its largest weight, so in units of the largest change of a pixel: from next to nothing to
# where all pixels that a template speaks of have reached 0 or 1; each 12 % above the one before.
FRACTIONS = np.concatenate([[0.0], 10 ** np.linspace(-5, 4, 181)])


@dataclass(frozen=True, kw_only=True)
class Steps:
    """Sizes (N, classes) of the steps from N images to each class's border, float32; nan at the `decision` (N,).

    `l2` and `linf` are the L2 and the L-infinity size of the step that is smallest in L2, `linf_smallest` is the size
    of the one that is smallest in L-infinity.
    """

    l2: Tensor
    linf: Tensor
    linf_smallest: Tensor
    decision: Tensor


@torch.inference_mode()
def smallest_steps(weight: Tensor, bias: Tensor, images: Tensor) -> Steps:
    """The smallest steps after which a target's score reaches the decision's, for all targets of all images.

    `weight` (classes, pixels), `bias` (classes,), `images` (N, pixels). Between the decision d and a target t lies the
    hyperplane (w_t - w_d) x + b_t - b_d = 0. With the margin s_d - s_t, the smallest step in L2 is margin /
    |w_t - w_d|^2 times w_t - w_d; the smallest one in L-infinity moves every pixel by margin / |w_t - w_d|_1 (Hölder's
    inequality). Pixels may leave [0, 1]. inf where two classes have equal weights: there is no border between them.
    Moosavi-Dezfooli, Fawzi and Frossard, "DeepFool", CVPR (2016), sections 2 and 3.
    """
    l1, linf = _distances(weight, 1.0), _distances(weight, torch.inf)
    weight, bias = weight.double(), bias.double()
    l2 = torch.cdist(weight, weight, compute_mode="use_mm_for_euclid_dist")
    l2[linf == 0] = 0  # which a matrix product leaves at its rounding error
    parts = []
    for chunk in images.split(CHUNK):
        scores = torch.addmm(bias, chunk.double(), weight.T)
        best, decision = scores.max(1)
        margin = best[:, None] - scores
        margin.scatter_(1, decision[:, None], torch.nan)
        size = margin / l2[decision]
        own = (size, size * (linf / l2)[decision], margin / l1[decision])
        # else 0 / 0; the decision, whose distance from itself is 0 as well, stays nan
        equal = (linf == 0)[decision] & ~margin.isnan()
        parts.append((*(value.masked_fill(equal, torch.inf).float() for value in own), decision))
    size, largest, smallest, decision = (torch.cat(values) for values in zip(*parts, strict=True))
    return Steps(l2=size, linf=largest, linf_smallest=smallest, decision=decision)


def _distances(weight: Tensor, norm: float) -> Tensor:
    """Norms (rows, rows), float64, of all differences of rows, each pair's computed once and in the rows' precision."""
    distances = torch.zeros((len(weight),) * 2, dtype=torch.float64, device=weight.device)
    first, second = torch.triu_indices(len(weight), len(weight), 1, device=weight.device)
    distances[first, second] = distances[second, first] = F.pdist(weight, norm).double()
    return distances


def probabilities(weight: Tensor, bias: Tensor, pixels: Tensor) -> Tensor:
    """What a softmax regression says (N, classes) of pixels (N, pixels) that need be no image's; on their device."""
    return torch.addmm(bias, pixels, weight.T).softmax(1)


@torch.inference_mode()
def fast_gradient_sign(
    weight: Tensor, bias: Tensor, images: Tensor, labels: Tensor, epsilon: float
) -> tuple[Tensor, Tensor]:
    """What a softmax regression says of images after one step of size `epsilon` along the sign of the loss's gradient.

    `weight` (classes, pixels), `bias` (classes,), `images` (N, pixels) in [0, 1], `labels` (N,). The gradient of the
    cross-entropy is (p - 1_label) W; pixels may leave [0, 1]. Returns the decision (N,) and its probability (N,).
    Goodfellow, Shlens and Szegedy, "Explaining and harnessing adversarial examples", ICLR (2015), section 4.
    """
    parts = []
    for chunk, own in zip(images.split(CHUNK), labels.split(CHUNK), strict=True):
        # Written out, where `gradient.fool` follows the log odds by autograd: another rounding turns the signs of small
        # gradients, and where p is 1 the gradient of the loss is 0, but not that of the log odds.
        gradient = (probabilities(weight, bias, chunk) - F.one_hot(own, len(bias))) @ weight
        parts.append(probabilities(weight, bias, chunk + epsilon * gradient.sign()).max(1))
    probability, decision = (torch.cat(values) for values in zip(*parts, strict=True))
    return decision, probability


@torch.inference_mode()
def rubbish_probability(weight: Tensor, bias: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """The largest probability (count,) that a softmax regression gives to inputs from N(0, I).

    Goodfellow et al. 2015, section 8: rubbish that a classifier should not be sure of.
    """
    parts = []
    for size in torch.arange(count).split(CHUNK):
        noise = torch.randn((len(size), weight.shape[1]), generator=generator).to(weight.device)
        parts.append(probabilities(weight, bias, noise).amax(1))
    return torch.cat(parts)


def clamped_sum(image: Tensor, template: Tensor, fraction: float | Tensor) -> Tensor:
    """An image (..., pixels) in [0, 1] plus a fraction of a template, kept in [0, 1]."""
    return (image + fraction * template).clamp(0, 1)


@torch.inference_mode()
def template_fraction(
    weight: Tensor, bias: Tensor, image: Tensor, target: int, p: float | None = CONFIDENT
) -> float | None:
    """What `template_fractions` says of one image (pixels,) and target; None where every fraction fails."""
    fraction = float(template_fractions(weight, bias, image[None], torch.tensor([target]), p))
    return None if fraction == torch.inf else fraction


@torch.inference_mode()
def template_fractions(
    weight: Tensor,
    bias: Tensor,
    images: Tensor,
    targets: Tensor,
    p: float | None = CONFIDENT,
    least: Tensor | None = None,
) -> Tensor:
    """The smallest fractions of their targets' templates to be added to images until the targets' p reaches `p`.

    With `p` None, until the target is the decision. `weight` (classes, pixels), `bias` (classes,), `images` (N, pixels)
    in [0, 1], `targets` (N,); the sums are clamped to [0, 1], as images have to be. Returns (N,) float64, inf where
    clamping makes every fraction fail. The first place on a grid of fractions, each 12 % above the one before, and
    bisection from there. `least` (N,): sizes (L-infinity) below which no change is enough, where the caller knows them;
    what is below is not tried.
    """
    weight, bias, images = weight.double(), bias.double(), images.double()
    if least is None:
        least = torch.zeros(len(images), device=images.device)
    parts = zip(images.split(CHUNK), targets.to(images.device).split(CHUNK), least.double().split(CHUNK), strict=True)
    return torch.cat([_smallest_fractions(weight, bias, *part, p) for part in parts])


def _smallest_fractions(
    weight: Tensor, bias: Tensor, images: Tensor, targets: Tensor, least: Tensor, p: float | None
) -> Tensor:
    """`template_fractions` of few images."""

    def reached(open_ones: Tensor, fractions: Tensor) -> Tensor:
        sums = clamped_sum(images[open_ones], weight[targets[open_ones]], fractions[:, None])
        scores, own = torch.addmm(bias, sums, weight.T), targets[open_ones, None]
        return scores.argmax(1) == own[:, 0] if p is None else scores.softmax(1).gather(1, own)[:, 0] >= p

    largest = torch.maximum(weight.amax(1), -weight.amin(1))
    scale = largest.clamp(min=1e-30)[targets]  # nothing but zeros moves nothing
    grid = torch.from_numpy(FRACTIONS).to(images.device)
    place = _first_places(reached, grid, scale, least)
    found = (place < len(grid)).nonzero()[:, 0]
    low, high = (grid[at] / scale[found] for at in ((place[found] - 1).clamp(min=0), place[found]))
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        hit = reached(found, middle)
        low, high = torch.where(hit, low, middle), torch.where(hit, middle, high)
    return torch.full_like(least, torch.inf).index_copy_(0, found, high)


def _first_places(reached: Callable[[Tensor, Tensor], Tensor], grid: Tensor, scale: Tensor, least: Tensor) -> Tensor:
    """The first place (N,) of the `grid` over `scale` (N,) that is enough for an image, len(grid) where none is."""
    place = (torch.searchsorted(grid, least) - 1).clamp(min=0)  # a change is at most fraction times scale
    place[~least.isfinite()] = len(grid)
    open_ones = (place < len(grid)).nonzero()[:, 0]
    while len(open_ones):
        missed = open_ones[~reached(open_ones, grid[place[open_ones]] / scale[open_ones])]
        place[missed] += 1
        open_ones = missed[place[missed] < len(grid)]
    return place
