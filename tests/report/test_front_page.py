"""What the front page shows of one dataset, without a browser."""

import base64
import json
import re

import docutils.core
import jinja2
import pandas as pd
import pytest

import write_summary
from projects import ROOT
from spurious.report import front_page

COLUMNS = ["write_up", "claim", "measured", "value", "low", "high", "n", "verdict", "table", "rule"]
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
TEMPLATE = (ROOT / "workflow/report/workflow.rst").read_text(encoding="utf-8")


def claims(verdict="supported", count=2):
    rows = [
        ("smoothing", f"Is {n} < 1?", 'a "gain" & more', 0.0512, 0.01, 0.09, 1234, verdict, "smoothing", "module.rule")
        for n in range(count)
    ]
    rows.append(("linear", "Missing.", "no table x", None, None, None, None, "not run", "x", "module.other"))
    return pd.DataFrame(rows, columns=COLUMNS).astype({"n": "Int64"})


def test_a_claim_is_a_comment_with_its_cell():
    first, second, missing = front_page.claims(claims(), "results/d/tables", {"Is 0 < 1?": 'A "loss".'})
    start, write_up, claim, cell = first.split("\t")
    assert (start, write_up, claim) == (".. claim", "smoothing", "Is 0 &lt; 1?")
    assert cell.startswith(
        '<td class="supported" title="a &quot;gain&quot; &amp; more (by module.rule)&#10;Would contradict it: '
        'A &quot;loss&quot;."><b><a href="javascript:app.'
    )
    assert "results/d/tables/smoothing.html" in cell
    assert '(by module.rule)"><b>' in second
    assert cell.endswith(">0.051 [0.01, 0.09], n 1,234</a></span></td>")
    assert "results/d/tables/claims.html" in cell
    cell = missing.split("\t")[3]
    assert re.fullmatch(r'<td class="not-run" title="no table x"><b><a .*>not run</a></b> <i>no table x</i></td>', cell)
    assert "results/d/tables/claims.html" in cell
    assert front_page.number(next(claims().assign(low=None).itertuples())) == "0.051, n 1,234"


def test_a_picture_survives_docutils_and_opens_its_result():
    data = bytes(range(256)) * 100  # more than a line of docutils may hold
    body = docutils.core.publish_parts(front_page.picture("results/d/f.png", data, "a < b"), writer="html")["body"]
    found = re.search(r'base64,([^"]*)"', body)
    assert base64.b64decode(found[1]) == data
    assert "content: &#x27;img&#x27;, contentPath: results[&#x27;results/d/f.png&#x27;].data_uri" in body
    assert 'alt="a &lt; b"' in body


def written(folder, dataset, table):
    """The page of a dataset, from one part without sentences of its own."""
    place = folder / "results" / dataset
    (place / "tables").mkdir(parents=True)
    table.to_csv(place / "tables/claims.csv", index=False)
    (place / "picture.png").write_bytes(PNG)
    rows = "classifier,accuracy,start,search,n,success,low,high,queries_median,queries_low,queries_high,described\n"
    values = "forest,.5,image,{},9,.5,.2,.8,7,5,9,\n"
    csv = rows + "".join(values.format(search) for search in ("evolution", "random"))
    (place / "tables/black_box.csv").write_text(csv, encoding="utf-8")
    part = {"title": "By scores", "question": "Is it safe?", "settings": {}}
    part |= {"function": "spurious.experiments.black_box.findings:black_box", "figure": [str(place / "picture.png")]}
    part["tables"] = {"table": f"results/{dataset}/tables/black_box.csv"}
    words = ["--dataset", dataset, "--findings", json.dumps([part]), "--picture", str(place / "picture.png")]
    words += ["--claims", f"results/{dataset}/tables/claims.csv", "--output", str(place / "summary.rst")]
    (place / "declared.csv").write_text("claim,contradicted_by\nIs 0 < 1?,Less than one.\n", encoding="utf-8")
    words += ["--contradicted-by", str(place / "declared.csv")]
    write_summary.main(words)
    return place / "summary.rst"


@pytest.fixture
def pages(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return [written(tmp_path, "one", claims()), written(tmp_path, "two", claims("contradicted"))]


def rendered(folder, *datasets):
    """The front page as Snakemake makes it: from the template, with a category that has the datasets."""

    class Named:
        def __init__(self, name):
            self.name = name

    class Shown:
        path = folder / "results/x.html"

    categories = {Named("category"): {Named(name): [] for name in datasets}}
    text = jinja2.Environment(trim_blocks=True, lstrip_blocks=True).from_string(TEMPLATE)
    source = text.render(categories=categories, files=[Shown()])
    return docutils.core.publish_parts(source, writer="html", settings_overrides={"report_level": 2, "halt_level": 2})[
        "html_body"
    ]


def test_datasets_are_columns_of_one_table_of_claims(tmp_path, pages):
    body = rendered(tmp_path, "one", "two")
    (table,) = re.findall(r"<table>.*?</table>", body, re.DOTALL)
    assert re.findall(r"<th>(\w+)</th>", table) == ["one", "two"]
    assert re.findall(r'colspan="3">(\w+)<', table) == ["smoothing", "linear"]
    assert re.findall(r'<td class="([\w-]+)"', table) == ["supported", "contradicted"] * 2 + ["not-run"] * 2
    assert table.count("&#10;Would contradict it: Less than one.") == 2
    assert body.count("<img") == 3  # one picture above, one of each experiment
    assert body.index("<img") < body.index("<table>") < body.index("By scores")


def test_sentences_stand_in_the_caption_of_their_table_and_not_on_the_page(tmp_path, pages):
    assert "**forest**" in pages[0].read_text(encoding="utf-8")
    assert "evolution reaches the target" not in rendered(tmp_path, "one")
    caption = (ROOT / "workflow/report/table_black_box.rst").read_text(encoding="utf-8")
    caption = caption.replace("{{ snakemake.wildcards.dataset }}", "one")
    settings = {"report_level": 2, "halt_level": 2}
    shown = docutils.core.publish_parts(caption, writer="html", settings_overrides=settings)["body"]
    assert "evolution reaches the target" in shown
    assert "<img" not in shown


def test_every_part_of_the_page_has_a_caption_that_takes_its_sentences():
    from making import ROOMS

    for room in ROOMS.values():
        for part in room.FINDINGS:
            name = next(iter(part.tables.values()))
            caption = (ROOT / f"workflow/report/table_{name}.rst").read_text(encoding="utf-8")
            assert f":start-after: .. begin {name}.\n   :end-before: .. end {name}." in caption
            assert part.question
            assert part.figure in {result.name for result in room.RESULTS if result.kind == "figure"}
