"""What every attack on a decision promises, and attacks that break a promise."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from attacks.subjects import CLASSES, SIZE, defended, network, starts_of
from spurious import registry
from spurious.attacks import white_box
from spurious.attacks.objectives import only
from spurious.attacks.on_decisions import DecisionAttack
from spurious.attacks.within import Found, Starts, Within, judged, to_8_bits
from spurious.errors import SpuriousError
from spurious.perturbations.norms import NORMS

QUICK = {
    "white-box": {"steps": 8, "restarts": 2, "targets": 1},
    "oblivious": {"steps": 12, "restarts": 2},
    "transfer": {"steps": 12, "restarts": 2},
    "denial": {"steps": 12, "restarts": 2},
    "square": {"queries": 100},
    "hop-skip-jump": {"rounds": 4},
    "random": {"directions": 20},
}
SIZES = {"linf": 0.08, "l2": 0.6}
STEPS = 12


def attack_of(kind):
    attack = registry.parse(DecisionAttack, {"kind": kind, **QUICK[kind]})
    return attack.following(defended("none", network(2))) if kind == "transfer" else attack


def broken_promises(attack, norm, value="vote"):
    """What `DecisionAttack` says that does not hold for this attack."""
    attacked, undefended = defended(value), defended("none")
    starts, ball = starts_of(attacked, 6), Within(norm=norm, epsilon=SIZES[norm])
    given = starts.images.clone()
    found = attack(attacked, undefended, starts, ball, seed=3)
    again = attack(attacked, undefended, starts, ball, seed=3)
    backwards = torch.arange(len(given)).flip(0)
    other = attack(attacked, undefended, starts.at(backwards), ball, seed=3)
    alone = attack(attacked, undefended, starts.at(torch.tensor([5])), ball, seed=3)
    sizes = NORMS[norm].size(found.images - given)
    promises = {
        "the starts stay": torch.equal(given, starts.images),
        "in the ball": bool((sizes <= ball.epsilon + 1e-6).all()),
        "in [0, 1]": bool(((found.images >= 0) & (found.images <= 1)).all()),
        "judged again": torch.equal(judged(attacked, found.images, starts.labels, attack.goal).success, found.success),
        "the same again": torch.equal(found.images, again.images),
        "no order": torch.allclose(other.images.flip(0), found.images, atol=1e-4),
        "no company": torch.allclose(alone.images[0], found.images[5], atol=1e-4),
    }
    return [name for name, kept in promises.items() if not kept]


@pytest.mark.parametrize("norm", SIZES)
@pytest.mark.parametrize("kind", QUICK)
def test_an_attack_keeps_its_promises(kind, norm):
    assert broken_promises(attack_of(kind), norm) == []


def test_every_kind_is_tested():
    assert set(QUICK) == set(DecisionAttack.kinds)


class Lazy:
    """Says that it has succeeded, and goes where it likes."""

    goal = "wrong"

    def __call__(self, attacked, undefended, starts, ball, *, seed):
        images = starts.images + 2 * ball.epsilon * torch.rand_like(starts.images)
        return Found(images=images, success=torch.ones(len(images), dtype=torch.bool))


def test_broken_promises_are_noticed():
    expected = ["in the ball", "in [0, 1]", "judged again", "the same again", "no order", "no company"]
    assert broken_promises(Lazy(), "linf") == expected


@pytest.mark.parametrize("kind", QUICK)
def test_no_starts_are_no_work(kind):
    attacked = defended()
    starts = replace(starts_of(attacked), ids=[], images=torch.zeros(0, 1, 10, 10), labels=torch.zeros(0).long())
    found = attack_of(kind)(attacked, defended("none"), starts, Within(norm="linf", epsilon=0.1), seed=0)
    assert found.images.shape == (0, 1, 10, 10)
    assert found.success.shape == (0,)


@pytest.mark.parametrize("norm", SIZES)
@pytest.mark.parametrize("kind", ["white-box", "square", "hop-skip-jump"])
def test_a_search_finds_more_than_random_changes(kind, norm):
    attacked = defended()
    starts, ball = starts_of(attacked, 40), Within(norm=norm, epsilon=SIZES[norm])
    found, control = (attack_of(name)(attacked, defended("none"), starts, ball, seed=0) for name in (kind, "random"))
    assert found.success.sum() > control.success.sum()


def test_targets_may_be_searched_by_every_loss():
    """Of three views five: the joint decision, the sum and three pairs; what the first finds all together find."""
    attacked, found, totals = defended(), {}, {}
    starts, ball = starts_of(attacked, 60), Within(norm="linf", epsilon=0.02)
    for losses in ("joint", "all"):
        settings = {"steps": 4, "away": False, "targets": 1, "target_losses": losses}
        attack, told = registry.parse(DecisionAttack, {"kind": "white-box", **settings}), []
        on_steps = partial(lambda own, done, total: own.append(total), told)
        found[losses] = attack(attacked, attacked, starts, ball, seed=0, on_steps=on_steps).success
        totals[losses] = {*told}
    assert totals == {"joint": {4}, "all": {4 * 5}}
    assert found["all"][found["joint"]].all()
    assert found["all"].sum() > found["joint"].sum() > 0


def test_denial_makes_the_vote_reject_and_cannot_make_an_undefended_classifier():
    attacked, plain = defended(), defended("none")
    starts, ball = starts_of(attacked, 30), Within(norm="linf", epsilon=0.15)
    rejected = attack_of("denial")(attacked, plain, starts, ball, seed=0)
    assert rejected.success.float().mean() > 0.5
    assert (attacked.decide(rejected.images)[rejected.success] == -1).all()
    assert not attack_of("denial")(plain, plain, starts, ball, seed=0).success.any()


def test_a_label_that_is_wrong_already_is_a_success_at_once():
    attacked = defended()
    starts = starts_of(attacked)
    wrong = Starts(images=starts.images, labels=(starts.labels + 1) % 4, ids=starts.ids)
    for kind in ("white-box", "oblivious", "random"):
        found = attack_of(kind)(attacked, defended("none"), wrong, Within(norm="linf", epsilon=0.01), seed=0)
        assert found.success.all()
        assert torch.equal(found.images, starts.images)


@pytest.mark.parametrize("norm", SIZES)
def test_rounding_to_8_bits_goes_towards_the_start_and_stays_in_the_ball(norm):
    starts, ball = starts_of(defended(), 4), Within(norm=norm, epsilon={"linf": 17.8 / 255, "l2": 0.6}[norm])
    images = attack_of("white-box")(defended(), defended("none"), starts, ball, seed=0).images
    rounded = to_8_bits(images, starts.images)
    levels = rounded.double() * 255
    assert (levels - levels.round()).abs().max() < 1e-4
    assert ((rounded - images).abs() < 1 / 255).all()
    assert ((rounded - starts.images).abs() <= (images - starts.images).abs() + 1e-6).all()
    assert (NORMS[norm].size(rounded - starts.images) <= ball.epsilon + 1e-6).all()
    nearest = (images * 255).round() / 255
    assert norm == "l2" or (NORMS[norm].size(nearest - starts.images) > ball.epsilon + 1e-6).any()


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ({"kind": "white-box", "steps": 0}, "steps: 0 is not allowed"),
        ({"kind": "square", "queries": -1}, "queries: -1 is not allowed"),
        ("sledgehammer", "'sledgehammer' is not allowed: an attack on the decision"),
    ],
)
def test_what_is_no_attack_is_one_line(value, line):
    with pytest.raises(SpuriousError, match=line):
        registry.parse(DecisionAttack, value)


def test_a_classifier_without_a_gradient_is_one_line():
    attacked = defended(model=lambda images: images.detach().flatten(1)[:, :4])
    starts = starts_of(attacked)
    with pytest.raises(SpuriousError, match=r"^the classifier has no gradient on the pixels; attack it by its scores"):
        attack_of("white-box")(attacked, attacked, starts, Within(norm="linf", epsilon=0.01), seed=0)


def followed(source):
    return registry.parse(DecisionAttack, "transfer").following(source)


def test_a_transfer_follows_its_source_alone_and_is_judged_by_the_attacked():
    """The images of the gradient of the source, whatever is attacked; success is what the defence says of them."""
    source, attacked = defended("none", network(2)), defended()
    starts, ball = starts_of(attacked, 60), Within(norm="linf", epsilon=0.2)
    starts = starts.at((source.decide(starts.images) == starts.labels).nonzero().flatten())
    found = followed(source)(attacked, defended("none"), starts, ball, seed=0)
    ended = registry.parse(DecisionAttack, "oblivious")(source, source, starts, ball, seed=0)
    assert len(starts.ids) > 5
    assert torch.equal(found.images, ended.images)
    assert torch.equal(found.success, judged(attacked, found.images, starts.labels).success)
    own = registry.parse(DecisionAttack, "oblivious")(attacked, defended("none"), starts, ball, seed=0)
    assert found.success.sum() < own.success.sum()


def test_a_transfer_from_the_attacked_network_finds_what_the_oblivious_attacker_finds():
    attacked, plain = defended(), defended("none")
    starts, ball = starts_of(attacked, 10), Within(norm="linf", epsilon=0.1)
    same = followed(plain)(attacked, plain, starts, ball, seed=0)
    assert torch.equal(
        same.images, registry.parse(DecisionAttack, "oblivious")(attacked, plain, starts, ball, seed=0).images
    )


def of_more_classes():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(SIZE * SIZE, CLASSES + 3))


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (lambda images: images.detach().flatten(1)[:, :4], "another classifier: the classifier has no gradient on the"),
        (of_more_classes(), "from a classifier of 7 classes to one of 4; name another"),
    ],
)
def test_a_source_that_cannot_be_followed_is_one_line(source, line):
    attacked = defended()
    with pytest.raises(SpuriousError, match=line):
        followed(defended("none", source))(
            attacked, attacked, starts_of(attacked), Within(norm="l2", epsilon=1.0), seed=0
        )


def test_a_transfer_from_nothing_is_one_line():
    attacked = defended()
    alone = registry.parse(DecisionAttack, "transfer")
    with pytest.raises(SpuriousError, match="transfer: the classifier whose gradient it follows is missing"):
        alone(attacked, attacked, starts_of(attacked), Within(norm="l2", epsilon=1.0), seed=0)


class Followed(torch.nn.Module):
    """The small network; `followed` counts the images whose gradient was asked for."""

    def __init__(self):
        super().__init__()
        self.network, self.followed = network(), 0

    def forward(self, images):
        self.followed += len(images) if images.requires_grad else 0
        return self.network(images)


def without_defence(kind, source):
    attack = registry.parse(DecisionAttack, {"kind": kind, "steps": STEPS})
    return attack.following(source) if kind == "transfer" else attack


@pytest.mark.parametrize("kind", ["oblivious", "transfer"])
def test_what_depends_on_no_defence_is_searched_once_for_all(kind):
    """Behind one defence after the other, at two sizes: what each alone finds, and only new images cost steps."""
    model = Followed()
    source, starts = defended("none", model), starts_of(defended(), 14)
    agreed = (source.decide(starts.images) == starts.labels) & (defended("blur").decide(starts.images) == starts.labels)
    starts = starts.at(agreed.nonzero().flatten()[:12])
    shared, spent, found = without_defence(kind, source).for_one_batch(), [], []
    for value in ("none", "vote", "blur"):
        for epsilon in (0.02, 0.3):
            attacked, ball = defended(value), Within(norm="linf", epsilon=epsilon)
            before = model.followed
            ended = shared(attacked, source, starts, ball, seed=3)
            spent.append(model.followed - before)
            alone = without_defence(kind, source)(attacked, source, starts, ball, seed=3)
            assert torch.allclose(ended.images, alone.images, atol=1e-4)
            assert torch.equal(ended.success, alone.success)
            found.append(int(ended.success.sum()))
    each = (STEPS + 1) * len(starts.ids)
    assert spent == [each, each, 0, 0, 0, 0], "each size by itself, for the first defence"
    assert found[0] < found[1]


def test_a_memory_is_of_one_batch():
    source = defended("none", Followed())
    attack = without_defence("oblivious", source)
    starts, ball = starts_of(defended(), 6), Within(norm="linf", epsilon=0.1)
    for _ in range(2):
        before = source.logits.followed
        attack.for_one_batch()(defended(), source, starts, ball, seed=3)
        assert source.logits.followed - before == (STEPS + 1) * len(starts.ids)


@pytest.mark.parametrize("kind", ["oblivious", "transfer"])
def test_every_restart_is_a_search_of_its_own(kind):
    source, attacked, ball = defended("none"), defended(), Within(norm="linf", epsilon=0.02)
    starts = starts_of(attacked, 12)
    attacks = (without_defence(kind, source).model_copy(update={"restarts": restarts}) for restarts in (1, 2))
    once, twice = (attack.for_one_batch()(attacked, source, starts, ball, seed=3) for attack in attacks)
    left = ~once.success
    assert left.any()
    assert not torch.equal(once.images[left], twice.images[left])


def test_every_restart_of_the_white_box_is_a_search_of_its_own():
    attacked, ball = defended(), Within(norm="linf", epsilon=0.02)
    starts, settings = starts_of(attacked, 12), {"kind": "white-box", "steps": 8, "targets": 0}
    attacks = (registry.parse(DecisionAttack, settings | {"restarts": restarts}) for restarts in (1, 2))
    once, twice = (attack(attacked, attacked, starts, ball, seed=3) for attack in attacks)
    left = ~once.success
    assert left.any()
    assert not torch.equal(once.images[left], twice.images[left])


def test_the_likeliest_wrong_classes_are_the_targets(monkeypatch):
    attacked, wanted = defended(), []
    starts = starts_of(attacked, 20)
    monkeypatch.setattr(white_box, "only", lambda targets, classes: wanted.append(targets) or only(targets, classes))
    attack = registry.parse(DecisionAttack, {"kind": "white-box", "steps": 1, "away": False, "targets": 2})
    attack(attacked, attacked, starts, Within(norm="linf", epsilon=0.02), seed=0)
    views = attacked.margins(starts.images).mean(0).scatter(1, starts.labels[:, None], -torch.inf)
    first, second = views.topk(2).indices.T
    assert [own.tolist() for own in wanted] == [first.tolist(), second.tolist()]
