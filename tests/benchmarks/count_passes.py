"""What the attacks on the defences of MNIST's CNN cost, in passes: `docs/measured/mnist/robustness-cost.csv`.

python tests/benchmarks/count_passes.py RESULTS

RESULTS holds mnist/data.safetensors and mnist/cnn/seed1 and seed2/weights.safetensors. Five test images are attacked
with the settings of `paper`, but for the checks; `hours` are those of two cores for all images and seeds, at the rate
of the benchmark of PGD in docs/measured/benchmarks.csv, where a pass without a gradient counts half.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import pandas as pd  # noqa: E402 - found through the path above
import torch  # noqa: E402
import yaml  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from attack_defence import starts_of  # noqa: E402
from pipeline.files.images import open_images, validation_images  # noqa: E402
from pipeline.files.weights import load_classifier  # noqa: E402
from spurious import configuration, registry  # noqa: E402
from spurious.attacks.within import Starts  # noqa: E402
from spurious.classifiers.entries import ClassifierEntry  # noqa: E402
from spurious.defences.defended import Defended  # noqa: E402
from spurious.defences.entries import Undefended  # noqa: E402
from spurious.experiments.robustness.rows import attack_rows, fitted_defences, knowing  # noqa: E402
from spurious.experiments.robustness.settings import RobustnessSettings  # noqa: E402

DATASET, CLASSIFIER, SEED, FOLLOWED = "mnist", "cnn", 1, 2
IMAGES = torch.arange(20, 25)
RATE = "PGD on MNIST's CNN: in batches, against foolbox, one image after the other"
KEYS = ["defence", "attack", "norm", "epsilon"]


class Counted(nn.Module):
    """A network that counts the images that it sees without and with a gradient."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network, self.passes = network, [0, 0]

    def forward(self, images: Tensor) -> Tensor:
        self.passes[images.requires_grad] += len(images)
        return self.network(images)


def main(results: Path) -> None:
    """Attack five images, and write the passes of one."""
    config = configuration.completed(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")))
    settings = configuration.settings_for(config, DATASET)
    entry = registry.parse(ClassifierEntry, settings["classifiers"][CLASSIFIER]).parameters()
    own = registry.parse(RobustnessSettings, settings["robustness"])
    folder, device = results / DATASET, torch.device("cpu")
    model, other = (
        Counted(load_classifier(folder / CLASSIFIER / f"seed{seed}" / "weights.safetensors", device, entry).eval())
        for seed in (SEED, FOLLOWED)
    )
    data = [folder / "data.safetensors"]
    images = open_images(data)
    starts = starts_of(images, images.order(), device, IMAGES)
    kept = validation_images(data, images, torch.arange(0), own.batch_size, device)
    attacks = {name: following(attack, other) for name, attack in own.attacks.items()}
    attacking = knowing(own.model_copy(update={"attacks": attacks}), kept)
    table = counted(model, other, starts, attacking, kept)
    table["hours"] = (table["forward_passes"] / 2 + table["gradient_passes"]) * hours_of_a_pass(own)
    total = {"defence": "all", "attack": "all", **table.iloc[:, 2:].sum()}
    path = ROOT / "docs/measured" / DATASET / "robustness-cost.csv"
    pd.concat([table, pd.DataFrame([total])]).to_csv(path, index=False, float_format="%.4g", lineterminator="\n")


def following(attack, other: nn.Module):
    """The attack; one of transfer with the network whose gradient it follows."""
    return attack.following(Defended(Undefended(), other)) if attack.kind == "transfer" else attack


def counted(model: Counted, other: Counted, starts: Starts, settings: RobustnessSettings, kept) -> pd.DataFrame:
    """The passes of one image for each defence and attack, of all sizes; those of both networks together."""
    defences = fitted_defences(settings.defences, model, kept)
    model.passes, told = [0, 0], [[0, 0]]

    def tell(_: int) -> None:
        told.append([mine + others for mine, others in zip(model.passes, other.passes, strict=True)])

    rows, _ = attack_rows(defences, model, starts, settings, SEED, tell)
    passes = pd.DataFrame(told, columns=["forward_passes", "gradient_passes"]).diff()[1:].reset_index(drop=True)
    parts = rows[KEYS].drop_duplicates(ignore_index=True)  # in the order in which they are told
    return (
        pd.concat([parts, passes / len(starts.ids)], axis=1)
        .groupby(KEYS[:2], sort=False, as_index=False)[[*passes]]
        .sum()
    )


def hours_of_a_pass(settings: RobustnessSettings) -> float:
    """Hours of two cores of one pass with a gradient, for all images and seeds."""
    measured = pd.read_csv(ROOT / "docs/measured/benchmarks.csv").set_index("name")["ours"]
    return settings.images * settings.seeds * measured[RATE] / 1e3 / 3600


if __name__ == "__main__":
    main(Path(sys.argv[1]))
