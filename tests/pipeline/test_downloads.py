import gzip
import hashlib
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import fetch_file
from mirroring import CONTENT, PACKED, cut, hanging, ranged, reply, status, whole
from pipeline.files import downloads
from spurious.errors import SpuriousError

SCRIPT = Path(__file__).parents[2] / "scripts" / "fetch_file.py"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def output(tmp_path) -> Path:
    return tmp_path / "downloads" / "mnist" / "train_images"


def part_of(output: Path, content: bytes | None = None) -> Path:
    part = output.with_name(f".{output.name}.part")
    if content is not None:
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
    return part


def fetch(output: Path, *urls: str, sha256: str = SHA256, local_data: Path | None = None) -> None:
    arguments = ["--output", output, "--dataset", "mnist", "--sha256", sha256, "--urls", *urls]
    if local_data is not None:
        arguments += ["--local-data", local_data]
    fetch_file.main([str(argument) for argument in arguments])


def arrived(output: Path) -> bool:
    """The content is there and nothing else."""
    return output.read_bytes() == CONTENT and list(output.parent.iterdir()) == [output]


def failure(output: Path, *urls: str, **options) -> str:
    """The one line of a fetch that fails."""
    with pytest.raises(SpuriousError) as caught:
        fetch(output, *urls, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_packed_and_plain_content(mirror, output):
    fetch(output, mirror.url("/images.gz", whole()))
    assert arrived(output)
    fetch(output, mirror.url("/images", whole(CONTENT)), sha256=SHA256.upper())
    assert arrived(output)


def test_a_cut_download_starts_again_from_the_beginning(mirror, output):
    fetch(output, mirror.url("/images.gz", cut(100_000), ranged()))
    assert arrived(output)
    assert mirror.ranges == [None, None]


@pytest.mark.parametrize("stale", [PACKED[:200_000], PACKED, b"stale" * 1000, PACKED + b"longer than the file"])
def test_what_a_killed_run_left_is_not_used(mirror, output, stale):
    part_of(output, stale)
    fetch(output, mirror.url("/images.gz", ranged()))
    assert arrived(output)
    assert mirror.ranges == [None]


def test_the_next_mirror_may_pack_otherwise(mirror, output):
    other = gzip.compress(CONTENT, compresslevel=0)
    first = mirror.url("/a/images.gz", cut(100_000), status(404))
    fetch(output, first, mirror.url("/b/images.gz", ranged(other)))
    assert arrived(output)
    assert mirror.ranges == [None] * 3


def test_busy_then_ready(mirror, output):
    fetch(output, mirror.url("/images.gz", status(503), status(429), whole()))
    assert arrived(output)


def test_missing_at_the_first_mirror(mirror, output):
    fetch(output, mirror.url("/a/images.gz", status(404)), mirror.url("/b/images.gz", whole()))
    assert arrived(output)
    assert [path for path, _ in mirror.requests] == ["/a/images.gz", "/b/images.gz"]


def test_altered_content_is_refused(mirror, output):
    altered = gzip.compress(CONTENT[:-1] + b"!")
    url = mirror.url("/images.gz", ranged(altered))
    message = failure(output, url)
    assert f"{url} (wrong sha256 {hashlib.sha256(gzip.decompress(altered)).hexdigest()})" in message
    assert len(mirror.requests) == 1
    assert list(output.parent.iterdir()) == []


def test_truncated_gzip_is_refused(mirror, output):
    assert "cut off or damaged gzip" in failure(output, mirror.url("/images.gz", whole(PACKED[:-100])))
    assert list(output.parent.iterdir()) == []


def test_content_encoding_is_left_to_the_unpacking(mirror, output):
    url = mirror.url("/images.gz", lambda handler: reply(handler, 200, PACKED, Content_Encoding="gzip"))
    fetch(output, url)
    assert arrived(output)


def test_redirections_are_followed(mirror, output):
    target = mirror.url("/there.gz", whole())
    fetch(output, mirror.url("/images.gz", lambda handler: reply(handler, 302, Location=target)))
    assert arrived(output)


def test_every_reason_and_the_remedy_in_one_line(mirror, output):
    urls = {
        mirror.url("/a/train-images-idx3-ubyte.gz", status(503)): "HTTP 503",
        mirror.url("/b/train-images-idx3-ubyte.gz", status(404)): "HTTP 404",
        mirror.url("/c/train-images-idx3-ubyte.gz", cut(0)): "connection cut",
        mirror.url("/d/train-images-idx3-ubyte.gz", whole(b"<html>")): "wrong sha256",
        "http://127.0.0.1:1/train-images-idx3-ubyte.gz": "no connection",
        "gopher://127.0.0.1/train-images-idx3-ubyte.gz": "not usable as a URL",
        "missing/train-images-idx3-ubyte.gz": "no such file",
    }
    message = failure(output, *urls)
    assert message.startswith(f"{output}: ")
    for url, reason in urls.items():
        assert f"{url} ({reason}" in message
    remedy = "put train-images-idx3-ubyte.gz into <folder>/mnist/ and set local_data: <folder> in config.yaml"
    assert message.endswith(remedy)
    assert sum(path.startswith("/a/") for path, _ in mirror.requests) == len(downloads.PAUSES)
    assert sum(path.startswith("/b/") for path, _ in mirror.requests) == 1


def test_a_mirror_that_hangs_is_left_for_the_next(mirror, output, monkeypatch):
    monkeypatch.setattr(downloads, "TIMEOUT", (600.0, 0.1))
    over = threading.Event()
    url = mirror.url("/images.gz", hanging(over))
    message = failure(output, url, "nowhere/images.gz")
    over.set()
    assert f"{url} (timed out), nowhere/images.gz (no such file)" in message
    assert len(mirror.requests) == len(downloads.PAUSES)


def test_a_failure_leaves_the_finished_output_and_no_part(mirror, output):
    fetch(output, mirror.url("/images.gz", whole()))
    before = output.stat()
    failure(output, mirror.url("/images.gz", cut(1000), status(503)))
    assert output.read_bytes() == CONTENT
    assert output.stat().st_mtime_ns == before.st_mtime_ns
    assert not part_of(output).exists()
    failure(output, mirror.url("/images.gz", whole(b"altered")))
    assert arrived(output)


def local_folder(tmp_path: Path, name: str, content: bytes) -> Path:
    folder = tmp_path / "local data"
    (folder / "mnist").mkdir(parents=True)
    (folder / "mnist" / name).write_bytes(content)
    return folder


@pytest.mark.parametrize(("name", "content"), [("im ages.gz", PACKED), ("im ages", CONTENT), ("im ages", PACKED)])
def test_the_local_folder_comes_first(mirror, output, tmp_path, name, content):
    folder = local_folder(tmp_path, name, content)
    fetch(output, mirror.url("/im%20ages.gz?download=1", whole()), local_data=folder)
    assert arrived(output)
    assert mirror.requests == []
    assert (folder / "mnist" / name).read_bytes() == content


def test_the_local_folder_may_follow_any_mirrors_name(mirror, output, tmp_path):
    folder = local_folder(tmp_path, "other.gz", PACKED)
    fetch(output, mirror.url("/images.gz", whole()), mirror.url("/other.gz", whole()), local_data=folder)
    assert arrived(output)
    assert mirror.requests == []


def test_urls_follow_a_local_folder_without_the_file(mirror, output, tmp_path):
    fetch(output, mirror.url("/images.gz", whole()), local_data=tmp_path)
    assert arrived(output)
    assert len(mirror.requests) == 1


def test_the_remedy_names_the_local_folder(mirror, output, tmp_path):
    message = failure(output, mirror.url("/images.gz", status(404)), local_data=tmp_path)
    assert f"put images.gz into {tmp_path}/mnist/" in message


@pytest.mark.parametrize(("content", "told"), [(b"altered", "wrong sha256"), (PACKED[:-9], "cut off")])
def test_a_bad_local_file_is_an_error(mirror, output, tmp_path, content, told):
    folder = local_folder(tmp_path, "images.gz", content)
    message = failure(output, mirror.url("/images.gz", whole()), local_data=folder)
    assert message.startswith(f"{folder / 'mnist' / 'images.gz'}: {told}")
    assert SHA256 in message
    assert mirror.requests == []
    assert not output.exists()


@pytest.mark.parametrize("form", [str, Path.as_uri])
def test_paths_and_file_urls(output, tmp_path, form):
    source = tmp_path / "own data.npz"
    source.write_bytes(CONTENT)
    fetch(output, form(source))
    assert arrived(output)
    assert source.read_bytes() == CONTENT


@pytest.mark.parametrize("form", [str, Path.as_uri])
def test_ones_own_file_that_changed_is_told_with_both_hashes(output, tmp_path, form):
    """To put it elsewhere would not help: it is there, and another one than the configuration says."""
    source = tmp_path / "own data.npz"
    source.write_bytes(b"altered")
    message = failure(output, form(source))
    assert message.startswith(f"{source}: wrong sha256")
    assert f"wanted {SHA256}; replace or remove it, or change sha256" in message


def test_the_folder_of_a_user_who_is_not_there_is_a_name(output, tmp_path, monkeypatch):
    """As in a shell: `~nobody-here` was a traceback."""
    monkeypatch.chdir(tmp_path)
    assert "~nobody-here/images.gz" in failure(output, "~nobody-here/images.gz", local_data="~nobody-here")


def test_what_is_no_address_is_told(output):
    assert failure(output, "http://[::1/images.gz").startswith("http://[::1/images.gz: not an address (")


def test_a_folder_in_the_way_is_told(mirror, output):
    (output / "inside").mkdir(parents=True)
    assert str(output) in failure(output, mirror.url("/images.gz", whole()))


def test_the_command_prints_one_line(tmp_path, output):
    source = tmp_path / "own.npz"
    source.write_bytes(CONTENT)
    command = [sys.executable, SCRIPT, "--output", output, "--dataset", "own", "--urls", source, "--sha256"]
    failed = subprocess.run([*command, "0" * 64], capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert failed.stderr.startswith("error: ")
    assert failed.stderr.count("\n") == 1
    assert f"wrong sha256 {SHA256}" in failed.stderr
    assert not output.exists()
    subprocess.run([*command, SHA256], check=True)
    assert arrived(output)


@pytest.mark.parametrize(
    ("urls", "nowhere"),
    [
        (["lost.gz", "file:///lost/other.gz"], True),
        (["lost.gz", "https://example.org/lost.gz"], False),
        (["lost.gz", "there.gz"], False),
        (["lost.gz", "elsewhere/kept.gz"], False),
    ],
    ids=["on no disk", "in the network", "a path", "in the local folder"],
)
def test_what_is_certain_to_be_nowhere(tmp_path, monkeypatch, urls, nowhere):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.gz").touch()
    (tmp_path / "local/mnist").mkdir(parents=True)
    (tmp_path / "local/mnist/kept").touch()  # as it is without .gz
    assert downloads.is_nowhere("mnist", urls, "local") is nowhere
