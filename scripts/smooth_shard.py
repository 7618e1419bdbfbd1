"""Classify one shard of the test images under every noise level and blur; one row per image and setting."""

import argparse
import csv
import json
from collections.abc import Iterator

import torch
from tqdm import tqdm

from commandline import add_compute_arguments, prepare_compute, run, settings_argument, whole_file
from spurious.datasets import Dataset, to_float
from spurious.errors import SpuriousError
from spurious.settings import SmoothingSettings
from spurious.smoothing import Batch, Row, sweep
from spurious.training import predict
from tensorfiles import load_classifier, read_dataset


def main(argv: list[str] | None = None) -> None:
    """Read the dataset and the classifier, sweep over the shard, write its rows."""
    arguments = parse(argv)
    device = prepare_compute(arguments)
    settings = arguments.settings
    data = read_dataset(arguments.data)
    model = load_classifier(arguments.weights, device, arguments.architecture)
    indices = shard_indices(len(data.labels["test"]), arguments.shard, arguments.shards)

    def classify(images: torch.Tensor) -> torch.Tensor:
        return predict(model, images, batch_size=settings.batch_size).argmax(1)

    with (
        tqdm(total=len(indices), desc=f"smoothing, shard {arguments.shard}", unit="image") as bar,
        whole_file(arguments.output) as path,
        open(path, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Row._fields)
        writer.writerows(sweep(batches(data, indices, settings.batch_size, device, bar), classify, settings))


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--architecture", type=json.loads, help="JSON: what the weights must be of")
    parser.add_argument("--settings", type=settings_argument(SmoothingSettings), required=True)
    parser.add_argument("--shard", type=int, default=0, help="counted from 0")
    parser.add_argument("--shards", type=int, default=1, help="how many there are")
    parser.add_argument("--output", required=True)
    add_compute_arguments(parser)
    return parser.parse_args(argv)


def shard_indices(images: int, shard: int, shards: int) -> torch.Tensor:
    """Every `shards`-th image from `shard` on: equal shares of a test set that may be sorted by label."""
    if not 0 <= shard < shards:
        raise SpuriousError(f"--shard {shard}: with --shards {shards} it must be from 0 to {shards - 1}")
    return torch.arange(images)[shard::shards]


def batches(data: Dataset, indices: torch.Tensor, batch_size: int, device: torch.device, bar: tqdm) -> Iterator[Batch]:
    """Test images on `device` with their index as id; `bar` advances when the next batch is asked for."""
    for part in indices.split(batch_size) if len(indices) else ():
        images = to_float(data.images["test"][part]).to(device)
        yield [str(index) for index in part.tolist()], images, data.labels["test"][part]
        bar.update(len(part))


if __name__ == "__main__":
    run(main)
