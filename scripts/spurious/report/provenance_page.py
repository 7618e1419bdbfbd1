"""The provenance of a dataset's tables as a page of the report, and as a sentence of its front page."""

import html
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Record = Mapping[str, Any]

SHORT = 12  # digits of a hash that a sentence shows
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Provenance</title><style>
body {{ font: 14px/1.4 system-ui, sans-serif; margin: 1em; color: #1a1a1a; background: #fff; }}
h2 {{ font-size: 1.1em; margin: 1.4em 0 .4em; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .2em .8em .2em .3em; text-align: left; vertical-align: top; border-bottom: 1px solid #e3e3e3; }}
th {{ background: #f4f4f4; }}
td.number {{ text-align: right; white-space: nowrap; }}
td {{ overflow-wrap: anywhere; }}
pre {{ background: #f4f4f4; padding: .6em; white-space: pre-wrap; overflow-wrap: anywhere; }}
</style></head><body>
{body}
</body></html>
"""


def sentence(record: Record) -> str:
    """What the front page says: commit, version, configuration, packages; nothing that two runs differ in."""
    git, software = record["git"], record["software"]
    torch = software["packages"].get("torch")
    return (
        f"{_commit(git, SHORT)}; version {record['version']}; "
        f"configuration {record['configuration_sha256'][:SHORT]}; Python {software['python']}"
        + (f", torch {torch}" if torch else "")
        + ". Seeds, machine, input files and what the jobs took: in the category Provenance."
    )


def _commit(git: Record, digits: int | None = None) -> str:
    if git["commit"] is None:
        return f"No commit is known ({git['reason']})"
    return f"Commit {git['commit'][:digits]}" + (", with changes that are not committed" if git["dirty"] else "")


def to_html(record: Record) -> str:
    """The record as a page of its own that needs nothing from elsewhere."""
    body = [f"<h2>{title}</h2>\n{content}" for title, content in _sections(record)]
    return _PAGE.format(body="\n".join(body))


def _sections(record: Record) -> Iterator[tuple[str, str]]:
    yield f"Provenance of {html.escape(record['dataset'])}", _table((), _overview(record))
    columns = ("rule", "jobs", "wall_s", "longest_s", "cpu_s", "max_rss_mib")
    rows = [*record["rules"], {"rule": "all", **record["total"]}]
    heads = ("rule", "jobs", "time, s", "longest job, s", "processor time, s", "peak memory, MiB")
    yield "What the jobs took", _table(heads, ([row[name] for name in columns] for row in rows))
    heads = ("rule", "device", "precision", "trainings")
    yield "Where the trainings ran", _table(heads, ([row[name] for name in heads] for row in record["trainings"]))
    files = ((row["path"], row["bytes"], row["sha256"], _remark(row)) for row in record["inputs"])
    yield "Input files", _table(("file", "bytes", "sha256", "remark"), files)
    yield "Packages", _table(("package", "version"), record["software"]["packages"].items())
    configuration = json.dumps(record["configuration"], indent=1)
    yield "Configuration in force", f"<pre>{html.escape(configuration)}</pre>"


def _remark(file: Record) -> str | None:
    return file["reason"] or ("as declared" if file["declared_sha256"] else None)


def _overview(record: Record) -> Iterator[tuple[str, object]]:
    software, hardware = record["software"], record["hardware"]
    yield "written", record["written"]
    yield "version", record["version"]
    yield "code", _commit(record["git"])
    if record["git"]["changed"]:
        yield "changed files", ", ".join(record["git"]["changed"])
    yield "configuration, sha256", record["configuration_sha256"]
    yield "seeds", json.dumps(record["seeds"])
    yield "Python", software["python"]
    yield "unlike requirements.txt", ", ".join(software["unlike_requirements"]) or "no package"
    yield "processor", f"{hardware['cpu']}, {hardware['usable_cores']} of {hardware['cores']} cores usable"
    yield "memory", "unknown" if hardware["memory_mib"] is None else f"{hardware['memory_mib']:,} MiB"
    yield "GPUs", ", ".join(hardware["gpus"]) or "no NVIDIA GPU seen"
    yield "system", hardware["system"]
    if record["unreadable_benchmarks"]:
        yield "unreadable benchmark files", ", ".join(record["unreadable_benchmarks"])


def _table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """An HTML table: numbers to the right, None empty; without a head where there are no `heads`."""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in heads)
    lines = [f"<thead><tr>{head}</tr></thead>"] if head else []
    lines += [f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows]
    return "<table>\n" + "\n".join(lines) + "\n</table>"


def _cell(value: object) -> str:
    if isinstance(value, int | float):
        return f'<td class="number">{value:,}</td>'
    return f"<td>{html.escape('' if value is None else str(value))}</td>"
