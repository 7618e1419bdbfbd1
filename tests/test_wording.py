"""Numbers in sentences have the digits that their images are worth; sentences have the words of the field."""

import math
import re
from pathlib import Path

import pytest

from spurious.wording import NO_BREAK, bounds, interval, over_seeds, percent, plural, points


def plain(text):
    return text.replace(NO_BREAK, " ")


@pytest.mark.parametrize(
    ("share", "n", "said"),
    [
        (0.8471, 20, "85 %"),
        (0.8471, 99, "85 %"),
        (0.8471, 100, "84.7 %"),
        (0.8471, 999, "84.7 %"),
        (0.84712, 1000, "84.71 %"),
        (0.84712, 1_000_000, "84.71 %"),
        (0.8471, None, "85 %"),
        (0.005, 200, "0.5 %"),
    ],
)
def test_decimals_follow_the_number_of_images(share, n, said):
    assert plain(percent(share, n)) == said


@pytest.mark.parametrize("n", [None, 20, 400, 10_000])
def test_nothing_and_everything_have_no_decimals(n):
    assert [plain(percent(share, n)) for share in (0, 0.0, 1, 1.0)] == ["0 %", "0 %", "100 %", "100 %"]


@pytest.mark.parametrize(
    ("share", "n", "said"),
    [(0.9971, 60, "99.7 %"), (0.99962, 400, "99.96 %"), (0.00003, 10_000, "0.003 %"), (0.004, 20, "0.4 %")],
)
def test_what_is_not_exactly_0_or_100_does_not_look_like_it(share, n, said):
    assert plain(percent(share, n)) == said


def test_a_share_that_no_four_decimals_tell_from_1_ends_there():
    assert plain(percent(1 - 1e-9, 10)) == "100.0000 %"


def test_a_missing_share_stays_visible():
    assert "nan" in percent(math.nan, 10)


def test_intervals_name_the_unit_once():
    assert plain(bounds(0.0, 0.113, 240)) == "0 to 11.3 %"
    assert plain(interval(0.85, 0.6396, 0.9476, 20)) == "85 %, 95 % interval 64 to 95 %"
    assert plain(interval(0.9825, 0.96432, 0.99150, 400)) == "98.2 %, 95 % interval 96.4 to 99.2 %"


@pytest.mark.parametrize(("n", "said"), [(20, "-5"), (400, "-5.3"), (5000, "-5.25")])
def test_points_have_a_sign_and_the_digits_of_the_images(n, said):
    assert points(-0.0525001, n) == said
    assert points(0.0525001, n) == said.replace("-", "+")


@pytest.mark.parametrize(
    ("lowest", "highest", "seeds", "said"),
    [
        ("98.0", "98.5", 3, "per seed 98.0 to 98.5 %"),
        ("98.2", "98.2", 3, "all three seeds 98.2 %"),
        ("98.2", "98.2", 2, "both seeds 98.2 %"),
        ("98.2", "98.2", 12, "all 12 seeds 98.2 %"),
        ("98.2", "98.2", 1, "one seed"),
    ],
)
def test_seeds_that_agree_are_one_number(lowest, highest, seeds, said):
    assert over_seeds(lowest, highest, seeds, " %") == said


ROOT = Path(__file__).parents[1]
READ = [  # what a person reads: documents, settings, captions, and the help and docstrings of programs
    *sorted(
        path
        for pattern in ("*.md", "docs/*.md", "*/README.md", "docs/measured/README.md")
        for path in ROOT.glob(pattern)
    ),
    *sorted(
        path
        for pattern in ("*.yaml", "docs/**/*.yaml", "profiles/*/*.yaml", "workflow/report/*.rst")
        for path in ROOT.glob(pattern)
    ),
    *sorted(ROOT.glob("scripts/**/*.py")),
]
TRANSLATED = {  # words that were translated one by one, and what a native writer says
    r"brought\s+along": "supplied",
    r"taken\s+for": "classified as",
    r"takes\s+(it|them|the images?)\s+for": "classifies as",
    r"\bdear(er)?\b": "costly",
    r"told\s+in\s+one": "reported in one",
    r"made\s+anew": "rebuilt",
    r"are\s+none\s+of\s+the\s+models": "are not the models'",
    r"are\s+no\s+accuracies": "not the accuracies",
    r"made\s+real\s+ones": "clipped and classified again",
    r"stands?\s+(under|nowhere|there|in\s+(a|the)\s|in\s+`|beside)": "is in, is not there",
    r"(starts?|results|drawn|train)\s+anew": "starts again, computes again",
    r"(is|are)\s+told\s+of": "is named, is called with",
    r"origin\s+(that|which)\s+\S+\s+tells": "says where it is from",
    r"(is|are)\s+none\s+of\s+this\b": "is not part of it",
    r"\beps\s+\.?[0-9]": "ε",
}


@pytest.mark.parametrize("path", READ, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_words_are_those_of_the_field(path):
    assert translated(path.read_text(encoding="utf-8")) == []


def test_a_translated_word_is_noticed():
    text = "A file that is brought\nalong is told in one line, at eps .25; trees are dear. It takes them for cats."
    text += " A start\nanew is told of in a note, and is none of this."
    assert [words for words, _ in translated(text)] == [
        "brought\nalong",
        "takes them for",
        "dear",
        "told in one",
        "start\nanew",
        "is told of",
        "is none of this",
        "eps .2",
    ]


def translated(text):
    """What a text says in translated words, each with what to say instead, in the order of TRANSLATED."""
    found = {pattern: re.search(pattern, text) for pattern in TRANSLATED}
    return [(match[0], TRANSLATED[pattern]) for pattern, match in found.items() if match]


def test_one_is_no_plural():
    assert [plural(count, "image") for count in (0, 1, 2, 10000)] == [
        "0 images",
        "1 image",
        "2 images",
        "10,000 images",
    ]
