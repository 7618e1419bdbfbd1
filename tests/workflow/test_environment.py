"""requirements.txt and environment.yml carry the same pins, and the running environment has them."""

from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]


def pins_of(name):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith(("#", "-r "))]


PINS = pins_of("requirements.txt")
TEST_PINS = pins_of("requirements-test.txt") + pins_of("requirements-slurm.txt")


def test_conda_environment_has_the_same_pins():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    (pip,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert sorted(pip) == sorted(PINS)
    assert environment["channels"] == ["conda-forge", "nodefaults"]


@pytest.mark.parametrize("line", PINS + TEST_PINS)
def test_every_requirement_is_one_exact_version(line):
    (specifier,) = Requirement(line).specifier
    assert specifier.operator == "=="
    assert "*" not in specifier.version


@pytest.mark.parametrize("line", PINS)
def test_pinned_version_is_installed(line):
    requirement = Requirement(line)
    (specifier,) = requirement.specifier
    # What follows a "+" names the build (CPU, CUDA), not the version.
    assert Version(version(requirement.name)).public == specifier.version
