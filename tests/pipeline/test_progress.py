"""Progress where stderr is a terminal, and where it is a file."""

import re
import sys

import pytest

from pipeline.jobs.arguments import run
from pipeline.jobs.progress import counting, progress, progress_bar
from spurious.errors import SpuriousError


def written(capsys, total, steps, **options):
    with progress_bar(total=total, desc="work", unit="image", **options) as bar:
        for step in steps:
            bar.update(step)
    return capsys.readouterr().err


def counts_of(text):
    """The "done/total" of every line."""
    return [re.search(r"\d+/\d+", line)[0] for line in text.splitlines()]


@pytest.mark.parametrize(
    ("total", "steps", "counts"),
    [
        (1000, [1] * 1000, range(100, 1001, 100)),
        (25, [1] * 25, [3, 5, 8, 10, 13, 15, 18, 20, 23, 25]),
        (4, [1] * 4, [1, 2, 3, 4]),
        (100, [35, 1, 64], [35, 100]),
        (1000, [99], []),
        (0, [], []),
    ],
)
def test_a_line_for_every_tenth_where_stderr_is_no_terminal(capsys, total, steps, counts):
    text = written(capsys, total, steps)
    assert counts_of(text) == [f"{n}/{total}" for n in counts]
    assert all(line.startswith("work: ") for line in text.splitlines())
    assert "\r" not in text
    assert text.count("\n") == len(counts)


def test_work_that_was_continued_counts_from_where_it_was(capsys):
    assert counts_of(written(capsys, 10, [1, 1], initial=8)) == ["9/10", "10/10"]


def test_an_unknown_total_is_a_single_line(capsys):
    (line,) = written(capsys, None, [1] * 30).splitlines()
    assert "30image" in line


def test_a_total_that_only_the_work_knows(capsys):
    with counting("work", "image") as count:
        for done in [3, 1, 16]:
            count(done, 20)
    assert counts_of(capsys.readouterr().err) == ["3/20", "4/20", "20/20"]


def test_work_that_fails_before_its_total_is_known_writes_nothing(capsys):
    with pytest.raises(SpuriousError), counting("work", "image"):
        raise SpuriousError("a.png: unreadable")
    assert capsys.readouterr().err == ""


def test_a_bar_that_is_off_writes_nothing(capsys):
    assert written(capsys, 10, [1] * 10, disable=True) == ""


def test_items_pass_through(capsys):
    assert list(progress_bar("abc", desc="work", unit="file")) == list("abc")
    assert capsys.readouterr().err.count("\n") == 3


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("kind", ["bar", "items", "generator"])
def test_an_error_starts_a_line_of_its_own(capsys, monkeypatch, terminal, kind):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    kept = []  # as a traceback does, so that no bar ends because it is collected

    def main():
        bar = progress_bar(range(20), desc="work", unit="image")
        items = {"bar": bar, "items": iter(bar), "generator": progress(range(20), "work", "image")}[kind]
        kept.append(items)
        for number in items:
            if number == 5:
                raise SpuriousError("a.png: unreadable")

    with pytest.raises(SystemExit, match=r"^error: a\.png: unreadable$"):
        run(main)
    text = capsys.readouterr().err
    assert "work" in text
    assert text.endswith("\n")
