"""Jobs end with the snakemake that started them, and whole files stay whole whoever writes."""

import contextlib
import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from safetensors import SafetensorError

from pipeline.files import atomic
from pipeline.files.atomic import whole_file
from pipeline.jobs import lifetime
from pipeline.jobs.lifetime import HEAD
from projects import ROOT
from spurious.errors import SpuriousError

# Once it is told to go on, it waits for whatever may end it.
JOB = """
import threading
from pipeline.jobs.arguments import run
def work():
    print("working", flush=True)
    input()
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join()
    print("goes on", flush=True)
run(work)
"""
# as snakemake does it: itself, a shell, the program, and beside it a tee
SNAKEMAKE = f"""
import os, subprocess, sys
from pipeline.jobs import lifetime
if {{watched}}:
    os.environ[lifetime.HEAD] = lifetime.head_here()
subprocess.run(["bash", "-c", 'exec 3>&1; "$0" -c "$1" 2>&1 >&3 | cat >&2', sys.executable, {JOB!r}])
"""


@contextlib.contextmanager
def running(watched):
    """(the process in the place of snakemake, the shell, the program), as soon as the program works."""
    path = {"PYTHONPATH": str(ROOT / "scripts")}
    head = psutil.Popen(
        [sys.executable, "-c", SNAKEMAKE.format(watched=watched)],
        env={name: value for name, value in os.environ.items() if name != HEAD} | path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert head.stdout.readline() == b"working\n"
        (shell,) = head.children()
        (program,) = [child for child in shell.children() if JOB in child.cmdline()]
        yield head, shell, program
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(head.pid, 9)
        head.communicate()


@pytest.mark.parametrize("killed", [0, 1], ids=["snakemake", "the shell between"])
def test_a_job_ends_with_what_started_it(killed):
    with running(watched=True) as processes:
        processes[killed].kill()
        assert psutil.wait_procs([processes[2]], timeout=600)[0]


def program(head):
    """A program that is told by its environment which snakemake started it: what it printed, and its status."""
    done = subprocess.run(
        [sys.executable, "-c", "from pipeline.jobs.arguments import run; run(lambda: print('worked'))"],
        env=os.environ | {HEAD: head, "PYTHONPATH": str(ROOT / "scripts")},
        capture_output=True,
        check=False,
    )
    return done.stdout, done.stderr, done.returncode


def test_a_job_whose_snakemake_is_gone_says_so_in_one_line():
    gone = subprocess.Popen(["true"])
    gone.wait()
    head = lifetime.head_here().replace(str(os.getpid()), str(gone.pid), 1)
    assert program(head) == (b"", lifetime.ENDS, 1)
    assert lifetime.ENDS.count(b"\n") == 1


def test_process_ids_of_another_host_are_not_looked_for(tmp_path, monkeypatch):
    """Another host's first namespace has the number of ours, and the id may be taken there or not."""
    boot = tmp_path / "boot_id"
    boot.write_text("00000000-0000-4000-8000-000000000000\n")
    monkeypatch.setattr(lifetime, "BOOT", str(boot))
    assert program(lifetime.head_here()) == (b"worked\n", b"", 0)
    elsewhere = lifetime.head_here().replace(str(os.getpid()), "1", 1)
    assert program(elsewhere) == (b"worked\n", b"", 0)
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert program(elsewhere.replace("1", str(gone.pid), 1)) == (b"worked\n", b"", 0)


@pytest.mark.parametrize(("watched", "told"), [(False, b"goes on\n"), (True, b"")])
def test_only_a_program_that_was_started_by_hand_goes_on(watched, told):
    with running(watched) as (head, shell, _):
        head.kill()
        shell.kill()
        psutil.wait_procs([head, shell])
        with contextlib.suppress(BrokenPipeError):  # it has ended already
            head.stdin.write(b"go on\n")
            head.stdin.flush()
        assert head.stdout.readline() == told


def test_what_a_killed_process_left_is_overwritten(tmp_path):
    path = tmp_path / "rows.csv"
    killed = f"import os; from pipeline.files.atomic import whole_file\nwith whole_file({str(path)!r}) as temporary:\n"
    killed += "    temporary.write_text('much longer than the new one')\n    os.kill(os.getpid(), 9)"
    for _ in range(3):
        subprocess.run([sys.executable, "-c", killed], env=os.environ | {"PYTHONPATH": str(ROOT / "scripts")})
    assert len(list(tmp_path.iterdir())) == 1, "it piles up"
    assert not path.exists()
    with whole_file(path) as temporary, open(temporary, "a") as file:
        file.write("new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    path = tmp_path / "rows.csv"
    with whole_file(path) as first, whole_file(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_files_that_cannot_be_locked_are_written_all_the_same(tmp_path, monkeypatch, number):
    def refuse(handle, operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with whole_file(tmp_path / "rows.csv") as first, whole_file(tmp_path / "rows.csv") as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert (tmp_path / "rows.csv").read_text() == "first"
    left = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert left == {"rows.csv": 5, ".rows.csv.new": 0}, "another process may be writing it"


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_told_in_one_line(tmp_path, error):
    with pytest.raises(SpuriousError) as caught, whole_file(tmp_path / "rows.csv"):
        raise error
    expected = f"{tmp_path / 'rows.csv'}: cannot be written (No space left on device); make space and run again"
    assert str(caught.value) == expected
    assert list(tmp_path.iterdir()) == []


def in_the_way(folder, name, kind):
    if kind == "folder":
        (folder / name / "kept").mkdir(parents=True)
    else:
        (folder / "elsewhere").write_text("kept")
        (folder / name).symlink_to(folder / ("elsewhere" if kind == "link" else "nowhere"))


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        (
            ".rows.csv.new",
            "folder",
            ".rows.csv.new: cannot be written for rows.csv (Is a directory); a folder is in the",
        ),
        (
            ".rows.csv.new",
            "link",
            ".rows.csv.new: cannot be written for rows.csv (Too many levels of symbolic links); a",
        ),
        (".rows.csv.new", "broken link", ".rows.csv.new: cannot be written for rows.csv (Too many levels of symbolic"),
        ("rows.csv", "folder", "rows.csv: cannot be written (Is a directory); a folder is in the way: remove it and"),
    ],
)
def test_what_is_in_the_way_is_told_in_one_line_and_kept(tmp_path, name, kind, reason):
    in_the_way(tmp_path, name, kind)
    before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
    with pytest.raises(SpuriousError) as caught:
        atomic.write_text(tmp_path / "rows.csv", "new")
    assert str(caught.value).startswith(f"{tmp_path}/{reason}")
    assert "\n" not in str(caught.value)
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == before
    if kind == "link":
        assert (tmp_path / "elsewhere").read_text() == "kept"


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "results").write_text("kept")
    for path in ("results/rows.csv", "results/digits/rows.csv"):
        with pytest.raises(
            SpuriousError, match=r"results(/digits)?: cannot be written for rows\.csv .*a file is in the way"
        ):
            atomic.write_text(tmp_path / path, "new")
    assert (tmp_path / "results").read_text() == "kept"


@pytest.mark.parametrize("letter", ["x", "é", "\udce9"])
@pytest.mark.parametrize("length", [110, 120, 200, 240, 255])
def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path, letter, length):
    bytes_each = len(os.fsencode(letter))
    name = letter * (length // bytes_each) + "x" * (length % bytes_each)
    atomic.write_text(tmp_path / name, "short")
    with whole_file(tmp_path / name) as first, whole_file(tmp_path / name) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert (tmp_path / name).read_text() == "first"
    assert list(tmp_path.iterdir()) == [tmp_path / name]


def test_a_name_that_is_too_long_is_told(tmp_path):
    with pytest.raises(SpuriousError, match=r"xxx: cannot be written \(File name too long\); give a shorter name$"):
        atomic.write_text(tmp_path / ("x" * 256), "text")
    assert list(tmp_path.iterdir()) == []


def test_unfinished_files_of_different_names_have_different_names():
    names = ["a", "a.new", "x" * 120, "x" * 121, "x" * 200, "x" * 201]
    assert len({atomic.unfinished(Path(name), ".new") for name in names}) == len(names)
    assert atomic.unfinished(Path("results/rows.csv"), ".new") == Path("results/.rows.csv.new")


def test_files_have_the_rights_that_the_umask_leaves(tmp_path):
    code = "import os; os.umask(0o027); from pipeline.files.atomic import write_text; write_text('rows.csv', 'text')"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "scripts")}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "rows.csv").stat().st_mode & 0o777 == 0o640


def test_the_umask_is_never_another_while_files_are_written(tmp_path, monkeypatch):
    def refuse(value):
        raise AssertionError("another thread that makes a file meanwhile makes it for everybody")

    monkeypatch.setattr(os, "umask", refuse)
    atomic.write_text(tmp_path / "rows.csv", "text")
    assert (tmp_path / "rows.csv").stat().st_mode & 0o777 == 0o666 & ~atomic.UMASK


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_a_folder_replaces_another_whatever_an_earlier_run_left(tmp_path, kind):
    (tmp_path / "new").mkdir()
    (tmp_path / "output/old").mkdir(parents=True)
    left = tmp_path / ".output.old"
    (tmp_path / "elsewhere").mkdir()
    {"file": left.touch, "link": lambda: left.symlink_to("elsewhere"), "folder": left.mkdir}[kind]()
    atomic.replace_folder(tmp_path / "new", tmp_path / "output")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "output"]
    assert list((tmp_path / "output").iterdir()) == []


def test_other_errors_are_left_as_they_are(tmp_path):
    for error in (OSError(errno.EIO, "Input/output error"), ValueError("wrong (os error)"), SpuriousError("mine")):
        with pytest.raises(type(error)) as caught, whole_file(tmp_path / "rows.csv"):
            raise error
        assert caught.value is error
