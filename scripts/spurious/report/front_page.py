"""What the report's front page shows of one dataset, as reStructuredText with HTML in it.

The page of all datasets, `workflow/report/workflow.rst`, takes it apart: the claims are in comments, a line each, so
that datasets get columns of one table; a picture, the experiments and the sentences are between markers, for
`include` with `start-after` and `end-before`.
"""

import base64
import html
import textwrap
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

SHOW = (
    "app.setView({{navbarMode: 'resultinfo', content: '{kind}', contentPath: results['{path}'].data_uri,"
    " resultPath: '{path}'}})"
)
IMAGE = '<img alt="{text}" src="data:image/png;base64,{data}">'


def link(path: str, content: str) -> str:
    """An HTML link that opens a result of the report, a page or a picture, with its caption; `content` is HTML."""
    kind = "img" if path.endswith(".png") else "html"
    return f'<a href="javascript:{html.escape(SHOW.format(kind=kind, path=path))}">{content}</a>'


def picture(path: str, data: bytes, text: str) -> str:
    """A PNG file as a raw HTML directive: a picture that opens its result; `text` is read out in its place."""
    shown = link(path, IMAGE.format(text=html.escape(text), data=base64.b64encode(data).decode()))
    # docutils refuses long lines; in an address of an image, line ends are ignored
    return raw("\n".join(textwrap.wrap(shown, 1000, break_on_hyphens=False)))


def raw(content: str) -> str:
    """HTML as a directive."""
    return f".. raw:: html\n\n{textwrap.indent(content, '   ')}\n"


def between(name: str, lines: Iterable[str]) -> str:
    """Lines between the markers "begin <name>." and "end <name>."."""
    return "\n".join([f".. begin {name}.", "", *lines, "", f".. end {name}.", ""])


def claims(table: pd.DataFrame, folder: str, contradicted_by: Mapping[str, str]) -> list[str]:
    """A comment per claim: write-up, claim and the cell of this dataset, between tabs.

    `table`: the table `claims`; `folder`: that of the tables' pages; `contradicted_by`: what would contradict a claim.
    """
    return [
        f".. claim\t{claim.write_up}\t{html.escape(claim.claim)}\t"
        f"{_cell(claim, folder, contradicted_by.get(claim.claim, ''))}"
        for claim in table.itertuples()
    ]


def _cell(claim: tuple, folder: str, contradicted_by: str) -> str:
    """The verdict as a link to its table, and the number as a link to what was measured, and by which function.

    What would contradict the claim is said under the pointer.
    "not run" is a link to why, which is beside it where the page has room. All are said under the pointer, too.
    """
    claims_page = f"{folder}/claims.html"
    if claim.verdict == "not run":
        reason = html.escape(claim.measured, quote=True)
        missing = link(claims_page, claim.verdict)
        return f'<td class="not-run" title="{reason}"><b>{missing}</b> <i>{reason}</i></td>'
    verdict = link(f"{folder}/{claim.table}.html", claim.verdict)
    would = f"\nWould contradict it: {contradicted_by}" if contradicted_by else ""
    told = html.escape(f"{claim.measured} (by {claim.rule}){would}", quote=True).replace("\n", "&#10;")
    value = link(claims_page, number(claim))
    return f'<td class="{claim.verdict}" title="{told}"><b>{verdict}</b> <span>{value}</span></td>'


def number(claim: tuple) -> str:
    """The value with its interval, where it has one, and n."""
    interval = "" if pd.isna(claim.low) else f" [{claim.low:.2g}, {claim.high:.2g}]"
    return f"{claim.value:.2g}{interval}, n {int(claim.n):,}"


def experiment(title: str, question: str, tables: Sequence[str], shown: Sequence[str]) -> list[str]:
    """The part of an experiment: heading, question, links to its tables, and its main figure, if it is `shown`."""
    names = {path: path.rpartition("/")[2].removesuffix(".html") for path in tables}
    links = ", ".join(link(path, name) for path, name in names.items())
    return [title, "~" * len(title), "", question, "", raw(f"<p>Tables: {links}</p>"), *shown]
