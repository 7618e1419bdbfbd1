"""A small file system in the place of the results folder, seen by what runs in a mount namespace of its own."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness import CORES, TARGETS, Outcome, Undisturbed, compare, complaints, wrong_files
from projects import contents, environment, snakemake_command

PLENTY = "1g"
PAGE = 4096  # bytes: what a file takes is a multiple of it


class Mounted:
    """A tmpfs over `<folder>/results`; it is gone with the process that holds the namespace."""

    def __init__(self, folder: Path, holder: subprocess.Popen):
        self.folder = Path(f"/proc/{holder.pid}/root{folder}")  # as this process sees it
        self._inside, self._holder = folder, holder

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess:
        """Run a command in the project's folder, inside the namespace."""
        enter = ["nsenter", f"--target={self._holder.pid}", "--mount", *as_root("--user", "--preserve-credentials")]
        change = ["sh", "-c", 'cd "$0" && exec "$@"', str(self._inside)]
        done = subprocess.run(
            [*enter, *change, *command], env=environment(), capture_output=True, text=True, check=False
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def snakemake(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        """Run snakemake inside."""
        return self.run(*snakemake_command(*arguments, cores=CORES), check=check)

    def remount(self, options: str) -> None:
        """Change the size of the file system, or whether it may be written."""
        self.run("mount", "-o", f"remount,{options}", "results")


def as_root(*options: str) -> list[str]:
    """The options that let somebody else than root mount, where the system grants that."""
    return [] if os.geteuid() == 0 else list(options)


@contextlib.contextmanager
def mounted(folder: Path, size: str) -> Iterator[Mounted]:
    """A tmpfs of this size over the results of `folder`; PermissionError where mounting is not allowed."""
    inside = 'mount -t tmpfs -o "size=$1" tmpfs "$0" && echo mounted && read -r line'
    enter = ["unshare", "--mount", *as_root("--user", "--map-root-user"), "sh", "-c", inside]
    holder = subprocess.Popen(
        [*enter, str(folder / "results"), size],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        if holder.stdout.readline() != "mounted\n":
            raise PermissionError(holder.stderr.read().strip())
        mount = Mounted(folder, holder)
        shutil.copy2(folder / "results/README.md", mount.folder / "results/README.md")
        yield mount
    finally:
        holder.communicate("end\n")


def size_of(folder: Path) -> int:
    """Bytes that the files of `folder` take on a tmpfs."""
    return sum(-(-path.stat().st_size // PAGE) * PAGE for path in folder.rglob("*") if path.is_file())


def full_disk(project: Path, size: int, expected: Undisturbed, targets: Sequence[str] = TARGETS) -> Outcome:
    """Run the targets where there is room for `size` bytes only; make room; run again; compare."""
    outcome = Outcome("full disk")
    with mounted(project, str(size)) as mount:
        done = mount.snakemake(*targets, check=False)
        outcome.problems = complaints(done, "No space left on device")
        outcome.wrong = wrong_files(mount.folder, expected.files)
        mount.remount(f"size={PLENTY}")
        mount.snakemake(*targets)
        compare(outcome, mount.folder, expected.files)
    return outcome


def read_only(project: Path, expected: Undisturbed, first: str, targets: Sequence[str] = TARGETS) -> Outcome:
    """Make the target `first`; run where nothing may be written; make it writable; run again; compare."""
    outcome = Outcome("read-only results folder")
    with mounted(project, PLENTY) as mount:
        mount.snakemake(first)
        before = contents(mount.folder / "results")
        mount.remount("ro")
        done = mount.snakemake(*targets, check=False)
        outcome.problems = complaints(done, "Read-only file system")
        outcome.wrong = [] if contents(mount.folder / "results") == before else ["results changed"]
        mount.remount("rw")
        mount.snakemake(*targets)
        compare(outcome, mount.folder, expected.files)
    return outcome
