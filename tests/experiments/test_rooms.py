"""The experiments declare themselves, and everything else that names them follows."""

import itertools
import re

import pytest

from projects import ROOT, written_rules
from spurious.consistency import KINDS, ON_PHOTOGRAPHS
from spurious.errors import SpuriousError
from spurious.experiments.rooms import in_order, rooms
from spurious.sections import RESERVED, Experiment, Shared, Threads

ORDER = ["data", "classifiers", "backworking", "retraining", "smoothing", "linear", "fooling", "black_box", "transfer"]
ORDER += ["robustness", "certification"]


def test_the_rooms_stand_in_the_order_of_the_data():
    assert list(rooms()) == ORDER


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ({"b": "", "a": "b"}, ["b", "a"]),
        ({"c": "a", "a": "", "b": "a"}, ["a", "b", "c"]),
        ({"new": "a", "a": "", "b": "a", "c": "b"}, ["a", "b", "c", "new"]),
    ],
)
def test_a_room_stands_behind_the_one_that_it_is_after(after, expected):
    assert in_order(after) == expected


@pytest.mark.parametrize(
    ("after", "words"),
    [
        ({"a": "", "b": "nowhere"}, "b.catalogue: ROOM.after: unknown experiment 'nowhere'; known are a"),
        ({"a": "", "b": "c", "c": "b"}, "b.catalogue: ROOM.after: unknown experiment 'c'; known are a"),
    ],
)
def test_a_room_after_none_of_the_others_is_named(after, words):
    with pytest.raises(SpuriousError, match=words):
        in_order(after)


def test_the_document_says_which_classifiers_an_experiment_takes():
    text = (ROOT / "docs/classifiers.md").read_text(encoding="utf-8")
    lines = itertools.takewhile(lambda line: line.startswith("|"), text[text.index("|") :].splitlines())  # first table
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    stages = [column.split(", ") for column in cells[0][1:]]
    assert sorted(itertools.chain(*stages)) == sorted(KINDS.keys() - {"classifiers"})
    for kinds, *told in cells[2:]:
        for kind in re.findall("`(.+?)`", kinds):
            assert [[kind in KINDS[name] for name in names] for names in stages] == [
                [word == "yes"] * len(names) for names, word in zip(stages, told, strict=True)
            ]


def test_the_document_says_which_experiments_take_photographs():
    sentence = re.search(r"Photographs take part in (.+?) with", (ROOT / "docs/own-data.md").read_text("utf-8"), re.S)
    assert re.findall("`(.+?)`", sentence[1]) == ON_PHOTOGRAPHS


def test_sections_and_stages_are_those_of_the_rooms():
    computing = ORDER[2:]
    assert list(Shared.model_fields) == ["threads", "classifiers", "recipes", "denoisers", *computing]
    assert list(Threads.model_fields) == ["training", *computing]
    assert list(Experiment.model_fields) == ["seeds", *ORDER[1:], "override"]
    assert list(KINDS) == [name for name in ORDER[1:] if name != "linear"]
    assert ON_PHOTOGRAPHS == ["smoothing", "fooling", "robustness", "certification"]
    assert {"linear", "store", "transfer.csv"} <= {*RESERVED}


def test_every_rule_with_a_benchmark_is_one_that_its_room_measures():
    measured = [name for room in rooms().values() for name in room.measured]
    assert len(measured) == len({*measured})
    assert {*measured} == {name for name, text in written_rules().items() if "benchmark:" in text}
