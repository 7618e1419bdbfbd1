"""Getting one file: a local folder first, then its mirrors; resumed, unpacked, checked, put in place whole."""

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import requests
import urllib3
from tqdm import tqdm

from pipeline.files.atomic import unfinished, whole_file
from spurious.data.packing import unpacked_chunks
from spurious.errors import SpuriousError

PAUSES = (0.0, 1.0, 3.0)  # seconds before each attempt at a mirror
TIMEOUT = (10.0, 30.0)  # seconds to connect, and between two arrivals of data
MOST_ON_DISK = 1 << 36  # bytes of unpacked content
_CHUNK = 1 << 16
_BUSY = (408, 425, 429)  # with 5xx: worth another attempt
_NOTHING_LEFT = 416  # the part is as long as the file, or is none of its parts


class Unavailable(Exception):
    """Why a source did not deliver the file, in a few words."""


class _Interrupted(Unavailable):
    """A reason that may be gone at the next attempt."""


def fetch(output: Path, *, dataset: str, sha256: str, urls: Sequence[str], local_data: str | None = None) -> None:
    """Write to `output` the unpacked content that has this sha256, hexadecimal, or starts with these digits of it.

    Looks for the URLs' file names, with and without ".gz", in `<local_data>/<dataset>/`, then asks the URLs in
    order; a plain path or a file:// URL is read from disk. What a broken download has brought stays in
    `.<output>.part` and is continued by the next call. Raises SpuriousError, one line, with every reason and the
    remedy; `output` is then as it was.
    """
    try:
        local = _find_local(local_data, dataset, urls)
        if local is None:
            _fetch_first(output, dataset, sha256, urls, local_data)
        else:
            _install_local(local, output, sha256)
    except OSError as error:
        raise SpuriousError(f"{output}: {error}; mend this and run again") from None


def _find_local(local_data: str | None, dataset: str, urls: Sequence[str]) -> Path | None:
    if local_data is None:
        return None
    folder = Path(local_data).expanduser() / dataset
    names = [_file_name(url) for url in urls]
    candidates = [folder / name for full in names for name in (full, full.removesuffix(".gz"))]
    return next((path for path in candidates if path.is_file()), None)


def _install_local(local: Path, output: Path, sha256: str) -> None:
    try:
        _install(local, output, sha256)
    except Unavailable as reason:
        raise SpuriousError(
            f"{local}: {reason}, wanted {sha256}; replace or remove it, or mend sha256 in config.yaml"
        ) from None


def _fetch_first(output: Path, dataset: str, sha256: str, urls: Sequence[str], local_data: str | None) -> None:
    reasons = []
    for url in urls:
        try:
            return fetch_url(url, output, sha256)
        except Unavailable as reason:
            reasons.append(f"{url} ({reason})")
    folder = local_data or "<folder>"
    raise SpuriousError(
        f"{output}: no source delivered it: {', '.join(reasons)}; "
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
    for last in (False, True):
        continued = _download(url, part, bar)
        try:
            _install(part, output, sha256)
        except Unavailable:
            part.unlink()
            # The part may have been stale, or another mirror's packing: once more without it.
            if last or not continued:
                raise
        else:
            return part.unlink()


def _download(url: str, part: Path, bar: bool) -> bool:
    """Bring `part` to its full length; tells whether data of an earlier answer may be in it."""
    continued = False
    for pause in PAUSES:
        time.sleep(pause)
        try:
            return _attempt(url, part, bar) or continued
        except _Interrupted as error:
            reason = error
            continued = _length(part) > 0
    raise reason


def _attempt(url: str, part: Path, bar: bool) -> bool:
    """One request for what `part` still lacks; tells whether the server continued it."""
    offset = _length(part)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})
    try:
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            continued = offset > 0 and response.status_code in (206, _NOTHING_LEFT)
            if not continued:
                offset = 0
                _check_status(response.status_code)
            if response.status_code != _NOTHING_LEFT:
                _save(response, part, offset, bar)
            return continued
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise _as_reason(error) from None


def _check_status(status: int) -> None:
    if status >= 500 or status in _BUSY:
        raise _Interrupted(f"HTTP {status}")
    if status != 200:
        raise Unavailable(f"HTTP {status}")


def _save(response: requests.Response, part: Path, offset: int, bar: bool) -> None:
    """Write the body behind the first `offset` bytes of `part`, as it is on the wire."""
    length = response.headers.get("Content-Length", "")
    total = offset + int(length) if length.isdecimal() else None
    progress = tqdm(
        desc=part.stem.removeprefix("."),
        total=total,
        initial=offset,
        unit="B",
        unit_scale=True,
        mininterval=1,
        disable=not bar,
    )
    with progress, open(part, "ab" if offset else "wb") as file:
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
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    return None if "://" in url else Path(url).expanduser()


def _file_name(url: str) -> str:
    path = _local_path(url)
    return path.name if path is not None else PurePosixPath(unquote(urlsplit(url).path)).name


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0
