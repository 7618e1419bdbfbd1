"""What a result depends on beside its inputs: the commit, the packages that are installed, the machine."""

import os
import platform
import subprocess
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from spurious.errors import shown_name

SECONDS = 20  # that a program asked for a fact may take: a network drive may hang
_OF_HOOKS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX")
_NO_COMMIT: dict[str, Any] = {"commit": None, "dirty": None, "changed": []}


def git_state(folder: Path) -> dict[str, Any]:
    """The commit that `folder` is a checkout of, whether and where it differs, what git does not know included.

    Commit and dirty are None, with a reason, without git, outside a repository, before the first commit and in a
    folder inside the repository of something else.
    """
    try:
        top = _git(folder, "rev-parse", "--show-toplevel")
        if Path(top.rstrip("\n")).resolve() != folder.resolve():
            return _NO_COMMIT | {"reason": "the folder is not the top of a git repository"}
        commit = _git(folder, "rev-parse", "--verify", "HEAD").strip()
        changed = _changed(_git(folder, "status", "--porcelain", "-z"))
    except FileNotFoundError:
        return _NO_COMMIT | {"reason": "git is not installed"}
    except subprocess.TimeoutExpired:
        return _NO_COMMIT | {"reason": f"git did not answer within {SECONDS} s"}
    except subprocess.CalledProcessError as error:
        first = shown_name(next(iter(error.stderr.splitlines()), "no message"))
        return _NO_COMMIT | {"reason": f"git: {first.removeprefix('fatal: ')}"}
    return {"commit": commit, "dirty": bool(changed), "changed": changed, "reason": None}


def _git(folder: Path, *arguments: str) -> str:
    """What git prints about `folder`; a repository that the environment names, as in a hook, is not meant."""
    environment = {name: value for name, value in os.environ.items() if name not in _OF_HOOKS} | {"LC_ALL": "C"}
    return _output(["git", "--no-optional-locks", *arguments], cwd=folder, env=environment)


def _output(command: list[str], **options: Any) -> str:
    """What a program prints; bytes that are not UTF-8 become surrogates, as in the names of files."""
    encoding = {"encoding": "utf-8", "errors": "surrogateescape"}
    return subprocess.run(command, check=True, capture_output=True, timeout=SECONDS, **encoding, **options).stdout


def _changed(status: str) -> list[str]:
    """The paths of `git status --porcelain -z` as text; of a file that was renamed, the new one."""
    entries = iter(status.split("\0"))
    paths = []
    for entry in entries:
        if entry:
            paths.append(shown_name(entry[3:]))
            if entry[0] in "RC":
                next(entries, None)  # the old path
    return sorted(paths)


def installed(names: Iterable[str]) -> dict[str, str | None]:
    """{package: version} as it is installed, None where it is not."""
    return {name: _version(name) for name in names}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def hardware() -> dict[str, Any]:
    """Of this machine: `cpu`, `cores` and those that this process may use, `memory_mib`, names of `gpus`, `system`."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "usable_cores": usable,
        "memory_mib": _memory_mib(),
        "gpus": _gpus(),
        "system": platform.platform(),
    }


def usable_gpus() -> int:
    """How many GPUs a process may use that is started here: the machine's, or those of `CUDA_VISIBLE_DEVICES`."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return len(_gpus())
    return min(len(_gpus()), sum(number.strip() not in ("", "-1") for number in visible.split(",")))


def _gpus() -> list[str]:
    return _asked(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"])


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    models += _asked(["sysctl", "-n", "machdep.cpu.brand_string"]) if platform.system() == "Darwin" else []
    return next(iter(models), platform.processor() or platform.machine())


def _memory_mib() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    except (ValueError, OSError):
        return None


def _asked(command: list[str]) -> list[str]:
    """The lines that a program prints; none where it is not there or fails."""
    try:
        return [shown_name(line.strip()) for line in _output(command).splitlines() if line.strip()]
    except (OSError, subprocess.SubprocessError):
        return []
