"""Classifiers of scikit-learn in files (skops: no pickle)."""

import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.files.atomic import whole_file
from spurious.classifiers.fitted import ScikitLearn
from spurious.classifiers.scikit_learn import build, check_fitted
from spurious.data.archives import check_size
from spurious.errors import SpuriousError, reason_of

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin

_NOT_LEARNT = ("random_state", "n_jobs")


def limit_threads(threads: int) -> None:
    """Let numpy and scikit-learn, too, compute with so many threads: torch's own number does not concern them."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(threads)


def write(path: str | Path, classifier: "ClassifierMixin") -> None:
    """Write a fitted classifier, whole or not at all; equal classifiers give equal files."""
    import skops.io

    with whole_file(path) as temporary:
        temporary.write_bytes(_without_addresses(skops.io.dumps(classifier)))


def _without_addresses(content: bytes) -> bytes:
    """The same file of skops with its objects numbered: it names them by their addresses in memory and by the time."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as given, zipfile.ZipFile(packed, "w") as archive:
        schema = json.loads(given.read("schema.json"))
        numbers = {}
        _number(schema, numbers)
        names = {f"{address}.npy": f"{number}.npy" for address, number in numbers.items()}
        contents = {names[name]: given.read(name) for name in given.namelist() if name in names}
        for name, data in {"schema.json": json.dumps(schema).encode(), **dict(sorted(contents.items()))}.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED, compresslevel=1)
    return packed.getvalue()


def _number(schema: object, numbers: dict[int, int]) -> None:
    """Replace every address in what skops says of an object, and of those in it, by the number of its first mention."""
    if isinstance(schema, dict):
        if "__id__" in schema:
            schema["__id__"] = number = numbers.setdefault(schema["__id__"], len(numbers))
            if "file" in schema:
                schema["file"] = f"{number}.npy"
        for value in schema.values():
            _number(value, numbers)
    elif isinstance(schema, list):
        for value in schema:
            _number(value, numbers)


def read(path: str | Path, entry: ScikitLearn, threads: int = 1) -> "ClassifierMixin":
    """The fitted classifier that `write` wrote, which must be the one that the entry describes.

    Only types that such a classifier consists of are loaded. Raises SpuriousError, naming the file, where it holds
    others, is no such file, or was fitted with other settings.
    """
    expected = build(entry, 0, threads)  # imports the classes that the file must consist of
    try:
        found = _load(path, list(entry.trusted))
        same = type(found) is type(expected) and _settings(found) == _settings(expected)
        if same and hasattr(found, "classes_"):
            if "n_jobs" in found.get_params():
                found.set_params(n_jobs=threads)
            check_fitted(found)
    except Exception as error:  # of another's file anything can be raised, by the zip reader up to scikit-learn
        reason = reason_of(error)[:200]
        raise SpuriousError(f"{path}: not such a classifier ({reason}); delete it and fit again") from None
    if not same:
        raise SpuriousError(f"{path}: holds another classifier than config.yaml asks for; delete it and fit again")
    if not hasattr(found, "classes_"):
        raise SpuriousError(f"{path}: was not fitted; delete it and fit again")
    return found


def _load(path: str | Path, trusted: list[str]) -> object:
    import skops.io

    with zipfile.ZipFile(path) as archive:
        check_size(archive, Path(path).stat().st_size)
    return skops.io.load(path, trusted=trusted)


def _settings(classifier: "ClassifierMixin") -> dict[str, object]:
    return {name: value for name, value in classifier.get_params().items() if name not in _NOT_LEARNT}
