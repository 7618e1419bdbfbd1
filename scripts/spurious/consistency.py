"""What is wrong with settings that are right by themselves: names that do not exist, numbers that do not fit."""

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence

from spurious.attacks.on_decisions import Transfer
from spurious.classifiers.entries import Architecture, ScikitLearn
from spurious.data.sources import Source
from spurious.defences.entries import Denoised
from spurious.defences.kinds import Defence
from spurious.errors import unknown_name
from spurious.perturbations.negatives import NEGATIVES, OF_SEARCH, Growing
from spurious.problems import Place, Problem
from spurious.registry import Entry
from spurious.sections import ROOMS, Configuration, Experiment, Shared

# The kinds of classifiers that a stage takes. Only what was trained here has seeds, and named layers.
KINDS = {name: room.kinds for name, room in ROOMS.items() if room.kinds}
DEFENDED = ("robustness", "certification")  # the stages with defences, some of them of one classifier
ON_PHOTOGRAPHS = [name for name, room in ROOMS.items() if room.photographs]


def dataset_problems(config: Configuration) -> Iterator[Problem]:
    for name, dataset in config.datasets.items():
        yield from _needed(dataset, ("datasets", name))
    for name in config.experiments:
        if name not in config.datasets:
            yield Problem(("experiments",), unknown_name("dataset", name, config.datasets), key=name)
    yield from _alike(config.experiments, ("experiments",))
    for target, names in config.targets.items():
        yield from _all_known(names, config.experiments, "dataset", ("targets", target))


def reference_problems(config: Shared, published: Collection[str] | None = None) -> Iterator[Problem]:
    """Recipes, searches, layers and names of `published` numbers that do not exist; classifiers with one folder."""
    yield from _alike(config.classifiers, ("classifiers",))
    for name, classifier in config.classifiers.items():
        yield from _needed(classifier, ("classifiers", name))
        if isinstance(classifier, Architecture):
            yield from _known(classifier.recipe, config.recipes, "recipe", ("classifiers", name, "recipe"))
        own = getattr(classifier, "published_as", None)
        if published is not None and own is not None:
            place = ("classifiers", name, "published_as")
            yield from _known(own, published, "classifier with published numbers", place)
    yield from _retraining(config)
    yield from _denoisers(config)
    for name, attack in config.robustness.attacks.items():
        if isinstance(attack, Transfer) and attack.classifier is not None:
            place = ("robustness", "attacks", name, "classifier")
            yield from _known(attack.classifier, config.classifiers, "classifier", place)
    for stage in DEFENDED:
        for name in getattr(config, stage).classifiers:
            yield from _known(name, config.classifiers, "classifier", (stage, "classifiers"))
    searches = config.backworking.searches
    yield from _all_known(config.retraining.attacks, searches, "search", ("retraining", "attacks"))
    layers = dict.fromkeys(layer for architecture in Architecture.kinds.values() for layer in architecture.layers)
    for name, search in searches.items():
        for layer in search.layer_weights:
            place = ("backworking", "searches", name, "layer_weights")
            yield from (problem._replace(inner=True) for problem in _known(layer, layers, "key", place))


def _retraining(config: Shared) -> Iterator[Problem]:
    """Recipes and classifiers that retraining names and that do not exist."""
    own, place = config.retraining.classifiers, ("retraining",)
    for name in own:
        yield from _known(name, config.classifiers, "classifier", (*place, "classifiers"))
    learned = [name for name, entry in config.classifiers.items() if isinstance(entry, Architecture | ScikitLearn)]
    for index, judge in enumerate(config.retraining.judges):
        yield from _known(judge.classifier, learned, "classifier", (*place, "judges", index, "classifier"))
    for where, settings in ((place, config.retraining), *(((*place, "classifiers", name), own[name]) for name in own)):
        if settings.recipe is not None:
            yield from _known(settings.recipe, [*config.recipes, "own"], "recipe", (*where, "recipe"))


def _denoisers(config: Shared) -> Iterator[Problem]:
    """Recipes that denoisers, and denoisers that defences name and that do not exist."""
    for name, own in config.denoisers.items():
        for loss, recipe in own.recipes.items():
            yield from _known(recipe, config.recipes, "recipe", ("denoisers", name, "recipes", loss))
    for place, defences in _all_defences(config):
        for name, defence in defences.items():
            if isinstance(defence, Denoised):
                yield from _known(defence.denoiser, config.denoisers, "denoiser", (*place, name, "denoiser"))


def _all_defences(config: Shared) -> Iterator[tuple[Place, Mapping[str, Defence]]]:
    """Those that are attacked and certified, and where they are."""
    for stage in DEFENDED:
        section = getattr(config, stage)
        yield (stage, "defences"), section.defences
        for name, own in section.classifiers.items():
            yield (stage, "classifiers", name, "defences"), own.defences or {}


def _defences_of(config: Shared, stage: str, classifier: str) -> Mapping[str, Defence]:
    """Those that hold for a classifier in a stage; none where the stage has none."""
    if stage not in DEFENDED:
        return {}
    section = getattr(config, stage)
    own = section.classifiers.get(classifier)
    return section.defences if own is None or own.defences is None else own.defences


def _alike(names: Collection[str], place: Place) -> Iterator[Problem]:
    """Names of folders that are the same where a file system ignores case, as those of macOS and Windows do."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            text = f"{other!r} and {name!r} differ only in case, which some disks ignore: rename one of them"
            yield Problem(place, text, key=name)


def _needed(entry: Entry, place: Place) -> Iterator[Problem]:
    """Keys that a job does without, but not the configuration."""
    for key in entry.needed:
        if getattr(entry, key) is None:
            yield Problem(place, f"the key {key!r} is missing: {type(entry).model_fields[key].description}")


def experiment_problems(config: Shared, source: Source, entry: Experiment, place: Place) -> Iterator[Problem]:
    """What is wrong with an entry of experiments, under the configuration that holds for its dataset."""
    for stage in KINDS:
        yield from _all_known(getattr(entry, stage), config.classifiers, "classifier", (*place, stage))
    for stage in KINDS:
        yield from _suitable(config, source, entry, (*place, stage))
    yield from _seeds(entry, place)
    if entry.linear:
        yield from _linear_classes(config, source, place)
    yield from _figure_names(config, place)
    for classifier in entry.robustness:
        yield from _transfers(config, source, entry, classifier)
    if entry.retraining and source.kind == "digits" and config.retraining.confidence.elsewhere == source.kind:
        text = "'digits' are the dataset's own images: use photographs, or null"
        yield Problem(("retraining", "confidence", "elsewhere"), text)
    for classifier in entry.retraining:
        yield from _searches_of_arms(config, classifier)
        yield from _judges(config, classifier, entry.seeds)
    searches, attacks = config.backworking.searches, config.retraining.attacks
    for stage, names in (("backworking", searches), ("retraining", attacks)):
        for classifier in getattr(entry, stage):
            yield from _layers(config, classifier, names)


def _suitable(config: Shared, source: Source, entry: Experiment, place: Place) -> Iterator[Problem]:
    """Classifiers that a stage cannot take: of a kind without what it needs, or on images that it cannot read."""
    stage = place[-1]
    for index, name in enumerate(getattr(entry, stage)):
        here, group = (*place, index), config.classifiers[name].group
        if source.kind == "store":
            yield Problem(here, f"a store is only for linear classifiers: leave {name!r} out")
        if source.kind == "images" and stage not in ON_PHOTOGRAPHS:
            allowed = " or ".join(ON_PHOTOGRAPHS)
            text = f"photographs differ in size, and nothing is trained on them: name {name!r} in {allowed}"
            yield Problem(here, text)
        denoised = any(isinstance(defence, Denoised) for defence in _defences_of(config, stage, name).values())
        if source.kind == "images" and denoised:
            yield Problem(here, f"nothing is trained on photographs, no denoiser for {name!r} either: leave it out")
        if group not in KINDS[stage]:
            fitting = " or ".join(other for other in KINDS if group in KINDS[other])
            needed = " or ".join(KINDS[stage])
            yield Problem(here, f"{name!r} has no {needed}: give it one, or name it in {fitting} instead")
        if ROOMS[stage].one_class and config.classifiers[name].independent:
            fitting = " or ".join(other for other in KINDS if group in KINDS[other] and not ROOMS[other].one_class)
            text = f"the classes of {name!r} are independent, and no softmax is over them: name it in {fitting} instead"
            yield Problem(here, text)


def _seeds(entry: Experiment, place: Place) -> Iterator[Problem]:
    """Seeds that nothing is trained with, and too few for the controls of retraining."""
    seeds = list(entry.seeds)
    for name, chosen in entry.transfer.items():
        for seed in chosen:
            if seed not in seeds:
                here = (*place, "transfer", name)
                yield Problem(here, f"the seed {seed} is not among the experiment's: use {seeds}")
    if entry.retraining and len(seeds) < 2:
        reason = "retraining needs two seeds or more, since the net of another seed is its control"
        yield Problem((*place, "seeds"), f"{seeds} is not allowed: {reason}")


def _transfers(config: Shared, source: Source, entry: Experiment, classifier: str) -> Iterator[Problem]:
    """Classifiers that attacks of transfer cannot follow, since they have no gradient, or are the attacked one."""
    for key, attack in config.robustness.attacks.items():
        if not isinstance(attack, Transfer):
            continue
        place, name = ("robustness", "attacks", key), attack.classifier or classifier
        followed, seeds = config.classifiers.get(name), list(entry.seeds)
        if followed is None:  # reported where it is named
            continue
        trained = isinstance(followed, Architecture)
        if followed.group not in KINDS["robustness"]:
            yield Problem((*place, "classifier"), f"{name!r} has no gradient to follow: name another classifier")
        elif trained and source.kind == "images":
            yield Problem((*place, "classifier"), f"{name!r} is trained here, on no photographs: name a file")
        elif attack.seed is not None and not (trained and attack.seed in seeds):
            known = f"use {seeds}" if trained else f"{name!r} comes as a file, leave it out"
            yield Problem((*place, "seed"), f"the seed {attack.seed} is not among the experiment's: {known}")
        elif _is_same(config, name, classifier) and _is_attacked_itself(config, attack, entry, classifier, trained):
            text = (
                f"{classifier!r} would be attacked from itself: name another classifier, or a seed that is not attacked"
            )
            yield Problem(place, text)


def _is_same(config: Shared, name: str, other: str) -> bool:
    """Whether two names are of the same network: with the same seed its trainings end in the same weights."""
    if name == other or not {name, other} <= {*config.classifiers}:
        return name == other
    one, two = (config.classifiers[own].model_copy(update={"published_as": None}) for own in (name, other))
    return one == two


def _is_attacked_itself(config: Shared, attack: Transfer, entry: Experiment, classifier: str, trained: bool) -> bool:
    """Whether an attack of transfer follows the very network that it attacks, the classifier of one of the seeds."""
    if not trained or len(entry.seeds) < 2:
        return True
    own = config.robustness.classifiers.get(classifier)
    count = config.robustness.seeds if own is None or own.seeds is None else own.seeds
    return attack.seed in entry.seeds[:count]


def _linear_classes(config: Shared, source: Source, place: Place) -> Iterator[Problem]:
    """Classes of the linear classifiers' figures and pair that the dataset does not have."""
    for key in ("targets", "pair"):
        for target in getattr(config.linear, key) or ():
            if target >= source.classes:
                text = f"linear.{key}: there is no class {target}: use 0 to {source.classes - 1}"
                yield Problem(place, text)


def _judges(config: Shared, classifier: str, seeds: Sequence[int]) -> Iterator[Problem]:
    """Judges that are themselves searched: those of the classifier that is retrained, and of the experiment's seeds."""
    for index, judge in enumerate(config.retraining.judges):
        same = _is_same(config, judge.classifier, classifier)
        if same and (judge.seed is None or judge.seed in seeds):
            searched = ", ".join(map(str, seeds))
            text = f"{classifier!r} is searched with the seeds {searched}; give its judge another seed"
            yield Problem(("retraining", "judges", index), text)


def _searches_of_arms(config: Shared, classifier: str) -> Iterator[Problem]:
    """Searches that give the negatives of an arm of `classifier`, and that do not attack it."""
    named = config.retraining.negatives
    settings = config.retraining.classifiers.get(classifier)
    has_own = settings is not None and settings.arms is not None
    where = ("retraining", "classifiers", classifier, "arms") if has_own else ("retraining", "arms")
    for index, arm in enumerate(settings.arms if has_own else config.retraining.arms):
        if isinstance(own := named.get(arm.negatives), Growing):
            place = ("retraining", "negatives", arm.negatives, "search")
            yield from _known(own.search, config.retraining.attacks, "attack", place)
        elif arm.negatives not in (*NEGATIVES, *named):
            search = arm.negatives.removeprefix(OF_SEARCH)
            yield from _known(search, config.retraining.attacks, "attack", (*where, index, "negatives"))


def _figure_names(config: Shared, place: Place) -> Iterator[Problem]:
    """Searches of one or two classifiers whose figures would have one name: one would be drawn as the other.

    Names that differ only in case are one file on some disks.
    """
    trained = [name for name, classifier in config.classifiers.items() if isinstance(classifier, Architecture)]
    named: dict[str, tuple[str, str]] = {}
    for classifier, search in itertools.product(trained, config.backworking.searches):
        other = named.setdefault(f"{classifier}-{search}".casefold(), (classifier, search))
        if other != (classifier, search):
            text = (
                f"the search {search!r} of the classifier {classifier!r} and the search {other[1]!r} of {other[0]!r} "
                f"have one name of their figures, found-{classifier}-{search}: rename one of them"
            )
            yield Problem(place, text)


def _layers(config: Shared, classifier: str, searches: Collection[str]) -> Iterator[Problem]:
    """Layers of `classifier` that a cost among `searches` gives no weight."""
    for name in searches:
        search = config.backworking.searches[name]
        place = ("backworking", "searches", name, "layer_weights")
        for layer in config.classifiers[classifier].layers:
            if search.objective == "cost" and layer not in search.layer_weights:
                text = f"the layer {layer!r} of the classifier {classifier!r} is missing"
                yield Problem(place, f"{text}: give it a weight, 0 to ignore it")


def _all_known(names: Collection[str], known: Collection[str], kind: str, place: Place) -> Iterator[Problem]:
    for index, name in enumerate(names):
        yield from _known(name, known, kind, (*place, index))


def _known(name: str, known: Collection[str], kind: str, place: Place) -> Iterator[Problem]:
    if name not in known:
        yield Problem(place, unknown_name(kind, name, known))
