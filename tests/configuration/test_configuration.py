"""config.yaml: what is shipped is valid, what is wrong is named in one line with its remedy, the rest has defaults.

The schema and the table of parameters are made from the settings, and not stale.
"""

import copy
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st

import document_settings
from pipeline.files.published import published_classifiers
from spurious.attacks.settings import ImageOptimization
from spurious.classifiers.entries import Architecture
from spurious.classifiers.models import Description, build_classifier
from spurious.classifiers.recipes import TrainingRecipe
from spurious.configuration import check, completed, deep_merge, settings_for
from spurious.documentation import rows
from spurious.errors import SpuriousError
from spurious.experiments.linear.catalogue import targets
from spurious.registry import parse
from spurious.sections import Configuration

ROOT = Path(__file__).parents[2]
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
SHORT = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
OVERRIDE = "experiments.digits.override"


@pytest.fixture
def config():
    return copy.deepcopy(CONFIG)


def changed(path, value):
    """The shipped configuration with `value` at `path`, whose parts are separated by "/"."""
    config = copy.deepcopy(CONFIG)
    *parents, last = path.split("/")
    place = config
    for part in parents:
        place = place[part]
    place[last] = value
    return config


def message(config):
    with pytest.raises(SpuriousError) as caught:
        check(config)
    return str(caught.value)


def test_shipped_config_is_valid(config):
    check(config)
    assert config == CONFIG, "checking must not change the configuration"


NO_NEGATIVES = {"negatives": "none", "target": "none"}
DENOISED = {"denoised": {"kind": "denoised", "denoiser": "dncnn"}}
BAD = {
    "unknown view": (
        "smoothing/views",
        ["ns", "medan"],
        "smoothing.views[1]: 'medan' is not allowed: a view, by name or with its kind and parameters; did you mean 'me",
    ),
    "view with a wrong parameter": (
        "smoothing/views",
        [{"kind": "jpeg", "quality": 0}],
        "smoothing.views[0].quality: 0 is not allowed: quality of the JPEG, a whole number from 1 to 100",
    ),
    "two views of one name": (
        "smoothing/views",
        ["ns", {"kind": "median", "name": "m"}, {"kind": "bits", "name": "m"}],
        "smoothing.views: two views are called 'm': give one of them another name",
    ),
    "no view": ("smoothing/views", [], "smoothing.views: [] is not allowed: the views that vote"),
    "unknown noise": (
        "smoothing/variants",
        {"published": {}, "salt": {"noise": "salt"}},
        "smoothing.variants.salt.noise: 'salt' is not allowed: a noise, by name",
    ),
    "view of an override": (
        OVERRIDE.replace(".", "/"),
        {"smoothing": {"views": ["s"]}},
        f"{OVERRIDE}.smoothing.views[0]: 's' is not allowed: a view, by name",
    ),
    "unknown key": ("smoothing/sigma", [0.1], "smoothing: unknown key 'sigma'; did you mean 'sigmas'?"),
    "unknown key at the top": ("thread", 2, "config.yaml: unknown key 'thread'; did you mean 'threads'?"),
    "nothing alike": ("smoothing/xyz", 1, "smoothing: unknown key 'xyz'; known are sigmas, kernels, blur_sigma"),
    "fraction of threads": ("threads/training", 1.5, "threads.training: 1.5 is not allowed: whole number of threads"),
    "float for an integer": ("smoothing/batch_size", 250.0, "smoothing.batch_size: 250.0 is not allowed: views in"),
    "true for an integer": ("threads/training", True, "threads.training: True is not allowed: whole number"),
    "text from --config": ("threads/training", "2", "threads.training: '2' is not allowed: whole number"),
    "number without a point": ("recipes/fast/learning_rate", "2e-3", "fast.learning_rate: '2e-3' is not allowed"),
    "one value of p": (
        "backworking/searches/logit/reinitialize_after",
        1,
        "searches.logit.reinitialize_after: 1 is not allowed: values of p without a rise before an image starts again; "
        "use 2 or more, or 0 for never",
    ),
    "infinite": (
        "recipes/fast/learning_rate",
        float("inf"),
        "learning_rate: inf is not allowed: learning rate, a number",
    ),
    "not a number": ("smoothing/sigmas", [float("nan")], "smoothing.sigmas[0]: nan is not allowed: standard deviation"),
    "negative sigma": ("smoothing/sigmas", [0.0, -0.1], "smoothing.sigmas[1]: -0.1 is not allowed: standard deviation"),
    "even kernel": ("smoothing/kernels", [5, 4], "kernels[1]: 4 is not allowed: odd number of taps: 3, 5, 7, ..."),
    "kernel of 1": ("smoothing/kernels", [1], "smoothing.kernels[0]: 1 is not allowed: odd number of taps"),
    "no shard": ("smoothing/shards", 0, "smoothing.shards: 0 is not allowed: jobs that share"),
    "empty section": ("smoothing", None, "smoothing: None is not allowed: settings of the noise sweep"),
    "learning rate 0": ("recipes/fast/learning_rate", 0.0, "recipes.fast.learning_rate: 0.0 is not allowed"),
    "steps and epochs": ("recipes/fast/steps", 10, "recipes.fast: exactly one of steps and epochs"),
    "neither of them": ("recipes/fast/epochs", None, "recipes.fast: exactly one of steps and epochs"),
    "unknown schedule": ("recipes/fast/schedule", "cosine", "fast.schedule: 'cosine' is not allowed: course of the"),
    "missing key": ("recipes/new", {"learning_rate": 0.1, "steps": 1}, "recipes.new: the key 'batch_size' is missing"),
    "missing recipe": ("classifiers/new", {"architecture": "cnn"}, "classifiers.new: the key 'recipe' is missing"),
    "two kinds of classifier": (
        "classifiers/new",
        {"architecture": "cnn", "recipe": "fast", "torchscript": "a.pt"},
        "classifiers.new: unknown key 'torchscript'; known are architecture, recipe",
    ),
    "no kind of classifier": ("classifiers/new", {"resize": 256}, "classifiers.new: exactly one of architecture"),
    "program without a hash": ("classifiers/new", {"torchscript": "a.pt"}, "new: the key 'sha256' is missing"),
    "torchvision without weights": ("classifiers/new", {"torchvision": "vgg11"}, "new: the key 'weights' is missing"),
    "unknown classifier of torchvision": (
        "classifiers/new",
        {"torchvision": "resnet51", "weights": "DEFAULT"},
        "classifiers.new.torchvision: unknown classifier 'resnet51'; did you mean 'resnet50'?",
    ),
    "network of torchvision that is no classifier": (
        "classifiers/new",
        {"torchvision": "raft_large", "weights": "DEFAULT"},
        "classifiers.new.torchvision: unknown classifier 'raft_large'",
    ),
    "unknown weights of torchvision": (
        "classifiers/resnet50/weights",
        "IMAGENET1K_V3",
        "classifiers.resnet50.weights: unknown weights 'IMAGENET1K_V3'; did you mean 'IMAGENET1K_V2'?",
    ),
    "weights of another classifier, in an override": (
        "experiments/digits/override/classifiers",
        {"resnet50": {"torchvision": "vgg11", "weights": "IMAGENET1K_V2"}},
        f"{OVERRIDE}.classifiers.resnet50.weights: unknown weights 'IMAGENET1K_V2'; did you mean 'IMAGENET1K_V1'?",
    ),
    "crop without resize": (
        "classifiers/new",
        {"exported": "a.pt2", "sha256": "0" * 64, "crop": 224},
        "classifiers.new: a program with its sha256; mean goes with std, and crop with resize",
    ),
    "crop above resize": (
        "classifiers/new",
        {"exported": "a.pt2", "sha256": "0" * 64, "crop": 257, "resize": 256},
        "classifiers.new.crop: 257 exceeds resize (256)",
    ),
    "no published variant": ("smoothing/variants", {"other": {}}, "variants: the key 'published' is missing: {}, the"),
    "changed published variant": (
        "smoothing/variants/published",
        {"clamp": False},
        "smoothing.variants.published: {}, the order that was published; changes are variants of their own: "
        "write variants: {salt: {noise: salt_and_pepper}}, for instance",
    ),
    "key of a variant outside of them": (
        "smoothing/noise",
        "salt_and_pepper",
        "smoothing: the key 'noise' belongs to a variant: write variants: {salt: {noise: salt_and_pepper}}",
    ),
    "key of a variant outside of them, in an override": (
        "experiments/digits/override/smoothing",
        {"clamp": False},
        f"{OVERRIDE}.smoothing: the key 'clamp' belongs to a variant: write variants: ",
    ),
    "unknown key of a variant": (
        "smoothing/variants/other",
        {"antialiased": True},
        "smoothing.variants.other: unknown key 'antialiased'; did you mean 'antialias'?",
    ),
    "class names, too few": (
        "datasets/digits/class_names",
        ["nought", "one"],
        "datasets.digits: class_names has 2 names, classes is 10: name every class once",
    ),
    "class names, one twice": (
        "datasets/mnist/class_names",
        ["a", "a"],
        "mnist.class_names: ['a', 'a'] is not allowed: ",
    ),
    "class names, one empty": (
        "datasets/mnist/class_names",
        ["a", " "],
        "mnist.class_names: ['a', ' '] is not allowed: ",
    ),
    "class names, numbers": (
        "datasets/mnist/class_names",
        [0, 1],
        "mnist.class_names: [0, 1] is not allowed: the names",
    ),
    "class names, none": (
        "datasets/mnist/class_names",
        None,
        "mnist.class_names: None is not allowed: the names of all",
    ),
    "class names, no path": (
        "datasets/mnist/class_names",
        "",
        "mnist.class_names: '' is not allowed: the names of all",
    ),
    "no noise seed": ("smoothing/seeds", [], "smoothing.seeds: [] is not allowed: different seeds of the noise"),
    "address without the file's name": (
        "datasets/imagenet-samples/urls",
        ["https://host/a.JPEG"],
        "an address (https, http or file) with {file} in it",
    ),
    "training on photographs": (
        "experiments/imagenet-samples/classifiers",
        ["cnn"],
        "imagenet-samples.classifiers[0]: photographs differ in size, and nothing is trained on them: name 'cnn' in ",
    ),
    "training what was brought": (
        "experiments/digits/classifiers",
        ["cnn", "resnet50"],
        "digits.classifiers[1]: 'resnet50' has no architecture: give it one, or name it in smoothing or fooling",
    ),
    "channels": ("classifiers/cnn/channels", [32], "cnn.channels: [32] is not allowed: output channels of the two"),
    "units of softmax": ("classifiers/softmax/units", 9, "classifiers.softmax: unknown key 'units'; known are archit"),
    "bad sha256": (
        "datasets/mnist/files/test_images/sha256",
        "f00",
        "test_images.sha256: 'f00' is not allowed: the SHA",
    ),
    "sha256 read as a number": ("datasets/mnist/files/test_images/sha256", 123, "digits, in quotes"),
    "no url": ("datasets/mnist/files/test_images/urls", [], "test_images.urls: [] is not allowed: different addresses"),
    "other kind of url": (
        "datasets/mnist/files/test_images/urls",
        ["ssh://h/f"],
        "urls[0]: 'ssh://h/f' is not allowed: an",
    ),
    "unknown source": ("datasets/digits/source", "csv", "digits.source: 'csv' is not allowed: where the images come"),
    "no source": ("datasets/digits", {"size": 28}, "datasets.digits: the key 'source' is missing: where the images"),
    "key of another source": ("datasets/mnist/test", 5, "datasets.mnist: unknown key 'test'; known are source, valid"),
    "too few digits left": ("datasets/digits/test", 1600, "datasets.digits: validation and test take 1800 of the 1797"),
    "name as a path": ("datasets/..", CONFIG["datasets"]["digits"], "datasets: '..' is not allowed: a name made of"),
    "name with a line end": ("datasets/a\n", CONFIG["datasets"]["digits"], "datasets: 'a\\n' is not allowed: a name"),
    "name of a folder": ("datasets/downloads", CONFIG["datasets"]["digits"], "a name other than 'downloads'"),
    "name of the report's page": ("datasets/demo.html", CONFIG["datasets"]["digits"], "a name other than 'downloads'"),
    "classifier as a folder": ("classifiers/tables", CONFIG["classifiers"]["cnn"], "a name other than 'tables', 'fig"),
    "unknown recipe": ("classifiers/cnn/recipe", "fats", "cnn.recipe: unknown recipe 'fats'; did you mean 'fast'?"),
    "unknown recipe to retrain": ("retraining/recipe", "x", "retraining.recipe: unknown recipe 'x'; known are publ"),
    "unknown attack": ("retraining/attacks", ["log-q"], "attacks[0]: unknown search 'log-q'; did you mean 'log-p'?"),
    "unknown judge": (
        "retraining/judges",
        [{"classifier": "forest"}, {"classifier": "resnet50"}],
        "retraining.judges[1].classifier: unknown classifier 'resnet50'",
    ),
    "no judge": ("retraining/judges", [], "retraining.judges: [] is not allowed: different judges"),
    "one judge twice": ("retraining/judges", [{"classifier": "forest"}] * 2, "retraining.judges"),
    "judge that is searched": (
        "retraining/judges",
        [{"classifier": "cnn"}],
        "retraining.judges[0]: 'cnn' is searched with the seeds 0, 1, 2; give its judge another seed",
    ),
    "judge that is searched with its seed": (
        "retraining/judges",
        [{"classifier": "forest"}, {"classifier": "cnn", "seed": 2}],
        "retraining.judges[1]: 'cnn' is searched with the seeds 0, 1, 2; give its judge another seed",
    ),
    "images of nowhere": ("retraining/confidence/elsewhere", "letters", "confidence.elsewhere: 'letters' is not allo"),
    "images of the dataset itself": (
        "retraining/confidence/elsewhere",
        "digits",
        "retraining.confidence.elsewhere: 'digits' are the dataset's own images: use photographs, or null",
    ),
    "recipe that retrains one classifier": (
        "retraining/classifiers/cnn",
        {"recipe": "fats"},
        "retraining.classifiers.cnn.recipe: unknown recipe 'fats'; did you mean 'fast'?",
    ),
    "attack on a defence of a classifier without a gradient": (
        "experiments/digits/robustness",
        ["forest"],
        "digits.robustness[0]: 'forest' has no architecture or torchvision or torchscript or exported: give it one, or",
    ),
    "attack of size 0": (
        "robustness/sizes/linf",
        [0.0],
        "robustness.sizes.linf[0]: 0.0 is not allowed: largest change",
    ),
    "attack of a negative size": ("robustness/sizes/l2", [-1.0], "robustness.sizes.l2[0]: -1.0 is not allowed"),
    "attack in an unknown norm": ("robustness/sizes", {"l7": [0.1]}, "'l7' is not allowed: one of linf, l2"),
    "defence of a view that there is not": (
        "robustness/defences/vote/views",
        ["ns", "sss"],
        "robustness.defences.vote.views[1]: 'sss' is not allowed: a view, by name or with its kind and parameters; did",
    ),
    "defence that there is not": ("robustness/defences/vote", "votee", "robustness.defences.vote: 'votee' is not"),
    "attacks on an unknown classifier": ("robustness/classifiers/cn", {}, "robustness.classifiers: unknown classifier"),
    "certification of an unknown classifier": (
        "certification/classifiers/lenet-025x",
        {"n": 5},
        "certification.classifiers: unknown classifier 'lenet-025x'",
    ),
    "unknown denoiser of one classifier's defence": (
        "robustness/classifiers/cnn",
        {"defences": {"own": {"kind": "denoised", "denoiser": "dncnnx"}}},
        "robustness.classifiers.cnn.defences.own.denoiser: unknown denoiser 'dncnnx'; did you mean 'dncnn'?",
    ),
    "denoiser of photographs": (
        "certification/classifiers/resnet50",
        {"defences": DENOISED},
        "imagenet-samples.certification[0]: nothing is trained on photographs, no denoiser for 'resnet50' either",
    ),
    "transfer from an unknown classifier": (
        "robustness/attacks/transfer",
        {"kind": "transfer", "classifier": "softmx"},
        "robustness.attacks.transfer.classifier: unknown classifier 'softmx'; did you mean 'softmax'?",
    ),
    "transfer from a classifier without a gradient": (
        "robustness/attacks/other",
        {"kind": "transfer", "classifier": "forest"},
        "robustness.attacks.other.classifier: 'forest' has no gradient to follow: name another classifier",
    ),
    "transfer from an unknown seed": (
        "robustness/attacks/other",
        {"kind": "transfer", "classifier": "softmax", "seed": 7},
        "robustness.attacks.other.seed: the seed 7 is not among the experiment's: use [0, 1, 2",
    ),
    "transfer from the attacked network": (
        "robustness/attacks/other",
        {"kind": "transfer", "seed": 0},
        "robustness.attacks.other: 'cnn' would be attacked from itself: name another classifier, or a seed that is not",
    ),
    "own attack of size 0": (
        "robustness/classifiers/cnn",
        {"sizes": {"linf": [0.1, 0.0]}},
        "robustness.classifiers.cnn.sizes.linf[1]: 0.0 is not allowed: largest change",
    ),
    "own attack in an unknown norm": (
        "robustness/classifiers/cnn",
        {"sizes": {"l7": [0.1]}},
        "'l7' is not allowed: one of linf, l2",
    ),
    "own attacks of no size": ("robustness/classifiers/cnn", {"sizes": {}}, "robustness.classifiers.cnn.sizes: {} is"),
    "no attacked training": (
        "robustness/classifiers/cnn",
        {"seeds": 0},
        "robustness.classifiers.cnn.seeds: 0 is not allowed: trainings",
    ),
    "threshold like a defence that this classifier has not": (
        "robustness/classifiers/cnn",
        {"defences": {"threshold": {"kind": "threshold", "like": "vote"}}},
        "robustness.classifiers.cnn.defences.threshold.like: unknown defence 'vote'",
    ),
    "attacks of a training of a size below 0": (
        "recipes/adversarial/adversarial/epsilon",
        -0.1,
        "recipes.adversarial.adversarial.epsilon: -0.1 is not allowed: largest change of a pixel",
    ),
    "retraining of an unknown classifier": ("retraining/classifiers/cn", {}, "retraining.classifiers: unknown class"),
    "recipe called own": ("recipes/own", CONFIG["recipes"]["fast"], "recipes: 'own' is not allowed: a name other"),
    "unknown negatives": (
        "retraining/arms",
        [NO_NEGATIVES, {"negatives": "noise", "target": "extra"}],
        "retraining.arms[1].negatives: 'noise' is not allowed: one of none, uniform, normal, backworked, noise-1, no",
    ),
    "negatives of a search that does not attack": (
        "experiments/digits/override/retraining/arms",
        [NO_NEGATIVES, {"negatives": "backworked-logit", "target": "extra"}],
        "retraining.arms[1].negatives: unknown attack 'logit'; did you mean 'log-p'?",
    ),
    "negatives of one classifier's arm": (
        "retraining/classifiers/cnn",
        {"arms": [NO_NEGATIVES, {"negatives": "backworked-x", "target": "extra"}]},
        "retraining.classifiers.cnn.arms[1].negatives: unknown attack 'x'; known are published, log-p",
    ),
    "arm without negatives": (
        "retraining/arms",
        [{"negatives": "none", "target": "extra"}],
        "retraining.arms[0].target: 'extra' is not allowed: none where there are no negatives",
    ),
    "arm without target": (
        "retraining/arms",
        [{"negatives": "normal", "target": "none"}],
        "retraining.arms[0].target: 'none' is not allowed: uniform or extra",
    ),
    "nothing matters": ("retraining/matters/found", 0.0, "retraining.matters.found: 0.0 is not allowed: of the share"),
    "p above 1": ("backworking/searches/published/stop_min_p", 1.5, "published.stop_min_p: 1.5 is not allowed: stop"),
    "more than max_steps": (
        "backworking/searches/log-p/min_steps",
        130,
        "log-p.min_steps: 130 exceeds max_steps (120)",
    ),
    "layer without weight": (
        "backworking/searches/published/layer_weights",
        {"input": 1.0, "conv1": 1.0, "conv2": 1.0, "softmax": 1.0},
        "published.layer_weights: the layer 'fc' of the classifier 'cnn' is missing: give it a weight",
    ),
    "independent classes where a softmax is meant": (
        "experiments/mnist/backworking",
        ["cnn", "rbf"],
        "mnist.backworking[1]: the classes of 'rbf' are independent, and no softmax is over them: name it in ",
    ),
    "duplicate seeds": ("experiments/digits/seeds", [0, 1, 0], "seeds: [0, 1, 0] is not allowed: different whole"),
    "one seed": (
        "experiments/digits",
        {**CONFIG["experiments"]["digits"], "seeds": [0], "transfer": {}},
        "digits.seeds: [0] is not allowed: retraining needs two seeds",
    ),
    "seed that nothing is trained with": (
        "experiments/digits/transfer/cnn",
        [0, 7],
        "digits.transfer.cnn: the seed 7 is not among the experiment's: use [0, 1, 2]",
    ),
    "forest without a gradient": (
        "experiments/digits/fooling",
        ["forest"],
        "digits.fooling[0]: 'forest' has no architecture or torchvision or torchscript or exported: give it one, or "
        "name it in black_box or transfer instead",
    ),
    "program without training": (
        "experiments/digits/transfer",
        {"resnet50": [0]},
        "digits.transfer[0]: 'resnet50' has no architecture or scikit_learn: give it one",
    ),
    "training on a store": (
        "experiments/imagenet64/smoothing",
        ["resnet50"],
        "imagenet64.smoothing[0]: a store is only for linear classifiers: leave 'resnet50' out",
    ),
    "store of two kinds": (
        "datasets/imagenet64/batches",
        {"train": ["a.npz"], "test": ["b.npz"]},
        "datasets.imagenet64: a store needs either tree (folders of class folders) or batches",
    ),
    "orientation of batches": (
        "datasets/batched",
        {"source": "store", "classes": 2, "size": 4, "validation": 1, "exif_orientation": True}
        | {"batches": {"train": ["a.npz"], "test": ["b.npz"]}},
        "datasets.batched: exif_orientation: batches hold pixels without EXIF; remove it, or give a tree",
    ),
    "target that does not exist": (
        "experiments/digits/override/linear",
        {"targets": [1, 10]},
        "experiments.digits: linear.targets: there is no class 10: use 0 to 9",
    ),
    "pair that does not exist": (
        "experiments/digits/override/linear/pair",
        [3, 10],
        "experiments.digits: linear.pair: there is no class 10: use 0 to 9",
    ),
    "pair of one class": ("linear/pair", [3, 3], "linear.pair: [3, 3] is not allowed: two different classes"),
    "step size 0": ("fooling/methods/pgd-linf/step_size", 0, "pgd-linf.step_size: 0 is not allowed: size of a step"),
    "epsilon 0": ("fooling/methods/fgsm/epsilon", 0, "fgsm.epsilon: 0 is not allowed: largest change, in pixel"),
    "method without epsilon": ("fooling/methods/new", {"steps": 3}, "methods.new: the key 'epsilon' is missing: lar"),
    "away from noise": (
        "fooling/methods/noise-targeted/goal",
        "untargeted",
        "noise-targeted.goal: 'untargeted' is not allowed: targeted where the start is noise",
    ),
    "rounds of a forest": (
        "classifiers/forest/rounds",
        3,
        "classifiers.forest: unknown key 'rounds'; known are scikit_learn, training_images, trees",
    ),
    "decay of the write-up": (
        "linear/published_as",
        {"high regularization": 5.0},
        "linear.published_as.high regularization: 5 is not in weight_decays: use 0 or 0.0001",
    ),
    "one weight decay": ("linear/weight_decays", [0.0], "linear.weight_decays: [0.0] is not allowed: two or more diff"),
    "unknown dataset": (
        "experiments/minst",
        CONFIG["experiments"]["mnist"],
        "unknown dataset 'minst'; did you mean 'mn",
    ),
    "unknown classifier": (
        "experiments/digits/smoothing",
        ["cmn"],
        "digits.smoothing[0]: unknown classifier 'cmn'; did",
    ),
    "target that is the default": ("targets/all", ["digits"], "targets: 'all' is not allowed: a name other than 'all'"),
    "target with a blank": ("targets/my data", ["digits"], "targets: 'my data' is not allowed: a name made of letters"),
    "own target without experiment": ("targets/mine", ["digit"], "targets.mine[0]: unknown dataset 'digit'; did you m"),
    "target without experiment": ("targets/demo", ["digit"], "targets.demo[0]: unknown dataset 'digit'; did you mean"),
    "override of datasets": ("experiments/digits/override/datasets", {}, f"{OVERRIDE}: unknown key 'datasets'; known"),
    "override typo": (
        "experiments/digits/override/recipes/fast",
        {"epoch": 3},
        f"{OVERRIDE}.recipes.fast: unknown key",
    ),
    "override value": (
        "experiments/digits/override/threads",
        {"training": 0},
        f"{OVERRIDE}.threads.training: 0 is not allowed: whole number",
    ),
    "override of epochs by steps": (
        "experiments/digits/override/recipes/fast",
        {"steps": 9},
        f"{OVERRIDE}: recipes.fast: exactly one of steps and epochs; in an override, null removes the other one",
    ),
    "override with half a classifier": (
        "experiments/digits/override/classifiers/new",
        {"recipe": "fast"},
        f"{OVERRIDE}: classifiers.new: exactly one of architecture",
    ),
    "override with an unknown recipe": (
        "experiments/digits/override/classifiers/cnn",
        {"recipe": "slow"},
        f"{OVERRIDE}: classifiers.cnn.recipe: unknown recipe 'slow'; known are",
    ),
}


@pytest.mark.parametrize(("path", "value", "expected"), BAD.values(), ids=BAD.keys())
def test_bad_config_is_named_in_one_line(path, value, expected):
    text = message(changed(path, value))
    assert text.startswith("config.yaml: ")
    assert expected in text
    assert "\n" not in text


@pytest.mark.parametrize("config", [None, [], "text", {}, {"datasets": None}])
def test_not_a_configuration(config):
    assert message(config).startswith("config.yaml: ")


@pytest.mark.parametrize("key", [1, None, True])
def test_key_that_is_not_text(config, key):
    config["classifiers"][key] = {}
    assert message(config) == f"config.yaml: classifiers: the key {key!r} is not text: put it in quotes"


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("robustness/attacks/other", {"kind": "transfer", "classifier": "twin", "seed": 0}, "'cnn' would be attacked"),
        (
            "experiments/mnist/override/retraining/judges",
            [{"classifier": "twin", "seed": 1}],
            "'cnn' is searched with the seeds",
        ),
    ],
)
def test_another_name_of_the_same_network_is_no_other_network(path, value, expected):
    config = changed(path, value)
    config["classifiers"]["twin"] = config["classifiers"]["cnn"]
    assert expected in message(config)


def test_what_is_run_is_needed(config):
    del config["experiments"]
    assert message(config) == "config.yaml: the key 'experiments' is missing: what is run, by dataset"


def mappings(tree, path=()):
    """The place of every mapping in a configuration, and the mapping."""
    if isinstance(tree, dict):
        yield path, tree
        for key, value in tree.items():
            yield from mappings(value, (*path, key))


def test_every_key_that_is_taken_away_is_missed_in_one_line_or_was_not_needed(config):
    missed = {}
    for path, mapping in mappings(config):
        for key, value in list(mapping.items()):
            del mapping[key]
            try:
                check(config)
            except SpuriousError as error:
                missed[(*path, key)] = str(error)
            mapping[key] = value
    assert {len(told.splitlines()) for told in missed.values()} == {1}
    assert {("experiments",), ("recipes", "fast", "batch_size"), ("classifiers", "forest", "trees")} <= missed.keys()
    assert not {("threads",), ("smoothing", "batch_size"), ("classifiers", "cnn", "units")} & missed.keys()


def test_typo_is_named_rather_than_the_key_it_leaves_missing(config):
    config["smoothing"]["sigma"] = config["smoothing"].pop("sigmas")
    assert "unknown key 'sigma'; did you mean 'sigmas'?" in message(config)


def test_null_in_an_override_exchanges_epochs_for_steps():
    config = changed("experiments/digits/override/recipes/fast", {"steps": 9, "epochs": None})
    check(config)
    recipe = parse(TrainingRecipe, settings_for(config, "digits")["recipes"]["fast"])
    assert (recipe.steps, recipe.epochs) == (9, None)


def test_own_dataset_is_valid(config):
    file = {"sha256": "0" * 64, "urls": ["https://example.org/own.npz"]}
    file["urls"].append("/data/own files/own.npz")
    config["datasets"]["own"] = {"source": "npz", "validation": 9, "test": 9, "seed": 0, "files": {"archive": file}}
    config["experiments"]["own"] = {**CONFIG["experiments"]["digits"], "retraining": [], "seeds": [0], "override": {}}
    config["experiments"]["own"]["transfer"] = {}
    config["targets"]["paper"] = ["own"]
    check(config)


@pytest.mark.parametrize("dataset", ["digits", "mnist", "imagenet-samples", "imagenet64"])
@pytest.mark.parametrize("listed", [False, True])
def test_every_source_takes_class_names_as_a_list_and_as_a_table(config, dataset, listed):
    entry = config["datasets"][dataset]
    entry["class_names"] = [f"class {n}" for n in range(entry.get("classes", 10))] if listed else "names.csv"
    check(config)


WRITTEN = {
    name
    for path in ROOT.glob("workflow/rules/*.smk")
    for name in re.findall(r"results/\{(?:wildcards\.)?dataset\}/([\w.-]+)", path.read_text(encoding="utf-8"))
}


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_a_classifier_that_is_called_as_a_file_or_folder_beside_its_own_is_refused(name):
    """Both would be results/<dataset>/<name>."""
    for same in (name, name.upper()):  # some disks ignore case
        assert f"classifiers: {same!r} is not allowed: a name other than 'tables', " in message(
            changed(f"classifiers/{same}", CONFIG["classifiers"]["cnn"])
        )


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_a_dataset_of_few_classes_is_valid_with_the_shipped_settings(config, classes):
    file = {"sha256": "0" * 64, "urls": ["own.npz"]}
    own = {"source": "npz", "validation": 9, "test": 9, "classes": classes, "files": {"archive": file}}
    config["datasets"]["own"] = own
    config["experiments"]["own"] = {**CONFIG["experiments"]["digits"], "override": {}}
    check(config)
    settings = settings_for(config, "own")
    shown = targets({**settings, "dataset": settings["datasets"]["own"]})
    assert shown == [0, 1, 2, 3][:classes]
    config["experiments"]["own"]["override"] = {"linear": {"targets": [0, classes]}}
    assert f"experiments.own: linear.targets: there is no class {classes}: use 0 to {classes - 1}" in message(config)


@pytest.mark.parametrize("place", ["backworking", "experiments/digits/override/backworking"])
def test_two_figures_of_one_name_are_refused(place):
    """Of the classifiers cnn and cnn-published."""
    searches = CONFIG["backworking"]["searches"] | {"published-logit": {"objective": "logit"}}
    config = changed(place, CONFIG["backworking"] | {"searches": searches})
    assert (
        "experiments.digits: the search 'logit' of the classifier 'cnn-published' and the search 'published-logit' of"
        " 'cnn' have one name of their figures, found-cnn-published-logit: rename one of them"
    ) in message(config)


@pytest.mark.parametrize("place", ["classifiers", "experiments/digits/override/classifiers"])
def test_classifiers_whose_names_differ_only_in_case_are_refused(place):
    config = changed(f"{place}/Cnn", CONFIG["classifiers"]["cnn"])
    assert "'cnn' and 'Cnn' differ only in case, which some disks ignore: rename one of them" in message(config)


def test_datasets_whose_names_differ_only_in_case_are_refused_where_both_are_used():
    config = changed("datasets/Digits", CONFIG["datasets"]["digits"])
    check(config)
    config["experiments"]["Digits"] = config["experiments"]["digits"]
    assert "experiments: 'digits' and 'Digits' differ only in case, which some disks ignore" in message(config)


def test_searches_whose_names_differ_only_in_case_are_refused():
    searches = CONFIG["backworking"]["searches"]
    config = changed("backworking/searches", searches | {"Logit": {"objective": "logit"}})
    assert "the search 'Logit' of the classifier 'cnn' and the search 'logit' of 'cnn' have one name" in message(config)


def test_names_with_hyphens_are_taken_where_no_two_figures_have_one_name():
    config = copy.deepcopy(CONFIG)
    config["backworking"]["searches"] |= {"slow-logit": {"objective": "logit"}, "p": {"objective": "log_p"}}
    check(config)


def test_a_classifier_that_is_not_trained_here_has_no_figures_of_searches():
    config = copy.deepcopy(CONFIG)
    config["classifiers"]["cnn-slow"] = {"torchscript": "a.pt", "sha256": "0" * 64}
    config["backworking"]["searches"]["slow-logit"] = {"objective": "logit"}
    check(config)


def test_search_without_cost_needs_no_layer_weights():
    check(changed("backworking/searches/logit/layer_weights", {}))


def test_experiment_merges_the_override():
    digits = settings_for(CONFIG, "digits")
    assert digits["classifiers"]["cnn"] == {
        "architecture": "cnn",
        "recipe": "fast",
        "channels": [16, 32],
        "units": 256,
    }
    assert digits["recipes"]["fast"] == {**CONFIG["recipes"]["fast"], "epochs": 10, "min_steps": None}
    assert digits["classifiers"]["softmax"] == CONFIG["classifiers"]["softmax"]
    assert digits["experiment"]["seeds"] == [0, 1, 2]
    assert not {"override"} & digits["experiment"].keys()
    assert not {"experiments", "targets"} & digits.keys()


def test_experiment_of_an_unknown_dataset():
    with pytest.raises(
        SpuriousError, match=r"^config.yaml: experiments: unknown dataset 'digit'; did you mean 'digits'"
    ):
        settings_for(CONFIG, "digit")


SCALARS = st.none() | st.integers() | st.lists(st.integers(), max_size=2)
TREES = st.recursive(SCALARS, lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=8)
MAPPINGS = st.dictionaries(st.sampled_from("abc"), TREES, max_size=3)


def value_at(tree, path):
    for key in path:
        tree = tree[key]
    return tree


def leaves(tree, path=()):
    """(path, value) of everything in nested mappings that is no mapping with keys."""
    if isinstance(tree, dict) and tree:
        for key, value in tree.items():
            yield from leaves(value, (*path, key))
    elif path:
        yield path, tree


@given(MAPPINGS)
def test_merging_nothing_changes_nothing(tree):
    assert deep_merge(tree, {}) == deep_merge({}, tree) == deep_merge(tree, tree) == tree


@given(MAPPINGS, MAPPINGS)
def test_merging_takes_every_value_of_the_override(base, override):
    merged = deep_merge(base, override)
    for path, value in leaves(override):
        assert value == {} or value_at(merged, path) == value
    assert deep_merge(merged, override) == merged


@given(MAPPINGS, MAPPINGS)
def test_merging_keeps_what_the_override_does_not_name(base, override):
    merged = deep_merge(base, override)
    assert merged.keys() == base.keys() | override.keys()
    assert all(merged[key] == base[key] for key in base.keys() - override.keys())


@given(MAPPINGS, MAPPINGS)
def test_merging_leaves_its_arguments_alone(base, override):
    before = copy.deepcopy((base, override))
    deep_merge(base, override)
    assert (base, override) == before


def test_merging_replaces_lists_and_exchanges_kinds():
    assert deep_merge({"a": [1, 2], "b": {"c": 1}}, {"a": [3], "b": None}) == {"a": [3], "b": None}
    assert deep_merge({"a": None}, {"a": {"b": 1}}) == {"a": {"b": 1}}


def test_the_shipped_configuration_gives_the_defaults():
    """All of it but what is run: config.yaml says with comments what the settings are without it."""
    defaults = completed({})
    assert defaults | {key: CONFIG[key] for key in ("experiments", "targets")} == completed(CONFIG)
    assert parse(Configuration, defaults | {"experiments": {}}) == Configuration(experiments={})
    assert parse(ImageOptimization, CONFIG["backworking"]["searches"]["published"]) == ImageOptimization()


def test_a_short_configuration_says_what_is_run_only():
    check(SHORT)
    assert SHORT.keys() == {"experiments", "targets"}
    settings = settings_for(SHORT, "digits")
    assert all(settings[key] == default for key, default in completed({}).items() if key != "targets")
    own = SHORT["experiments"]["digits"]
    assert settings["experiment"] == {key: own.get(key, []) for key in settings["experiment"]}


def test_what_a_section_leaves_out_has_its_default():
    config = SHORT | {"smoothing": {"kernels": [3]}, "fooling": {"methods": {"own": {"epsilon": 0.1}}}}
    check(config)
    settings = settings_for(config, "digits")
    assert settings["smoothing"] == completed({})["smoothing"] | {"kernels": [3]}
    assert settings["fooling"] == completed({})["fooling"] | {"methods": {"own": {"epsilon": 0.1}}}


@pytest.mark.parametrize("stage", ["robustness", "certification"])
def test_a_denoiser_of_another_classifier_refuses_no_photographs(config, stage):
    config[stage]["classifiers"]["cnn"] = {"defences": DENOISED}
    config["experiments"]["imagenet-samples"][stage] = ["resnet50"]
    check(config)


def test_a_classifier_without_defences_of_its_own_has_the_shared_denoiser(config):
    config["certification"]["defences"] |= DENOISED
    config["certification"]["classifiers"]["cnn"] = {"defences": {"none": "none"}}
    assert "no denoiser for 'resnet50'" in message(config)


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [("backworking", "ablation", {"images": 64}), ("certification", "attack", {"n": 200}), ("threads", "linear", 2)],
)
def test_what_a_section_inside_a_section_leaves_out_has_its_default(section, key, value):
    config = SHORT | {section: {key: value}}
    check(config)
    default = completed({})[section]
    expected = default[key] | value if isinstance(value, dict) else value
    assert settings_for(config, "digits")[section] == default | {key: expected}


def test_searches_replace_the_known_ones_at_any_depth():
    config = SHORT | {"backworking": {"ablation": {"settings": {"own": {"batch": 4}}}, "searches": {"own": {}}}}
    own = completed(config)["backworking"]
    assert own["searches"] == {"own": {}}
    assert own["ablation"] == {"images": 128, "settings": {"own": {"batch": 4}}}


def test_classifiers_and_recipes_are_added_to_the_known_ones():
    own = {"classifiers": {"small": {"architecture": "cnn", "recipe": "short", "channels": [4, 8]}}}
    config = SHORT | own | {"recipes": {"short": {"learning_rate": 0.01, "batch_size": 50, "steps": 5}}}
    config = deep_merge(config, {"experiments": {"digits": {"classifiers": ["small", "cnn"]}}})
    check(config)
    assert {"small", "cnn", "resnet50"} <= settings_for(config, "digits")["classifiers"].keys()
    assert {"short", "fast"} <= settings_for(config, "digits")["recipes"].keys()


def test_experiment_without_the_optional_stages():
    config = changed("experiments/digits", {"seeds": [0]})
    check(config)
    entry = settings_for(config, "digits")["experiment"]
    assert entry.pop("seeds") == [0]
    assert not any(entry.values())


@pytest.mark.parametrize("architecture", sorted(Architecture.kinds))
def test_layers_are_those_of_the_classifiers(architecture):
    description = Description(architecture=architecture, image_shape=(1, 16, 16), classes=2, channels=(1, 1), units=1)
    activations = build_classifier(description).activations(torch.zeros(1, 1, 16, 16))
    assert tuple(activations) == Architecture.kinds[architecture].layers


def test_a_weight_for_a_layer_of_no_classifier():
    place = "backworking/searches/published/layer_weights"
    weights = CONFIG["backworking"]["searches"]["published"]["layer_weights"] | {"conv9": 1.0}
    told = "config.yaml: backworking.searches.published.layer_weights: unknown key 'conv9'; did you mean 'conv2'?"
    assert message(changed(place, weights)) == told


@pytest.mark.parametrize(
    ("views", "told"),
    [
        (["ns", {"kind": "ss", "name": "ns"}], "smoothing.views[1].name: 'ns' is the name of another kind of view; "),
        ([{"kind": "ss", "name": "A b"}], "smoothing.views[0].name: 'A b' is not allowed: name of its columns: "),
        (["ns", "ss", "ns"], "smoothing.views: two views are called 'ns': give one of them another name"),
    ],
)
def test_views_that_cannot_vote(views, told):
    assert message(changed("smoothing/views", views)).startswith(f"config.yaml: {told}")


def test_noise_by_name_or_with_its_kind():
    for noise in ("salt_and_pepper", {"kind": "salt_and_pepper"}):
        check(changed("smoothing/variants/salt", {"noise": noise}))
    assert message(changed("smoothing/variants/salt", {"noise": {"kind": "pepper"}})).startswith(
        "config.yaml: smoothing.variants.salt.noise.kind: 'pepper' is not allowed: a noise, by name"
    )


EXTENSION = """
from spurious.classifiers.entries import Architecture
from spurious.views.registry import View


class Inverted(View, kind="inverted"):
    words = "inverted"
    name: str = "inverted"


class Wide(Architecture, kind="wide"):
    layers = ("input", "hidden", "softmax")

    def build(self, image_shape, classes):
        raise NotImplementedError
"""


def test_an_extension_makes_its_kinds_known(tmp_path):
    """In a process of its own: what an extension declares stays."""
    (tmp_path / "mine.py").write_text(EXTENSION)
    config = SHORT | {"extensions": ["mine.py"], "smoothing": {"views": ["ns", "inverted"]}}
    config |= {"classifiers": {"mine": {"architecture": "wide", "recipe": "fast"}}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    code = f"import sys, yaml; sys.path.append({str(ROOT / 'scripts')!r}); from spurious.configuration import check; "
    code += "config = yaml.safe_load(open('config.yaml')); check(config); config.pop('extensions'); print('checked')"
    code += "; import spurious.registry; assert 'inverted' in spurious.views.registry.View.kinds"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("checked\n", "")


@pytest.mark.parametrize(
    ("extensions", "told"),
    [
        (["gone.py"], "config.yaml: extensions: gone.py: cannot be imported (FileNotFoundError: "),
        ("mine.py", "config.yaml: extensions: 'mine.py' is not allowed: paths of Python files"),
        ([1], "config.yaml: extensions[0]: 1 is not allowed: path of a Python file"),
    ],
)
def test_extensions_that_cannot_be_imported(config, extensions, told):
    text = message(config | {"extensions": extensions})
    assert text.startswith(told)
    assert "\n" not in text


def test_planning_imports_neither_torch_nor_pandas():
    code = f"import sys; sys.path.append({str(ROOT / 'scripts')!r}); import spurious.configuration; "
    code += "print([name for name in ('torch', 'kornia', 'pandas', 'numpy', 'sklearn') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_schema_and_table_are_those_of_the_settings():
    """In a process of its own: other tests declare kinds that nobody ships."""
    subprocess.run([sys.executable, ROOT / "scripts/document_settings.py", "--check"], check=True)


def test_a_stale_file_is_told(tmp_path, monkeypatch):
    path = tmp_path / "schema.yaml"
    path.write_text(document_settings.SCHEMA.read_text(encoding="utf-8").replace("0.999", "0.99"))
    monkeypatch.setattr(document_settings, "SCHEMA", path)
    monkeypatch.setattr(document_settings, "ROOT", tmp_path)
    with pytest.raises(SpuriousError, match=r"^schema.yaml: is stale; run python scripts/document_settings.py$"):
        document_settings.main(["--check"])


@pytest.mark.parametrize("config", [CONFIG, SHORT], ids=["shipped", "short"])
def test_the_schema_takes_what_the_settings_take(config):
    schema = yaml.safe_load(document_settings.SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(config, schema)


@pytest.mark.parametrize(
    "name",
    [
        *("unknown key", "even kernel", "two kinds of classifier", "no kind of classifier", "bad sha256", "no url"),
        *("duplicate seeds", "one weight decay", "name as a path", "unknown source", "target with a blank"),
        "override value",
    ],
)
def test_the_schema_refuses_what_the_settings_refuse(name):
    schema = yaml.safe_load(document_settings.SCHEMA.read_text(encoding="utf-8"))
    path, value, _ = BAD[name]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(changed(path, value), schema)


def test_every_key_has_a_short_description():
    for key, _, remedy in rows():
        assert remedy, f"{key} has no description"
        assert len(remedy) <= 105, key
        assert "\n" not in remedy, key
    keys = [key for key, _, _ in rows()]
    assert len(set(keys)) == len(keys) > 150


PUBLISHED = published_classifiers(ROOT / "workflow/resources")


def test_every_classifier_that_is_shipped_has_a_published_name_that_is_known(config):
    check(config, published=PUBLISHED)
    entries = {**config["classifiers"], **config["experiments"]["mnist"]["override"]["classifiers"]}
    assert len({entry["published_as"] for entry in entries.values() if "published_as" in entry}) >= 6


@pytest.mark.parametrize("place", ["classifiers", "experiments/mnist/override/classifiers"])
def test_a_misspelled_published_name_is_refused_and_does_not_drop_its_rows(config, place):
    inside = config
    for part in place.split("/"):
        inside = inside[part]
    inside.setdefault("softmax", copy.deepcopy(CONFIG["classifiers"]["softmax"]))["published_as"] = "softmax regresion"
    check(config)  # whoever knows no published numbers
    with pytest.raises(SpuriousError, match=r"softmax\.published_as: .*did you mean 'softmax regression'\?"):
        check(config, published=PUBLISHED)
