"""What decides the interval of a rate is one function: nobody else names the method, and every table follows it."""

import ast
import inspect

import numpy as np
import pandas as pd
import pytest

import linearsweep
from making import entry
from pipeline.files.results import function_of
from sourcecode import imported, modules
from spurious import rates
from spurious.statistics.intervals import wilson
from tableinputs import INPUTS

METHOD = "spurious.statistics.intervals.wilson"
LOW, HIGH = -2.0, 7.0  # bounds that no method gives
NO_RATES = {"accuracy_difference", "found_difference", "queries", "l2", "linf"}  # differences and medians
PAIR = {"seed": 0, "classes": "0, 1", "attack": "none", "epsilon": 0.25, "label": [0, 0, 1], "predicted": [0, 1, 1]}
TABLES = {
    **INPUTS,
    "linear": {
        key: lambda key=key: getattr(linearsweep, key)() for key in ("predictions", "steps", "weights", "history")
    },
    "linear-pair": {"rows": lambda: pd.DataFrame(PAIR)},
}
WITHOUT = {"backworking", "retraining-summary", "smoothing-tests", "images-excluded"}  # have no interval of a rate


def naming_a_method(sources):
    """The modules that import the function of an interval of proportions."""
    return {module for module, source in sources.items() if METHOD in imported(ast.parse(source))}


def test_one_module_names_the_method():
    assert naming_a_method(modules()) == {"spurious.rates"}


def test_another_caller_is_noticed():
    own = {"spurious.experiments.linear.figure": "def late():\n    from spurious.statistics.intervals import wilson"}
    assert naming_a_method(own) == set(own)


def another(successes, n):
    """The interval of another method."""
    shape = np.broadcast(successes, n).shape
    return np.full(shape, LOW)[()], np.full(shape, HIGH)[()]


def bounds(name):
    """Every bound of a rate that the table has, {column: values}; those over seeds tell how the seeds differ."""
    function = function_of(entry("table", name).function)
    given = [make() for make in TABLES[name].values()]
    keywords = inspect.signature(function).parameters
    others = {"classes": 10} if "classes" in keywords else {}
    table = function(**dict(zip(keywords, given, strict=False)), **others)
    own = table[table["seed"] != "all"] if "seed" in table else table
    columns = [column for column in own if column.rpartition("_")[2] in ("low", "high")]
    return {column: own[column].dropna() for column in columns if column.rpartition("_")[0] not in NO_RATES}


@pytest.mark.parametrize("name", sorted(TABLES.keys() - WITHOUT))
def test_every_interval_of_a_table_is_that_of_the_method(name, monkeypatch):
    monkeypatch.setattr(rates, "wilson", another)
    found = bounds(name)
    assert found
    for column, values in found.items():
        assert len(values), column
        assert set(values) == {LOW if column.endswith("low") else HIGH}, column


def test_bounds_are_wilsons():
    np.testing.assert_array_equal(rates.interval([1, 9], 10), wilson([1, 9], 10))
