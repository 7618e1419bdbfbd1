"""The classifiers whose images the others judge."""


def transfer_sources(wildcards):
    """(classifier, seed) of all whose fooling images the others judge."""
    chosen = classifiers_in("transfer", wildcards.dataset)
    return [(name, seed) for name, seeds in chosen.items() for seed in seeds]


def transfer_models(wildcards):
    return learned_by_each(transfer_sources(wildcards), wildcards.dataset)


def transfer_arguments(wildcards, input):
    """`name:seed=file` of every source."""
    pairs = zip(transfer_sources(wildcards), input.models)
    return [f"{name}:{seed}={path}" for (name, seed), path in pairs]


def transfer_entries(wildcards):
    """The classifiers' entries by name."""
    entries = experiment(wildcards.dataset)["classifiers"]
    return json.dumps({name: entries[name] for name in classifiers_in("transfer", wildcards.dataset)})
