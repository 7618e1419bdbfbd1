"""A pretrained classifier's file: where it is looked for, what is checked, and the line that says what to do."""

import hashlib
import json
import subprocess
import sys

import pytest

import fetch_classifier
from mirroring import status, whole
from projects import ROOT
from spurious.errors import SpuriousError
from spurious.vision import models

CONTENT = hashlib.shake_128(b"weights").digest(100_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NAME = f"resnet18-{SHA256[:8]}.pth"
WEIGHTS = models.ResNet18_Weights.IMAGENET1K_V1
RESNET18 = {"torchvision": "resnet18", "weights": "IMAGENET1K_V1"}
BROUGHT = {"torchscript": "mine.pt", "sha256": SHA256}


@pytest.fixture
def output(tmp_path):
    return tmp_path / "results" / "photos" / "mine" / "pretrained"


@pytest.fixture
def local(tmp_path):
    """Where files are put by hand, with a function that puts one there."""
    folder = tmp_path / "local data"
    (folder / "models").mkdir(parents=True)
    return folder


@pytest.fixture
def published(mirror, monkeypatch):
    """Let torchvision's address of the weights give these answers."""

    def answer(*answers, name=NAME):
        url = mirror.url(f"/models/{name}", *answers)
        monkeypatch.setattr(type(WEIGHTS), "url", url)
        return url

    return answer


def fetch(output, settings, local=None):
    options = ["--local-data", str(local)] if local else []
    fetch_classifier.main(["--settings", json.dumps(settings), "--output", str(output), *options])
    return output.read_bytes()


def failure(output, settings, local=None):
    with pytest.raises(SpuriousError) as caught:
        fetch(output, settings, local)
    assert "\n" not in str(caught.value)
    assert not output.exists()
    return str(caught.value)


@pytest.mark.parametrize("sha256", [{}, {"sha256": SHA256}, {"sha256": SHA256.upper()}])
def test_torchvisions_weights_are_downloaded(published, mirror, output, tmp_path, sha256, capsys):
    published(whole(CONTENT))
    assert fetch(output, RESNET18 | sha256, tmp_path) == CONTENT
    assert [path for path, _ in mirror.requests] == [f"/models/{NAME}"]
    assert "100k/100k" in capsys.readouterr().err
    assert list(output.parent.iterdir()) == [output]


@pytest.mark.parametrize("sha256", [{}, {"sha256": SHA256}])
def test_the_local_folder_comes_first(published, mirror, output, local, sha256):
    published(whole(CONTENT))
    (local / "models" / NAME).write_bytes(CONTENT)
    assert fetch(output, RESNET18 | sha256, local) == CONTENT
    assert mirror.requests == []


@pytest.mark.parametrize("sha256", [{}, {"sha256": SHA256}])
def test_altered_weights_are_refused(published, output, sha256):
    url = published(whole(CONTENT[:-1]))
    message = failure(output, RESNET18 | sha256)
    assert f"{url} (wrong sha256 {hashlib.sha256(CONTENT[:-1]).hexdigest()})" in message
    assert message.endswith(f"put {NAME} into <folder>/models/ and set local_data: <folder> in config.yaml")


def test_sha256_wins_over_the_files_name(published, output):
    published(whole(CONTENT))
    assert "wrong sha256" in failure(output, RESNET18 | {"sha256": SHA256[:8] + "0" * 56})


def test_an_altered_local_file_is_refused(published, mirror, output, local):
    published(whole(CONTENT))
    (local / "models" / NAME).write_bytes(b"altered")
    message = failure(output, RESNET18, local)
    assert message.startswith(f"{local / 'models' / NAME}: wrong sha256")
    assert f"wanted {SHA256[:8]};" in message
    assert mirror.requests == []


def test_offline_the_line_says_which_file_belongs_where(output, local, monkeypatch):
    monkeypatch.setattr("pipeline.files.downloads.PAUSES", (0.0,))
    monkeypatch.setattr(type(WEIGHTS), "url", f"http://127.0.0.1:1/{NAME}")
    message = failure(output, RESNET18, local)
    assert f"http://127.0.0.1:1/{NAME} (no connection); put {NAME} into {local}/models/" in message
    assert message.endswith(f"set local_data: {local} in config.yaml")


def test_missing_at_the_address(published, output):
    published(status(404))
    assert f"(HTTP 404); put {NAME} into <folder>/models/" in failure(output, RESNET18)


@pytest.mark.parametrize("kind", ["torchscript", "exported"])
@pytest.mark.parametrize("form", ["mine.pt", "elsewhere/mine.pt", "https://127.0.0.1:1/mine.pt"])
def test_a_program_in_the_local_folder(output, local, kind, form):
    (local / "models" / "mine.pt").write_bytes(CONTENT)
    assert fetch(output, {kind: form, "sha256": SHA256}, local) == CONTENT


@pytest.mark.parametrize("form", [str, "~/{}".format, "file://{}".format])
def test_a_program_by_its_path(output, local, tmp_path, monkeypatch, form):
    monkeypatch.setenv("HOME", "/")
    (tmp_path / "mine.pt").write_bytes(CONTENT)
    assert fetch(output, BROUGHT | {"torchscript": form(tmp_path / "mine.pt")}, local) == CONTENT


def test_a_program_by_its_address(mirror, output, local):
    url = mirror.url("/mine.pt2?download=1", whole(CONTENT))
    assert fetch(output, {"exported": url, "sha256": SHA256}, local) == CONTENT


def test_a_program_that_is_nowhere(output, local):
    remedy = f"mine.pt (no such file); put mine.pt into {local}/models/ and set local_data: {local} in config.yaml"
    assert failure(output, BROUGHT, local) == f"{output}: no source delivered it: {remedy}"


def test_an_altered_program(output, local):
    (local / "models" / "mine.pt").write_bytes(b"altered")
    assert f"wanted {SHA256}" in failure(output, BROUGHT, local)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"torchvision": "resnet", "weights": "DEFAULT"}, "torchvision: unknown classifier 'resnet'"),
        ({"torchvision": "resnet18", "weights": "IMAGENET_V1"}, "did you mean 'IMAGENET1K_V1'?"),
    ],
)
def test_unknown_names(output, settings, told):
    assert told in failure(output, settings)


def test_the_command_prints_one_line_and_a_program_needs_no_torch(output, local):
    script = ROOT / "scripts" / "fetch_classifier.py"
    arguments = ["--settings", json.dumps(BROUGHT), "--output", output, "--local-data", local]
    failed = subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert failed.stderr.startswith(f"error: {output}: no source")
    assert failed.stderr.count("\n") == 1
    (local / "models" / "mine.pt").write_bytes(CONTENT)
    code = "import sys, fetch_classifier; fetch_classifier.main(); print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=script.parent, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
    assert output.read_bytes() == CONTENT
