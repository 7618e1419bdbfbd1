"""Configuration files: what they say together, which of them holds a key, and which keys are in one mapping twice."""

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from spurious.errors import SpuriousError, reason_of
from spurious.problems import Place, at

COMMAND_LINE = "--config"
NAMELESS = "<unicode string>"  # YAML's word for the file it was given
PROJECT = Path(__file__).resolve().parents[3]
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Source(NamedTuple):
    """Where a part of the configuration comes from: the name for messages, and what it says as a tree of YAML."""

    name: str
    root: yaml.Node | None


def add_config_argument(parser: argparse._ActionsContainer) -> None:
    """--configfile, for the programs that a person calls."""
    words = "snakemake's: they change config.yaml, each the ones before it"
    parser.add_argument("--config", "--configfile", type=Path, nargs="+", default=[], metavar="FILE", help=words)


def project() -> Path:
    """The folder whose `config.yaml` and `results` are meant: the working directory if it has that file, else ours."""
    return Path() if Path("config.yaml").exists() else PROJECT


def located(path: str) -> str:
    """A path that the configuration names: from the working directory, or else a file of the workflow."""
    return str(PROJECT / path) if not Path(path).exists() and (PROJECT / path).exists() else path


def read_config(given: Sequence[Path] = ()) -> dict[str, Any]:
    """The configuration as snakemake reads it: the project's, changed by the `given` files one after the other.

    It is checked. SpuriousError names the file that is wrong.
    """
    from spurious import configuration  # no job reads one, and it imports every experiment

    config, sources = {}, []
    for path in (project() / "config.yaml", *given):
        sources.append(read_source(path))
        config = configuration.deep_merge(config, _read_mapping(path))
    configuration.check(config, located, partial(holder, sources))
    return config


def _read_mapping(path: Path) -> Mapping[str, Any]:
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = reason_of(error).replace(f'in "{NAMELESS}", ', "in ")
        raise SpuriousError(f"{path}: no readable configuration ({reason}); fix it") from None
    if not isinstance(found, Mapping):
        raise SpuriousError(f"{path}: no readable configuration (not keys with values); fix it")
    return found


def read_source(path: Path) -> Source:
    """A file, named relative to the working directory where it lies in it.

    SpuriousError where a key appears twice in one mapping, which YAML would take the last of. A file that is no YAML
    has no tree: whoever loads it says so.
    """
    name = str(path.relative_to(Path.cwd()) if path.is_absolute() and path.is_relative_to(Path.cwd()) else path)
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return Source(name, None)
    for place, first, second in _twice(root):
        key, lines = place[-1], f"lines {first} and {second}"
        raise SpuriousError(f"{name}: {at(place[:-1])}the key {key!r} appears twice, in {lines}: remove one of them")
    return Source(name, root)


def command_line(config: Mapping[str, Any]) -> Source:
    """What --config says."""
    return Source(COMMAND_LINE, yaml.compose(yaml.safe_dump(_plain(config)), Loader=_LOADER))


def holder(sources: Iterable[Source], place: Place) -> str:
    """The name of the source that holds the key at `place`, later ones before earlier ones.

    Where none does, of that which holds the most of the way there; of the first where that is nothing.
    """
    depths = [(_depth(source.root, place), index, source.name) for index, source in enumerate(sources)]
    held = [entry for entry in depths if entry[0]]
    return max(held)[2] if held else next((name for *_, name in depths), "config.yaml")


def _depth(node: yaml.Node | None, place: Place) -> int:
    for depth, part in enumerate(place):
        inside = None
        if isinstance(node, yaml.MappingNode):
            inside = next((value for key, value in node.value if key.value == part), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            inside = node.value[part]
        if inside is None:
            return depth
        node = inside
    return len(place)


def _twice(node: yaml.Node | None, place: Place = (), above: tuple[yaml.Node, ...] = ()) -> Iterator[tuple]:
    """(place, first line, second line) of each key that its mapping has twice; an alias of what holds it is left."""
    if any(node is one for one in above):
        return
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode) and name in lines:
                yield (*place, name), lines[name], line
            lines[name] = line
            yield from _twice(value, (*place, name), (*above, node))
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _twice(item, (*place, index), (*above, node))


def _plain(value: Any) -> Any:
    """Mappings of any kind as those that YAML writes."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
