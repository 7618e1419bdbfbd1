"""A job ends with the snakemake that started it: an orphan would write its files beside the job of the next run."""

import os
import select
import threading

HEAD = "SPURIOUS_HEAD"  # set for the jobs: "<process id of snakemake>@<its pid namespace>"


def head_here() -> str:
    """This process, as the jobs that it starts are to find it in the variable HEAD."""
    return f"{os.getpid()}@{_pid_namespace()}"


def end_with_pipeline() -> None:
    """Let this process end as soon as the snakemake that started it, or the shell between the two, has ended.

    Without effect where no snakemake started it, where process ids mean something else (another container), and on
    systems other than Linux.
    """
    pid, _, namespace = os.environ.get(HEAD, "").partition("@")
    if not pid or not namespace or namespace != _pid_namespace() or not hasattr(os, "pidfd_open"):
        return
    ancestors = _ancestors()
    if int(pid) not in ancestors:  # ended while this process was starting
        os._exit(1)
    for watched in ancestors[: ancestors.index(int(pid)) + 1]:
        threading.Thread(target=_end_with, args=(watched,), daemon=True).start()


def _end_with(pid: int) -> None:
    """End this process when `pid` has ended; return where the system lets nobody wait for it."""
    try:
        select.select([os.pidfd_open(pid)], [], [])
    except ProcessLookupError:  # it has ended already
        pass
    except OSError:
        return
    os._exit(1)


def _ancestors() -> list[int]:
    """The process ids of the parent, its parent, and so on."""
    found, pid = [], os.getppid()
    while pid > 0:
        found.append(pid)
        pid = _parent(pid)
    return found


def _parent(pid: int) -> int:
    """The parent of a process; 0 where there is none, or none any more."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return int(file.read().rpartition(")")[2].split()[1])  # behind the name, which may hold anything
    except OSError:
        return 0


def _pid_namespace() -> str:
    """What tells the process ids of one container from those of another; empty where that is not known."""
    try:
        return str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        return ""
