"""Classifiers that others have trained: torchvision's by name, and programs that are supplied."""

import io
import re
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn

from spurious import vision
from spurious.classifiers.programs import Batched, Program
from spurious.classifiers.trained_elsewhere import Exported, TorchScript, Torchvision
from spurious.errors import SpuriousError
from spurious.registry import parse
from spurious.seeding import generator
from spurious.views.preprocessing import Preprocessing

_TOLERANCE = 1e-3  # of the largest logit: folding moves the last digits, a specialized trace gives something else


class PublishedFile(NamedTuple):
    """Where a file is to be had, and its sha256 or the first digits of it."""

    url: str
    sha256: str


def published_file(model: str, weights: str) -> PublishedFile:
    """The file of torchvision's weights, with the digits of its sha256 that its name tells, 8 or more.

    Raises SpuriousError for unknown names.
    """
    url = vision.find_weights(model, weights).url
    return PublishedFile(url, re.search(r"-([0-9a-f]{8,})\.pth$", url)[1])


def preprocessing_of(entry: Torchvision | TorchScript | Exported) -> Preprocessing:
    """What a classifier wants done to an image: what its entry of the configuration says, else what is published.

    Raises SpuriousError for names that torchvision does not know, and for a crop that exceeds the resize.
    """
    chosen = {}
    if isinstance(entry, Torchvision):
        wanted = vision.find_weights(entry.torchvision, entry.weights).transforms()
        chosen = {"resize": wanted.resize_size[0], "crop": wanted.crop_size[0]}
        chosen["interpolation"] = wanted.interpolation.value
    own = {key: getattr(entry, key) for key in Preprocessing.model_fields if key in entry.model_fields_set}
    return parse(Preprocessing, chosen | own)


def open_pretrained(
    content: bytes,
    entry: Torchvision | TorchScript | Exported,
    device: torch.device,
    note: Callable[[str], None] = lambda text: None,
) -> nn.Module:
    """The classifier in the bytes of its file, on `device`.

    The module takes images (N, C, h, w) in [0, 1] and normalizes them itself; its parameters are frozen, and it can
    be differentiated with respect to the images. Opening a program may run what is in it: check its sha256 before.
    `note` gets a sentence for what is set right about a program at its first images. Raises SpuriousError where the
    bytes are no such classifier.
    """
    model = _OPENERS[entry.kind](content, entry, device)
    if not isinstance(entry, Torchvision):
        model = Program(model, note)
        model = model if entry.mean is None else Normalized(model, entry.mean, entry.std)
    model = model.to(device)
    for parameter in model.parameters():  # a TorchScript module has no requires_grad_ of its own
        parameter.requires_grad_(False)
    return model


def torchvision_classifier(name: str, weights: str = "DEFAULT", state: Mapping[str, Tensor] | None = None) -> nn.Module:
    """torchvision's classifier with the parameters of `state`, random ones without: images in [0, 1] to logits.

    `weights` says how it normalizes, and what else belongs to it. Raises SpuriousError for unknown names and
    RuntimeError for a state that does not fit.
    """
    chosen = vision.find_weights(name, weights)
    model, wanted = vision.build_classifier(name, chosen, state), chosen.transforms()
    # On the CPU and on GPUs with tensor cores, convolutions are faster with the channels innermost.
    return Normalized(model, wanted.mean, wanted.std).eval().to(memory_format=torch.channels_last)


def _open_torchvision(content: bytes, entry: Torchvision, device: torch.device) -> nn.Module:
    name, weights = entry.torchvision, entry.weights
    with _told(f"holds no weights of torchvision's {name}; get the file that belongs to {weights}"):
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        return torchvision_classifier(name, weights, state)


def _open_torchscript(content: bytes, entry: TorchScript, device: torch.device) -> nn.Module:
    _check_form(content, "torchscript")
    with _told("holds no TorchScript program; save one by torch.jit.save"), _quiet_jit():
        return torch.jit.load(io.BytesIO(content), map_location=device).eval()


def _open_exported(content: bytes, entry: Exported, device: torch.device) -> nn.Module:
    _check_form(content, "exported")
    with _told("holds no exported program; save one by torch.export.save"):
        program = torch.export.load(io.BytesIO(content))
        model, (least, most) = program.module(), _batch_sizes(program)
        return model if (least, most) == (1, None) else Batched(model, least, most or sys.maxsize)


def _check_form(content: bytes, kind: str) -> None:
    """Raise SpuriousError for the other kind of program, and for weights without one, by the names in the archive."""
    wanted = {"torchscript": "holds no TorchScript program", "exported": "holds no exported program"}[kind]
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = {name.partition("/")[2] for name in archive.namelist()}
    except Exception:  # no archive, or a damaged one: the reader of the kind says what it is
        names = set()
    if kind == "exported" and "constants.pkl" in names:
        raise SpuriousError(f"{wanted} but a TorchScript program; use the key torchscript in the place of exported")
    if kind == "torchscript" and any(name.startswith("models/") for name in names):
        raise SpuriousError(f"{wanted} but an exported program; use the key exported in the place of torchscript")
    if ("data.pkl" in names and "constants.pkl" not in names) or content.startswith(b"\x80\x02"):
        raise SpuriousError(
            f"{wanted} but weights or a pickled model (torch.save), which need their Python code; load them there,"
            " then torch.jit.save(torch.jit.trace(model.eval(), images), path)"
        )


def _batch_sizes(program: torch.export.ExportedProgram) -> tuple[int, int | None]:
    """How many images the program takes, from at least 1 to at most as many; None where there is no bound."""
    (name, *_) = program.graph_signature.user_inputs
    size = next(node for node in program.graph.nodes if node.name == name).meta["val"].shape[0]
    if isinstance(size, int):
        return size, size
    bounds = program.range_constraints.get(size.node.expr)
    if bounds is None:
        return 1, None
    return max(1, int(bounds.lower)), int(bounds.upper) if bounds.upper < sys.maxsize else None


_OPENERS: dict[str, Callable[[bytes, Any, torch.device], nn.Module]] = {
    "torchvision": _open_torchvision,
    "torchscript": _open_torchscript,
    "exported": _open_exported,
}


class Normalized(nn.Module):
    """`model` on (images - mean) / std: images (N, C, H, W) in [0, 1], `mean` and `std` one value for each channel."""

    def __init__(self, model: nn.Module, mean: Sequence[float], std: Sequence[float]):
        super().__init__()
        self.model = model
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """What the model gives for the normalized images."""
        return self.model((images - self.mean) / self.std)


class Classifier(nn.Module):
    """`model` as a function of images (N, C, h, w), float32 in [0, 1], to float32 logits (N, classes).

    With the precision "bfloat16" it computes in it where torch's autocast does. Raises SpuriousError where the model
    cannot take the images or gives no tensor.
    """

    def __init__(self, model: nn.Module, precision: str = "float32"):
        super().__init__()
        self.model, self.precision, self.training = model, precision, False

    def train(self, mode: bool = True) -> Self:
        """Nothing: an exported program has one mode only, and no classifier shall learn from what it is shown."""
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Logits."""
        shape = tuple(images.shape)
        low = self.precision == "bfloat16"
        with (
            _told(f"the classifier does not take images of shape {shape}; change resize and crop, or export it again"),
            torch.autocast(images.device.type, torch.bfloat16, enabled=low),
        ):
            logits = self.model(images)
        if not isinstance(logits, Tensor):
            raise SpuriousError(f"the classifier gives a {type(logits).__name__}, not logits; export it with them")
        return logits.float()


def accelerate(model: nn.Module, size: int, precision: str = "float32") -> Classifier:
    """The classifier on square colour images of `size` pixels, sooner on the CPU: traced and frozen.

    That folds batch normalization into the convolutions before it. Where `model` cannot be traced, or its trace holds
    for one batch size only, it is used as it is. The trace is of float32 whatever the precision, so that folding
    rounds once.
    """
    return Classifier(_frozen(model, size), precision)


def _frozen(model: nn.Module, size: int) -> nn.Module:
    """`model` traced and frozen if that gives the same logits, else `model`."""
    images = torch.rand(3, 3, size, size, generator=generator("pretrained", "accelerate"))
    try:
        with torch.no_grad(), _quiet_jit():
            traced = torch.jit.freeze(torch.jit.trace(model, images[:2], check_trace=False))
            same = all(_close(traced(part), model(part)) for part in (images[:1], images))
    except Exception:  # whatever stops the tracing, there is the model itself
        return model
    return traced if same else model


def _close(logits: Tensor, expected: Tensor) -> bool:
    if logits.shape != expected.shape:
        return False
    return bool((logits - expected).abs().max() <= _TOLERANCE * expected.abs().max())


@contextmanager
def _quiet_jit() -> Iterator[None]:
    """Without the warning that torch.jit is deprecated: programs that were saved by it shall stay usable."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit", category=DeprecationWarning)
        warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)  # _frozen() tries other batch sizes
        yield


@contextmanager
def _told(problem: str) -> Iterator[None]:
    """Say `problem` of whatever goes wrong: files and programs of others fail with exceptions of any kind."""
    try:
        yield
    except SpuriousError:
        raise
    except Exception as error:
        reason = str(error).rpartition("RuntimeError: ")[2]  # after TorchScript's own traceback
        raise SpuriousError(f"{problem} ({' '.join(f'{type(error).__name__}: {reason}'.split())[:200]})") from None
