import csv
import itertools
import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import ndimage, stats
from torch import nn

import gather_smoothing
import smooth_shard
from pipeline.files.images import shard_indices
from pipeline.files.tensors import write_tensors
from pipeline.files.weights import write_weights
from spurious.classifiers.models import Description, build_classifier, initialize
from spurious.classifiers.predictions import predict
from spurious.data.datasets import SPLITS
from spurious.defences.rejection import REJECTED
from spurious.defences.vote import vote
from spurious.errors import SpuriousError
from spurious.experiments.smoothing.rates import in_order, main_rows, rates_of, summarize
from spurious.experiments.smoothing.rows import main_columns
from spurious.experiments.smoothing.settings import SmoothingSettings
from spurious.experiments.smoothing.sweep import Batch, row_type, sweep
from spurious.perturbations.noise import add_noise
from spurious.seeding import generator
from spurious.views.blur import blur
from spurious.views.settings import Variant

KERNEL_5 = [0.0545, 0.2442, 0.4026, 0.2442, 0.0545]
SETTINGS = SmoothingSettings(batch_size=8, seeds=(0,))
Row = row_type(SETTINGS)
COLUMNS = ("image", "label", "kernel", "sigma", "ns", "ss", "ds", "decision")
RATES = ("acc_ns", "acc_ss", "acc_ds", "acc_maj", "acc_maj_all", "reject_rate")
DESCRIPTION = Description(architecture="cnn", image_shape=(1, 12, 12), classes=10, channels=(3, 4), units=16)


@pytest.fixture(scope="module")
def model():
    net = build_classifier(DESCRIPTION)
    initialize(net, "pytorch", generator("test", "model"))
    net.requires_grad_(False)
    net.out.bias -= net(torch.full((1, 1, 12, 12), 0.5))[0]  # undecided on grey: noise and blur change the class
    return net.eval()


@pytest.fixture(scope="module")
def images():
    return torch.rand(23, 1, 12, 12, generator=generator("test", "images"))


@pytest.fixture(scope="module")
def labels():
    return torch.randint(10, (23,), generator=generator("test", "labels"))


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def sweep_with(model, images, labels, size=8, settings=SETTINGS, **options):
    """All rows, `size` images at a time."""

    def load(indices):
        return Batch([str(index) for index in indices.tolist()], images[indices], labels[indices])

    score = partial(predict, model, batch_size=settings.batch_size, classes=10)
    batches = sweep(torch.arange(len(images)).split(size), load, score, settings, **options)
    return [row for rows in batches for row in rows]


def setting(row):
    """All of a row but its probabilities, whose last digits depend on the batch."""
    return row[:10]


def settings_of(rows):
    return sorted(map(setting, rows))


def gaussian(kernel, sigma):
    weights = torch.exp(-((torch.arange(kernel, dtype=torch.float64) - kernel // 2) ** 2) / (2 * sigma**2))
    return weights / weights.sum()


# noise


def test_noise_is_clamped_and_has_its_standard_deviation():
    grey = torch.full((4, 3, 64, 64), 0.5)
    noisy = add_noise(grey, list("abcd"), 0.125, seed=0)
    assert (noisy - grey).std().item() == pytest.approx(0.125, rel=0.02)
    strong = add_noise(grey, list("abcd"), 5, seed=0)
    assert (strong.min(), strong.max()) == (0, 1)


def test_noise_is_the_documented_draw(images):
    drawn = torch.randn(1, 12, 12, generator=generator(3, "noise", 0.25, "17"))
    expected = (images[:1] + 0.25 * drawn).clamp(0, 1)
    assert torch.equal(add_noise(images[:1], ["17"], 0.25, seed=3), expected)


def test_noise_does_not_depend_on_batch_layout_or_threads(images, threads):
    wide = images.expand(-1, 3, -1, -1)
    ids = [str(index) for index in range(len(wide))]
    whole = add_noise(wide, ids, 0.25, seed=1)
    singly = torch.cat([add_noise(image[None], [name], 0.25, seed=1) for image, name in zip(wide, ids, strict=True)])
    assert torch.equal(whole, singly)
    assert torch.equal(whole, add_noise(wide.to(memory_format=torch.channels_last), ids, 0.25, seed=1))
    assert torch.equal(whole, add_noise(wide.flip(0), ids[::-1], 0.25, seed=1).flip(0))
    threads(2)
    assert torch.equal(whole, add_noise(wide, ids, 0.25, seed=1))


def test_noise_differs_between_images_sigmas_and_seeds():
    def pattern(name, sigma, seed):
        return (add_noise(torch.full((1, 1, 8, 8), 0.5), [name], sigma, seed) - 0.5) / sigma

    base = pattern("1", 0.0625, 0)
    for other in (pattern("2", 0.0625, 0), pattern("1", 0.03125, 0), pattern("1", 0.0625, 1)):
        assert (base - other).abs().max() > 0.5


def test_noise_of_sigma_zero_is_none_and_an_integer_sigma_is_its_float(images):
    assert add_noise(images, [], 0.0, seed=0) is images
    one = images[:1]
    assert torch.equal(add_noise(one, ["1"], 1, seed=0), add_noise(one, ["1"], 1.0, seed=0))


def test_noise_leaves_its_input_alone(images):
    before = images.clone()
    add_noise(images, [str(index) for index in range(len(images))], 0.5, seed=0)
    assert torch.equal(images, before)


def test_negative_noise_is_refused(images):
    with pytest.raises(SpuriousError, match="negative"):
        add_noise(images[:1], ["0"], -0.1, seed=0)


# blur


@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
@pytest.mark.parametrize("shape", [(2, 1, 12, 12), (1, 3, 9, 31)])
def test_blur_is_two_convolutions_with_a_reflected_border(kernel, shape):
    images = torch.rand(shape, generator=generator("test", "blur"))
    weights = gaussian(kernel, 1.0).numpy()
    expected = images.double().numpy()
    for axis in (2, 3):
        expected = ndimage.correlate1d(expected, weights, axis=axis, mode="mirror")  # torch's "reflect"
    torch.testing.assert_close(blur(images, kernel, 1.0).double(), torch.from_numpy(expected), atol=1e-6, rtol=0)


def test_blur_of_a_point_is_the_kernel():
    point = torch.zeros(1, 1, 9, 9)
    point[..., 4, 4] = 1
    blurred = blur(point, 5, 1.0)[0, 0]
    assert blurred.sum(0)[2:7].tolist() == pytest.approx(KERNEL_5, abs=5e-5)
    assert blurred.sum(1)[2:7].tolist() == pytest.approx(KERNEL_5, abs=5e-5)


def test_blur_scales_noise_as_the_kernels_norm():
    """In the interior by the sum of the squared taps; the reflected border adds a little: .290 and .208 at 224x224."""
    taps = gaussian(5, 1.0).numpy()
    interior = [(taps**2).sum(), (np.convolve(taps, taps) ** 2).sum()]
    assert interior == pytest.approx([0.2873, 0.2051], abs=5e-5)
    noise = torch.randn(20, 3, 224, 224, generator=generator("test", "scaling"))
    views = [blur(noise, 5, 1.0)]
    views.append(blur(views[0], 5, 1.0))
    assert [view[..., 8:-8, 8:-8].std().item() for view in views] == pytest.approx(interior, abs=1e-3)
    assert [view.std().item() for view in views] == pytest.approx([0.290, 0.208], abs=2e-3)


def test_blur_keeps_a_constant_and_the_range(images):
    torch.testing.assert_close(blur(torch.full((1, 1, 8, 8), 0.3), 7, 1.0), torch.full((1, 1, 8, 8), 0.3))
    assert blur(torch.ones(1, 1, 8, 8), 5, 1.0).max() <= 1 + 1e-6
    assert blur(images, 5, 1.0).shape == images.shape


@pytest.mark.parametrize(
    ("kernel", "sigma", "message"),
    [
        (4, 1.0, "odd"),
        (0, 1.0, "odd"),
        (-3, 1.0, "odd"),
        (5, 0.0, "blur_sigma"),
        (5, -1.0, "blur_sigma"),
        (25, 1.0, "12x12"),
    ],
)
def test_blur_refuses(images, kernel, sigma, message):
    with pytest.raises(SpuriousError, match=message):
        blur(images, kernel, sigma)


# the vote


@pytest.mark.parametrize(
    ("views", "decision"),
    [
        ((1, 1, 1), 1),
        ((1, 1, 2), 1),
        ((1, 2, 1), 1),
        ((2, 1, 1), 1),
        ((1, 2, 3), REJECTED),
        ((0, 0, 5), 0),
        ((5, 0, 0), 0),
        ((0, 5, 0), 0),
        ((2, 1, 0), REJECTED),
    ],
)
def test_majority(views, decision):
    assert vote(torch.tensor(views)[:, None]).tolist() == [decision]


def test_majority_of_every_triple_is_the_mode():
    triples = torch.cartesian_prod(*[torch.arange(4)] * 3)
    expected = [stats.mode(t).mode if stats.mode(t).count > 1 else REJECTED for t in triples.numpy()]
    assert vote(triples.T).tolist() == expected


# the sweep


def slow_reference(model, images, labels, settings):
    """Image by image, blurred in double precision, sharing only the seeds and the classifier with the sweep."""
    for seed, sigma, kernel, index in itertools.product(
        settings.seeds, settings.sigmas, settings.kernels, range(len(images))
    ):
        if seed == settings.seeds[0] or sigma > 0:
            weights = gaussian(kernel, settings.blur_sigma).numpy()
            noise = torch.randn(images[index].shape, generator=generator(seed, "noise", sigma, str(index)))
            view = (images[index] + sigma * noise).clamp(0, 1).double().numpy()
            votes, probabilities = [], []
            for _ in range(3):
                p = model(torch.from_numpy(view).float()[None]).softmax(1)[0]
                votes.append(int(p.argmax()))
                probabilities.append(p.max().item())
                for axis in (1, 2):
                    view = ndimage.correlate1d(view, weights, axis=axis, mode="mirror")
            agreed = [vote for vote in votes if votes.count(vote) > 1]
            decision = agreed[0] if agreed else -1
            place = str(index), int(labels[index]), "published", seed, kernel, sigma
            yield Row(*place, *votes, decision, *probabilities)


def test_sweep_is_the_slow_reference(model, images, labels):
    settings = SETTINGS.changed(seeds=(3, 0))
    rows = sorted(sweep_with(model, images, labels, settings=settings))
    expected = sorted(slow_reference(model, images, labels, settings))
    assert settings_of(rows) == settings_of(expected)
    for row, wanted in zip(rows, expected, strict=True):
        assert row[10:] == pytest.approx(wanted[10:], abs=2e-6)
    # the comparison means something only if every kind of outcome occurs
    decisions = [row.decision for row in rows]
    assert REJECTED in decisions
    assert len(set(decisions)) > 3
    assert any(row.ns != row.ss for row in rows)
    assert any(row.ss != row.ds for row in rows)


@pytest.mark.parametrize("size", [1, 7, 23])
def test_sweep_does_not_depend_on_the_batch_size(model, images, labels, size):
    settings = SETTINGS.changed(batch_size=size)
    found = sweep_with(model, images, labels, size, settings)
    assert settings_of(found) == settings_of(sweep_with(model, images, labels))


@pytest.mark.parametrize("workers", [1, 3])
def test_sweep_does_not_depend_on_workers(model, images, labels, workers):
    assert sweep_with(model, images, labels, 2, workers=workers) == sweep_with(model, images, labels, 2)


def test_workers_hand_on_what_went_wrong(model, images, labels):
    labels = labels[:3]  # too few: loading fails
    with pytest.raises(IndexError):
        sweep_with(model, images, labels, 1, workers=2)


def test_sweep_does_not_depend_on_threads(model, images, labels, threads):
    threads(1)
    single = sweep_with(model, images, labels)
    threads(2)
    assert settings_of(sweep_with(model, images, labels)) == settings_of(single)


def test_every_view_is_classified_once(model, images, labels):
    calls = []

    def score(views):
        calls.append(len(views))
        return predict(model, views, batch_size=8, classes=10)

    settings = SETTINGS.changed(
        seeds=(0, 1),
        variants={"published": Variant(), "no-clamp": Variant(clamp=False)},
    )
    load = Batch(list("abcdefg"), images[:7], labels[:7])
    (rows,) = sweep([None], lambda _: load, score, settings)
    views, noisy = 1 + 2 * 2, 3  # kernels; sigmas above 0
    assert calls == [7 * views * (1 + 2 * noisy), 7 * views * (1 + noisy)]
    assert len(rows) == 7 * 2 * (1 + 2 * noisy) + 7 * 2 * (1 + noisy)
    by_kernel = [[row.ns for row in rows if row.kernel == kernel] for kernel in settings.kernels]
    assert by_kernel[0] == by_kernel[1]


@pytest.mark.parametrize("wrong", [{"kernels": (4,)}, {"sigmas": (-0.1,)}, {"blur_sigma": 0.0}, {"kernels": (25,)}])
def test_sweep_refuses(model, images, labels, wrong):
    with pytest.raises(SpuriousError, match="image 0: "):
        sweep_with(model, images, labels, settings=SmoothingSettings().model_copy(update=wrong))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda views: views.flatten(1)[:, :9], r"image 0: .* logits \(8, 9\), not one for each of 10 classes"),
        (lambda views: views, r"image 0: .* not one for each of 10"),
        (lambda views: views.flatten(1)[:, :10] * float("nan"), "image 0: .*no numbers"),
        (lambda views: views.flatten(1)[:, :10] / 0, "image 0: .*no numbers"),
    ],
)
def test_a_classifier_that_gives_no_scores_is_refused(images, labels, wrong, message):
    class Wrong(nn.Module):
        def forward(self, views):
            return wrong(views)

    with pytest.raises(SpuriousError, match=message):
        sweep_with(Wrong(), images, labels)


# the table


def frame(*rows, variant="published", seed=0):
    """Rows of (image, label, kernel, sigma, ns, ss, ds, decision)."""
    return pd.DataFrame([Row(*row[:2], variant, seed, *row[2:], 0.5, 0.5, 0.5) for row in rows])


def test_summary_by_hand():
    rows = frame(
        ("0", 1, 5, 0.25, 1, 1, 2, 1),  # right
        ("1", 1, 5, 0.25, 1, 2, 2, 2),  # accepted, wrong
        ("2", 1, 5, 0.25, 1, 2, 3, REJECTED),
        ("3", 4, 5, 0.25, 0, 4, 4, 4),  # right
    )
    (row,) = summarize(rows, "cnn").to_dict("records")
    assert {key: row[key] for key in ("classifier", "kernel", "sigma", "n")} == {
        "classifier": "cnn",
        "kernel": 5,
        "sigma": 0.25,
        "n": 4,
    }
    assert [row[rate] for rate in RATES] == pytest.approx([3 / 4, 2 / 4, 1 / 4, 2 / 3, 2 / 4, 1 / 4])
    for rate, successes, n in zip(RATES, [3, 2, 1, 2, 2, 1], [4, 4, 4, 3, 4, 4], strict=True):
        reference = stats.binomtest(successes, n).proportion_ci(method="wilson")
        assert (row[f"{rate}_low"], row[f"{rate}_high"]) == pytest.approx((reference.low, reference.high))


def test_summary_columns_and_order(model, images, labels):
    table = summarize(pd.DataFrame(sweep_with(model, images, labels)), "cnn")
    assert rates_of(table) == list(RATES)
    bounds = [f"{rate}_{end}" for rate in RATES for end in ("low", "high")]
    assert list(table) == ["classifier", "kernel", "sigma", "n", *RATES, *bounds]
    settings = [(kernel, sigma) for kernel in SETTINGS.kernels for sigma in SETTINGS.sigmas]
    assert list(zip(table["kernel"], table["sigma"], strict=True)) == settings
    assert (table["n"] == 23).all()
    accepted = table["acc_maj"] * (1 - table["reject_rate"])
    assert accepted.tolist() == pytest.approx(table["acc_maj_all"].tolist())


def test_summary_when_everything_is_rejected():
    (row,) = summarize(frame(("0", 1, 5, 0.0, 1, 2, 3, -1), ("1", 1, 5, 0.0, 1, 2, 3, -1)), "cnn").to_dict("records")
    assert pd.isna([row["acc_maj"], row["acc_maj_low"], row["acc_maj_high"]]).all()
    assert (row["acc_maj_all"], row["reject_rate"], row["n"]) == (0, 1, 2)
    assert row["acc_ns"] == 1


def test_rows_are_ordered_by_number_and_counted_once():
    rows = frame(*[(name, 1, kernel, 0.0, 1, 1, 1, 1) for name in ("10", "9", "2") for kernel in (7, 5)])
    assert in_order(rows)["image"].tolist() == ["2", "9", "10"] * 2
    assert in_order(rows)["kernel"].tolist() == [5] * 3 + [7] * 3
    with pytest.raises(SpuriousError, match="twice"):
        in_order(pd.concat([rows, rows[:1]]))


def test_names_are_ordered_as_text_variants_and_seeds_as_they_come():
    one = [("b.jpg", 1, 5, 0.0, 1, 1, 1, 1), ("a10.jpg", 1, 5, 0.0, 1, 1, 1, 1), ("a9.jpg", 1, 5, 0.0, 1, 1, 1, 1)]
    parts = [frame(*one), frame(*one, seed=7), frame(*one, seed=3), frame(*one, variant="antialias")]
    rows = in_order(pd.concat(parts, ignore_index=True))
    assert rows["image"].tolist()[:3] == ["a10.jpg", "a9.jpg", "b.jpg"]
    assert rows["variant"].tolist() == ["published"] * 9 + ["antialias"] * 3
    assert rows["seed"].tolist()[:9] == [0] * 3 + [7] * 3 + [3] * 3
    assert (main_rows(rows)["seed"] == 0).all()
    assert len(main_rows(rows)) == 3


# the scripts


@pytest.fixture(scope="module")
def files(tmp_path_factory, model, images, labels):
    folder = tmp_path_factory.mktemp("smoothing")
    pixels = (images * 255).round().byte()
    tensors = {f"{split}_images": pixels.clone() for split in SPLITS}
    tensors |= {f"{split}_labels": labels.clone() for split in SPLITS}
    write_tensors(folder / "data.safetensors", tensors)
    write_weights(folder / "weights.safetensors", model, DESCRIPTION)
    return folder


def run_shards(files, folder, shards):
    variants = {"published": {}, "no-clamp": {"clamp": False}}
    settings = json.dumps(
        {"sigmas": [0, 0.25], "kernels": [5, 7], "batch_size": 8, "seeds": [0, 1], "variants": variants}
    )
    outputs = [str(folder / f"shard{shard}.csv") for shard in range(shards)]
    for shard, output in enumerate(outputs):
        inputs = ["--data", str(files / "data.safetensors"), "--weights", str(files / "weights.safetensors")]
        numbers = ["--shard", str(shard), "--shards", str(shards), "--threads", str(torch.get_num_threads())]
        classifier = ["--classifier", json.dumps({"architecture": "cnn"}), "--classes", "10"]
        smooth_shard.main([*inputs, *classifier, *numbers, "--settings", settings, "--output", output])
    return gather(folder, outputs[::-1])


def gather(folder, shards):
    """The three files that the shards give."""
    files = {name: folder / f"{name}.csv" for name in ("votes", "images", "summary")}
    options = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    gather_smoothing.main(["--shards", *shards, "--classifier", "tiny", "--classes", "5", *options])
    return [path.read_bytes() for path in files.values()]


@pytest.mark.parametrize("shards", [2, 5, 30])  # 30: more than there are images
def test_files_do_not_depend_on_the_number_of_shards(files, tmp_path, shards):
    single = run_shards(files, tmp_path / "one", 1)
    assert run_shards(files, tmp_path / "many", shards) == single


def test_gathering_tells_how_far_it_is(files, tmp_path, capsys):
    run_shards(files, tmp_path, 2)
    assert re.search(r"^shards: 100% 2/2 \[", capsys.readouterr().err, re.MULTILINE)


def test_files_hold_what_the_library_computes(files, tmp_path, model, images, labels):
    run_shards(files, tmp_path, 2)
    with open(tmp_path / "images.csv", newline="") as file:
        header, *lines = csv.reader(file)
    assert tuple(header) == COLUMNS == tuple(main_columns(["ns", "ss", "ds"]))
    stored = (images * 255).round() / 255
    expected = sweep_with(model, stored, labels, settings=SmoothingSettings(sigmas=(0.0, 0.25), seeds=(0,)))
    columns = [Row._fields.index(name) for name in COLUMNS]
    assert sorted(map(tuple, lines)) == sorted(tuple(str(row[column]) for column in columns) for row in expected)
    assert pd.read_csv(tmp_path / "summary.csv")["classifier"].eq("tiny").all()
    votes = pd.read_csv(tmp_path / "votes.csv")
    assert tuple(votes) == ("classifier", *Row._fields)
    assert votes.groupby(["variant", "seed"], sort=False).size().to_dict() == {
        ("published", 0): 23 * 2 * 2,
        ("published", 1): 23 * 2,  # sigma 0 has no noise
        ("no-clamp", 0): 23 * 2 * 2,
    }


def test_a_shard_out_of_range_is_refused():
    with pytest.raises(SpuriousError, match="from 0 to 1"):
        shard_indices(10, 2, 2)


@pytest.mark.parametrize("content", [None, "", "image,label\n1,2\n", "\x00\x01"])
def test_a_broken_shard_is_named(tmp_path, content):
    path = tmp_path / "shard0.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SpuriousError, match=r"shard0\.csv"):
        gather_smoothing.read_shard(str(path))


def test_shards_of_other_views_are_not_joined(files, tmp_path):
    run_shards(files, tmp_path, 2)
    rows = pd.read_csv(tmp_path / "shard1.csv").rename(columns={"ds": "median", "p_ds": "p_median"})
    rows.to_csv(tmp_path / "shard1.csv", index=False)
    with pytest.raises(SpuriousError, match=r"shard1.csv: has the views ns, ss, median, but .*shard0.csv has ns"):
        gather(tmp_path, [str(tmp_path / f"shard{shard}.csv") for shard in range(2)])


def test_gathering_needs_no_torch():
    scripts = Path(gather_smoothing.__file__).parent
    code = "import sys, gather_smoothing; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=scripts, check=False).returncode == 0
