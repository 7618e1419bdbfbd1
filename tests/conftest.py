"""What all tests share: which of them are slow, how hypothesis draws, and one tiny run of the whole demo."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings

from mirroring import mirror  # noqa: F401 - a fixture for several folders
from projects import copy_project, make_tiny, run_snakemake
from records import violations  # noqa: F401 - a fixture for several folders

# A busy machine must not decide how a test ends: no deadlines, and the same examples in every run.
settings.register_profile(
    "spurious", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("spurious")

TESTS = Path(__file__).parent
SLOW_FOLDERS = {"benchmarks", "cluster", "faults", "fuzz", "gpu"}
NOTES = "notes"
SLOW_FILES = {
    "test_compat.py",
    "test_deployment.py",
    "test_photograph_pipeline.py",
    "test_report.py",
    "test_scaling.py",
}
SLOW_FIXTURES = {"finished", "rerun"}  # the finished demo, and a copy of it


def is_slow(path, fixtures):
    """Whether a test in the file `path` kills, needs a service, runs a demo or is long; by its fixtures, too."""
    place = path.relative_to(TESTS)
    return place.parts[0] in SLOW_FOLDERS or place.name in SLOW_FILES or not SLOW_FIXTURES.isdisjoint(fixtures)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark as slow what `make test` leaves to `make test-all`; other tests carry the marker themselves."""
    for item in items:
        if is_slow(item.path, item.fixturenames):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def checkout(tmp_path_factory):
    """The project's files with a tiny demo; nothing has run in it, and nothing shall: copy it."""
    return make_tiny(copy_project(tmp_path_factory.mktemp("checkout") / "project"))


@pytest.fixture(scope="session")
def finished(checkout, tmp_path_factory):
    """The tiny demo, run on two cores as `make demo` does; a test leaves everything as it was.

    Of several processes of pytest the first runs it, and each has a copy; where it failed, all others fail at once.
    """
    shared = shared_folder(tmp_path_factory)
    report, demo, failed = "results/demo.html", shared / "demo", shared / "demo.failed"
    with (shared / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if failed.exists():
            pytest.fail("the tiny demo failed: the first test that asked for it shows how", pytrace=False)
        if not demo.exists():
            failed.touch()
            (shared / NOTES).mkdir()
            noting = {"PYTHONPATH": str(TESTS / "noting"), "SPURIOUS_NOTES": str(shared / NOTES)}
            arguments = ["demo", "--report", report, "--report-after-run"]
            run_snakemake(shutil.copytree(checkout, demo), *arguments, cores=2, variables=noting)
            failed.unlink()
    return shutil.copytree(demo, tmp_path_factory.mktemp("finished") / "project")


@pytest.fixture(scope="session")
def notes(finished, tmp_path_factory):
    """The folder of what the jobs of the tiny demo noted about the modules that they loaded."""
    return shared_folder(tmp_path_factory) / NOTES


def shared_folder(tmp_path_factory):
    """The folder of this run of pytest, of all its processes."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture
def fresh(checkout, tmp_path):
    """The tiny project for one test alone, before anything has run."""
    return shutil.copytree(checkout, tmp_path / "project")


@pytest.fixture
def rerun(finished, tmp_path):
    """The finished tiny demo for one test alone."""
    return shutil.copytree(finished, tmp_path / "project")


@pytest.fixture(scope="module")
def one_thread():
    """One torch thread for the tests of a module: bit for bit comparisons need a fixed number."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
