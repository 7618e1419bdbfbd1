"""Who may import whom in scripts/: code looks down to lower floors, and never up or across."""

import ast
import re
from collections import Counter
from collections.abc import Iterator

import pytest

from sourcecode import ROOTS, SCRIPTS, imported, modules
from spurious.experiments.rooms import rooms

# From the top to the ground. What stands on one floor knows nothing of its neighbours.
FLOORS = [
    {"programs"},
    {"pipeline"},
    {"report"},
    {"configuration", "documentation"},
    {"consistency"},
    {"sections"},
    {"writeups"},
    {"experiments/*"},  # every room by itself
    {"experiments/catalogue", "experiments/rooms"},
    {"defences", "figures"},
    {"classifiers"},
    {"views", "attacks"},
    {"perturbations", "data"},
    {"rates", "registry", "parameters"},
    {"statistics", "frames", "problems", "vision"},
    {"errors", "wording", "seeding", "modules", "adam", "sgd"},
]
# Imports up or across that there still are: (importing module, imported package). The list only shrinks.
EXCEPTIONS = set()
ARCHITECTURE = (SCRIPTS.parent / "docs/architecture.md").read_text(encoding="utf-8")
OUTSIDE = {"snakemake", "tqdm", "requests", "argparse", "subprocess", "shutil", "tempfile", "os", "pathlib"}
PURE_PATHS = {"PurePosixPath"}  # names inside a manifest: nothing is opened by them
# The size of an open file; a file of the user's own entries, imported by its path.
WORLDLY_EXCEPTIONS = {"spurious.data.archives": {"os"}, "spurious.registry": {"pathlib"}}


def package(module: str) -> str:
    """The part of scripts/ that stands on a floor: "attacks", "experiments/linear", "pipeline", "programs"."""
    parts = module.split(".")
    if parts[0] == "pipeline":
        return "pipeline"
    if parts[0] != "spurious":
        return "programs"
    return "/".join(parts[1:3]) if parts[1] == "experiments" else parts[1]


def floor(name: str) -> int:
    """The floor of a package, counted from the top."""
    places = (number for number, names in enumerate(FLOORS) if name in names)
    (rooms,) = (number for number, names in enumerate(FLOORS) if "experiments/*" in names)
    (found,) = [*places] or ([rooms] if name.startswith("experiments/") else [])
    return found


def definitions(prefix: str = "") -> Iterator[tuple[str, str, ast.stmt]]:
    """Module, name and node of every function and constant at the top of a module."""
    for module, source in modules().items():
        for node in ast.parse(source).body if module.startswith(prefix) else ():
            if isinstance(node, ast.FunctionDef):
                yield module, node.name, node
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                yield module, node.targets[0].id, node


def of_this_project(name: str) -> bool:
    """Whether the imported name is a module of scripts/, or something in one."""
    first = name.split(".")[0]
    return name not in ROOTS and (first in ("spurious", "pipeline") or (SCRIPTS / f"{first}.py").exists())


def forbidden(module: str, source: str) -> set[tuple[str, str]]:
    """(module, package) of every import that neither leads to a lower floor nor stays in the package."""
    own, found = package(module), set()
    for name in filter(of_this_project, imported(ast.parse(source))):
        target = package(name)
        if target != own and floor(target) <= floor(own):
            found.add((module, target))
    return found


def worldly(source: str) -> set[str]:
    """What the code has to do with files, processes and terminals."""
    tree = ast.parse(source)
    found = {name.split(".")[0] for name in imported(tree) if name.split(".")[-1] not in PURE_PATHS} & OUTSIDE
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return found | {call.id for call in calls if isinstance(call, ast.Name) and call.id in ("open", "print", "input")}


def test_imports_lead_down():
    """An import across or up is a failure; so is an exception that is no longer needed."""
    assert set().union(*(forbidden(*item) for item in modules().items())) == EXCEPTIONS


def test_the_library_knows_no_files_and_no_terminal():
    found = {module: worldly(source) for module, source in modules(SCRIPTS / "spurious").items()}
    assert {module: names for module, names in found.items() if names} == WORLDLY_EXCEPTIONS


def test_every_package_stands_on_one_floor():
    names = {package(module) for module in modules()}
    assert {floor(name) for name in names} == set(range(len(FLOORS)))


def drawn_floors():
    """The floors of the drawing in docs/architecture.md, from the top; what stands in parentheses explains."""
    (drawing,) = re.findall(r"^```\n(programs\n.*?)^```$", ARCHITECTURE, re.MULTILINE | re.DOTALL)
    return [set(line.split()) for line in re.sub(r"\s*\(.*?\)", "", drawing, flags=re.DOTALL).splitlines()]


def test_the_drawing_of_the_floors_is_this_one():
    assert drawn_floors() == FLOORS


def test_the_drawing_names_every_room():
    (named,) = re.findall(r"^experiments/\*\s+\((.*?): (.*?)\)$", ARCHITECTURE, re.MULTILINE | re.DOTALL)
    assert named[1].replace(",", "").split() == sorted(rooms())


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("spurious.attacks.gradient", "from spurious.classifiers.predictions import predict"),
        ("spurious.experiments.linear.figure", "from spurious.experiments import fooling"),
        ("spurious.experiments.linear.figure", "def late():\n    import spurious.experiments.fooling.rows"),
        ("spurious.data.splits", "from spurious import configuration"),
        ("spurious.statistics.bootstrap", "from spurious.data import splits"),
        ("spurious.statistics.bootstrap", "from spurious.rates import interval"),
        ("spurious.problems", "from spurious.registry import parse"),
        ("spurious.frames", "from spurious.problems import Problem"),
        ("spurious.views.blur", "import pipeline.files.rows"),
        ("pipeline.files.rows", "import fool_classifier\nfrom spurious.report import formats"),
    ],
)
def test_a_wrong_direction_is_noticed(module, line):
    assert {name for name, _ in forbidden(module, line)} == {module}


@pytest.mark.parametrize("line", ["open('a')", "print(1)", "from pathlib import Path", "import snakemake.api"])
def test_a_file_or_a_print_is_noticed(line):
    assert worldly(line)


def test_no_rule_or_function_of_the_workflow_stands_twice():
    """Snakemake reads all files into one namespace: of two functions of one name the later one counts, silently."""
    texts = [path.read_text(encoding="utf-8") for path in (SCRIPTS.parent / "workflow").rglob("*.smk")]
    names = Counter(name for text in texts for name in re.findall(r"^(?:def|rule) (\w+)", text, re.MULTILINE))
    assert len(names) > 100
    assert [name for name, count in names.items() if count > 1] == []


def test_no_function_stands_twice():
    """Whatever it is called there."""
    seen: dict[str, str] = {}
    for module, name, node in definitions():
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            own, text = f"{module}.{name}", ast.unparse(ast.Module(body, []))
            assert seen.setdefault(text, own) == own


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("RUBBISH_THRESHOLD", ""),
        ("PUBLISHED", "spurious.experiments.smoothing."),
        ("log_odds", ""),
        ("of_photographs", ""),
        ("_odd", ""),
    ],
)
def test_what_several_modules_need_has_one_place(name, prefix):
    assert Counter(own for _, own, _ in definitions(prefix))[name] == 1
