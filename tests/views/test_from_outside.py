"""A view and a noise from a file of one's own, in the sweep and in every table."""

from itertools import product

import pandas as pd
import pytest
import torch

from spurious.classifiers.predictions import to_probabilities
from spurious.errors import SpuriousError
from spurious.experiments.smoothing import agreement, comparisons, examining, findings, risk, seeds, variants
from spurious.experiments.smoothing.rates import main_rows, summarize
from spurious.experiments.smoothing.rows import columns, views_of
from spurious.experiments.smoothing.settings import SmoothingSettings
from spurious.experiments.smoothing.sweep import Batch, sweep
from spurious.registry import load_extensions, parse
from spurious.seeding import generator
from spurious.views.blur import blur
from spurious.views.preprocessing import Preprocessing
from spurious.views.viewer import Viewer

EXTENSION = """
from pydantic import Field

from spurious.perturbations.noises import Noise
from spurious.views.registry import ColumnName, View


class Mirrored(View, kind="mirrored"):
    words = "mirrored"
    name: ColumnName = "mirrored"

    def __call__(self, images, kernel, sigma):
        return images.flip(-1)


class Shifted(View, kind="shifted"):
    words = "shifted by half a kernel"
    swept = True
    name: ColumnName = "shifted"

    def __call__(self, images, kernel, sigma):
        return images.roll(kernel // 2, -1)


class Cropping(View, kind="cropping"):
    name: ColumnName = "cropping"

    def __call__(self, images, kernel, sigma):
        return images[..., 1:]


class Broken(View, kind="broken"):
    name: ColumnName = "broken"

    def __call__(self, images, kernel, sigma):
        return images / 0


class Darker(Noise, kind="darker"):
    by: float = Field(1.0, gt=0, description="factor of sigma, above 0")

    def __call__(self, images, ids, sigma, seed, *, scale=(1.0,), clamp=True):
        return (images - self.by * sigma).clamp(0, 1)
"""
CLASSES = 4
IMAGES = torch.rand(9, 1, 12, 12, generator=generator("test", "outside"))
LABELS = torch.arange(9) % CLASSES
WEIGHTS = torch.randn(CLASSES, 144, generator=generator("test", "outside weights"))
NAMES = ["shifted", "ns", "mirrored", "ss", "bits"]


@pytest.fixture(scope="module", autouse=True)
def extension(tmp_path_factory):
    path = tmp_path_factory.mktemp("extension") / "mine.py"
    path.write_text(EXTENSION)
    load_extensions([str(path)])


def model(images):
    return (images - 0.5).flatten(1) @ WEIGHTS.T


def settings_with(views, **others):
    mapping = {"views": views, "sigmas": [0.0, 0.25], "kernels": [3, 5], "seeds": [0, 1], "batch_size": 7, **others}
    return parse(SmoothingSettings, mapping)


def scores(views):
    return to_probabilities(model(views), CLASSES)


def swept(settings, preprocessing=Preprocessing()):  # noqa: B008 - frozen
    batches = [Batch([str(i)], IMAGES[i : i + 1], LABELS[i : i + 1]) for i in range(len(IMAGES))]
    rows = [row for rows in sweep(batches, lambda batch: batch, scores, settings, preprocessing) for row in rows]
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def votes(extension):
    variants = {"published": {}, "dark": {"noise": {"kind": "darker", "by": 0.5}}, "salt": {"noise": "salt_and_pepper"}}
    rows = swept(settings_with(["shifted", "ns", "mirrored", "ss", {"kind": "bits", "bits": 1}], variants=variants))
    return rows.assign(classifier="own")


def expected(image, name, sigma, kernel):
    """What each view of the variant "dark" is taken for, one after the other."""
    dark = (image - 0.5 * sigma).clamp(0, 1)
    seen = [dark.roll(kernel // 2, -1), dark, dark.flip(-1), blur(dark, kernel, 1.0), (dark * 255).floor() >= 128]
    seen[-1] = seen[-1] * (128 / 255)
    return [model(view).argmax().item() for view in seen]


def test_the_sweep_has_a_column_for_every_view_in_the_order_of_the_settings(votes):
    assert list(votes.drop(columns="classifier")) == columns(NAMES)
    assert views_of(votes) == NAMES


def test_rows_are_those_of_one_view_after_the_other(votes):
    dark = votes[votes["variant"] == "dark"].set_index(["image", "kernel", "sigma"])
    assert len(dark) == 9 * 2 * 2  # one seed
    for index, kernel, sigma in product(range(9), (3, 5), (0.0, 0.25)):
        row = dark.loc[(str(index), kernel, sigma)]
        labels = expected(IMAGES[index : index + 1], str(index), sigma, kernel)
        assert row[NAMES].tolist() == labels
        assert row["decision"] == next((label for label in labels if labels.count(label) > 2), -1)
    assert -1 in set(dark["decision"])
    assert len(set(dark["decision"])) > 2


def test_a_view_without_kernel_is_classified_once_and_repeated():
    calls = []

    def counted(views):
        calls.append(len(views))
        return scores(views)

    settings = settings_with(["shifted", "ns", "mirrored", "ss"], seeds=[0])
    (rows,) = sweep([None], lambda _: Batch(list("abc"), IMAGES[:3], LABELS[:3]), counted, settings)
    assert calls == [2 * 3 * (2 + 2 * 2)]  # sigmas, images, views once or for each kernel
    by_kernel = {kernel: [row.mirrored for row in rows if row.kernel == kernel] for kernel in settings.kernels}
    assert by_kernel[3] == by_kernel[5]
    assert [row.shifted for row in rows if row.kernel == 3] != [row.shifted for row in rows if row.kernel == 5]


def test_the_order_of_the_views_changes_columns_only(votes):
    other = swept(settings_with([{"kind": "bits", "bits": 1}, "ss", "ns", "shifted", "mirrored"], seeds=[0]))
    main = main_rows(votes).reset_index(drop=True)
    pd.testing.assert_frame_equal(other[list(main.drop(columns="classifier"))], main.drop(columns="classifier"))


def test_every_table_has_the_views(votes):
    rates = [*(f"acc_{name}" for name in NAMES), "acc_maj", "acc_maj_all", "reject_rate"]
    bounds = [f"{rate}_{end}" for rate in rates for end in ("low", "high")]
    summary = summarize(main_rows(votes), "own")
    assert list(summary) == ["classifier", "kernel", "sigma", "n", *rates, *bounds]
    assert set(seeds.seeds(votes)["rate"]) == set(rates)
    assert {*rates, "changed_ns"} <= set(variants.variants(votes))
    assert len(comparisons.tests(votes)) == 4 * 15  # settings, pairs of five views and the majority
    assert {f"{name}_threshold" for name in NAMES} <= set(risk.risk(votes))
    told = agreement.agreement(votes)
    assert told["agreement"].tolist() == ["5 of 5", "4 of 5", "3 of 5", "none"] * 4
    assert told.groupby(["kernel", "sigma"])["n"].sum().tolist() == [9] * 4
    sentences = "\n".join(findings.smoothing(summary, comparisons.tests(votes)))
    assert "unblurred" in sentences
    assert "mirrored" in sentences


def test_one_image_has_a_row_for_every_view(votes):
    viewer = Viewer(Preprocessing(), settings_with(["shifted", "ns", "mirrored", "ss"], kernels=[5]), _published())
    rows, views = examining.examine(
        IMAGES[2], "2", model, viewer, sigmas=[0.0, 0.25], seed=0, classes=[str(label) for label in range(CLASSES)]
    )
    assert rows["view"].tolist() == ["shifted", "ns", "mirrored", "ss"] * 2
    assert views.shape == (2, 4, 1, 12, 12)
    own = main_rows(votes).set_index(["image", "kernel", "sigma"]).loc[("2", 5, 0.25)]
    assert rows["predicted"].tolist()[4:] == own[NAMES[:4]].tolist()


def _published():
    return settings_with(["ns"]).variants["published"]


@pytest.mark.parametrize(
    ("views", "message"),
    [
        (
            ["ns", "cropping"],
            r"image 0: the view 'cropping' makes \(1, 1, 12, 11\) of images \(1, 1, 12, 12\); it must",
        ),
        (["broken"], "image 0: the view 'broken' gives NaN or infinite pixels; fix it or leave it out"),
        ([{"kind": "median", "size": 31}], "image 0: its 12x12 pixels are too few for a kernel of 31"),
    ],
)
def test_a_view_that_gives_no_image_is_named(views, message):
    with pytest.raises(SpuriousError, match=message):
        swept(settings_with(views))
