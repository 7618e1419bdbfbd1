"""Images that were kept to be shown, with their rows, in one safetensors file."""

import json
from collections.abc import Sequence

import pandas as pd

from pipeline.files.arrays import TensorFile, read_metadata
from spurious.errors import SpuriousError
from spurious.figures.examples import Examples


def read_examples(paths: Sequence[str]) -> Examples:
    """Those of the one file; SpuriousError where it has no rows."""
    try:
        rows = pd.DataFrame(json.loads(read_metadata(paths[0])["rows"]))
    except (KeyError, ValueError) as error:
        raise SpuriousError(f"{paths[0]}: no examples with their rows ({error}); delete it and run again") from None
    return Examples(TensorFile(paths[0]), rows)
