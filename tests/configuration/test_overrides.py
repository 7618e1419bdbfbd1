"""What stands under the override of one dataset only is planned, and what is left out is not run."""

import shutil

import pytest

from projects import DATASET, change_config, planned_commands, run_snakemake

BARE, IDLE = "bare", "idle"
LISTED = {"write_class_names.py"}
NAMES = [f"digit {number}" for number in range(10)]
DENOISED = {"defences": {"own": {"kind": "denoised", "denoiser": "own-denoiser"}}}
DENOISER = f"--denoisers results/{DATASET}/own-cnn/seed0/denoisers/own-denoiser.safetensors "
OWN = {
    "classifiers": {"own-cnn": {"architecture": "cnn", "recipe": "own-recipe", "channels": [2, 4], "units": 8}},
    "recipes": {"own-recipe": {"learning_rate": 0.0125, "batch_size": 25, "steps": 7}},
    "backworking": {"searches": {"own-search": {"objective": "log_p", "max_steps": 3}}},
    "retraining": {
        "recipe": "own-recipe",
        "attacks": ["published", "own-search"],
        "arms": [{"negatives": "none", "target": "none"}, {"negatives": "normal", "target": "extra"}],
    },
    "smoothing": {"kernels": [9], "variants": {"own-variant": {"clamp": False}}},
    "fooling": {"methods": {"own-method": {"epsilon": 0.0625}}},
    "denoisers": {"own-denoiser": {"sigma": 0.5, "recipes": {"mse": "own-recipe"}}},
    "robustness": {
        "classifiers": {"own-cnn": DENOISED | {"sizes": {"l2": [0.75]}}},
        "attacks": {"from-one": {"kind": "transfer", "seed": 1}},
    },
    "certification": DENOISED,
}
STAGES = {"classifiers": ["own-cnn"], "backworking": ["own-cnn"], "retraining": ["own-cnn"], "smoothing": ["own-cnn"]}
STAGES |= {"fooling": ["own-cnn"], "black_box": ["own-cnn"], "transfer": {"own-cnn": [1]}}
STAGES |= {"robustness": ["own-cnn"], "certification": ["own-cnn"]}
PLANNED = {
    "a classifier and its recipe": ("train_classifier.py", "--classifier own-cnn", '"learning_rate": 0.0125'),
    "a classifier's images": ("backwork_label.py", "--classifier own-cnn", '"own-search": {'),
    "a figure of a search": ("make_result.py", "figures/found-own-cnn-own-search.png"),
    "an arm": ("retrain_classifier.py", "--negatives normal --target extra", '"steps": 7'),
    "a kernel and a variant": ("smooth_shard.py", '"kernels": [9]', '"own-variant": {'),
    "a method": ("fool_classifier.py", '"own-method": {"epsilon": 0.0625}'),
    "a denoiser": ("train_denoiser.py", "--name own-denoiser", '"steps": 7'),
    "a certified denoiser": ("certify_classifier.py", DENOISER),
    "an attacked denoiser": ("attack_defence.py", DENOISER),
    "attacks of a classifier's own sizes": ("attack_defence.py", '"sizes": {"l2": [0.75]}'),
    "a source of a transfer": ("attack_defence.py", " from-one=results/own/own-cnn/seed1/", '"from-one": {'),
    "a judged classifier": ("transfer_images.py", "own-cnn:1="),
}


@pytest.fixture(scope="module")
def planned(checkout, tmp_path_factory):
    """{rule's program: commands} of a plan of three datasets: one overrides, one has one stage, one has none."""
    folder = shutil.copytree(checkout, tmp_path_factory.mktemp("overrides") / "project")
    digits = {"source": "digits", "size": 12, "validation": 30, "test": 60}
    change_config(
        folder,
        {
            "datasets": {BARE: {**digits, "class_names": NAMES}, IDLE: digits},
            "experiments": {
                DATASET: {**STAGES, "override": OWN},
                BARE: {"seeds": [0], "linear": True},
                IDLE: {"seeds": [0]},
            },
            "targets": {"demo": [DATASET, BARE, IDLE]},
        },
    )
    commands = {}
    for program, command, _ in planned_commands(run_snakemake(folder, "demo", "--dry-run", "--printshellcmds")):
        commands.setdefault(program, []).append(command)
    return commands


@pytest.mark.parametrize(("program", "parts"), [(p[0], p[1:]) for p in PLANNED.values()], ids=PLANNED)
def test_an_entry_that_stands_in_an_override_only_is_planned(planned, program, parts):
    assert any(all(part in command for part in parts) for command in planned[program])


def test_the_orientation_of_photographs_reaches_every_reader_of_files(checkout, tmp_path):
    folder = shutil.copytree(checkout, tmp_path / "project")
    datasets = {name: {"exif_orientation": True} for name in ("imagenet-samples", "imagenet64")}
    for split in ("train", "val"):
        (folder / "data/imagenet" / split).mkdir(parents=True)
    change_config(folder, {"datasets": datasets})
    targets = ("imagenet-samples/images.csv", "imagenet64/store", "imagenet-samples/figures/example-resnet50.png")
    options = ("--dry-run", "--printshellcmds")
    plan = planned_commands(run_snakemake(folder, *(f"results/{target}" for target in targets), *options))
    told = {program: "--exif-orientation" in command for program, command, _ in plan}
    readers = ("prepare_images.py", "make_store.py", "classify.py")
    assert told == dict.fromkeys(("fetch_images.py", "fetch_classifier.py"), False) | dict.fromkeys(readers, True)


def test_stages_that_are_left_out_are_not_run(planned):
    linear = [command for command in planned["train_linear.py"] if f"results/{BARE}/" in command]
    assert len(linear) == 1
    for dataset, programs in {BARE: {"prepare_dataset.py", "train_linear.py", *LISTED}, IDLE: set()}.items():
        found = {program for program, own in planned.items() if any(f"results/{dataset}/" in one for one in own)}
        assert found - {"make_result.py", "write_provenance.py", "write_summary.py"} == programs


def test_listed_class_names_reach_the_figures_of_their_dataset_alone(planned):
    table = f"results/{BARE}/class_names.csv"
    (written,) = planned["write_class_names.py"]
    assert f"--output {table} " in written
    assert '"digit 9"]' in written
    figures = [command for command in planned["make_result.py"] if "--input class_names" in command]
    assert len(figures) == 3
    assert all(f"--input class_names {table} " in command for command in figures)
    assert not any("digit 9" in command for command in planned["prepare_dataset.py"])
