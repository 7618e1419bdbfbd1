"""The classifiers whose images the others judge."""


def transfer_sources(wildcards):
    """(classifier, seed) of all whose fooling images the others judge."""
    chosen = classifiers_in("transfer", wildcards.dataset)
    return [(name, seed) for name, seeds in chosen.items() for seed in seeds]


def transfer_models(wildcards):
    sources = transfer_sources(wildcards)
    return [
        path
        for name, seed in sources
        for path in collect(learned_by(name, wildcards.dataset), classifier=name, seed=seed, **wildcards)
    ]


def transfer_arguments(wildcards, input):
    """`name:seed=file` of every source."""
    pairs = zip(transfer_sources(wildcards), input.models)
    return [f"{name}:{seed}={path}" for (name, seed), path in pairs]


def transfer_entries(wildcards):
    """The classifiers' entries by name."""
    entries = experiment(wildcards.dataset)["classifiers"]
    return json.dumps({name: entries[name] for name in classifiers_in("transfer", wildcards.dataset)})
