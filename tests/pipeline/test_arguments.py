"""The numbers that a program is called with: what none of them may be is told in one line."""

import argparse
import importlib
import json
from pathlib import Path

import pytest

from pipeline.jobs import arguments
from spurious.errors import SpuriousError
from spurious.experiments.smoothing.settings import SmoothingSettings

SCRIPTS = Path(arguments.__file__).parents[2]
PROGRAMS = sorted(path.stem for path in SCRIPTS.glob("*.py") if "Parser(" in path.read_text(encoding="utf-8"))
NO_NUMBERS = ["x", "", "nan", "-nan", "inf", "-inf", "1e400", "-1", str(-(2**70)), "1 2", "0x10", "9" * 5000]
NO_WHOLE_NUMBERS = [*NO_NUMBERS, "0.5", "1e3", str(2**63), str(2**70)]


class Captured(Exception):
    """Holds the parser of a program that was about to parse."""


def options_of(program, monkeypatch):
    """Every action of the program's parser and of its commands."""

    def capture(self, argv=None, namespace=None):
        raise Captured(self)

    monkeypatch.setattr(argparse.ArgumentParser, "parse_known_args", capture)
    module = importlib.import_module(program)
    with pytest.raises(Captured) as caught:
        getattr(module, "parse", module.main)([])
    parsers = [caught.value.args[0]]
    for parser in parsers:
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                parsers += action.choices.values()
            else:
                yield parser, action


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_number_of_every_program_is_checked(program, monkeypatch):
    options = list(options_of(program, monkeypatch))
    assert options
    for parser, action in options:
        assert isinstance(parser, arguments.Parser)
        assert action.type not in (int, float, json.loads), action.option_strings


WHOLE = ["SEED", "COUNT", "INDEX", "KERNEL", "THREADS"]
NUMBERS = ["SIGMA", "ABOVE_ZERO"]
BAD = [(name, text) for name in WHOLE for text in NO_WHOLE_NUMBERS] + [
    (n, text) for n in NUMBERS for text in NO_NUMBERS
]
BAD += [("COUNT", "0"), ("KERNEL", "0"), ("KERNEL", "4"), ("THREADS", "0"), ("THREADS", "1025")]
BAD += [("ABOVE_ZERO", "0"), ("ABOVE_ZERO", "-0.0"), ("ABOVE_ZERO", "1e-400")]


@pytest.mark.parametrize(("name", "text"), BAD)
def test_what_is_no_such_number_is_told_in_one_line(name, text):
    parser = arguments.Parser()
    parser.add_argument("--option", type=getattr(arguments, name))
    with pytest.raises(SpuriousError) as caught:
        parser.parse_args([f"--option={text}"])
    assert str(caught.value).startswith(f"--option:{' ' * bool(text)}{text[:80]} is not a")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("name", "texts", "values"),
    [
        ("SEED", ["0", str(2**63 - 1)], [0, 2**63 - 1]),
        ("COUNT", ["1"], [1]),
        ("INDEX", ["0", "7"], [0, 7]),
        ("KERNEL", ["1", "5"], [1, 5]),
        ("THREADS", ["1", "1024"], [1, 1024]),
        ("SIGMA", ["0", "0.25", "1e3"], [0.0, 0.25, 1000.0]),
        ("ABOVE_ZERO", ["1e-300", "2"], [1e-300, 2.0]),
    ],
)
def test_the_ends_of_what_is_allowed(name, texts, values):
    assert [getattr(arguments, name)(text) for text in texts] == values


@pytest.mark.parametrize(
    ("text", "why"), [("{", "is not JSON"), ("[" * 10**5, "is not JSON"), ("[1]", "is not a JSON object")]
)
def test_json_that_is_none(text, why):
    parser = arguments.Parser()
    parser.add_argument("--entry", type=arguments.json_argument)
    with pytest.raises(SpuriousError, match=f"^--entry: .*{why}"):
        parser.parse_args(["--entry", text])


@pytest.mark.parametrize(("text", "why"), [("[", "is not JSON"), ("{}", "in brackets"), ("1", "in brackets")])
def test_json_that_is_no_list(text, why):
    parser = arguments.Parser()
    parser.add_argument("--findings", type=arguments.json_list_argument)
    with pytest.raises(SpuriousError, match=f"^--findings: .*{why}"):
        parser.parse_args(["--findings", text])
    assert parser.parse_args(["--findings", '[{"a": 1}]']).findings == [{"a": 1}]


def test_settings_of_a_job_may_have_kinds_of_an_extension(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "from pydantic import Field\nfrom spurious.perturbations.noises import Noise\n"
        "class Fog(Noise, kind='fog'):\n    thickness: float = Field(0.5, description='in pixels')\n"
    )
    settings = json.dumps({"variants": {"published": {}, "fog": {"noise": {"kind": "fog", "thickness": 2.0}}}})
    parse = arguments.settings_argument(SmoothingSettings)
    with pytest.raises(argparse.ArgumentTypeError, match=r"variants\.fog\.noise\.kind: .fog. is not allowed"):
        parse(settings)
    monkeypatch.setenv(arguments.EXTENSIONS, json.dumps([str(tmp_path / "mine.py")]))
    assert parse(settings).variants["fog"].noise.thickness == 2.0
