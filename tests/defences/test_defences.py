"""Every defence as one classifier of K + 1 classes, held against decisions that are counted view by view."""

from itertools import product

import pytest
import torch
from torch import nn

from spurious import registry
from spurious.attacks.margins import SMALLEST, is_rejected, is_wrong, joint, margins
from spurious.defences.defended import Defended, Together, logits_of
from spurious.defences.entries import Threshold, Undefended
from spurious.defences.kinds import Defence
from spurious.defences.looks import AS_IT_IS
from spurious.defences.registry import Claim
from spurious.defences.rejection import REJECTED
from spurious.defences.vote import vote
from spurious.errors import SpuriousError
from spurious.seeding import generator
from spurious.views.kinds import View
from spurious.views.preprocessing import Preprocessing
from spurious.views.viewer import view_of


def images_of(count=6, size=12):
    return torch.rand((count, 1, size, size), generator=generator("defences", count, size))


def classifier(classes=4, size=12):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(size * size, 16), nn.Tanh(), nn.Linear(16, classes, bias=False))


def defended(value, model=None, **others):
    return Defended(registry.parse(Defence, value), model or classifier(), **others)


def decided(scores):
    decision = scores.argmax(1)
    return torch.where(decision == scores.shape[1] - 1, REJECTED, decision)


@pytest.mark.parametrize("views", [1, 2, 3, 4, 5, 6])
def test_every_combination_of_small_logits_is_decided_as_the_vote_counts(views):
    """Logits of 0 and 1 for three classes: nearly all have ties, within a view and between views."""
    kinds = torch.tensor(list(product((0.0, 1.0), repeat=3)))
    chosen = torch.randint(len(kinds), (views, 4000), generator=generator("ties", views))
    logits = kinds[chosen]
    assert torch.equal(decided(joint(margins(logits))), vote(logits.argmax(-1)))


@pytest.mark.parametrize("views", [3, 4, 5])
def test_random_logits_are_decided_as_the_vote_counts(views):
    logits = torch.randn(views, 5000, 5, generator=generator("random", views))
    decision = decided(joint(margins(logits)))
    assert torch.equal(decision, vote(logits.argmax(-1)))
    assert {REJECTED, 0} <= set(decision.tolist())


@pytest.mark.parametrize("middle", [lambda values: values.quantile(0.5, dim=0), lambda values: values.mean(0)])
def test_another_middle_is_noticed(middle):
    logits = torch.randn(4, 5000, 5, generator=generator("random", 4))
    scores = middle(margins(logits))
    scores = torch.cat([scores, torch.zeros(len(scores), 1)], 1)
    assert not torch.equal(decided(scores), vote(logits.argmax(-1)))


def test_a_margin_is_a_logit_minus_the_largest_other():
    logits = torch.tensor([[3.0, 1.0, 2.5], [1.0, 1.0, 0.0]])
    expected = torch.tensor([[0.5, -2.0, -0.5], [SMALLEST, -SMALLEST, -1.0]])
    assert torch.equal(margins(logits), expected)


def test_the_gradient_of_margins_is_that_of_the_differences():
    logits = torch.randn(3, 50, 5, generator=generator("gradient"), dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: joint(margins(z)), logits)


def test_wrong_and_rejected_are_told_apart():
    scores = torch.tensor([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [-1.0, -1.0, 0.0]])
    assert is_wrong(scores, torch.tensor([0, 0, 0])).tolist() == [False, True, False]
    assert is_rejected(scores).tolist() == [False, False, True]


VIEWS = ["ns", "ss", "ds", "median", {"kind": "bits", "bits": 2}]


def test_defences_judged_together_give_the_scores_of_each_alone():
    values = {
        "none": "none",
        "vote": {"kind": "vote", "views": VIEWS},
        "threshold": {"kind": "threshold", "log_odds": 0.5},
        "blur": {"kind": "blur", "kernel": 3},
        "wide": {"kind": "vote", "views": ["ds", "ss", "ns"], "kernel": 5, "sigma": 2.0},
        "twice": {"kind": "vote", "views": ["ss", "ns", "ss"], "kernel": 3},
    }
    images, model, classified = images_of(), classifier(), []

    def counted(prepared):
        classified.append(len(prepared))
        return model(prepared)

    together = Together({name: registry.parse(Defence, value) for name, value in values.items()}, counted)
    scores = together.scores(images)
    assert classified == [len(images) * (len(VIEWS) + 3)]  # a blur of 3 taps, and two of 2 pixels
    for value, own in zip(values.values(), scores, strict=True):
        torch.testing.assert_close(own, defended(value, model).scores(images))


@pytest.fixture
def own_kinds(monkeypatch):
    """The kinds that a test registers are gone after it."""
    monkeypatch.setattr(Defence, "kinds", dict(Defence.kinds))


def test_a_defence_without_numbers_is_told_beside_others(own_kinds):
    class Blind(Undefended, kind="blind for a test"):
        def margins(self, logits):
            return torch.full_like(logits, torch.nan)

    for defences in ({"a": Undefended(), "b": Blind()}, {"b": Blind(), "a": Undefended()}):
        with pytest.raises(SpuriousError, match="no number"):
            Together(defences, classifier()).scores(images_of())


def test_looks_of_other_sizes_and_rejections_that_nobody_attacks_are_one_line(own_kinds):
    class Smaller(Undefended, kind="smaller for a test"):
        @property
        def looks(self):
            return (AS_IT_IS, lambda images, preprocessing: images[..., :6, :6])

    class Silent(Undefended, kind="silent for a test"):
        def margins(self, logits):
            return super().margins(logits) - 1e6

    with pytest.raises(SpuriousError) as caught:
        Defended(Smaller(), classifier()).scores(images_of())
    assert str(caught.value) == "looks of defences have the shapes (1, 6, 6) and (1, 12, 12): use one"
    with pytest.raises(SpuriousError) as caught:
        Defended(Silent(), classifier()).decide(images_of())
    assert str(caught.value) == "silent for a test: rejects an image; set rejects = True in its class"


@pytest.mark.parametrize("blur", [{}, {"kernel": 9, "sigma": 3.0}], ids=["defaults", "wide"])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_the_vote_decides_as_its_views_one_by_one(count, blur):
    images, model = images_of(200), classifier()
    kernel, sigma = blur.get("kernel", 5), blur.get("sigma", 1.0)
    kinds = [registry.parse(View, view) for view in VIEWS[:count]]
    looks = [view_of(view, images, kernel if view.swept else None, sigma, Preprocessing()) for view in kinds]
    expected = vote(torch.stack([model(seen).argmax(1) for seen in looks]))
    assert torch.equal(defended({"kind": "vote", "views": VIEWS[:count], **blur}, model).decide(images), expected)


def test_undefended_and_blur_are_the_classifier_on_one_view():
    images, model = images_of(), classifier()
    blurred = view_of(registry.parse(View, "ss"), images, 7, 1.5, Preprocessing())
    assert torch.equal(defended("none", model).decide(images), model(images).argmax(1))
    blur = defended({"kind": "blur", "kernel": 7, "sigma": 1.5}, model)
    assert torch.equal(blur.decide(images), model(blurred).argmax(1))


@pytest.mark.parametrize("value", ["none", "blur", "vote", {"kind": "threshold", "log_odds": 0.1}])
def test_an_image_is_judged_alone_as_in_company(value):
    own, images = defended(value), images_of()
    alone = torch.cat([own.scores(image[None]) for image in images])
    assert torch.allclose(alone, own.scores(images), atol=1e-6)
    assert own.scores(images).shape == (6, 5)


@pytest.mark.parametrize(("views", "gradient"), [(["ns", "ss"], "exact"), (["ns", "median"], "stand-in")])
def test_the_gradient_of_a_vote_is_that_of_its_least_exact_view(views, gradient):
    assert registry.parse(Defence, {"kind": "vote", "views": views}).gradient == gradient
    assert registry.parse(Defence, {"kind": "vote", "views": [*views, "jpeg"]}).gradient == "identity"


@pytest.mark.parametrize("view", ["median", "jpeg", "bits"])
def test_the_backward_pass_of_a_view_without_a_gradient_is_that_of_its_stand_in(view):
    own, images, model = defended({"kind": "vote", "views": [view]}), images_of().requires_grad_(), classifier()
    (gradient,) = torch.autograd.grad(own.scores(images)[:, 0].sum(), images)
    kind, cut = registry.parse(View, view), images.detach().clone().requires_grad_()
    seen = kind(cut.detach(), None, 1.0).requires_grad_()
    (outer,) = torch.autograd.grad(joint(margins(model(seen))[None])[:, 0].sum(), seen)
    (expected,) = torch.autograd.grad(kind.smooth(cut), cut, outer)
    assert torch.allclose(gradient, expected, atol=1e-6)
    assert (gradient != 0).float().mean() > 0.9


def test_the_gradient_of_linear_views_is_exact():
    own, images = defended("vote", classifier()), images_of(2).requires_grad_()
    (gradient,) = torch.autograd.grad(own.margins(images).sum(), images)
    place, step = (0, 0, 5, 5), 1e-2
    moved = images.detach().clone()
    moved[place] += step
    back = images.detach().clone()
    back[place] -= step
    with torch.no_grad():
        slope = (own.margins(moved).sum() - own.margins(back).sum()) / (2 * step)
    assert gradient[place].item() == pytest.approx(slope.item(), rel=1e-2, abs=1e-3)


def threshold_of(logits, log_odds):
    return Defended(Threshold(log_odds=log_odds), lambda images: logits)


@pytest.mark.parametrize("log_odds", [-1.0, 0.0, 0.5, 2.0])
def test_a_threshold_rejects_below_its_probability(log_odds):
    logits = torch.randn(500, 4, generator=generator("threshold"), dtype=torch.float64)
    largest, label = logits.softmax(1).max(1)
    expected = torch.where(largest >= torch.tensor(log_odds).sigmoid(), label, REJECTED)
    decision = threshold_of(logits, log_odds).decide(torch.zeros(500, 1, 2, 2))
    assert torch.equal(decision, expected)


def test_log_odds_tell_apart_what_rounds_to_a_probability_of_one():
    logits = torch.tensor([[40.0, 0.0], [60.0, 0.0]])
    assert logits.softmax(1)[:, 0].tolist() == [1, 1]
    assert threshold_of(logits, 50.0).decide(torch.zeros(2, 1, 2, 2)).tolist() == [REJECTED, 0]


@pytest.mark.parametrize("share", [0.9, 0.95, 0.99, 1.0])
def test_a_threshold_is_the_largest_that_answers_the_share(share):
    logits = torch.randn(200, 4, generator=generator("fitted"))
    fitted = Threshold(coverage=share).fitted(logits)
    answered = threshold_of(logits, fitted.log_odds).decide(torch.zeros(200, 1, 2, 2)) != REJECTED
    assert answered.sum() == round(share * 200)
    other = Threshold(like="vote").fitted(logits, coverage=share)
    assert other.log_odds == fitted.log_odds


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ({"kind": "vote", "views": ["nothing"]}, "views"),
        ({"kind": "threshold"}, "needs exactly one of log_odds, coverage and like"),
        ({"kind": "threshold", "coverage": 1.5}, "coverage"),
        ({"kind": "none", "claim": {"norm": "l3", "epsilon": 0.1}}, "claim.norm: 'l3' is not allowed"),
        ({"kind": "none", "claim": {"norm": "l2", "epsilon": 0.0}}, "claim.epsilon"),
        ("wall", "'wall' is not allowed: a defence"),
    ],
)
def test_what_is_no_defence_is_one_line(value, line):
    with pytest.raises(SpuriousError, match=line):
        registry.parse(Defence, value)


def test_a_threshold_without_images_to_choose_it_by_is_one_line():
    with pytest.raises(SpuriousError, match="not chosen"):
        defended({"kind": "threshold", "coverage": 0.9}).decide(images_of())
    with pytest.raises(SpuriousError, match="nothing to choose"):
        Threshold(coverage=0.9).fitted(torch.zeros(0, 4))


def test_weights_need_no_gradient_while_a_network_is_attacked():
    model = nn.Sequential(nn.Dropout(), classifier()).train()
    with logits_of(model) as logits:
        assert logits(images_of()).grad_fn is None
        assert not model.training
    assert model.training
    assert all(parameter.requires_grad for parameter in model.parameters())


class Root(nn.Module):
    """A classifier that takes a root of the pixels: below 0 its logits are NaN."""

    def forward(self, images):
        """Logits."""
        return images.flatten(1)[:, :4].sqrt()


@pytest.mark.parametrize(
    "value", ["none", {"kind": "vote", "views": ["ns", "ss"]}, {"kind": "threshold", "log_odds": 0}]
)
def test_what_is_no_number_is_no_decision(value):
    subject = defended(value, Root())
    assert subject.decide(images_of()).shape == (6,)
    with pytest.raises(SpuriousError, match="logits that are no numbers"):
        subject.decide(images_of() - 0.5)


def test_a_threshold_keeps_its_claim_when_it_is_fitted():
    claim = Claim(norm="linf", epsilon=0.1)
    assert Threshold(coverage=0.9, claim=claim).fitted(torch.randn(20, 4, generator=generator("claim"))).claim == claim
