"""What a killed job has finished is used by the next one, and by no other."""

import contextlib
import json

import pytest

from pipeline.files.journal import journal
from spurious.errors import SpuriousError

SETTINGS = {"n": 100, "sigmas": (0.25, 0.5)}


def killed(output, items, settings=SETTINGS, inputs="weights"):
    with contextlib.suppress(KeyboardInterrupt), journal(output, inputs, settings) as (done, note):
        before = dict(done)
        for item in items:
            note(item, [item, 1.5])
        raise KeyboardInterrupt
    return before


def test_a_killed_job_goes_on_and_a_finished_one_leaves_nothing(tmp_path):
    output = tmp_path / "new" / "rows.csv"
    assert killed(output, ["a", "b"]) == {}
    assert killed(output, ["c"]) == {"a": ["a", 1.5], "b": ["b", 1.5]}
    with journal(output, "weights", SETTINGS) as (done, _):
        assert list(done) == ["a", "b", "c"]
    assert list(output.parent.iterdir()) == []


@pytest.mark.parametrize("cut", [1, 5, 18])
def test_a_line_that_was_cut_is_made_again(tmp_path, cut):
    output = tmp_path / "rows.csv"
    killed(output, ["first item", "second item"])
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-cut])
    assert list(killed(output, ["second item"])) == ["first item"]
    assert list(killed(output, [])) == ["first item", "second item"]


def test_a_journal_of_other_inputs_or_without_a_head_is_begun_again(tmp_path, capsys):
    output = tmp_path / "rows.csv"
    killed(output, ["a"])
    assert killed(output, ["b"], inputs="others") == {}
    (path,) = tmp_path.iterdir()
    assert capsys.readouterr().err == f"{path}: 1 item belong to another run (inputs or code differ); starting again\n"
    path.write_text("no head\n" + json.dumps(["a", 1]) + "\n")
    assert killed(output, ["c"]) == {}
    assert list(killed(output, [])) == ["c"]


def test_a_journal_of_another_n_is_one_line_and_stays(tmp_path):
    output = tmp_path / "rows.csv"
    killed(output, ["a"])
    with (
        pytest.raises(
            SpuriousError, match=r"\.rows.csv.journal: was begun with n 100, not 1000; set it back"
        ) as caught,
        journal(output, "weights", SETTINGS | {"n": 1000}),
    ):
        pass
    assert "\n" not in str(caught.value)
    assert list(killed(output, [])) == ["a"]
