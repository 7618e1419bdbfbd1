"""Tensors of safetensors files as arrays, for what does without torch: tables and figures."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from spurious.errors import SpuriousError


class TensorFile(Mapping[str, np.ndarray]):
    """The tensors of a safetensors file by name, each read when it is asked for; without torch.

    Raises SpuriousError, naming the file, where it or one of its tensors cannot be read.
    """

    def __init__(self, path: str):
        self.path = path
        self._names = _opened(path, lambda file: list(file.keys()))

    def __getitem__(self, name: str) -> np.ndarray:
        try:
            with safe_open(self.path, framework="np") as file:
                return file.get_tensor(name)
        except (SafetensorError, OSError) as error:
            raise SpuriousError(
                f"{self.path}: cannot read the tensor {name!r} ({error}); delete the file and run again"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def read_metadata(path: str) -> dict[str, str]:
    """The texts that a safetensors file holds beside its tensors."""
    return _opened(path, lambda file: file.metadata() or {})


def _opened(path: str, look: Any) -> Any:
    try:
        with safe_open(path, framework="np") as file:
            return look(file)
    except (SafetensorError, OSError) as error:
        raise SpuriousError(f"{path}: not a readable safetensors file ({error}); delete it and run again") from None
