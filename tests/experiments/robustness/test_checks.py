"""Checks of attacks on defences: each is tripped by what it is made for, and by nothing else."""

import pandas as pd
import pytest
import torch
from torch import nn

from attacks.subjects import defended as defended_by
from attacks.subjects import network, starts_of
from samplerows import defence_rows
from spurious import registry
from spurious.attacks.white_box import vanishes
from spurious.defences.defended import Defended
from spurious.defences.entries import Undefended
from spurious.errors import SpuriousError
from spurious.experiments.robustness.checks import checks
from spurious.experiments.robustness.rows import all_rows
from spurious.experiments.robustness.settings import RobustnessSettings

PASSED = ["black box finds no more", "random finds no more", "grows to 100 %", "gradient does not vanish"]
PASSED += ["decision repeats"]


def failed(rows):
    table = checks(rows)
    return {row.check: row.violations for row in table.itertuples() if not row.passed}


def test_a_sound_attack_passes_every_check():
    table = checks(defence_rows())
    assert table["check"].tolist() == PASSED
    assert table["passed"].all()
    assert table["n"].tolist() == [0, 0, 2, 2, 2]


@pytest.mark.parametrize(
    ("attack", "expected"),
    [
        ("square", {"black box finds no more": "1"}),
        ("random", {"random finds no more": "1"}),
    ],
)
def test_what_only_another_attack_found_is_listed(attack, expected):
    rows = defence_rows()
    rows.loc[(rows["attack"] == attack) & (rows["epsilon"] == 0.1), "found"] = True
    assert failed(rows) == expected


def with_transfer(found):
    """Sound rows, and those of a transfer that finds these images at the small size."""
    own = defence_rows()
    tried = own[own["attack"] == "square"].assign(attack="from-one", sees="another")
    tried["found"] = tried["id"].isin(found) & (tried["epsilon"] == 0.1)
    return pd.concat([own, tried], ignore_index=True)


def test_a_transfer_has_a_check_of_its_own_and_changes_no_other():
    table = checks(with_transfer([0]))
    assert table["check"].tolist() == [PASSED[0], "transfer finds no more", *PASSED[1:]]
    assert table["passed"].all()
    assert table["n"].tolist() == [0, 1, 0, 2, 2, 2]
    others = table[table["check"] != "transfer finds no more"].reset_index(drop=True)
    pd.testing.assert_frame_equal(others, checks(defence_rows()))
    assert failed(with_transfer([1])) == {"transfer finds no more": "1"}


def test_an_image_that_no_size_changes_is_listed():
    rows = defence_rows()
    rows.loc[rows["id"] == 1, "found"] = False
    assert failed(rows) == {"grows to 100 %": "1"}


def test_a_vanished_gradient_is_listed():
    rows = defence_rows()
    rows.loc[rows["id"] == 0, "vanished"] = True
    assert failed(rows) == {"gradient does not vanish": "0"}


def test_a_decision_that_changes_is_listed_whether_it_is_right_or_not():
    rows = defence_rows()
    wrong = rows[rows["id"] == 1].assign(id=2, clean=-1, found=False)
    rows = pd.concat([rows, wrong], ignore_index=True)
    assert failed(rows) == {}
    rows.loc[(rows["id"] == 2) & (rows["attack"] == "random"), "repeats"] = False
    assert failed(rows) == {"decision repeats": "2"}
    assert checks(rows).set_index("check").loc["decision repeats", ["n", "value"]].tolist() == [3, 1]


def test_rows_without_repeated_decisions_have_no_such_check():
    table = checks(defence_rows().drop(columns="repeats"))
    assert table["check"].tolist() == PASSED[:-1]


VARIANTS = ["alone", "one step", "more steps", "more restarts", "untargeted", "targeted"]


def with_variants(**found):
    """Sound rows, and those of variants which find image 0, or what is named."""
    plain = defence_rows()
    large = plain[(plain["attack"] == "white-box") & (plain["epsilon"] == 0.2)]
    made = [large.assign(variant=name, found=large["id"].isin(found.get(name, [0]))) for name in VARIANTS]
    rows = pd.concat([plain, *made])
    lost = (rows["variant"] == "alone") & rows["id"].isin(found.get("lost", []))
    return rows.assign(found_rounded=rows["found"] & ~lost)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({}, {}),
        ({"one_step": [1]}, {"one step finds no more": "1"}),
        ({"more_steps": [0, 1]}, {"more steps find no more": "1"}),
        ({"more_restarts": [0, 1]}, {"more restarts find no more": "1"}),
        ({"targeted": [0, 1]}, {"targeted agrees with untargeted": "1"}),
        ({"untargeted": []}, {"targeted agrees with untargeted": "0"}),
        ({"lost": [0]}, {"rounding keeps all": "0"}),
    ],
)
def test_a_variant_that_finds_something_else_trips_its_check(found, expected):
    rows = with_variants(**{name.replace("_", " "): images for name, images in found.items()})
    assert failed(rows) == expected
    assert len(checks(rows)) == len(PASSED) + 5


def with_unpruned(**found):
    """Sound rows and variants, and the other attacks from the start, which find image 0, or what is named."""
    rows = with_variants()
    own = rows[(rows["variant"] == "plain") & (rows["epsilon"] == 0.2) & (rows["attack"] != "white-box")]
    hits = [row.id in found.get(row.attack, [0]) for row in own.itertuples()]
    return pd.concat([rows, own.assign(variant="unpruned", found=hits)], ignore_index=True)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({}, {}),
        ({"square": [0, 1]}, {"black box finds no more, from the start": "1"}),
        ({"random": [1]}, {"random finds no more, from the start": "1"}),
    ],
)
def test_from_the_start_the_white_box_finds_what_the_others_find(found, expected):
    """Although at a smaller size it had found more: image 1 is found there in the plain rows."""
    rows = with_unpruned(**found)
    assert failed(rows) == expected
    table = checks(rows)
    before = checks(with_variants())
    pd.testing.assert_frame_equal(table.iloc[: len(before)], before)
    assert table["check"].tolist()[len(before) :] == [f"{name}, from the start" for name in PASSED[0:2]]
    assert table["n"].tolist()[len(before) :] == [len(found.get("square", [0])), len(found.get("random", [0]))]


def test_images_that_are_not_attacked_and_denials_do_not_count():
    rows = defence_rows()
    other = rows[rows["id"] == 1].assign(id=2, clean=-1, found=False, vanished=True)
    denial = rows[rows["attack"] == "random"].assign(attack="denial", goal="rejected", found=True)
    others = checks(pd.concat([rows, other, denial]))
    pd.testing.assert_frame_equal(others[others["check"] != PASSED[-1]], checks(rows).iloc[:-1])


def test_a_missing_column_is_one_line():
    with pytest.raises(SpuriousError, match="rows of attacks on defences: the column sees is missing"):
        checks(defence_rows().drop(columns="sees"))


class Broken(nn.Module):
    """A network that makes attacks fail, and no image safer."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner


class Sound(Broken):
    """Hides nothing."""

    def forward(self, images):
        return self.inner(images)


class Rounded(Broken):
    """Behind a step, whose gradient is 0."""

    def forward(self, images):
        return self.inner((images * 4).round() / 4)


class Saturated(Broken):
    """Its probabilities instead of its logits, so sure that they are 0 and 1."""

    def forward(self, images):
        return (1e6 * self.inner(images)).softmax(1)


class Random(Broken):
    """Behind noise that is drawn anew for every decision."""

    def forward(self, images):
        return self.inner(images + 0.1 * torch.randn_like(images))


class Detached(Broken):
    """Hides its gradient."""

    def forward(self, images):
        return self.inner(images).detach()


BUDGET = {
    "sizes": {"linf": [0.1, 0.4]},
    "attacks": {
        "white-box": {"kind": "white-box", "steps": 5, "targets": 1},
        "square": {"kind": "square", "queries": 60},
        "hop-skip-jump": {"kind": "hop-skip-jump", "rounds": 2},
    },
    "defences": {"own": "none"},
    "checks": {"images": 10, "epsilon": 0.1},
}
MADE_FOR = {
    Sound: set(),
    Rounded: {"gradient does not vanish", "black box finds no more"},
    Saturated: {"gradient does not vanish", "black box finds no more"},
    Random: {"decision repeats"},
    Detached: {"gradient does not vanish", "black box finds no more"},
}
BUDGETS = {Detached: [name for name in BUDGET["attacks"] if name != "white-box"]}  # which is refused


def checked(broken, attacks=tuple(BUDGET["attacks"])):
    """The checks of all attacks on a network that hides something, by their names."""
    settings = registry.parse(
        RobustnessSettings, BUDGET | {"attacks": {name: BUDGET["attacks"][name] for name in attacks}}
    )
    model, starts = broken(network()), starts_of(defended_by("none"), 20)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        rows, _ = all_rows({"own": Defended(Undefended(), model)}, model, starts, settings, 0, settings.checks.images)
    return checks(rows.assign(classifier="net", seed=0)).set_index("check")


@pytest.mark.parametrize("broken", MADE_FOR)
def test_a_broken_defence_trips_the_check_that_is_made_for_it(broken):
    table = checked(broken, BUDGETS.get(broken, BUDGET["attacks"]))
    every = set().union(*MADE_FOR.values())
    assert set(table.index[~table["passed"]]) & every == MADE_FOR[broken]


def test_what_hides_its_gradient_is_refused_by_the_white_box():
    with pytest.raises(SpuriousError, match="the classifier has no gradient on the pixels"):
        checked(Detached)


@pytest.mark.parametrize("hide", [Rounded, Saturated, Detached])
def test_a_gradient_that_is_hidden_vanishes(hide):
    starts, model = starts_of(defended_by("none"), 4), network()
    assert not vanishes(Defended(Undefended(), model), starts).any()
    assert torch.equal(vanishes(Defended(Undefended(), hide(model)), starts), torch.ones(4, dtype=torch.bool))
