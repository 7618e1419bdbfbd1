"""Tensors of safetensors files as arrays, for what does without torch: tables and figures."""

import numpy as np
from safetensors import SafetensorError, safe_open

from spurious.errors import SpuriousError


def read_array(path: str, name: str) -> np.ndarray:
    """One tensor of a safetensors file, without torch."""
    try:
        with safe_open(path, framework="np") as file:
            return file.get_tensor(name)
    except (SafetensorError, OSError) as error:
        raise SpuriousError(
            f"{path}: cannot read the tensor {name!r} ({error}); delete the file and run again"
        ) from None


def read_arrays(path: str) -> dict[str, np.ndarray]:
    """All tensors of a safetensors file, without torch."""
    try:
        with safe_open(path, framework="np") as file:
            names = list(file.keys())
    except (SafetensorError, OSError) as error:
        raise SpuriousError(f"{path}: not a readable safetensors file ({error}); delete it and run again") from None
    return {name: read_array(path, name) for name in names}
