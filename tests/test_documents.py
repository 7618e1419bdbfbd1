"""What our documents name of the code is there."""

import ast
import re

import pytest

from sourcecode import SCRIPTS, modules

DOCS = SCRIPTS.parent / "docs"
SOURCES = modules()
FUNCTIONS = {
    f"{module.rpartition('.')[2]}.{node.name}"
    for module, source in SOURCES.items()
    for node in ast.parse(source).body
    if isinstance(node, ast.FunctionDef)
}


def fuzzed():
    """The functions that the table of docs/fuzzing.md names; `.name` is of the module before it."""
    for line in (DOCS / "fuzzing.md").read_text(encoding="utf-8").splitlines():
        if re.match(r"\| `\w+` \|", line):
            module = ""
            for name in re.findall(r"`([\w.]+)`", line.split("|")[2]):
                module = name.rpartition(".")[0] or module
                yield f"{module}.{name.rpartition('.')[2]}"


@pytest.mark.parametrize("name", [*fuzzed()])
def test_what_is_fuzzed_is_a_function(name):
    assert name in FUNCTIONS


def test_what_writes_files_is_a_function():
    named = re.findall(r"`(\w+\.whole_\w+)`", (DOCS / "faults.md").read_text(encoding="utf-8"))
    assert named == ["atomic.whole_file"]
    assert {*named} <= FUNCTIONS


def test_every_source_of_random_numbers_is_named():
    drawing = {
        module for module, source in SOURCES.items() if re.search(r"default_rng|manual_seed|RandomState", source)
    }
    assert drawing == {"spurious.seeding", "spurious.statistics.bootstrap"}
    (rule,) = re.findall(r"- Everything random(.*?)\n- ", (DOCS / "architecture.md").read_text(encoding="utf-8"), re.S)
    assert re.findall(r"`([\w/.]+)", rule) == ["spurious.seeding.generator", "statistics/bootstrap.py"]


def test_pickles_are_promised_nowhere_in_the_settings():
    """They can run any code, and batch files are refused as such (`spurious.data.downsampled`)."""
    for name in ("config/README.md", "workflow/schemas/config.schema.yaml"):
        assert "pickle" not in (SCRIPTS.parent / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=lambda path: path.stem)
def test_every_page_begins_with_whom_it_is_for(path):
    title, first, *_ = path.read_text(encoding="utf-8").split("\n\n")
    assert re.fullmatch(r"# [^\n]+", title)
    assert re.match(r"For (whoever|readers) \w", first)


@pytest.mark.parametrize(
    "path",
    [SCRIPTS.parent / "README.md", SCRIPTS.parent / "results/README.md", *sorted(DOCS.glob("*.md"))],
    ids=lambda path: path.stem,
)
def test_no_page_is_long(path):
    assert len(prose(path.read_text(encoding="utf-8")).split()) <= 1600


def test_tables_code_and_comments_are_no_prose():
    text = "One two.\n\n| a | b |\n|---|---|\n\n    make demo\n\n<!-- a\nb -->\n```yaml\na: 1\n```\n- Three\n  four.\n"
    assert prose(text).split() == ["One", "two.", "-", "Three", "four."]
    assert len(prose("word " * 1601).split()) > 1600


def prose(text):
    """A page without its tables, code and comments."""
    text = re.sub(r"```.*?```|<!--.*?-->", "", text, flags=re.DOTALL)
    return "\n".join(line for line in text.splitlines() if not re.match(r"\||    ", line))


def test_the_map_of_the_results_has_every_folder_of_the_list_of_files():
    listed = (DOCS / "files.md").read_text(encoding="utf-8")
    paths = re.findall(r"^\| `([^`]+)`", listed, re.MULTILINE)
    folders = {name for path in paths for name in path.split("/")[:-1] if re.fullmatch(r"\w+", name)}
    known = (DOCS.parent / "results/README.md").read_text(encoding="utf-8")
    assert {"robustness", "denoisers", "certification", "smoothing"} <= folders
    assert [name for name in sorted(folders) if f"{name}/" not in known] == []
