import csv
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import fetch_images
import make_manifest
import prepare_images
import write_class_names
from pipeline.files import downloads
from pipeline.files.photographs import open_photographs, read_class_names, read_manifest
from serving import served
from spurious import vision  # noqa: F401 - before any import of torchvision
from spurious.data.manifest import (
    ClassName,
    Entry,
    class_of,
    labels_of_folders,
    parse_class_names,
    parse_manifest,
    to_csv,
)
from spurious.errors import SpuriousError

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "workflow" / "resources" / "imagenet_samples.csv"
CLASSES = ROOT / "workflow" / "resources" / "imagenet_classes.csv"
LOCAL_DATA = Path(os.environ.get("SPURIOUS_LOCAL_DATA", "not set"))
REAL = LOCAL_DATA / "imagenet-sample-images"
needs_real_images = pytest.mark.skipif(
    not REAL.is_dir(), reason="no photographs: set SPURIOUS_LOCAL_DATA to a folder with imagenet-sample-images/*.JPEG"
)


def photograph(seed, mode="RGB", format="JPEG", size=(6, 5)) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, format)
    return file.getvalue()


CONTENTS = {
    "n00000001_jack-o'-lantern.JPEG": photograph(1),
    "n00000002_great white.JPEG": photograph(2, size=(1, 1)),
    "n00000003_grey.JPEG": photograph(3, mode="L"),
    "more/n00000004_crane#1%.png": photograph(4, format="PNG"),
}
FIRST, SECOND, GREY, LAST = CONTENTS


HALF = io.BytesIO()
Image.new("RGBA", (6, 5), (9, 9, 9, 90)).save(HALF, "PNG")
TRANSPARENT = HALF.getvalue()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_files(folder: Path, contents=CONTENTS) -> Path:
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def manifest(tmp_path) -> Path:
    path = tmp_path / "manifest.csv"
    path.write_text(to_csv([Entry(file, i, sha256(content)) for i, (file, content) in enumerate(CONTENTS.items())]))
    return path


@pytest.fixture
def class_names(tmp_path) -> Path:
    path = tmp_path / "classes.csv"
    path.write_text(to_csv([class_of(label, Path(file).stem) for label, file in enumerate(CONTENTS)]))
    return path


def told(call, *arguments, **options) -> str:
    """The message of the expected SpuriousError, one line."""
    with pytest.raises(SpuriousError) as caught:
        call(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Manifests

HASH = "0123456789abcdef" * 4


def test_a_manifest_keeps_its_order():
    text = f'\ufefffile,label,sha256\r\nb\'s.JPEG,1,{HASH.upper()}\r\n\r\n"a,b/c.png",0,{HASH}\r\n'
    entries = [Entry("b's.JPEG", 1, HASH), Entry("a,b/c.png", 0, HASH)]
    assert parse_manifest(text, "m.csv", 2) == entries
    assert parse_manifest(to_csv(entries), "m.csv") == entries


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (f"a.JPEG,0,{HASH}", "a.JPEG occurs a second time"),
        (f"b.JPEG,-1,{HASH}", "label '-1' must be a whole number from 0 to 2"),
        (f"b.JPEG,3,{HASH}", "label '3' must be a whole number from 0 to 2"),
        (f"b.JPEG,1.0,{HASH}", "label '1.0' must"),
        (f"b.JPEG,0_1,{HASH}", "label '0_1' must"),
        (f"b.JPEG,,{HASH}", "label '' must"),
        (f"b.JPEG,1,{HASH[1:]}", "must be 64 hexadecimal digits"),
        (f"b.JPEG,1,{HASH[1:]}g", "must be 64 hexadecimal digits"),
        ("b.JPEG,1", "2 fields instead of file,label,sha256"),
        (f"b.JPEG,1,{HASH},", "4 fields"),
        (f'"b"c,1,{HASH}', "no CSV"),
        *(
            (f"{path},1,{HASH}", "no plain path inside the folder of images")
            for path in ("../b", "b/../../c", "/etc/passwd", "b//c", "./b", "b/", ".", "..", "")
        ),
        (f"b\tc,1,{HASH}", "unprintable"),
        *((f"{path},1,{HASH}", "is hidden, a name begins with a dot") for path in (".b.JPEG", ".a/b", "a/.b.part")),
    ],
)
def test_a_bad_row_is_told_with_its_line(row, why):
    message = told(parse_manifest, f"file,label,sha256\na.JPEG,0,{HASH}\n{row}\n", "m.csv", 3)
    assert message.startswith("m.csv: line 3: ")
    assert why in message


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the columns must be file,label,sha256"),
        (f"label,file,sha256\n0,a,{HASH}\n", "its first line is 'label,file,sha256'"),
        ("file,label,sha256\n", "lists no photograph"),
        (f"file,label,sha256\na,0,{HASH}\na/b,1,{HASH}\n", "a is a file and a folder"),
    ],
)
def test_a_manifest_that_is_none_is_told(text, why):
    assert why in told(parse_manifest, text, "m.csv")


def test_class_names_come_in_the_order_of_labels():
    text = "label,wordnet,name\n1,,crane\n0,n00000001,crane\n"
    crane = [ClassName(0, "n00000001", "crane"), ClassName(1, "", "crane")]
    assert parse_class_names(text, "c.csv", 2) == parse_class_names(text, "c.csv") == crane
    assert parse_class_names(to_csv(crane), "c.csv", 2) == crane


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ("0,,a\n2,,c", "label 1 has no row; each label from 0 to 2 needs one"),
        ("0,,a\n1,,b", "label 2 has no row"),
        ("", "label 0 has no row"),
        ("0,,a\n1,,b\n1,,c\n2,,d", "line 4: label 1 occurs a second time"),
        ("0,,a\n1,,\n2,,d", "line 3: label 1 has no name"),
        ("0,,a\n3,,b", "line 3: label '3' must be a whole number from 0 to 2"),
    ],
)
def test_bad_class_names_are_told(rows, why):
    message = told(parse_class_names, f"label,wordnet,name\n{rows}\n", "c.csv", 3)
    assert message.startswith("c.csv: ")
    assert why in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n01440764_tench", ("n01440764", "tench")),
        ("n03590841_jack-o'-lantern", ("n03590841", "jack-o'-lantern")),
        ("n01440764", ("n01440764", "n01440764")),
        ("great_white shark", ("", "great white shark")),
        ("n0144076_x", ("", "n0144076 x")),
        ("_", ("", "_")),
    ],
)
def test_classes_are_named_after_files_and_folders(text, expected):
    assert class_of(3, text) == ClassName(3, *expected)


def test_the_shipped_lists():
    entries, classes = read_manifest(SAMPLES, 1000), read_class_names(CLASSES, 1000)
    files = [entry.file for entry in entries]
    assert [entry.label for entry in entries] == list(range(1000))
    assert files == sorted(files)
    assert [f"{known.wordnet}_{known.name.replace(' ', '_')}.JPEG" for known in classes] == files
    assert {name for name, count in Counter(known.name for known in classes).items() if count > 1} == {
        "crane",
        "maillot",
    }
    assert sum("'" in file for file in files) == 4
    assert [classes[label].name for label in (0, 207, 388, 999)] == [
        "tench",
        "golden retriever",
        "giant panda",
        "toilet tissue",
    ]
    assert entries[0].sha256 == "98f7e89b26142f7bdb61f3a627dee89729b0bb07a29e9e7f3be9d394c00c6f01"
    assert len({entry.sha256 for entry in entries}) == 1000


# make_manifest.py


def make(folder: Path, *arguments) -> Path:
    output = folder.parent / "made.csv"
    make_manifest.main([str(folder), "--output", str(output), *map(str, arguments)])
    return output


def test_one_photograph_per_class(tmp_path, capsys):
    flat = {"n00000001_a_b.JPEG": b"1", "n00000002_c's.png": b"2", "README.md": b"", ".hidden.JPEG": b""}
    names = tmp_path / "names.csv"
    made = make(write_files(tmp_path / "flat", flat), "--labels", "order", "--write-class-names", names)
    expected = [Entry(file, i, sha256(flat[file])) for i, file in enumerate(list(flat)[:2])]
    assert read_manifest(made) == expected
    assert read_class_names(names) == [ClassName(0, "n00000001", "a b"), ClassName(1, "n00000002", "c's")]
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("left out")]
    kinds = ".jpeg, .jpg, .png, .webp, .bmp, .gif, .tif, .tiff"
    assert line == f"left out 2 that are hidden or no {kinds}: .hidden.JPEG, README.md"


def test_hidden_folders_are_left_out_and_named(tmp_path, capsys):
    """Whatever is in them, a link back to the photographs too."""
    names = ("cats/1.png", "cats/.thumbnails/1.png", ".cache/2.png", ".cache/cats/3.txt", "notes.txt")
    folder = write_files(tmp_path / "photographs", dict.fromkeys(names, b"content"))
    (folder / ".cache/back").symlink_to("..")
    made = make(folder)
    assert [entry.file for entry in read_manifest(made)] == ["cats/1.png"]
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("left out")]
    assert line.startswith("left out 3 ")
    assert line.endswith(": .cache, cats/.thumbnails, notes.txt")


def test_nothing_is_said_where_no_file_is_left_out(tmp_path, capsys):
    make(write_files(tmp_path / "photographs", {"cats/1.png": b"content"}))
    assert "left out" not in capsys.readouterr().err


def test_listed_names_become_a_table_that_reads_back(tmp_path):
    table, names = tmp_path / "names.csv", ["A", 'b, "c"', "\N{GREEK SMALL LETTER DELTA}"]
    write_class_names.main(["--names", json.dumps(names), "--output", str(table)])
    assert read_class_names(table, 3) == [ClassName(label, "", name) for label, name in enumerate(names)]


def test_folders_are_classes_as_in_image_folder(tmp_path):
    from torchvision.datasets import ImageFolder

    tree = {name: photograph(i) for i, name in enumerate(["b/1.JPG", "b/x/0.png", "a b/2.jpeg", "a/z.png", "B/1.png"])}
    folder = write_files(tmp_path / "tree", tree)
    names = tmp_path / "names.csv"
    made = read_manifest(make(folder, "--write-class-names", names))
    theirs = {str(Path(path).relative_to(folder)): label for path, label in ImageFolder(folder).samples}
    assert {entry.file: entry.label for entry in made} == theirs
    assert [known.name for known in read_class_names(names)] == ["B", "a", "a b", "b"]


def test_folders_get_the_labels_of_a_classifier(tmp_path):
    folder = write_files(tmp_path / "tree", {"n02012849/1.png": b"1", "giant_panda/1.png": b"2", "tench/1.png": b"3"})
    made = read_manifest(make(folder, "--class-names", CLASSES), 1000)
    assert {entry.file: entry.label for entry in made} == {
        "n02012849/1.png": 134,
        "giant_panda/1.png": 388,
        "tench/1.png": 0,
    }


def test_a_folder_must_mean_one_class():
    classes = read_class_names(CLASSES)
    assert "crane: labels 134, 517 are called so in c.csv" in told(labels_of_folders, ["crane"], classes, "c.csv")
    assert "cat: no class is called so in c.csv" in told(labels_of_folders, ["cat"], classes, "c.csv")


@pytest.mark.parametrize(
    ("files", "arguments", "why"),
    [
        ({"a.txt": b""}, (), "holds no .jpeg, .jpg, .png, .webp, .bmp, .gif, .tif, .tiff file"),
        ({"a.png": b"", "b/c.png": b""}, (), "a.png: lies in no subfolder; move it, or use --labels order"),
        ({"a.png": b"", "b/c.png": b""}, ("--labels", "order"), "b/c.png: lies in a subfolder"),
        ({"a\tb.png": b""}, ("--labels", "order"), "unprintable"),
        ({"cat/a.png": b""}, ("--class-names", CLASSES), "cat: no class is called so"),
        ({"ant/a.png": b"", "bee/a.txt": b"", "cat/a.png": b""}, (), "bee: holds no .jpeg"),  # cat would be label 1
    ],
)
def test_folders_without_a_manifest_are_told(tmp_path, files, arguments, why):
    folder = write_files(tmp_path / "own", files)
    assert why in told(make, folder, *arguments)
    assert not (tmp_path / "made.csv").exists()


@pytest.mark.parametrize(
    ("link", "target", "why"),
    [
        ("bee", "nowhere", "bee: is a broken link"),  # cat would be label 1
        ("ant/all", "..", "all: links to a folder that it lies in; remove this link"),
        ("ant/again", "../ant", "again: links to a folder that it lies in; remove this link"),
    ],
)
def test_a_link_to_no_folder_or_to_one_around_it_is_told(tmp_path, link, target, why):
    folder = write_files(tmp_path / "own", {"ant/a.png": b"", "cat/a.png": b""})
    (folder / link).symlink_to(target)
    assert why in told(make, folder)
    assert not (tmp_path / "made.csv").exists()


def test_two_links_to_each_others_folders_are_told(tmp_path):
    folder = write_files(tmp_path / "own", {"ant/a.png": b"", "bee/a.png": b""})
    (folder / "ant/x").symlink_to("../bee")
    (folder / "bee/y").symlink_to("../ant")
    assert "links to a folder that it lies in" in told(make, folder)


def test_a_link_to_photographs_elsewhere_is_followed(tmp_path):
    folder = write_files(tmp_path / "own", {"ant/a.png": b"", "cat/a.png": b""})
    (folder / "bee").symlink_to(write_files(tmp_path / "elsewhere", {"b.png": b""}))
    assert [entry.label for entry in read_manifest(make(folder))] == [0, 1, 2]


def test_a_folder_that_cannot_be_read_is_told(tmp_path):
    """One that is not there stands for one without permission: the tests may run as root, who has every."""
    assert "cannot be read (No such file or directory)" in told(make, tmp_path / "lost")


@needs_real_images
def test_the_shipped_lists_can_be_made_again(tmp_path):
    names = tmp_path / "names.csv"
    make_manifest.main(
        [str(REAL), "--labels", "order", "--output", str(tmp_path / "m.csv"), "--write-class-names", str(names)]
    )
    assert (tmp_path / "m.csv").read_bytes() == SAMPLES.read_bytes()
    assert names.read_bytes() == CLASSES.read_bytes()


# fetch_images.py


class Server:
    """Files on loopback: `contents` as they are, 404 for others; those in `cut` end halfway."""

    def __init__(self, contents):
        self.contents, self.cut, self.requests = dict(contents), set(), []

    @property
    def template(self) -> str:
        return f"http://127.0.0.1:{self.port}/images/{{file}}"

    def asked_for(self) -> list[str]:
        asked = sorted(unquote(path).removeprefix("/images/") for path in self.requests)
        self.requests.clear()
        return asked

    def answer(self, handler) -> None:
        self.requests.append(handler.path)
        name = unquote(handler.path).removeprefix("/images/")
        content = self.contents.get(name, b"")
        start = int(handler.headers.get("Range", "bytes=0-")[6:-1])
        handler.send_response(404 if name not in self.contents else 206 if start else 200)
        handler.send_header("Content-Length", str(len(content) - start))
        handler.end_headers()
        handler.wfile.write(content[start : len(content) // 2 if name in self.cut else None])


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(downloads, "PAUSES", (0.0,))
    state = Server(CONTENTS)
    with served(state.answer, monkeypatch) as state.port:
        yield state


@pytest.fixture
def output(tmp_path) -> Path:
    return tmp_path / "results" / "images"


def fetch(manifest: Path, output: Path, *urls: str, local_data: Path | None = None, folder="own images") -> None:
    arguments = ["--manifest", manifest, "--folder", folder, "--output", output, "--urls", *urls]
    if local_data is not None:
        arguments += ["--local-data", local_data]
    fetch_images.main([str(argument) for argument in arguments])


def arrived(output: Path, contents=CONTENTS) -> bool:
    """The folder holds these files and there is nothing else beside it."""
    files = {str(path.relative_to(output)): path.read_bytes() for path in output.rglob("*") if path.is_file()}
    return files == contents and list(output.parent.iterdir()) == [output]


@pytest.mark.parametrize("options", [{"folder": "~/pets"}, {"folder": "pets", "local_data": "~"}])
def test_a_folder_in_ones_home_is_found(manifest, output, tmp_path, monkeypatch, options):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    write_files(tmp_path / "home/pets", CONTENTS)
    fetch(manifest, output, **options)
    assert {path.name for path in output.rglob("*") if path.is_file()} == {Path(name).name for name in CONTENTS}


def test_files_are_downloaded(server, manifest, output, capsys):
    fetch(manifest, output, server.template)
    assert arrived(output)
    assert server.asked_for() == sorted(CONTENTS)
    assert not any(path.is_symlink() for path in output.rglob("*"))
    assert "4/4" in capsys.readouterr().err


def test_names_are_percent_encoded(server, manifest, output):
    fetch(manifest, output, server.template)
    for encoded in ("jack-o%27-lantern", "great%20white", "more/n00000004_crane%231%25.png"):
        assert sum(encoded in path for path in server.requests) == 1


def test_one_bar_for_all_files(server, manifest, output, capsys):
    fetch(manifest, output, server.template)
    shown = capsys.readouterr().err
    assert "own images" in shown
    assert "JPEG" not in shown


def test_the_local_folder_comes_first_and_is_linked(server, manifest, output, tmp_path, monkeypatch):
    folder = write_files(tmp_path / "local" / "own images", {FIRST: CONTENTS[FIRST], LAST: CONTENTS[LAST]})
    monkeypatch.chdir(tmp_path)
    fetch(manifest, output, server.template, local_data=Path("local"))
    assert arrived(output)
    assert server.asked_for() == [SECOND, GREY]
    assert os.readlink(output / LAST) == str(folder / LAST)
    assert not (output / SECOND).is_symlink()


@pytest.mark.parametrize("local", [None, "elsewhere"])
def test_the_folder_may_be_a_path(manifest, output, tmp_path, local):
    folder = write_files(tmp_path / "own images", CONTENTS)
    arguments = ["--manifest", manifest, "--folder", folder, "--output", output]
    arguments += ["--local-data", tmp_path / local] if local else []
    fetch_images.main([str(argument) for argument in arguments])
    assert os.readlink(output / LAST) == str(folder / LAST)


def test_a_wrong_local_file_is_told(server, manifest, output, tmp_path):
    folder = write_files(tmp_path / "local" / "own images", {SECOND: b"altered"})
    message = told(fetch, manifest, output, server.template, local_data=tmp_path / "local")
    assert message.startswith(
        f"{folder / SECOND}: wrong sha256 {sha256(b'altered')}, wanted {sha256(CONTENTS[SECOND])}"
    )
    assert not output.exists()
    assert (folder / SECOND).read_bytes() == b"altered"


@pytest.mark.parametrize(("content", "why"), [(b"altered", "wrong sha256"), (None, "HTTP 404")])
def test_a_file_that_no_source_has_is_told(server, manifest, output, tmp_path, content, why):
    server.contents = {**CONTENTS, SECOND: content} if content else {k: v for k, v in CONTENTS.items() if k != SECOND}
    message = told(fetch, manifest, output, server.template, local_data=tmp_path / "local")
    assert message.startswith(f"{SECOND}: no source delivered it: http://127.0.0.1:")
    assert why in message
    assert f"put it into {tmp_path / 'local'}/own images/ and set local_data: {tmp_path / 'local'}" in message
    assert not output.exists()


def test_without_any_source(manifest, output):
    message = told(fetch, manifest, output)
    assert f"{FIRST}: no source delivered it: no URL is given; put it into <folder>/own images/" in message


def test_the_next_template_is_asked(server, manifest, output):
    fetch(manifest, output, server.template.replace("images", "elsewhere"), server.template)
    assert arrived(output)


@pytest.mark.parametrize("form", [str, Path.as_uri])
def test_templates_of_the_disk(manifest, output, tmp_path, form):
    folder = write_files(tmp_path / "at hand")
    fetch(manifest, output, f"{form(folder)}/{{file}}")
    assert arrived(output)


def test_an_interrupted_run_is_continued(server, manifest, output):
    server.cut = {LAST}
    assert "connection cut" in told(fetch, manifest, output, server.template)
    assert not output.exists()
    assert server.asked_for() == sorted(CONTENTS)
    server.cut = set()
    fetch(manifest, output, server.template)
    assert arrived(output)
    assert server.asked_for() == [LAST]


def test_a_part_of_what_is_now_at_hand_is_dropped(server, manifest, output, tmp_path):
    server.cut = {LAST}
    told(fetch, manifest, output, server.template)
    fetch(manifest, output, local_data=write_files(tmp_path / "local" / "own images").parent)
    assert arrived(output)


def test_what_an_earlier_run_left_is_checked_and_cleared(server, manifest, output):
    building = write_files(
        output.parent / ".images.part", {FIRST: CONTENTS[FIRST], SECOND: b"spoilt", "old/gone.png": b""}
    )
    (building / f".{GREY}.killed").write_bytes(b"")
    (building / GREY).symlink_to("moved away")
    fetch(manifest, output, server.template)
    assert arrived(output)
    assert not (output / "old").exists()
    assert server.asked_for() == sorted({*CONTENTS} - {FIRST})


def test_a_listed_file_may_be_called_like_an_unfinished_one(server, tmp_path, output):
    """The first file's unfinished place must be none of the manifest's: while it is written, the other is finished."""
    server.contents = {"x.jpg": b"first", "x.jpg.part": b"second", "x.jpg.new": b"third", "y" * 251 + ".jpg": b"long"}
    rows = "".join(f"{name},0,{sha256(content)}\n" for name, content in server.contents.items())
    (tmp_path / "m.csv").write_text(f"file,label,sha256\n{rows}", encoding="utf-8")
    for name in server.contents:  # each in turn is the one that is fetched last
        server.cut = {name}
        assert "connection cut" in told(fetch, tmp_path / "m.csv", output, server.template)
        server.cut = set()
        fetch(tmp_path / "m.csv", output, server.template)
        assert arrived(output, server.contents)
        shutil.rmtree(output)


def test_an_older_folder_is_replaced(server, manifest, output):
    write_files(output, {"old/gone.png": b""})
    fetch(manifest, output, server.template)
    assert arrived(output)


def test_no_file_leaves_the_folder(server, tmp_path, output):
    manifest = tmp_path / "hostile.csv"
    manifest.write_text(f"file,label,sha256\n../../evil.JPEG,0,{sha256(b'')}\n")
    assert "no plain path inside the folder" in told(fetch, manifest, output, server.template)
    assert server.requests == []
    assert not output.parent.exists()


def test_a_template_without_a_place_for_the_name_is_told(manifest, output):
    assert "has no {file}" in told(fetch, manifest, output, "https://example.org/all.zip")


def test_a_file_in_the_way_is_told(manifest, output, tmp_path):
    output.parent.write_bytes(b"")
    folder = write_files(tmp_path / "local" / "own images")
    assert str(output) in told(fetch, manifest, output, local_data=folder.parent)


@pytest.mark.parametrize("script", ["fetch_images.py", "make_manifest.py", "prepare_images.py"])
def test_scripts_start_without_torch(script):
    code = f"import runpy, sys; runpy.run_path({script!r}); print('torch' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "scripts", capture_output=True, text=True, check=True
    )
    assert found.stdout == "False\n"


# prepare_images.py and the list


def prepare(
    folder: Path, manifest: Path, class_names: Path, *, classes=4, grey_below=0.1, threads=2, options=()
) -> Path:
    output = folder.parent / "images.csv"
    arguments = ["--folder", folder, "--manifest", manifest, "--class-names", class_names, "--output", output]
    arguments += ["--classes", classes, "--grey-below", grey_below, "--threads", threads, *options]
    prepare_images.main([str(argument) for argument in arguments])
    return output


def test_every_photograph_has_a_row(tmp_path, manifest, class_names):
    path = prepare(write_files(tmp_path / "images"), manifest, class_names)
    rows = list(csv.DictReader(path.open()))
    assert [row["image"] for row in rows] == list(CONTENTS)
    columns = "image,label,name,sha256,width,height,mode,orientation,channel_difference,kept,reason"
    assert path.read_text().startswith(f"{columns}\n")
    assert [row["name"] for row in rows] == ["jack-o'-lantern", "great white", "grey", "crane#1%"]
    assert [row["kept"] for row in rows] == ["True", "True", "False", "True"]
    assert [row["reason"] for row in rows] == ["", "", "grey levels only (mode L)", ""]
    assert (rows[0]["width"], rows[0]["height"], rows[0]["sha256"]) == ("5", "6", sha256(CONTENTS[FIRST]))


def test_the_list_does_not_depend_on_threads(tmp_path, manifest, class_names):
    folder = write_files(tmp_path / "images")
    one = prepare(folder, manifest, class_names, threads=1).read_bytes()
    assert prepare(folder, manifest, class_names, threads=4).read_bytes() == one


def test_grey_below_is_exclusive_of_its_bound(tmp_path, manifest, class_names):
    folder = write_files(tmp_path / "images")
    rows = pd.read_csv(prepare(folder, manifest, class_names))
    least = rows["channel_difference"][rows["kept"]].min()
    rows = pd.read_csv(prepare(folder, manifest, class_names, grey_below=least * 1.0001))
    assert rows["kept"].sum() == 2
    assert rows["reason"].str.startswith("RGB, but the channels differ by ").sum() == 1
    assert "no photograph has colour; lower grey_below" in told(
        prepare, folder, manifest, class_names, grey_below=255.0
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [(TRANSPARENT, "transparent in places"), (CONTENTS[FIRST][:-50], "cut off or damaged"), (b"", "no JPEG, PNG")],
)
def test_what_cannot_be_used_is_told_not_left_out(tmp_path, class_names, content, why):
    contents = {**CONTENTS, SECOND: content}
    folder = write_files(tmp_path / "images", contents)
    manifest = tmp_path / "m.csv"
    manifest.write_text(to_csv([Entry(file, 0, sha256(content)) for file, content in contents.items()]))
    message = told(prepare, folder, manifest, class_names)
    assert message.startswith(f"{folder / SECOND}: ")
    assert why in message
    assert not (tmp_path / "images.csv").exists()


def test_all_photographs_that_cannot_be_used_are_named_at_once(tmp_path, class_names):
    contents = {**CONTENTS, SECOND: TRANSPARENT, LAST: b""}
    folder = write_files(tmp_path / "images", contents)
    manifest = tmp_path / "m.csv"
    manifest.write_text(to_csv([Entry(file, 0, sha256(content)) for file, content in contents.items()]))
    message = told(prepare, folder, manifest, class_names)
    assert message.startswith(f"{folder / SECOND}: transparent in places")
    assert message.endswith(f"(and 1 more that cannot be read: {folder / LAST})")


def test_converted_photographs_are_counted_in_one_line(tmp_path, class_names, capsys):
    contents = {**CONTENTS, SECOND: photograph(0, mode="CMYK")}
    folder = write_files(tmp_path / "images", contents)
    manifest = tmp_path / "m.csv"
    manifest.write_text(to_csv([Entry(file, 0, sha256(content)) for file, content in contents.items()]))
    prepare(folder, manifest, class_names, grey_below=0.0)
    counted = "2 photographs converted to RGB: 1 of four inks (mode CMYK), 1 of grey levels (mode L)"
    assert f"note: {manifest}: {counted}\n" in capsys.readouterr().err


def test_labels_and_names_must_fit_to_the_classes(tmp_path, manifest, class_names):
    folder = write_files(tmp_path / "images")
    assert "line 5: label '3' must be a whole number from 0 to 2" in told(
        prepare, folder, manifest, class_names, classes=3
    )
    assert "classes.csv: label 4 has no row" in told(prepare, folder, manifest, class_names, classes=5)
    assert "not a readable text file" in told(prepare, folder, tmp_path / "missing.csv", class_names)
    (tmp_path / "latin.csv").write_bytes("label,wordnet,name\n0,,café\n".encode("latin-1"))
    assert "latin.csv: not a readable text file" in told(prepare, folder, manifest, tmp_path / "latin.csv")


@pytest.fixture
def prepared(tmp_path, manifest, class_names) -> tuple[Path, Path]:
    folder = write_files(tmp_path / "images")
    return folder, prepare(folder, manifest, class_names)


def test_kept_photographs_are_opened(prepared):
    photographs = open_photographs(*prepared)
    assert photographs.ids == [FIRST, SECOND, LAST]
    assert photographs.names == ["jack-o'-lantern", "great white", "crane#1%"]
    assert photographs.labels.tolist() == [0, 1, 3]
    assert photographs.labels.dtype == torch.int64
    assert len(photographs) == 3
    assert [tuple(photographs.load(i).shape) for i in range(3)] == [(3, 6, 5), (3, 1, 1), (3, 6, 5)]
    expected = np.asarray(Image.open(io.BytesIO(CONTENTS[LAST]))).transpose(2, 0, 1)
    np.testing.assert_array_equal(photographs.load(2).numpy(), expected)


def test_the_list_says_whether_photographs_are_turned(tmp_path, class_names):
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = np.arange(90, dtype=np.uint8).reshape(6, 5, 3)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", exif=exif)
    folder = write_files(tmp_path / "images", {FIRST: file.getvalue()})
    manifest = tmp_path / "m.csv"
    manifest.write_text(to_csv([Entry(FIRST, 0, sha256(file.getvalue()))]))
    listed = prepare(folder, manifest, class_names)
    assert open_photographs(folder, listed).load(0).tolist() == pixels.transpose(2, 0, 1).tolist()
    listed = prepare(folder, manifest, class_names, options=["--exif-orientation"])
    assert open_photographs(folder, listed).load(0).tolist() == np.rot90(pixels, -1).transpose(2, 0, 1).tolist()
    row = pd.read_csv(listed).iloc[0]
    assert (row["height"], row["width"], row["orientation"], row["exif_orientation"]) == (5, 6, 6, True)


def test_a_photograph_that_changed_is_told(prepared):
    folder, listed = prepared
    photographs = open_photographs(folder, listed)
    (folder / FIRST).write_bytes(photograph(99))
    message = told(photographs.load, 0)
    assert message.startswith(
        f"{folder / FIRST}: wrong sha256 {sha256(photograph(99))}, wanted {sha256(CONTENTS[FIRST])}"
    )
    (folder / FIRST).unlink()
    assert f"{folder / FIRST}: cannot be read (No such file or directory)" in told(photographs.load, 0)


def test_ids_and_names_that_look_like_numbers_are_text(tmp_path):
    listed = tmp_path / "images.csv"
    listed.write_text(f"image,label,name,sha256,kept\n001,0,NA,{'1' * 64},True\nNA,1,1e5,{'2' * 64},False\n")
    photographs = open_photographs(tmp_path, listed)
    assert (photographs.ids, photographs.names, photographs.hashes) == (["001"], ["NA"], ["1" * 64])


@pytest.mark.parametrize("text", ["", "image,label\na,0\n", f"image,label,name,sha256,kept\na,0,b,{HASH},maybe\n"])
def test_a_list_that_is_none_is_told(tmp_path, text):
    (tmp_path / "images.csv").write_text(text)
    assert "images.csv: not a readable list" in told(open_photographs, tmp_path, tmp_path / "images.csv")


@needs_real_images
def test_975_of_the_1000_are_kept(tmp_path):
    output = tmp_path / "images"
    arguments = ["--manifest", SAMPLES, "--folder", REAL.name, "--local-data", LOCAL_DATA, "--output", output]
    fetch_images.main([str(argument) for argument in arguments])
    listed = prepare(output, SAMPLES, CLASSES, classes=1000)
    rows = pd.read_csv(listed).set_index("name")
    assert rows["kept"].sum() == len(open_photographs(output, listed)) == 975
    assert Counter(rows["mode"]) == {"RGB": 977, "L": 23}
    left_out = rows[~rows["kept"] & (rows["mode"] == "RGB")]
    assert left_out["channel_difference"].round(3).to_dict() == {"hook": 0.009, "trombone": 0.002}
    assert rows["channel_difference"][rows["kept"]].min().round(2) == 0.32
    assert rows["orientation"]["can opener"] == 6
    assert (rows[["width", "height"]].min(axis=1) < 224).sum() == 66
    assert open_photographs(output, listed).load(0).shape == (3, 375, 500)
