"""Getting one file: a local folder first, then its mirrors; unpacked, checked, put in place whole."""

import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import requests
import urllib3

from pipeline.files.atomic import unfinished, whole_file
from pipeline.jobs.progress import progress_bar
from spurious.data.packing import unpacked_chunks
from spurious.errors import SpuriousError

PAUSES = (0.0, 1.0, 3.0)  # seconds before each attempt at a mirror
TIMEOUT = (10.0, 30.0)  # seconds to connect, and between two arrivals of data
MOST_ON_DISK = 1 << 36  # bytes of unpacked content
_CHUNK = 1 << 16
_BUSY = (408, 425, 429)  # with 5xx: worth another attempt


class Unavailable(Exception):
    """Why a source did not deliver the file, in a few words."""


class _Interrupted(Unavailable):
    """A reason that may be gone at the next attempt."""


def fetch(output: Path, *, dataset: str, sha256: str, urls: Sequence[str], local_data: str | None = None) -> None:
    """Write to `output` the unpacked content that has this sha256, hexadecimal, or starts with these digits of it.

    Looks for the URLs' file names, with and without ".gz", in `<local_data>/<dataset>/`, then asks the URLs in
    order, each up to three times and always from the file's beginning; a plain path or a file:// URL is read from disk.
    Raises SpuriousError, one line, with every reason and the remedy; `output` is then as it was.
    """
    try:
        local = _find_local(local_data, dataset, urls)
        if local is None:
            _fetch_first(output, dataset, sha256, urls, local_data)
        else:
            _install_local(local, output, sha256)
    except OSError as error:
        raise SpuriousError(f"{output}: {error}; fix this and run again") from None


def is_nowhere(dataset: str, urls: Sequence[str], local_data: str | None = None) -> bool:
    """Whether `fetch` is certain to find no file: no URL is of the network, and no file is in its place on the disk."""
    paths = [_local_path(url) for url in urls]
    return _find_local(local_data, dataset, urls) is None and not any(path is None or path.is_file() for path in paths)


def _find_local(local_data: str | None, dataset: str, urls: Sequence[str]) -> Path | None:
    if local_data is None:
        return None
    folder = Path(os.path.expanduser(local_data), dataset)
    names = [_file_name(url) for url in urls]
    candidates = [folder / name for full in names for name in (full, full.removesuffix(".gz"))]
    return next((path for path in candidates if path.is_file()), None)


def _install_local(local: Path, output: Path, sha256: str) -> None:
    try:
        _install(local, output, sha256)
    except Unavailable as reason:
        raise _not_that_one(local, reason, sha256) from None


def _not_that_one(local: Path, reason: Unavailable, sha256: str) -> SpuriousError:
    return SpuriousError(f"{local}: {reason}, wanted {sha256}; replace or remove it, or change sha256 in config.yaml")


def _fetch_first(output: Path, dataset: str, sha256: str, urls: Sequence[str], local_data: str | None) -> None:
    reasons = {}
    for url in urls:
        try:
            return fetch_url(url, output, sha256)
        except Unavailable as reason:
            reasons[url] = reason
    for url, reason in reasons.items():
        path = _local_path(url)
        if path is not None and path.is_file():  # to put it elsewhere, the remedy below, would not help
            raise _not_that_one(path, reason, sha256)
    folder = local_data or "<folder>"
    raise SpuriousError(
        f"{output}: no source delivered it: {', '.join(f'{url} ({reason})' for url, reason in reasons.items())}; "
        f"put {_file_name(urls[0])} into {folder}/{dataset}/ and set local_data: {folder} in config.yaml"
    )


def fetch_url(url: str, output: Path, sha256: str, *, bar: bool = True) -> None:
    """As `fetch`, from this URL alone and with or without a progress bar; raises Unavailable instead."""
    path = _local_path(url)
    if path is None:
        _fetch_mirror(url, output, sha256, bar)
    elif path.is_file():
        _install(path, output, sha256)
    else:
        raise Unavailable("no such file")


def _fetch_mirror(url: str, output: Path, sha256: str, bar: bool) -> None:
    part = unfinished(output, ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        _download(url, part, bar)
        _install(part, output, sha256)
    finally:
        part.unlink(missing_ok=True)


def _download(url: str, part: Path, bar: bool) -> None:
    """Write the file of the URL to `part`, packed as it comes."""
    for pause in PAUSES:
        time.sleep(pause)
        try:
            return _attempt(url, part, bar)
        except _Interrupted as error:
            reason = error
    raise reason


def _attempt(url: str, part: Path, bar: bool) -> None:
    """One request for the whole file."""
    headers = {"Accept-Encoding": "identity"}
    try:
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            _check_status(response.status_code)
            _save(response, part, bar)
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise _as_reason(error) from None


def _check_status(status: int) -> None:
    if status >= 500 or status in _BUSY:
        raise _Interrupted(f"HTTP {status}")
    if status != 200:
        raise Unavailable(f"HTTP {status}")


def _save(response: requests.Response, part: Path, bar: bool) -> None:
    """Write the body to `part`, as it is on the wire."""
    length = response.headers.get("Content-Length", "")
    total = int(length) if length.isdecimal() else None
    name = part.stem.removeprefix(".")
    with (
        progress_bar(desc=name, total=total, unit="B", unit_scale=True, mininterval=1, disable=not bar) as progress,
        open(part, "wb") as file,
    ):
        for chunk in response.raw.stream(_CHUNK, decode_content=False):
            file.write(chunk)
            progress.update(len(chunk))


def _as_reason(error: Exception) -> Unavailable:
    """A network error in a few words, _Interrupted where another attempt may succeed."""
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        return _Interrupted("timed out")
    if isinstance(error, requests.exceptions.SSLError):
        return Unavailable("its TLS certificate is not accepted")
    if isinstance(error, requests.ConnectionError):
        return _Interrupted("no connection")
    if isinstance(error, urllib3.exceptions.HTTPError):
        return _Interrupted("connection cut")
    return Unavailable(f"not usable as a URL: {type(error).__name__}")


def _install(source: Path, output: Path, sha256: str) -> None:
    """Unpack `source` into `output`, which appears only if its content has this sha256; else Unavailable."""
    digest = hashlib.sha256()
    with whole_file(output) as temporary, open(source, "rb") as packed, open(temporary, "wb") as file:
        try:
            for chunk in unpacked_chunks(packed, str(source), most=MOST_ON_DISK):
                digest.update(chunk)
                file.write(chunk)
        except SpuriousError:
            raise Unavailable("cut off or damaged gzip") from None
        if not digest.hexdigest().startswith(sha256.lower()):
            raise Unavailable(f"wrong sha256 {digest.hexdigest()}")


def _local_path(url: str) -> Path | None:
    """The path that a file:// URL or a plain path names; None for a URL of the network."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise SpuriousError(f"{url}: not an address ({error}); correct it") from None
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    return None if "://" in url else Path(os.path.expanduser(url))


def _file_name(url: str) -> str:
    path = _local_path(url)
    return path.name if path is not None else PurePosixPath(unquote(urlsplit(url).path)).name
