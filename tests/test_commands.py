"""Every command in our documents is one that runs: planned by Snakemake and make, read by the program it calls."""

import argparse
import contextlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import reduce

import pytest
import yaml

from commands import DOCUMENTS, OURS, UNTESTED, Command, commands_in
from projects import ROOT, copy_project, environment, run_snakemake
from spurious.configuration import deep_merge
from spurious.errors import SpuriousError

CONFIGURATIONS = {"mine.yaml": "docs/own-data.md"}  # the page that shows it, for those that only name it
READ = ("targets", "configfile", "forcerun")  # what a plan needs of a command
PARSING = """
import json, sys
from snakemake.cli import parse_args, parse_config
for words in json.load(sys.stdin):
    try:
        _, found = parse_args(words)
        parse_config(found.config)
        told = {name: [str(value) for value in getattr(found, name) or []] for name in sys.argv[1:]}
    except (SystemExit, Exception) as error:
        told = {"error": repr(error)}
    print(json.dumps(told))
"""


def of_documents():
    """Every command of every document."""
    for path in DOCUMENTS:
        yield from commands_in(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())


COMMANDS = sorted({*of_documents()})


def called(program):
    return [pytest.param(command, id=str(command)) for command in COMMANDS if command.program == program]


def test_every_program_is_tested_or_says_why_not():
    programs = {command.program for command in COMMANDS}
    assert programs == {*OURS, *UNTESTED}


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """The project with the configurations that documents show and the files that these name, empty."""
    folder = copy_project(tmp_path_factory.mktemp("commands") / "project")
    data = folder / "data"
    for name in ("photos", "models", "imagenet/train", "imagenet/val"):
        (data / name).mkdir(parents=True)
    for name in ("mine.npz", "models/own.pt"):
        (data / name).touch()
    for name in ("mine.csv", "photos.csv", "imagenet-val.csv"):
        shutil.copy(folder / "workflow/resources/imagenet_samples.csv", folder / name)
    (folder / "names.csv").write_text("class_id,class_name\n0,a\n1,b\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def planned(clone):
    """A function that gives what is wrong with each of some commands of snakemake, "" where it runs."""

    def planned(commands):
        told = parsed(clone, [placed(clone, command.words) for command in commands])
        groups = {}
        for command, found in zip(commands, told, strict=True):
            groups.setdefault(configured(clone, command, found), []).append(found)
        return [found.get("error", "") for found in told] + [
            plan(clone, files, [found for found in group if "error" not in found]) for files, group in groups.items()
        ]

    return planned


def placed(clone, words):
    """The words of a command with the clone for the places that documents make up."""
    data = {"/shared/data": f"{clone}/data", "=/data": f"={clone}/data"}
    places = {"/path/to/spurious": clone, "/path/to/mine": clone, **data}
    return [reduce(lambda word, place: word.replace(place, str(places[place])), places, word) for word in words]


def parsed(clone, commands):
    """What Snakemake's own parser finds in each command, or its error."""
    done = subprocess.run(
        [sys.executable, "-c", PARSING, *READ],
        cwd=clone,
        env=environment(),
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def configured(clone, command, found):
    """The configuration files of a command, written from the blocks of its page or of the page that has them."""
    files = []
    for name in found.get("configfile", ()) or ["mine.yaml"] * ("mine" in found.get("targets", ())):
        page = ROOT / command.document
        blocks = blocks_of(page) or blocks_of(ROOT / CONFIGURATIONS.get(name, command.document))
        path = clone / f"{page.parent.name}-{page.stem}-{name}"
        path.write_text(yaml.safe_dump(reduce(deep_merge, blocks, {})).replace("/data", f"{clone}/data"))
        files.append(str(path))
    return tuple(files)


def blocks_of(page):
    """The blocks of configuration of a page that name an experiment, as data."""
    blocks = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return [block for block in map(yaml.safe_load, blocks) if "experiments" in block]


def plan(clone, files, commands):
    """The error of one dry run of the targets of all commands with the same configuration, "" where it plans them."""
    targets = sorted({target for found in commands for target in found["targets"]})
    forced = sorted({rule for found in commands for rule in found["forcerun"]})
    options = [*(["--configfile", *files] if files else []), *(["--forcerun", *forced] if forced else [])]
    arguments = [*targets, *options, "--config", f"local_data={clone}/data", "--dry-run", "--quiet", "rules"]
    done = run_snakemake(clone, *arguments, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def handed_on(command):
    """What `make` hands to snakemake or to a program of ours; AssertionError where it has no such target."""
    clean = {name: value for name, value in os.environ.items() if name not in ("ARGS", "MAKEFLAGS")}  # of `make test`
    done = subprocess.run(
        ["make", "-n", *command.words], cwd=ROOT, env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for line in re.findall(r"^(?:\w+=\S* )*\.venv/bin/(.*)", done.stdout, re.MULTILINE):
        program, *words = shlex.split(line)
        if program in OURS:
            yield Command(command.document, program, tuple(words))


@pytest.mark.slow  # a minute of processor time: it plans demo, paper and more, a dozen times
def test_snakemake_plans_its_commands(planned):
    """Every command is parsed by Snakemake; the targets of those with the same configuration are planned together."""
    pytest.importorskip("snakemake_executor_plugin_slurm")
    commands = [command for command in COMMANDS if command.program == "snakemake"]
    makes = [handed for command in COMMANDS if command.program == "make" for handed in handed_on(command)]
    commands += [handed for handed in makes if handed.program == "snakemake"]
    assert len(commands) > 20
    assert [*filter(None, planned(commands))] == []


@pytest.mark.slow
def test_mistakes_in_commands_of_snakemake_are_noticed(planned):
    """An option, a target that --config swallows, one that nobody makes."""
    mistakes = {
        "--slurm-array-limitt 50 paper": "SystemExit",
        "--config local_data=/shared/data paper": "name=value pairs",
        "demo papers": "papers",
    }
    commands = [Command("README.md", "snakemake", tuple(line.split())) for line in mistakes]
    found = [*filter(None, planned(commands))]
    assert len(found) == len(mistakes)
    for error, said in zip(found, mistakes.values(), strict=True):
        assert said in error


@pytest.mark.parametrize("command", called("make"))
def test_make_has_its_targets(command):
    check_all(command)


@pytest.mark.parametrize("command", [*called("python"), *called("pip")])
def test_programs_read_their_arguments(command):
    check(command)


@pytest.mark.parametrize(
    "line",
    [
        "make demonstration",
        "make test-slow ARGS=tests/fault",
        "make archive ARGS=--configfil",
        "python scripts/fool.py --strat noise",
        "python scripts/fooling.py IMAGE",
        "python tests/fuzz/run.py weights --secnds 600",
        "python tests/benchmarks/run.py stores",
        "pip install -r requirement.txt",
    ],
)
def test_a_mistake_in_another_command_is_noticed(line):
    (command,) = commands_in(f"    {line}\n", "README.md")
    with pytest.raises((SpuriousError, SystemExit, AssertionError, FileNotFoundError)):
        check_all(command)


def check_all(command):
    """`check` of a command, or of those that `make` hands on."""
    for handed in handed_on(command) if command.program == "make" else [command]:
        check(handed)


def check(command):
    """Raise where a command of python or pip names what is not there, or a program does not take its arguments."""
    names = command.words
    if command.program == "pip":
        assert names[0] == "install"
        assert {*names[1:]} <= {"-r", "--quiet", ".", "snakedeploy"} | {path.name for path in ROOT.glob("*.txt")}
    elif command.program == "python" and names[:2] == ("-m", "pytest"):
        assert all((ROOT / name).exists() for name in names if name.startswith("tests/"))
    elif command.program == "python" and names[0] == "-c":
        compile(names[1], command.document, "exec")
    elif command.program == "python" and names[0] != "-m":
        read_arguments(ROOT / names[0], list(names[1:]))


class Read(BaseException):
    """A program has read its arguments; it goes no further. A BaseException, which no program catches."""


def read_arguments(path, words):
    """Let a program read `words` as its arguments and stop there."""
    specification = importlib.util.spec_from_file_location(f"called_{path.parent.name}_{path.stem}", path)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(path.parent))
        program = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(program)
        if not hasattr(program, "parse"):
            patch.setattr(argparse.ArgumentParser, "parse_args", only_read)
        with contextlib.suppress(Read):
            (program.parse if hasattr(program, "parse") else program.main)(words)


READING = argparse.ArgumentParser.parse_args


def only_read(parser, words=None, namespace=None):
    """`parse_args` that ends the program behind it."""
    READING(parser, words, namespace)
    raise Read
