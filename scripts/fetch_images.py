"""The photographs of a manifest in one folder: linked from the local folder, else downloaded; each one checked."""

import argparse
import os
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pipeline.files.atomic import replace_folder, unfinished
from pipeline.files.downloads import Unavailable, fetch_url
from pipeline.files.photographs import read_manifest, sha256_of
from pipeline.jobs.arguments import Parser, run
from pipeline.jobs.progress import progress_bar
from spurious.data.manifest import Entry
from spurious.errors import SpuriousError

THREADS = 8  # what takes time is the answer of the server


def main(argv: Sequence[str] | None = None) -> None:
    """Build the folder beside its place, where an interrupted run continues, and move it there when it is whole."""
    arguments = parse(argv)
    entries = read_manifest(arguments.manifest)
    local = arguments.local_data and Path(os.path.expanduser(arguments.local_data)).absolute()
    folder = os.path.expanduser(arguments.folder)
    sources = Sources(arguments.manifest, folder, tuple(arguments.urls), local)
    output = arguments.output
    building = unfinished(output, ".part")
    try:
        fetch_all(sources, entries, building)
        replace_folder(building, output)
    except OSError as error:
        raise SpuriousError(f"{output}: {error}; fix this and run again") from None


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("--manifest", required=True, help="CSV: file, label, sha256")
    parser.add_argument("--folder", required=True, help="the subfolder of --local-data to look in, or a path")
    parser.add_argument("--urls", nargs="*", default=[], metavar="TEMPLATE", help="with {file}; tried in order")
    parser.add_argument("--local-data", type=Path, help="a folder that is looked in before any URL")
    parser.add_argument("--output", type=Path, required=True, help="the folder to make")
    return parser.parse_args(argv)


@dataclass(frozen=True)
class Sources:
    """Where the files of a manifest come from: `<local>/<folder>/<file>`, then the URL templates in order.

    Without a `local`, and where it is absolute, the folder is a path.
    """

    manifest: str
    folder: str
    urls: tuple[str, ...]
    local: Path | None

    def __post_init__(self) -> None:
        for template in self.urls:
            if "{file}" not in template:
                raise SpuriousError(f"{template}: has no {{file}} to put a file's name in; change urls in config.yaml")

    def provide(self, entry: Entry, path: Path) -> None:
        """Make `path` a link to the local file, or the downloaded file; one that is there already is kept."""
        local = Path(self.local or "", self.folder, entry.file).absolute()
        path.parent.mkdir(parents=True, exist_ok=True)
        if local.is_file():
            self._link(entry, local, path)
        elif path.is_symlink() or not path.exists() or sha256_of(path) != entry.sha256:
            self._download(entry, path)

    def _link(self, entry: Entry, local: Path, path: Path) -> None:
        found = sha256_of(local)
        if found != entry.sha256:
            raise SpuriousError(
                f"{local}: wrong sha256 {found}, wanted {entry.sha256}; replace or remove it, or change its row in "
                f"{self.manifest}"
            )
        path.unlink(missing_ok=True)
        path.symlink_to(local)

    def _download(self, entry: Entry, path: Path) -> None:
        reasons = []
        for template in self.urls:
            # a template may be a plain path
            url = template.replace("{file}", quote(entry.file) if "://" in template else entry.file)
            try:
                return fetch_url(url, path, entry.sha256, bar=False)
            except Unavailable as reason:
                reasons.append(f"{url} ({reason})")
        base = self.local or "<folder>"
        remedy = "" if Path(self.folder).is_absolute() else f" and set local_data: {base} in config.yaml"
        raise SpuriousError(
            f"{entry.file}: no source delivered it: {', '.join(reasons) or 'no URL is given'}; put it into "
            f"{Path(base, self.folder)}/{remedy}, or run again: what came is kept"
        )


def fetch_all(sources: Sources, entries: Sequence[Entry], building: Path) -> None:
    """Make `building` a folder of the files of all entries and of nothing else; raises the first entry's error."""
    files = {building / entry.file for entry in entries}
    remove_others(building, files)
    with ThreadPoolExecutor(THREADS) as pool:
        # when one fails, what has not begun is given up
        done = pool.map(lambda entry: sources.provide(entry, building / entry.file), entries)
        for _ in progress_bar(done, desc=sources.folder, total=len(entries), unit="file", mininterval=1):
            pass
    remove_others(building, files)


def remove_others(folder: Path, files: Collection[Path]) -> None:
    """Leave only `files`: another manifest may have been fetched into `folder`, and a killed run leaves pieces."""
    for place, folders, names in os.walk(folder, topdown=False):
        for name in names:
            if Path(place, name) not in files:
                Path(place, name).unlink()
        for name in folders:
            if not any(Path(place, name).iterdir()):
                Path(place, name).rmdir()


if __name__ == "__main__":
    run(main)
