"""The settings and denoisers of attacked defences."""


def robustness(wildcards):
    """The settings of the attacks on a classifier, without those of other jobs."""
    settings = of_classifier(experiment(wildcards.dataset)["robustness"], wildcards.classifier)
    return json.dumps({key: value for key, value in settings.items() if key not in ("shards", "seeds")})


def robustness_shards(wildcards):
    return len(parts(experiment(wildcards.dataset)))


def attacked_denoisers(wildcards):
    return denoisers_of("robustness", wildcards, wildcards.attacked)


def sources_of_attack(wildcards):
    """(classifier, seed) that each attack of transfer follows, by the attack's name."""
    return sources(experiment(wildcards.dataset), wildcards.classifier, int(wildcards.attacked))


def attacked_sources(wildcards):
    """The weights of the classifiers that attacks of transfer follow."""
    return learned_by_each(sources_of_attack(wildcards).values(), wildcards.dataset)


def attacked_source_arguments(wildcards, input):
    """`attack=file` of each."""
    return [f"{attack}={path}" for attack, path in zip(sources_of_attack(wildcards), input.sources)]


def attacked_source_entries(wildcards):
    """The entries of these classifiers by the attack."""
    followed = sources_of_attack(wildcards).items()
    return json.dumps({attack: entry_to_open(name, wildcards.dataset) for attack, (name, _) in followed})
