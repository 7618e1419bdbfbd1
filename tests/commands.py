"""The commands that our documents show: where they are, and one command as the words of its program."""

import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

from projects import ROOT

DOCUMENTS = [
    *(
        ROOT / name
        for name in ("README.md", "CHANGELOG.md", "results/README.md", "config/README.md", "docs/measured/README.md")
    ),
    *sorted(ROOT.glob("docs/*.md")),
]
OURS = ("snakemake", "make", "python", "pip")
UNTESTED = {  # programs whose commands no test runs, and why
    "cd": "the next command is tested in the clone",
    "git": "it needs the address of the repository",
    "rsync": "it needs another machine; tests/faults carries a finished run to another clone",
    "snakedeploy": "it needs a network; tests/workflow/test_deployment.py writes what it writes",
    "unzip": "tests/programs/test_archive.py unpacks an archive",
    "ours()": "tests/cluster runs the block on a cluster",
    "ours": "tests/cluster runs the block on a cluster",
    "while": "tests/cluster runs the block on a cluster",
    "awk": "it counts lines of what the command before it prints",
    "mkdir": "it makes a folder for the next command",
    "cp": "it copies files for the next command",
    "export": "it sets variables for the next command",
    "nvidia-cuda-mps-control": "it needs a GPU",
    "echo": "it needs a GPU",
}
WHOLE = {"ours()", "ours", "while"}  # lines of a shell that are not taken apart


class Command(NamedTuple):
    """One command of a document: its program and the words after it."""

    document: str
    program: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.document}: {shlex.join((self.program, *self.words))}"


def commands_in(text: str, document: str) -> Iterator[Command]:
    """The commands of a document: blocks of a shell, indented blocks that begin with a program, and code in a line."""
    for line in lines_in(text):
        read = shlex.shlex(line, posix=True, punctuation_chars=";&|")
        read.whitespace_split = True
        words = [*read]
        if words and words[0] in WHOLE:
            yield Command(document, words[0], ())
            continue
        while words:
            end = next((place for place, word in enumerate(words) if word in ("&&", ";", "|")), len(words))
            command, words = words[:end], words[end + 1 :]
            while command and re.match(r"[A-Z_]+=", command[0]):
                del command[0]
            if command:
                yield Command(document, command[0], tuple(command[1:]))


def lines_in(text: str) -> Iterator[str]:
    """The lines that a person would type; one that goes on after a backslash is whole."""
    fenced = r"^```(\w*)\n(.*?)^```$"
    for language, block in re.findall(fenced, text, re.MULTILINE | re.DOTALL):
        if language in ("sh", "bash"):
            yield from joined(block)
    text = re.sub(fenced, "", text, flags=re.MULTILINE | re.DOTALL)
    indented = r"(?:^|\n\n)((?: {4,}\S.*\n)+)"
    for block in re.findall(indented, text):
        if first_word(block) in {*OURS, *UNTESTED}:
            yield from joined(block)
    for code in re.findall(r"`([^`]+)`", re.sub(indented, "\n", text)):
        if first_word(code) in OURS and len(code.split()) > 1:
            yield " ".join(code.split())


def joined(block: str) -> list[str]:
    """The lines of a block without their indentation, with those that end in a backslash joined to the next."""
    return [line.strip() for line in block.replace("\\\n", " ").splitlines()]


def first_word(code: str) -> str:
    """The program of a line, behind the variables that are set for it."""
    return next(word for word in [*code.split(), ""] if not re.match(r"[A-Z_]+=", word))
