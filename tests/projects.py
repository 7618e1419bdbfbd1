"""A small copy of the project to run snakemake in: what the tests of the pipeline and of its report share."""

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import yaml
from sklearn.datasets import load_digits

from spurious.configuration import deep_merge

ROOT = Path(__file__).parents[1]
DATASET = "own"
ARCHIVE = "own data/digits 012.npz"  # blanks: every path must survive the shell

# All that the demo has, on a dataset of three classes declared as a user would, and so little of each that
# the jobs hardly do more than start and end.
TINY = {
    "datasets": {DATASET: {"source": "npz", "validation": 30, "test": 60, "seed": 0, "classes": 3}},
    "backworking": {"images": 2, "ablation": {"images": 2, "settings": {"published": {"max_steps": 2, "batch": 2}}}},
    "retraining": {
        "rounds": 1,
        "attacks": ["published", "log-p"],
        "arms": [{"negatives": "none", "target": "none"}, {"negatives": "backworked", "target": "uniform"}],
        "strong": {"images": 1, "objectives": ["log_p"], "steps": 2, "restarts": 1, "max_queries": 0},
        "confidence": {"images": 20, "sizes": [0.3], "steps": 1},
    },
    "smoothing": {"sigmas": [0.0, 0.25], "kernels": [5]},
    "linear": {
        "weight_decays": [0.0, 1e-3, 0.1],
        "learning_rate": 0.1,
        "batch_size": 50,
        "epochs": 5,
        "targets": [0, 2],
        "pair": [0, 2],
    },
    "fooling": {"images": 6, "rubbish": 20},
    "black_box": {"images": 3, "population": 4, "max_queries": 40},
    "transfer": {"images": 5, "steps": 2, "population": 4, "max_queries": 20},
    "robustness": {
        "images": 4,
        "seeds": 1,
        "sizes": {"linf": [0.3], "l2": [2.0]},
        "attacks": {
            "random": {"directions": 2},
            "oblivious": {"steps": 2},
            "white-box": {"steps": 2, "restarts": 1, "targets": 1},
            "denial": {"steps": 2},
            "square": {"queries": 3},
            "hop-skip-jump": {"rounds": 1},
            "transfer": {"kind": "transfer", "steps": 2},
        },
        "shards": 2,
    },
    "certification": {
        "images": 4,
        "sigmas": [0.25],
        "n0": 10,
        "n": 40,
        "attack": {"images": 1, "steps": 2, "n": 20},
        "shards": 2,
    },
    "experiments": {
        DATASET: {
            "seeds": [0, 1],
            "classifiers": ["cnn", "softmax"],
            "backworking": ["cnn"],
            "retraining": ["cnn"],
            "smoothing": ["cnn", "softmax"],
            "linear": True,
            "fooling": ["cnn", "softmax"],
            "black_box": ["forest", "nearest", "cnn"],
            "transfer": {"cnn": [0, 1], "softmax": [0], "forest": [0]},
            "robustness": ["cnn"],
            "certification": ["cnn"],
            "override": {
                "classifiers": {
                    "cnn": {"channels": [4, 8], "units": 16},
                    "forest": {"trees": 5},
                    "nearest": {"neighbours": 3},
                },
                "recipes": {
                    "fast": {"steps": 40, "epochs": None, "learning_rate": 0.02},
                    "softmax": {"steps": 50, "epochs": None, "learning_rate": 0.05},
                    "denoiser": {"steps": 3, "epochs": None},
                },
            },
        }
    },
    "targets": {"demo": [DATASET]},
}
# One job of every rule that computes on these data, beside the trainings and the linear classifiers that tables need.
SINGLE = [
    f"results/{DATASET}/{name}"
    for name in (
        "cnn/backworking/ablation0.csv",
        "cnn/retraining/none-none/seed0/attacks.csv",
        "cnn/smoothing.csv",
        "cnn/fooling.csv",
        "forest/black_box.csv",
        "cnn/seed0/robustness/shard0.csv",
        "cnn/certification/shard0.csv",
        "transfer.csv",
    )
]
SEARCHES = {"published": {"max_steps": 6}, "log-p": {"max_steps": 8}}


def copy_project(folder):
    """The project's files, as git knows them, in `folder`; returns it."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def make_tiny(folder):
    """Give `folder` the tiny demo, its archive and its configuration; returns it."""
    digits = load_digits()
    kept = digits.target < 3
    images = np.pad(digits.images[kept] * 15, [(0, 0), (2, 2), (2, 2)]).astype(np.uint8)  # 12 x 12
    archive = folder / ARCHIVE
    archive.parent.mkdir()
    np.savez(archive, images=images, labels=digits.target[kept])
    config = deep_merge(read_config(folder), TINY)
    config["datasets"][DATASET]["files"] = {"archive": {"sha256": sha256(archive), "urls": [ARCHIVE]}}
    searches = config["backworking"]["searches"]
    config["backworking"]["searches"] = {name: searches[name] | values for name, values in SEARCHES.items()}
    write_config(folder, config)
    return folder


def read_config(folder):
    return yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))


def write_config(folder, config):
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


def change_config(folder, changes):
    """Merge `changes` into the configuration of `folder`."""
    write_config(folder, deep_merge(read_config(folder), changes))


@contextlib.contextmanager
def changed_config(folder, changes):
    """Merge `changes` into the configuration of `folder` for a while."""
    before = (folder / "config.yaml").read_bytes()
    change_config(folder, changes)
    try:
        yield
    finally:
        (folder / "config.yaml").write_bytes(before)


@contextlib.contextmanager
def edited(path, addition="\n# a remark\n"):
    """Append to a text file for a while; its content comes back, its time does not."""
    before = path.read_bytes()
    path.write_bytes(before + addition.encode())
    try:
        yield
    finally:
        path.write_bytes(before)


def written_rules():
    """{rule: its text} of every rule that stands in the workflow by its name; those that a loop makes do not."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "workflow/rules").glob("*.smk")))
    blocks = re.split(r"^rule (\w+):", text, flags=re.MULTILINE)[1:]
    return dict(zip(blocks[::2], blocks[1::2], strict=True))


def rules_with_gpu():
    """The rules whose resources name a GPU."""
    return {name for name, text in written_rules().items() if "gpu=1," in text}


def git(folder, *arguments):
    """What git prints in `folder`; it commits there as somebody, whoever runs the tests."""
    name = ["-c", "user.name=tests", "-c", "user.email=tests@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *name, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def commit_all(folder):
    """Commit every file that git does not ignore, even where nothing has changed."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "everything")


def carry(folder, place):
    """Clone the project in `folder` to `place` and copy its results and metadata there, as our docs say; returns it."""
    source = shutil.copytree(folder, place.with_name("source"), ignore=shutil.ignore_patterns(".snakemake", "results"))
    (source / "results").mkdir()
    shutil.copy(folder / "results/README.md", source / "results")
    git(source, "init", "--quiet")
    commit_all(source)
    git(source.parent, "clone", "--quiet", str(source), str(place))
    shutil.copytree(folder / "results", place / "results", dirs_exist_ok=True)  # links followed
    shutil.copytree(folder / ".snakemake/metadata", place / ".snakemake/metadata")
    return place


def snakemake_command(*arguments, cores=1):
    """CPU only: what a GPU computes is not promised to the last digit."""
    return [sys.executable, "-m", "snakemake", *arguments, "--cores", str(cores), "--resources", "gpu=0"]


def environment():
    """The rules call `python`: let it be the one that runs the tests."""
    return os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def run_snakemake(folder, *arguments, cores=1, check=True, variables=()):
    """Run snakemake in `folder`, with more environment variables; a failure not asked for shows what it printed."""
    command = snakemake_command(*arguments, cores=cores)
    variables = environment() | dict(variables)
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def times(folder):
    """{path: when it was modified, ns} of every file in `folder`."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def contents(folder, pattern="**/*"):
    """{path: sha256} of the files in `folder` but for logs, and for records, which say when and how long."""
    timed = ("ro-crate-metadata", "provenance")
    files = (path for path in folder.glob(pattern) if path.is_file() and path.stem not in timed)
    names = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: sha256(path) for name, path in sorted(names.items()) if not name.startswith("logs/")}


def planned_jobs(done):
    """(script or rule, reason) of every job that a run with --printshellcmds started or planned."""
    for script, _, reason in planned_commands(done):
        yield script, reason


def planned_results(done):
    """{"tables/linear": reason} of every table and figure that such a run made or planned."""
    pattern = r"--output results/[^/ ]+/((?:tables|figures)/\S+)\.\w+"
    planned = {}
    for script, command, reason in planned_commands(done):
        found = re.search(pattern, command)
        if script == "make_result.py" and found:
            planned[found[1]] = reason
    return planned


def planned_commands(done):
    """(script, its command with all that stands around it, reason) of every job of such a run."""
    for block in re.split(r"\n *(?=\[[A-Z])", done.stdout + done.stderr):  # of a group indented
        if reason := re.search(r"^ *[Rr]eason: (.*)", block, re.MULTILINE):
            script = re.search(r"python scripts/(\w+\.py)", block)
            if script:
                yield script.group(1), block, reason.group(1)


def error_lines(done):
    """Our error messages in the standard error; one that a log repeats, or another attempt, counts once."""
    return sorted({line for line in done.stderr.splitlines() if line.startswith("error:")})
