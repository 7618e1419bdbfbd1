"""Names that look like numbers stay names, from the rows on disk to every table and figure."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from safetensors.numpy import save_file

import gather_smoothing
import write_summary
from making import ROOMS, make, returned
from pipeline.files.photographs import open_photographs
from pipeline.files.rows import TEXT, read_rows, write_rows
from samplerows import (
    predictions,
    scored_rows,
    smoothing_table,
    trace_rows,
    transfer_rows,
)
from spurious.experiments.classifiers import accuracies
from spurious.experiments.smoothing import published
from tableinputs import INPUTS, PLAIN, SETTINGS, both, summaries

PAIRS = [("1.1", "1.10"), ("007", "7"), ("1000", "1e3"), ("000", "2024")]  # in the order of sorted text


def renamed(text, pair):
    """`text` with the plain names replaced."""
    return text.replace(PLAIN[0], pair[0]).replace(PLAIN[1], pair[1])


def made(folder, name, pair):
    """The CSV file of a table whose rows are under the names of `pair`, as text."""
    folder.mkdir()
    files = {keyword: folder / f"{keyword}.csv" for keyword in INPUTS[name]}
    for keyword, path in files.items():
        INPUTS[name][keyword]().to_csv(path, index=False)
        path.write_text(renamed(path.read_text(), pair))
    return make(folder / "out", "table", name, files, **SETTINGS.get(name, {}))["csv"].read_text()


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@pytest.mark.parametrize("name", INPUTS)
def test_a_table_does_not_depend_on_what_its_names_look_like(tmp_path, name, pair):
    plain = made(tmp_path / "plain", name, PLAIN)
    assert PLAIN[0] in plain
    assert PLAIN[1] in plain
    assert made(tmp_path / "numbers", name, pair) == renamed(plain, pair)


def test_every_table_of_names_is_tried():
    # a file for each classifier: test_unfinished_training.py; images beside rows: test_nearest.py
    apart = {"training", "backworking-nearest"}
    without_names = {"linear", "linear-tests", "linear-pair", "linear-toy", "linear-start", "published", "claims"}
    without_names |= {"linear-confident", "certified-published"}
    tables = [result.name for room in ROOMS.values() for result in room.RESULTS if result.kind == "table"]
    assert sorted(tables) == sorted({*INPUTS, *without_names, *apart})


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_published_numbers_find_their_classifier(tmp_path, pair):
    summaries().to_csv(tmp_path / "rows.csv", index=False)
    (tmp_path / "rows.csv").write_text(renamed((tmp_path / "rows.csv").read_text(), pair))
    numbers = {"source": published.SMOOTHING, "quantity": published.QUANTITIES.values()}
    numbers |= {"setting": "own, It, 5 taps, sigma 0.25", "published": 0.1}
    pd.DataFrame(numbers).to_csv(tmp_path / "numbers.csv", index=False)
    files = {"published": tmp_path / "numbers.csv", "smoothing": tmp_path / "rows.csv"}
    made = make(tmp_path, "table", "published", files, dataset="own", published_as={pair[1]: "It"})
    own = summaries().query(f"classifier == '{PLAIN[1]}' and kernel == 5 and sigma == 0.25")
    expected = own[list(published.QUANTITIES)].iloc[0].tolist()
    assert read_rows([made["csv"]])["reproduced"].tolist() == pytest.approx(expected)


def test_the_front_page_speaks_of_both(tmp_path):
    table = accuracies.classifiers(both(predictions()).replace(dict(zip(PLAIN, PAIRS[0], strict=True))))
    write_rows(tmp_path / "classifiers.csv", table)
    (part,) = ROOMS["classifiers"].FINDINGS
    tables = {"table": str(tmp_path / f"{part.tables['table']}.csv")}
    settings = {"function": part.function, "tables": tables, "settings": {"classes": 2}}
    parts = [{"title": part.title, "question": part.question, "figure": [], **settings}]
    words = ["--dataset", "d", "--findings", json.dumps(parts)]
    write_summary.main([*words, "--output", str(tmp_path / "summary.rst")])
    text = (tmp_path / "summary.rst").read_text()
    assert text.count("**1.1** classifies 85") == text.count("**1.10** classifies 85") == 1


def test_seeds_stay_numbers(tmp_path):
    write_rows(tmp_path / "a.csv", predictions().assign(classifier="007"))
    rows = read_rows([tmp_path / "a.csv"])
    assert rows["seed"].unique().tolist() == [0, 1]
    assert rows["classifier"].unique().tolist() == ["007"]


def test_a_name_that_is_missing_is_missing_and_na_is_a_name(tmp_path):
    (tmp_path / "a.csv").write_text("classifier,search,seed\nNA,,all\nnan,1e3,0\n")
    rows = read_rows([tmp_path / "a.csv"])
    assert rows["classifier"].tolist() == ["NA", "nan"]
    assert rows["search"].isna().tolist() == [True, False]
    assert rows.loc[1, ["search", "seed"]].tolist() == ["1e3", "0"]


# figures


@pytest.fixture
def drawn(tmp_path):
    """Draw a figure from files, and give its SVG."""

    def draw(name, files, **settings):
        return make(tmp_path / "out", "figure", name, files, **settings)["svg"].read_text()

    return draw


@pytest.mark.parametrize("name", ["2024", "007"])
def test_searches_of_a_classifier_are_drawn(tmp_path, drawn, name):
    images = np.zeros((12, 1, 6, 6), np.float32)
    save_file({f"{name}/seed0": images}, tmp_path / "images")
    p = [image / 20 + 0.05 for image in range(12)]  # in the order of numbers: "10" is not after "1"
    rows = {"classifier": name, "seed": 0, "label": 3, "search": name, "image": range(12), "p": p}
    pd.DataFrame(rows).sample(frac=1, random_state=0).to_csv(tmp_path / "rows.csv", index=False)
    files = {"images": tmp_path / "images", "rows": tmp_path / "rows.csv"}
    settings = {"classifier": name, "search": name, "seed": 0, "found_above": 0.999}
    shown = [axes.get_xlabel() for axes in returned("figure", "found", files, **settings).axes]
    assert shown == [f"{value:.4f}" for value in p]
    assert f": {name}, search {name}, seed 0 -->" in drawn("found", files, **settings)


@pytest.mark.parametrize("name", ["2024", "007"])
def test_the_trace_of_a_classifier_is_drawn(tmp_path, drawn, name):
    rows = trace_rows().query("search == 'published'")
    rows.assign(classifier=name, search=name).to_csv(tmp_path / "trace.csv", index=False)
    assert f"images: {name} -->" in drawn("trace", {"traces": tmp_path / "trace.csv"}, classifier=name, found_above=0.9)


@pytest.mark.parametrize("pair", PAIRS[::3], ids="-".join)
def test_curves_of_two_classifiers_are_two(tmp_path, drawn, pair):
    frame = smoothing_table()
    frame["classifier"] = frame["classifier"].map(dict(zip(("cnn", "softmax"), pair, strict=True)))
    frame.to_csv(tmp_path / "table.csv", index=False)
    pd.DataFrame(columns=["source", "quantity", "setting", "published"]).to_csv(tmp_path / "numbers.csv", index=False)
    files = {"table": tmp_path / "table.csv", "published": tmp_path / "numbers.csv"}
    svg = drawn("smoothing", files, dataset="own")
    for name in pair:
        assert f"<!-- {name}, 5 taps, n = 400 -->" in svg


@pytest.mark.parametrize("pair", PAIRS[::3], ids="-".join)
def test_fooling_by_scores_and_transfer_are_drawn(tmp_path, drawn, pair):
    row_files, image_files = [], []
    for name in pair:
        row_files.append(tmp_path / f"{name}.csv")
        scored_rows([name]).to_csv(row_files[-1], index=False)
        kinds = [f"{start}/{kind}" for start in ("image", "noise") for kind in ("original", "evolution")]
        image_files.append(tmp_path / f"{name}.safetensors")
        save_file({kind: np.zeros((5, 1, 8, 8), np.float32) for kind in kinds}, image_files[-1])
    transfer_rows([(name, 0) for name in pair]).to_csv(tmp_path / "transfer.csv", index=False)
    files = {"black_box": {"rows": row_files}, "black_box-images": {"rows": row_files, "images": image_files}}
    for figure, inputs in files.items():
        svg = drawn(figure, inputs)
        assert all(f"<!-- {name} -->" in svg for name in pair), figure
    svg = drawn("transfer", {"rows": tmp_path / "transfer.csv"})
    assert all(f"<!-- {name}, seed 0 -->" in svg for name in pair)


# photographs


@pytest.fixture
def photographs(tmp_path):
    """Two photographs whose names are numbers, their list and a shard of votes."""
    rng = np.random.default_rng(0)
    names = ["000", "0"]
    for name in names:
        Image.fromarray(rng.integers(0, 256, (12, 18, 3)).astype(np.uint8)).save(tmp_path / name, format="PNG")
    hashes = [hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in names]
    listed = {"image": names, "label": 1, "name": ["2024", "1e3"], "sha256": hashes, "kept": True}
    pd.DataFrame(listed).to_csv(tmp_path / "list.csv", index=False)
    views = {"ns": [2, 0], "ss": [1, 1], "ds": [1, 2], "decision": [1, -1]}
    own = {"image": names, "label": 1, "variant": "published", "seed": 0, "kernel": 5, "sigma": 0.25}
    pd.DataFrame(own | views | dict.fromkeys(("p_ns", "p_ss", "p_ds"), 0.5)).to_csv(
        tmp_path / "shard0.csv", index=False
    )
    (tmp_path / "names.csv").write_text("label,wordnet,name\n0,,hen\n1,,crane\n2,,cock\n")
    return tmp_path


def gathered(folder):
    outputs = {kind: folder / f"{kind}.csv" for kind in ("votes", "images", "summary")}
    words = [word for kind, path in outputs.items() for word in (f"--{kind}", str(path))]
    gather_smoothing.main(["--shards", str(folder / "shard0.csv"), "--classifier", "2024", "--classes", "10", *words])
    return outputs


def test_photographs_whose_names_are_numbers_are_listed_and_gathered(photographs):
    listed = open_photographs(photographs, photographs / "list.csv")
    assert (listed.ids, listed.names) == (["000", "0"], ["2024", "1e3"])
    outputs = gathered(photographs)
    assert read_rows([outputs["votes"]])[["classifier", "image"]].to_numpy().tolist() == [
        ["2024", "0"],
        ["2024", "000"],
    ]


def test_photographs_whose_names_are_numbers_are_drawn(photographs, drawn):
    outputs = gathered(photographs)
    files = {"photographs": [photographs, photographs / "list.csv"], "class_names": photographs / "names.csv"}
    svg = drawn("gallery", {"votes": outputs["votes"], **files}, variant={})
    assert "<!-- 2024 under noise of sigma 0.25, 5 taps -->" in svg
    assert "(1 of 1 image)" in svg
    svg = drawn("risk", {"votes": outputs["votes"]})
    assert "<!-- 2024, 5 taps: rejecting by votes and by a threshold on p -->" in svg


def test_the_order_of_padded_names_does_not_depend_on_the_shards(photographs):
    first = gathered(photographs)["votes"].read_text()
    header, *lines = (photographs / "shard0.csv").read_text().splitlines()
    (photographs / "shard0.csv").write_text("\n".join([header, *reversed(lines)]) + "\n")
    assert gathered(photographs)["votes"].read_text() == first


def test_the_columns_of_names_are_those_of_text():
    assert {"classifier", "search", "image", "method", "variant", "negatives", "attack", "source", "judge"} <= set(TEXT)
    assert not {"seed", "label", "predicted", "sigma", "kernel"} & set(TEXT)
