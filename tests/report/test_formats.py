"""Tables as pages."""

import re

import numpy as np
import pandas as pd

from pipeline.files.results import write_result
from spurious.report import formats


def test_markdown_is_compact():
    table = pd.DataFrame({"name": ["a", "b"], "n": [10000, 2], "rate": [0.123456, np.nan], "seed": [0, "all"]})
    assert formats.to_markdown(table).splitlines() == [
        "| name   |     n |   rate | seed   |",
        "|:-------|------:|-------:|:-------|",
        "| a      | 10000 | 0.1235 | 0      |",
        "| b      |     2 |        | all    |",
    ]


def test_a_bar_does_not_end_a_cell_of_markdown():
    table = pd.DataFrame({"name": ["a|b", "||"], "n": [1, 2]})
    assert formats.to_markdown(table).splitlines() == [
        "| name   |   n |",
        "|:-------|----:|",
        r"| a\|b   |   1 |",
        r"| \|\|   |   2 |",
    ]


def test_a_page_has_its_title_and_its_caption_above_the_table():
    table = pd.DataFrame({"n": [1]})
    caption = "How many of the\n``n`` images < 10 there are.\n\nA ``second one`` of two.\n"
    page = formats.to_html(table, "counts", heading=formats.Heading(title="images & more", caption=caption))
    assert "<title>images &amp; more</title>" in page
    body = page[page.index("<h1>") :]
    assert body.startswith("<h1>images &amp; more <small>counts.csv</small></h1>")
    first = '<p class="caption">How many of the <code>n</code> images &lt; 10 there are.</p>'
    assert f'{first}<p class="caption">A <code>second one</code> of two.</p>' in body[: body.index("<table")]


def test_a_page_without_a_heading_has_its_name():
    page = formats.to_html(pd.DataFrame({"n": [1]}), "counts")
    assert "<title>counts</title>" in page
    assert 'class="caption"' not in page


def test_a_text_for_the_page_alone_is_in_no_other_file(tmp_path):
    table = pd.DataFrame({"claim": ["a"], "measured": ["a loss"], "n": [3]})
    table.attrs["on_page"] = {"measured": [". Would contradict it: 3 & more"]}
    write_result(table, [str(tmp_path / f"claims.{kind}") for kind in ("csv", "html", "md")])
    assert (tmp_path / "claims.csv").read_text() == "claim,measured,n\na,a loss,3\n"
    assert "Would" not in (tmp_path / "claims.md").read_text()
    cells = re.findall("<td>(.*?)</td>", (tmp_path / "claims.html").read_text())
    assert cells == ["a", "a loss. Would contradict it: 3 &amp; more", "3"]
