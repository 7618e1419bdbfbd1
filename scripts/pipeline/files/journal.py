"""What a job has finished so far, item by item, so that a killed one goes on with the next."""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.files.atomic import unfinished
from pipeline.jobs.progress import tell
from spurious.errors import SpuriousError
from spurious.wording import plural

Items = dict[str, Any]


@contextlib.contextmanager
def journal(
    output: str | Path, inputs: str, settings: Mapping[str, Any]
) -> Iterator[tuple[Items, Callable[[str, Any], None]]]:
    """What a killed run of the job has done, by item, and `note(item, value)`, which keeps a JSON value for the next.

    The file lies hidden beside the job's `output`, and is deleted where the block ends without an error. One of other
    `inputs`, which stand for the job's code, too, is not used, and that is told. Raises SpuriousError, naming the file,
    where it was made with other `settings`: they may be a mistake, and its work would be lost.
    """
    path = unfinished(Path(output), ".journal")
    path.parent.mkdir(parents=True, exist_ok=True)
    head, done, length = _read(path)
    if head is None or head["inputs"] != inputs:
        if done:
            tell(f"{path}: {plural(len(done), 'item')} belong to another run (inputs or code differ); starting again")
        done, length = {}, 0
    else:
        _check(path, head["settings"], json.loads(json.dumps(settings)))
    with open(path, "a", encoding="utf-8") as file:
        file.truncate(length)

        def write(value: Any) -> None:
            file.write(json.dumps(value) + "\n")
            file.flush()

        if not length:
            write({"inputs": inputs, "settings": settings})
        yield done, lambda item, value: write([item, value])
    path.unlink()


def _read(path: Path) -> tuple[dict[str, Any] | None, Items, int]:
    """The head, the items, and the length in bytes of the whole lines: a killed process may have left a part of one."""
    head, done, length = None, {}, 0
    for line in path.read_bytes().splitlines(keepends=True) if path.exists() else ():
        try:
            value = json.loads(line) if line.endswith(b"\n") else None
            if head is None:
                head = {"inputs": value["inputs"], "settings": value["settings"]}
            else:
                done |= dict([value])
        except (ValueError, TypeError, KeyError):
            break
        length += len(line)
    return head, done, length


def _check(path: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    for key, value in wanted.items():
        if found.get(key) != value:
            shown = [json.dumps(part)[:60] for part in (found.get(key), value)]
            raise SpuriousError(
                f"{path}: was begun with {key} {shown[0]}, not {shown[1]}; set it back to go on, or delete the file"
            )
