"""The last line of make demo: where the report is, and the verdicts in numbers."""

import pytest

import tell_claims
from projects import ROOT

CLAIMS = "write_up,claim,verdict\n"
CONFIG = "experiments: {one: {seeds: [0]}, two: {seeds: [0]}}\ntargets: {demo: [one], paper: [one, two]}\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two datasets with verdicts, and the report of the first; it is the working directory."""
    rows = {"one": ["supported"] * 3 + ["contradicted", "not run"], "two": ["undecided", "supported"]}
    dataset = "{source: digits, size: 28, validation: 10, test: 10}"
    datasets = f"datasets: {{one: {dataset}, two: {dataset}}}\n"
    (tmp_path / "config.yaml").write_text(CONFIG + datasets)
    for dataset, verdicts in rows.items():
        (tmp_path / f"results/{dataset}/tables").mkdir(parents=True)
        text = CLAIMS + "".join(f"a,b,{verdict}\n" for verdict in verdicts)
        (tmp_path / f"results/{dataset}/tables/claims.csv").write_text(text)
    (tmp_path / "results/demo.html").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


ONE = "claims: 3 supported, 1 contradicted, 0 undecided, 1 not run"
TWO = "claims: 1 supported, 0 contradicted, 1 undecided, 0 not run"


def test_the_line_names_the_report_and_counts_the_verdicts(folder, capsys):
    tell_claims.main(["demo"])
    assert capsys.readouterr().out == f"results/demo.html: {ONE}\n"


def test_several_datasets_have_their_names(folder, capsys):
    (folder / "results/paper.html").touch()
    tell_claims.main(["paper"])
    assert capsys.readouterr().out == f"results/paper.html: one: {ONE}; two: {TWO}\n"


def test_the_options_of_snakemake(folder, capsys):
    (folder / "mine.yaml").write_text("targets: {demo: [two]}")
    tell_claims.main(["demo", "--config", "local_data=/data", "--cores", "2", "--configfile", "mine.yaml", "-k"])
    assert capsys.readouterr().out == f"results/demo.html: {TWO}\n"


def test_without_a_report_there_is_nothing_to_say(folder, capsys):
    (folder / "results/demo.html").unlink()
    tell_claims.main(["demo", "--dry-run"])
    assert capsys.readouterr().out == ""


def test_make_ends_with_it():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = text.partition("\ndemo paper: ")[2].partition("\n\n")[0].splitlines()
    assert "--report results/$@.html" in recipe[-2]
    assert recipe[-1] == "\t@.venv/bin/python scripts/tell_claims.py $@ $(ARGS)"
