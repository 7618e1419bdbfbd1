"""Targets with a defect each, which the driver must report, and two that have none."""

import os
import subprocess
from pathlib import Path

from targets import Target, told

from spurious.errors import SpuriousError


def raises(content: bytes, folder: Path) -> None:
    if b"\x42" in content:
        raise ValueError("planted")


def two_lines(content: bytes, folder: Path) -> None:
    told(lambda: (_ for _ in ()).throw(SpuriousError("one\nother")))


def takes_memory(content: bytes, folder: Path) -> None:
    len(bytearray(os.urandom(1)) * (200 << 20))


def writes_elsewhere(content: bytes, folder: Path) -> None:
    (folder / ".." / "elsewhere").write_bytes(content)


def runs_a_program(content: bytes, folder: Path) -> None:
    subprocess.run(["true"], check=True)


def ends(content: bytes, folder: Path) -> None:
    if b"\x42" in content:
        os.abort()


def sound(content: bytes, folder: Path) -> None:
    (folder / "file").write_bytes(content)


def keeps_a_little(content: bytes, folder: Path) -> None:
    KEPT.append(bytearray(b"x") * (8 << 20))  # as a library that loses some bytes at every call: no input's fault


def seeds() -> list[bytes]:
    return [b"\x41", b"\x42"]


DEFECTS = (raises, two_lines, takes_memory, writes_elsewhere, runs_a_program, ends)
SOUND = (sound, keeps_a_little)
KEPT: list[bytearray] = []
TARGETS = {function.__name__: Target(function, seeds, 64, 8) for function in DEFECTS + SOUND}
