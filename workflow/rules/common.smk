"""Configuration, and the helpers that turn it into inputs and parameters of the rules."""

import csv
import functools
import importlib
import itertools
import json
import os
import re
import shlex
import sys
import tempfile
from functools import partial
from pathlib import Path

from snakemake.sourcecache import HostingProviderFile, LocalSourceFile

IS_MODULE = not workflow.modifier.is_main_snakefile()


def own_folder(here):
    """The workflow's folder, `here` being that of this file; one on a hosting service is copied as far as it is needed.

    Snakemake keeps a copy of each file that is asked for. The programs import what lies beside them, so all are.
    """
    if isinstance(here, LocalSourceFile):
        return Path(here.get_path_or_uri(secret_free=False)).resolve().parents[1]
    if not isinstance(here, HostingProviderFile):
        sys.exit(f"error: {here}: the workflow cannot run from there; clone it and name the clone's workflow/Snakefile")
    needed = ("scripts", "workflow", "requirements.txt")
    names = here.hosted_repo.repo.git.ls_tree("-r", "--name-only", here.ref, "--", *needed).splitlines()
    copies = {name: workflow.sourcecache.get_path(here.join(f"../../{name}")) for name in names}
    return Path(copies["requirements.txt"]).parent


PROJECT = own_folder(workflow.current_basedir)  # as long as this file is read; workflow.basedir may be another's


def shipped(path):
    """The path of a file of this workflow: relative where it lies in the working directory, else absolute.

    Paths are part of what Snakemake compares with the last run: in a clone they are the same as in the original.
    """
    absolute = PROJECT / path
    return str(absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else absolute)


def given(path):
    """The path of a file that the configuration names: in the working directory, or else one that is shipped."""
    return shipped(path) if not os.path.exists(path) and (PROJECT / path).exists() else path


def program(name):
    """The start of a shell line that runs one of the programs."""
    return f"python {shlex.quote(shipped(f'scripts/{name}'))}"


sys.path.insert(0, str(PROJECT / "scripts"))

from pipeline.digest import digest
from pipeline.files.configurations import command_line, holder, read_source
from pipeline.files.published import published_classifiers
from pipeline.files.readers import readers_of
from pipeline.jobs.arguments import EXTENSIONS
from pipeline.jobs.edits import STARTED_WITH, end_after_edits_of_rules, started_with
from spurious import configuration, consistency
from spurious.errors import SpuriousError, reason_of
from spurious.experiments.catalogue import of_classifier, setting
from spurious.experiments.retraining.arms import arms, judges, settings_of
from spurious.experiments.robustness.jobs import attacked, parts, sources
from spurious.experiments.rooms import catalogues, takes_part
from spurious.perturbations.negatives import NEGATIVES
from spurious.problems import Problem
from spurious.registry import load_extensions


def sources_of_configuration():
    """What Snakemake was given, in the order in which it is merged; nothing where we are a module, whose host was."""
    if IS_MODULE:
        return []
    given_by_user = workflow.config_settings
    own = [Path(path) for path in workflow.configfiles if Path(path) not in given_by_user.configfiles]
    files = [read_source(path) for path in (*own, *given_by_user.configfiles)]
    return [*files, command_line(given_by_user.config)]


def check_before_any_work():
    """End with one line where the configuration or the results folder would make a job fail later.

    A snakemake that runs one job of another leaves that to it, and ends where it reads something else than that one did.
    """
    try:
        if workflow.is_main_process:
            published = published_classifiers(PROJECT / "workflow/resources")
            configuration.check(config, named=partial(holder, sources_of_configuration()), published=published)
            if not IS_MODULE:
                os.makedirs("results", exist_ok=True)
                tempfile.TemporaryFile(dir="results").close()
        else:
            end_after_edits_of_rules(config, workflow.configfiles)
            load_extensions(config.get("extensions", []))
    except SpuriousError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: results: cannot be written ({error.strerror}); make it a writable folder")


check_before_any_work()
if workflow.is_main_process and not IS_MODULE:
    os.environ[STARTED_WITH] = started_with(config.get("extensions", []), config)
config = configuration.completed(config)  # a name of our own: the mapping is the host's where we are a module
os.environ[EXTENSIONS] = json.dumps(config["extensions"])


EXPERIMENTS = {name: configuration.settings_for(config, name) for name in config["experiments"]}


ROOMS = catalogues()


def numbered(place, count):
    """A number as wide as the largest: the menu sorts a figure space before every digit."""
    return str(place).rjust(len(str(count)), "\N{FIGURE SPACE}")


def category(stage):
    """The report's category of an experiment, in the order of the front page: claims, experiments, provenance."""
    order = ["writeups", *(name for name in ROOMS if name != "writeups"), "provenance"]
    title = ROOMS[stage].ROOM.title if stage in ROOMS else stage.capitalize()
    return f"{numbered(order.index(stage) + 1, len(order))} {title}"


def rules_of_rooms():
    """The experiments that have a file of rules, in their order; one that shows what others compute needs none."""
    return [name for name in ROOMS if (PROJECT / f"workflow/rules/{name}.smk").exists()]


def has_inputs_of_its_own(name):
    """Whether an experiment's rules have functions of their own; Snakemake's linter wants these in another file."""
    return (PROJECT / f"workflow/rules/inputs/{name}.smk").exists()


def one_of(patterns):
    """A regular expression for one of these, which are tried in their order; none matches nothing."""
    return "|".join(dict.fromkeys(patterns)) or "(?!)"


def one_of_names(names):
    """A regular expression for one of these names, the longest first."""
    return one_of(map(re.escape, sorted(names, key=lambda name: (-len(name), name))))


def classifiers_by_name():
    """Those of all datasets."""
    return one_of_names({name for settings in EXPERIMENTS.values() for name in settings["classifiers"]})


def searches_of_figures():
    """The searches of a dataset, behind the names of its classifiers.

    In found-cnn-slow-logit nothing but what comes before it tells whether the search is "logit" or "slow-logit", and
    another dataset may have other names. The configuration was refused where both would be right.
    """
    return one_of(
        f"(?<={re.escape(f'results/{dataset}/figures/{kind}-{classifier}-')}){re.escape(search)}"
        for dataset, settings in EXPERIMENTS.items()
        for classifier, search in configuration.searched(settings)
        for kind in ("found", "overview")
    )


wildcard_constraints:
    dataset="[A-Za-z0-9_.-]+",
    classifier=classifiers_by_name(),
    seed="[0-9]+",


@functools.cache
def experiment(dataset):
    """The configuration in force for a dataset: its overrides merged into the rest."""
    return configuration.settings_for(config, dataset)


def code(program, *modules):
    """What stands for the code of a program, of modules it is given, and of the kinds of one's own, in a job's parameters."""
    return digest(program.removesuffix(".py"), *modules, *config["extensions"])


def threads_of(stage):
    """A parameter function: the threads of the jobs of a stage."""

    def threads(wildcards):
        return experiment(wildcards.dataset)["threads"][stage]

    return threads


def seeds_of(dataset):
    return experiment(dataset)["experiment"]["seeds"]


def labels_of(dataset):
    return range(experiment(dataset)["datasets"][dataset].get("classes", 10))


def own_targets():
    """The targets beside demo and paper; ends with one line where a rule of the workflow has such a name."""
    names = [name for name in config["targets"] if name not in ("demo", "paper")]
    taken = {rule.name for rule in workflow.rules}
    for name in names:
        if name in taken:
            file = holder(sources_of_configuration(), ("targets", name))
            sys.exit(f"error: {file}: targets: {name!r} is the name of a rule; choose another")
    return names


def results_of(datasets):
    """Every table and figure of the datasets, where they come from, and what the report's front page says of them."""
    kinds = (files_of_results, example_figures, provenance_of)
    return [path for dataset in datasets for of in kinds for path in of(dataset)] + [*map(summary_of, datasets)]
