"""Every classifier has a look of its own, the same in every figure."""

import random

import yaml

from projects import ROOT, read_config
from spurious.figures.bars import Bar, bars_page
from spurious.figures.classifiers import COLORS, SHIPPED, classifier_looks


def named(config):
    """The classifiers that a configuration declares, those of overrides as well."""
    experiments = [entry.get("override", {}) for entry in config.get("experiments", {}).values()]
    return {name for part in (config, *experiments) for name in part.get("classifiers", {})}


def shipped():
    """The classifiers of config.yaml and of the files that made the tables in docs/measured."""
    added = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / "docs/measured").glob("*/*.yaml")]
    return set().union(*map(named, (read_config(ROOT), *added)))


def distinct(looks):
    return len({str(look) for look in looks.values()})


def test_all_shipped_classifiers_together_differ():
    names = shipped()
    assert {"maxout", "rbf", "lenet-0.25", "resnet50", "mobilenet-v2"} < names
    assert names == SHIPPED.keys()
    assert distinct(classifier_looks(sorted(names))) == len(names)


def test_a_shipped_look_is_the_same_whichever_others_are_there():
    draws = random.Random(0)
    for _ in range(20):
        others = draws.sample([*sorted(SHIPPED), "mine", "other"], 8)
        assert {name: look for name, look in classifier_looks(others).items() if name in SHIPPED} == {
            name: SHIPPED[name] for name in others if name in SHIPPED
        }


def test_others_take_what_is_free_colours_without_a_marker_first():
    names = [f"mine {number}" for number in range(20)]
    looks = classifier_looks(["cnn", *names, "rbf", *names])
    assert list(looks) == ["cnn", *names, "rbf"]
    assert distinct(looks) == len(looks)
    free = len(COLORS) - 1
    assert [("marker" in looks[name]) for name in names] == [False] * free + [True] * (len(names) - free)
    assert distinct(classifier_looks([*sorted(SHIPPED), *names])) == len(SHIPPED) + len(names)


def test_bars_and_their_keys_have_these_looks():
    names = ["cnn", "rbf", "forest"]
    bars = [Bar(attack="any", classifier=name, share=0.5, low=0.4, high=0.6, n=9) for name in names]
    figure = bars_page(bars, "title", 5.0)
    points = [line for line in figure.axes[0].lines if line.get_xdata()[0] == 50]
    keys = figure.legends[0].legend_handles[: len(names)]
    assert len(points) == len(names)
    for drawn in (points, keys):
        found = {(line.get_color(), str(line.get_marker())) for line in drawn}
        assert found == {(look["color"], str(look.get("marker", "o"))) for look in classifier_looks(names).values()}
