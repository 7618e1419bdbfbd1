"""A mirror of downloads on this machine, and the answers that a good or a bad one gives."""

import gzip
import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from pipeline.files import downloads
from serving import served

CONTENT = hashlib.shake_128(b"images").digest(300_000)  # does not compress: a cut stays a cut
PACKED = gzip.compress(CONTENT)


@dataclass
class Mirror:
    """A loopback server: each request is answered by the next of `answers`, the last one for good."""

    answers: dict[str, list[Callable]] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    port: int = 0

    def url(self, path: str, *answers: Callable) -> str:
        self.answers[path] = list(answers)
        return f"http://127.0.0.1:{self.port}{path}"

    @property
    def ranges(self) -> list[str | None]:
        return [requested for _, requested in self.requests]


@pytest.fixture
def mirror(monkeypatch):
    monkeypatch.setattr(downloads, "PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr(downloads, "TIMEOUT", (600.0, 600.0))  # no answer is late because the machine is busy
    state = Mirror()

    def answer(handler):
        state.requests.append((handler.path, handler.headers.get("Range")))
        answers = state.answers[handler.path]
        (answers.pop(0) if len(answers) > 1 else answers[0])(handler)

    with served(answer, monkeypatch) as state.port:
        yield state


def reply(handler, status: int, body: bytes = b"", *, length: int | None = None, **headers: str) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def whole(content: bytes = PACKED) -> Callable:
    return lambda handler: reply(handler, 200, content)


def status(code: int) -> Callable:
    return lambda handler: reply(handler, code)


def cut(after: int, content: bytes = PACKED) -> Callable:
    return lambda handler: reply(handler, 200, content[:after], length=len(content))


def ranged(content: bytes = PACKED) -> Callable:
    """What a server does that knows Range."""

    def answer(handler):
        start = int(handler.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        if start >= len(content):
            reply(handler, 416, Content_Range=f"bytes */{len(content)}")
        elif start:
            span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            reply(handler, 206, content[start:], Content_Range=span)
        else:
            reply(handler, 200, content)

    return answer


def hanging(event: threading.Event) -> Callable:
    return lambda handler: event.wait()
