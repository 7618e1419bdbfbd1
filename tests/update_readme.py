"""Copy the tables that our documents show from results/ to docs/measured/, and write them into them (`make readme`).

A table stands below a comment that names its file, the rows it shows (`[column=value,...]`) and its columns:
`<!-- docs/measured/mnist/classifiers.csv[seed=all]: classifier accuracy low high -->`.

The claims of the datasets in CLAIMED are computed from the tables in docs/measured, by the program that does it for a
run: these tables are of several runs. A table that is not there leaves its claims "not run". Those of COMPLETED are of
one run, but for what it did not do. Below
`<!-- verdicts: digits mnist -->` is every claim with its verdict in each of these datasets.

The published numbers of the datasets in PUBLISHED are put beside what their other tables hold; those of other datasets
are of a run. Below `<!-- filled: mnist imagenet-samples -->` is how many of them each dataset reproduces.

Below `<!-- arms: digits=digits-retraining MNIST=mnist -->` is each arm of the retraining after its last round, a row
for each of these folders.

Below `<!-- answers: digits=digits MNIST=mnist -->` is a table of the experiments; its third column is made from the
claims of these folders. Below `<!-- tally: digits=digits MNIST=mnist -->` is how many claims hold in each of them, as
three sentences.

The pictures of PICTURES are drawn from tables in docs/measured, as a run draws them from its own.
"""

import argparse
import io
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd
import yaml

from making import make
from pipeline.files.atomic import write_text
from pipeline.files.rows import read_rows
from pipeline.jobs.arguments import run
from spurious.configuration import completed
from spurious.experiments.rooms import catalogues
from spurious.report.formats import to_markdown
from spurious.wording import digits, percent, plural
from spurious.writeups.judging import CONTRADICTED, NOT_RUN, SUPPORTED, UNDECIDED

ROOT = Path(__file__).resolve().parents[1]
CLAIMS = Path("workflow/resources/claims.csv")
PUBLISHED_NUMBERS = Path("workflow/resources/published.csv")
CLAIMED = ("mnist", "imagenet-samples")
COMPLETED = ("digits",)  # claims of one run; what it has no table for is decided by the other tables of the folder
PUBLISHED = ("imagenet-samples",)
VERDICTS = (SUPPORTED, CONTRADICTED, UNDECIDED)
MARKER = re.compile(
    r"<!-- (?P<path>docs/measured/\S+?\.csv)(\[(?P<rows>[^]]+)\])?: (?P<columns>[^>]+) -->\n"
    r"(\n(\|.*\n)+)?"
)
FILLED_OF = re.compile(r"<!-- filled: (?P<datasets>[^>]+) -->\n(\n(.+\n)+)?")
VERDICTS_OF = re.compile(r"<!-- verdicts: (?P<datasets>[^>]+) -->\n(\n(\|.*\n)+)?")
ARMS = re.compile(r"<!-- arms: (?P<folders>[^>]+) -->\n(\n(\|.*\n)+)?")
TALLY_OF = re.compile(r"<!-- tally: (?P<folders>[^>]+) -->\n(\n(.+\n)+)?")
ANSWERS = re.compile(r"(?P<head><!-- answers: (?P<folders>[^>]+) -->\n\n(\|.*\n){2})(?P<rows>(\|.*\n)+)")
PICTURES = {  # of docs/, without .png: the figure, its files and the other keywords of its function
    "smoothing": (
        "smoothing",
        {"table": "docs/measured/imagenet-samples/smoothing.csv", "published": PUBLISHED_NUMBERS},
        {"dataset": "imagenet-samples"},
    ),
    "robustness": ("robustness", {"table": "docs/measured/mnist/robustness.csv"}, {}),
    "certified": ("certified", {"rows": "docs/measured/imagenet-samples/certification.csv"}, {}),
}
DOCUMENTS = tuple(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")))
    if MARKER.search(path.read_text(encoding="utf-8"))
)


def main(argv: list[str] | None = None) -> None:
    """Copy what `--results` holds, then fill the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, help="copy the tables of this folder first")
    arguments = parser.parse_args(argv)
    for document in DOCUMENTS:
        text = Path(document).read_text(encoding="utf-8")
        for match in MARKER.finditer(text) if arguments.results else ():
            copy_table(Path(match["path"]), arguments.results)
    for folder in (Path("docs/measured", dataset) for dataset in CLAIMED):
        for name in named_by_claims(Path()) if arguments.results else ():
            copy_table(folder / f"{name}.csv", arguments.results)
        write_text(folder / "claims.csv", claims_from(folder, Path()))
    for folder in (Path("docs/measured", dataset) for dataset in PUBLISHED):
        write_text(folder / "published.csv", published_from(folder, Path()))
    for folder in (Path("docs/measured", dataset) for dataset in COMPLETED):
        write_text(folder / "claims.csv", completed_claims(folder, Path()))
    for document in DOCUMENTS:
        write_text(document, filled(Path(document).read_text(encoding="utf-8"), Path()))
    for name in PICTURES:
        draw(name, Path("docs", f"{name}.png"), Path())


def copy_table(measured: Path, results: Path) -> None:
    """Copy a table, where the results have it, from `<dataset>/tables/` or from the top."""
    inside = measured.relative_to("docs/measured")
    for source in (results / inside.parent / "tables" / inside.name, results / inside):
        if source.exists():
            measured.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, measured)


def named_by_claims(root: Path) -> list[str]:
    """The tables that some claim is decided by."""
    return sorted({name for tables in read_rows([root / CLAIMS])["tables"] for name in tables.split()})


def claims_from(folder: Path, root: Path) -> str:
    """The table of claims, as CSV, that the tables of a folder decide."""
    tables = [folder / f"{name}.csv" for name in named_by_claims(root)]
    files = {"claims": root / CLAIMS, "tables": [path for path in tables if path.exists()]}
    with tempfile.TemporaryDirectory() as made:
        return make(Path(made), "table", "claims", files, scikit_learn=kinds(root))["csv"].read_text(encoding="utf-8")


def published_from(folder: Path, root: Path) -> str:
    """The table of published numbers, as CSV, beside the first losses of a folder of tables, and the toy's numbers."""
    with tempfile.TemporaryDirectory() as made:
        toy = make(Path(made), "table", "linear-toy", {})["csv"]
        files = {"published": root / PUBLISHED_NUMBERS, "start": folder / "linear-start.csv", "toy": toy}
        settings = {"dataset": folder.name, "published_as": {}}
        return make(Path(made), "table", "published", files, **settings)["csv"].read_text(encoding="utf-8")


def completed_claims(folder: Path, root: Path) -> str:
    """The folder's table of claims, those that were not run as its other tables decide them, where they do."""
    texts = (folder / "claims.csv").read_text(encoding="utf-8"), claims_from(folder, root)
    own, other = (pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False) for text in texts)
    columns = list(other)
    own, other = (table.set_index("claim").reindex(other["claim"]) for table in (own, other))
    open_ones = own["verdict"].isna() | own["verdict"].eq(NOT_RUN) & other["verdict"].ne(NOT_RUN)
    return own.where(~open_ones, other).reset_index()[columns].to_csv(index=False, lineterminator="\n")


def kinds(root: Path) -> dict[str, str]:
    """The kind of every classifier of scikit-learn that the configuration has."""
    entries = completed(yaml.safe_load((root / "config.yaml").read_text(encoding="utf-8")))["classifiers"]
    return {name: entry["scikit_learn"] for name, entry in entries.items() if "scikit_learn" in entry}


def filled(text: str, root: Path) -> str:
    """The text with the table of every comment below it, from the files under `root`."""
    written_below = (MARKER, table), (VERDICTS_OF, verdicts), (FILLED_OF, filled_rows), (ARMS, arms), (TALLY_OF, tally)
    for marker, written in written_below:
        text = marker.sub(lambda match, own=written: f"{match[0].splitlines()[0]}\n\n{own(match, root)}\n", text)
    return ANSWERS.sub(lambda match: match["head"] + "".join(answered(match, root)), text)


def verdicts(match: re.Match, root: Path) -> str:
    """Every claim with its verdict in the tables of claims of some datasets, side by side, as Markdown."""
    names = match["datasets"].split()
    return to_markdown(side_by_side(dict(zip(names, names, strict=True)), root).reset_index().drop(columns="table"))


def side_by_side(folders: Mapping[str, str], root: Path) -> pd.DataFrame:
    """Every claim with its verdict in each folder, a column each, by its write-up, its table and its words."""
    columns = {}
    for name, folder in folders.items():
        claims: pd.DataFrame = read_rows([root / "docs/measured" / folder / "claims.csv"])
        columns[name] = claims.set_index(["write_up", "table", "claim"])["verdict"]
    return pd.concat(columns, axis="columns")


def filled_rows(match: re.Match, root: Path) -> str:
    """How many published numbers each of some datasets reproduces, and how many they do together, as a sentence."""
    found = {name: reproduced_by(root / "docs/measured" / name / "published.csv") for name in match["datasets"].split()}
    rows = len(read_rows([root / PUBLISHED_NUMBERS]))
    each = ", ".join(f"`{name}` {len(own)}" for name, own in found.items())
    return f"Rows that are filled, of {rows}: {each}, together {len(set.union(*found.values()))}."


def reproduced_by(path: Path) -> set[tuple[str, ...]]:
    """The published numbers, by source, quantity and setting, of a table that has one beside them."""
    rows: pd.DataFrame = read_rows([path])
    own = rows.loc[rows["reproduced"].notna(), ["source", "quantity", "setting"]]
    return {*own.itertuples(index=False, name=None)}


def arms(match: re.Match, root: Path) -> str:
    """Every arm of the first folder after its last round, a row for each folder, as Markdown."""
    folders = named_folders(match)
    rows = [
        {"negatives": negatives, "dataset": name} | told
        for name, folder in folders.items()
        for negatives, told in arms_of(root / "docs/measured" / folder).items()
    ]
    order = [row["negatives"] for row in rows if row["dataset"] == next(iter(folders))]
    shown = [row for row in rows if row["negatives"] in order]
    return to_markdown(pd.DataFrame(sorted(shown, key=lambda row: order.index(row["negatives"]))))


def arms_of(folder: Path) -> dict[str, dict[str, str]]:
    """What the tables of a folder say of each arm of `cnn` with a uniform target, and of none, by its negatives."""
    noise = of_arms(folder, "noise", noise="adversarial", epsilon="0.3")
    searched = of_arms(folder, "summary", attack="log-p")
    strong = of_arms(folder, "strong", attack="strong, from noise")
    judged = of_arms(folder, "judges", attack="strong", judge="forest-seed0")
    return {
        name: {
            "accuracy": percent(searched["accuracy"][name], 100),
            "log p finds": percent(searched["found_share"][name], searched["found_n"][name]),
            "found from noise": with_interval(strong.loc[name], "found", "found_n"),
            "digits to the forest": with_interval(judged.loc[name], "example", "examples_n"),
            "fpr95 of noise moved within .3": percent(row["fpr95"]),
            "passes": f"{strong['training_cost'][name]:.2g}",
            "effect": strong["effect"].fillna("")[name],
            "could be seen": "" if name == "none" else percent(strong["found_visible"][name]),
        }
        for name, row in noise.iterrows()
    }


def of_arms(folder: Path, table: str, **conditions: str) -> pd.DataFrame:
    """The rows of a table of retraining, of `cnn` and the arms in question, each after its last round, by negatives."""
    rows: pd.DataFrame = read_rows([folder / f"retraining-{table}.csv"])
    for column, value in ({"classifier": "cnn"} | conditions).items():
        rows = rows[rows[column].astype(str) == value]
    rows = rows[rows["target"].isin(["none", "uniform"])]
    return rows.sort_values("round", kind="stable").groupby("negatives", sort=False).last()


def with_interval(row: pd.Series, name: str, count: str) -> str:
    """A share of so many images with its interval in brackets, as percentages."""
    low, high = (digits(row[f"{name}_{end}"]) for end in ("low", "high"))
    return f"{percent(row[f'{name}_share'], row[count])} [{low}, {high}]"


def named_folders(match: re.Match) -> dict[str, str]:
    """The folders that a comment names, by what they are called in words."""
    return dict(part.split("=") for part in match["folders"].split())


def judged(match: re.Match, root: Path) -> pd.DataFrame:
    """Every claim with its verdict in each of the named folders, a column each, by its experiment and its words."""
    rooms = {result.name: name for name, room in catalogues().items() for result in room.RESULTS}
    claims = side_by_side(named_folders(match), root)
    places = [(rooms.get(table, write_up), claim) for write_up, table, claim in claims.index]
    return claims.set_axis(pd.MultiIndex.from_tuples(places, names=["experiment", "claim"]))


def answered(match: re.Match, root: Path) -> Iterator[str]:
    """The rows of the table of experiments, with what the claims say in the third column."""
    claims = judged(match, root)
    for line in match["rows"].splitlines():
        cells = line.strip("| ").split(" | ")
        cells[2] = answer(claims[claims.index.get_level_values("experiment") == cells[0].strip("`")])
        yield f"| {' | '.join(cells)} |\n"


def answer(claims: pd.DataFrame) -> str:
    """The claims by their verdicts, those first on which all data agree."""
    groups = by_verdicts(claims)
    rest = len(groups.pop(NOT_RUN))
    parts = [f"**{said[0].upper()}{said[1:]}**: {' '.join(own)}" for said, own in groups.items() if own]
    return "<br>".join([*parts, *([f"Not run: {plural(rest, 'claim')}."] if rest else [])]) or "No claim in words."


def by_verdicts(claims: pd.DataFrame) -> dict[str, list[str]]:
    """The claims that have the same verdicts, by these in words: VERDICTS, then the mixed ones, last NOT_RUN."""
    groups: dict[str, list[str]] = {said: [] for said in VERDICTS}
    for (_, claim), row in claims.iterrows():
        groups.setdefault(verdicts_in_words(row), []).append(claim)
    return groups | {NOT_RUN: groups.pop(NOT_RUN, [])}


def verdicts_in_words(verdicts: pd.Series) -> str:
    """The verdict that all data agree on where the claim was run, or each with its data."""
    data = {verdict: [*verdicts.index[verdicts == verdict]] for verdict in VERDICTS}
    data = {verdict: own for verdict, own in data.items() if own}
    if len(data) < 2:
        return next(iter(data), NOT_RUN)
    return ", ".join(f"{verdict} on {' and '.join(own)}" for verdict, own in data.items())


def tally(match: re.Match, root: Path) -> str:
    """How many claims have each verdict, in each data set and in all, and which are contrary, as three sentences."""
    claims = judged(match, root)
    groups = by_verdicts(claims)
    agreed = [len(groups.pop(said)) for said in (*VERDICTS, NOT_RUN)]
    contrary = [
        claim for said in groups if "supported on" in said and "contradicted on" in said for claim in groups[said]
    ]
    return (
        f"Of {len(claims)} claims, {'; '.join(counted(claims))}.\n"
        f"Wherever they were run, {in_words(agreed)}; on the other {len(claims) - sum(agreed)} the data sets differ.\n"
        f"The verdicts on {len(contrary)} are opposite, supported on one data set and contradicted on another: "
        f"{'; '.join(claim.rstrip('.') for claim in contrary)}."
    )


def counted(claims: pd.DataFrame) -> Iterator[str]:
    """How many claims have each verdict in each data set; after the first in numbers alone, in the same order."""
    for place, (name, own) in enumerate(claims.items()):
        counts = [int((own == said).sum()) for said in (*VERDICTS, NOT_RUN)]
        yield f"{'{}, {}, {} and {}'.format(*counts) if place else in_words(counts)} on {name}"


def in_words(counts: Sequence[int]) -> str:
    """So many claims are supported, contradicted, undecided and, where there are any, not run."""
    *others, last = [
        f"{n} {said}" for n, said in zip(counts, (*VERDICTS, NOT_RUN), strict=True) if n or said != NOT_RUN
    ]
    return f"{', '.join(others)} and {last}".replace("supported", "are supported", 1)


def draw(name: str, path: Path, root: Path) -> None:
    """Write a picture of PICTURES, from the tables under `root`."""
    figure, files, settings = PICTURES[name]
    with tempfile.TemporaryDirectory() as made:
        inputs = {keyword: root / file for keyword, file in files.items()}
        shutil.copy(make(Path(made), "figure", figure, inputs, **settings)["png"], path)


def table(match: re.Match, root: Path) -> str:
    """The rows and columns that a comment asks for, as Markdown."""
    rows: pd.DataFrame = read_rows([root / match["path"]])
    for condition in filter(None, re.split(r",(?=\w+=)", match["rows"] or "")):
        column, value = condition.split("=")
        rows = rows[rows[column].astype(str) == value]
    return to_markdown(rows[match["columns"].split()])


if __name__ == "__main__":
    run(main)
