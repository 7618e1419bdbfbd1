"""What reads an argument of a table or a figure whose type brings more of our modules along.

Named here as text, so that a result depends on the reader's modules only where its function takes such an argument:
the rules put them into the digest of its code (`readers_of`).
"""

import ast
import functools
import re

from pipeline.digest import files_of

# The name of a type: the function that makes it of paths.
LATE = {
    "Module": "pipeline.files.weights:read_classifier",
    "Splits": "pipeline.files.images:read_splits",
    "PhotographSource": "pipeline.files.photographs:read_listed",
    "Examples": "pipeline.files.examples:read_examples",
}


@functools.cache
def readers_of(place: str) -> list[str]:
    """The modules of the readers that functions of the module or file `place` may ask for: of the types it names."""
    text = b"".join(path.read_bytes() for path in files_of(place)[:1])  # none where the module is not ours
    seen = any(name.encode() in text for name in LATE)  # every start of snakemake asks for all results: parse few
    named = _names(text) if seen else ()
    return [reader.partition(":")[0] for name, reader in LATE.items() if name in named]


def _names(text: bytes) -> set[str]:
    """Every name, attribute, imported name and whole text in Python code, and the names in quoted annotations."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name) | ast.Constant(value=str(name)):
                found.add(name)
            case (
                ast.arg(annotation=ast.Constant(value=str(text)))
                | ast.FunctionDef(returns=ast.Constant(value=str(text)))
            ):
                found.update(re.findall(r"\w+", text))
    return found
