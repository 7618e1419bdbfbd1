"""Where tables come from: what identifies a configuration, which versions it ran with, what its jobs took."""

import hashlib
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from spurious.experiments.catalogue import named_classifiers
from spurious.experiments.certification.jobs import portions
from spurious.experiments.retraining.arms import arms
from spurious.experiments.robustness.jobs import attacked, parts

VERSION = "0.1.0"  # of the workflow; here, where no result depends on it, and in CITATION.cff
_PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(\[[^]]*\])?==(?P<version>[^\s;#]+)")
# Wildcards whose values belong together, beside the classifier, and the jobs of a configuration that have them.
TOGETHER = {("negatives", "target"): arms, ("attacked",): attacked, ("portion",): portions}
_WILDCARD = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Measurement:
    """What one job took; None where it ended before that was measured."""

    wall_s: float
    cpu_s: float | None
    max_rss_mib: float | None


def configuration_sha256(configuration: Mapping[str, Any]) -> str:
    """The SHA-256, hexadecimal, of a configuration as JSON with sorted keys and without blanks."""
    text = json.dumps(configuration, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def seeds(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The seeds of a dataset's experiment, as `spurious.configuration.settings_for` gives it.

    "classifiers": those of everything that is trained or searched; "split", where the split is drawn; "noise", where
    noise is smoothed; "transfer", where fooling images are exchanged: the seeds of each classifier.
    """
    entry = configuration["experiment"]
    found: dict[str, Any] = {"classifiers": entry["seeds"]}
    own = _own(configuration)
    if "seed" in own:
        found["split"] = own["seed"]
    if entry["smoothing"]:
        found["noise"] = configuration["smoothing"]["seeds"]
    if entry["transfer"]:
        found["transfer"] = entry["transfer"]
    return found


def _own(configuration: Mapping[str, Any]) -> Mapping[str, Any]:
    """The entry of the one dataset that the configuration is of."""
    (own,) = configuration["datasets"].values()
    return own


def pins(requirements: str) -> dict[str, str]:
    """{package: version} of the lines `package==version` of a requirements file; other lines are passed over."""
    matches = (_PIN.match(line.strip()) for line in requirements.splitlines())
    return {match["name"]: match["version"] for match in matches if match}


def unlike(pinned: Mapping[str, str], installed: Mapping[str, str | None]) -> list[str]:
    """The packages that are not installed in the version that is pinned.

    What follows a "+" names the build (CPU, CUDA), not the version.
    """
    return [name for name, version in pinned.items() if (installed.get(name) or "").partition("+")[0] != version]


def measurement(text: str) -> Measurement | None:
    """What a benchmark file of Snakemake says, its repetitions added up; None where it says nothing.

    Tab-separated with a header, the columns `s`, `cpu_time` (both in seconds) and `max_rss` (MiB); "NA" and "-" stand
    for what was not measured.
    """
    header, *lines = [line.split("\t") for line in text.splitlines()] or [[]]
    rows = [dict(zip(header, line, strict=False)) for line in lines]
    wall = [value for row in rows if (value := _number(row.get("s"))) is not None]
    if not wall:
        return None
    cpu, rss = ([_number(row.get(column)) for row in rows] for column in ("cpu_time", "max_rss"))
    return Measurement(sum(wall), _over(sum, cpu), _over(max, rss))


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _over(function: Any, values: Iterable[float | None]) -> float | None:
    """`function` of the values that are there, None where there are none."""
    known = [value for value in values if value is not None]
    return function(known) if known else None


def source_of(path: str, patterns: Mapping[str, str]) -> tuple[str, dict[str, str]] | None:
    """The rule whose pattern (`results/{classifier}/seed{seed}.tsv`) `path` has, and its wildcards; None for no rule.

    Where it has several, the one with the fewest wildcards says most of it.
    """
    for rule in sorted(patterns, key=lambda rule: len(_WILDCARD.findall(patterns[rule]))):
        pieces = _WILDCARD.split(patterns[rule])  # text, name, text, name, ..., text
        named = "".join(re.escape(part) if i % 2 == 0 else f"(?P<{part}>[^/]+)" for i, part in enumerate(pieces))
        if match := re.fullmatch(named, path):
            return rule, match.groupdict()
    return None


def belongs(wildcards: Mapping[str, str], configuration: Mapping[str, Any]) -> bool:
    """Whether a job with these wildcards is one of this configuration, or was left by an earlier one."""
    own = _own(configuration)
    known = {
        "classifier": set(named_classifiers(configuration)),
        "seed": set(map(str, configuration["experiment"]["seeds"])),
        "label": set(map(str, range(own.get("classes", 10)))),
        "shard": set(map(str, range(configuration["smoothing"]["shards"]))),
        "search": set(configuration["backworking"]["searches"]),
        "part": set(map(str, parts(configuration))),
        "file": set(own.get("files", {})),
    }
    named = all(value in known[name] for name, value in wildcards.items() if name in known)
    together = [jobs for names, jobs in TOGETHER.items() if wildcards.keys() & set(names)]
    return named and all(_is_one_of(wildcards, jobs(configuration)) for jobs in together)


def _is_one_of(wildcards: Mapping[str, str], jobs: Iterable[Mapping[str, Any]]) -> bool:
    """Whether one of the jobs has these values of its wildcards, as far as they are there."""
    return any(all(str(value) == wildcards.get(name, str(value)) for name, value in job.items()) for job in jobs)


def trainings(found: Iterable[tuple[str, str | None, str | None]]) -> list[dict[str, Any]]:
    """How many trainings there are of each (rule, device, precision), in this order."""
    counts = Counter(found)
    places = sorted(counts, key=lambda place: [text or "" for text in place])
    return [dict(zip(("rule", "device", "precision"), place, strict=True), trainings=counts[place]) for place in places]


def per_rule(measured: Iterable[tuple[str, Measurement]]) -> list[dict[str, Any]]:
    """What the jobs of every rule took together, by name of the rule.

    `jobs` that were measured; `wall_s` and `cpu_s` in all; `longest_s` and `max_rss_mib` of the one that took most,
    null where no job of the rule ran long enough for it to be seen.
    """
    jobs = defaultdict(list)
    for rule, one in measured:
        jobs[rule].append(one)
    return [{"rule": rule, **_together(jobs[rule])} for rule in sorted(jobs)]


def total(measured: Iterable[tuple[str, Measurement]]) -> dict[str, Any]:
    """The same over all rules, without a name."""
    return _together([one for _, one in measured])


def _together(jobs: list[Measurement]) -> dict[str, Any]:
    together = {
        "wall_s": sum(job.wall_s for job in jobs),
        "longest_s": max((job.wall_s for job in jobs), default=None),
        "cpu_s": _over(sum, (job.cpu_s for job in jobs)),
        "max_rss_mib": _over(max, (job.max_rss_mib for job in jobs)),
    }
    rounded = {name: None if value is None else round(value, 2) for name, value in together.items()}
    return {"jobs": len(jobs), **rounded}
