"""All files of requirements carry the same pins, and the running environment has them."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from asking import asked
from projects import DATASET, written_rules

ROOT = Path(__file__).parents[2]
JOBS = "workflow/envs/spurious.yaml"


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


def test_the_environment_of_the_jobs_has_the_same_pins_but_for_what_no_job_needs():
    whole, of_jobs = (yaml.safe_load((ROOT / name).read_text(encoding="utf-8")) for name in ("environment.yml", JOBS))
    for environment in (whole, of_jobs):
        (environment["pip"],) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    others = {line for line in PINS if line.startswith(("snakemake", "rocrate"))}  # rocrate: for records and archives
    assert set(whole.pop("pip")) - set(of_jobs["pip"]) == others
    assert set(of_jobs.pop("pip")) < set(PINS)
    del whole["dependencies"][-1], of_jobs["dependencies"][-1]
    assert whole == of_jobs


def test_jobs_run_in_it_and_none_of_their_programs_imports_snakemake():
    """But for the provenance, which says which snakemake made everything."""
    conda = {rule: text.partition("conda:\n")[2].split()[0].strip('"') for rule, text in written_rules().items()}
    assert {rule for rule, file in conda.items() if file != f"../{Path(JOBS).relative_to('workflow')}"} == {
        "write_provenance"
    }
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "scripts").rglob("*.py")]
    assert not [text for text in sources if re.search(r"^\s*(?:import|from) snakemake", text, re.MULTILINE)]


def test_a_container_of_ones_own_holds_for_every_rule(fresh):
    """By the three lines that docs/cluster.md gives."""
    text = (ROOT / "docs/cluster.md").read_text(encoding="utf-8")
    (fresh / "Snakefile").write_text(
        re.search(r"```python\n(.*?container:.*?)```", text, re.DOTALL)[1], encoding="utf-8"
    )
    containers = {rule: request["container"] for rule, request in asked(fresh, DATASET).items()}
    assert set(containers.values()) == {"docker://registry.example/spurious:0.1.0"}
    assert written_rules().keys() <= containers.keys()


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
