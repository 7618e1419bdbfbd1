"""The settings and denoisers of attacked defences."""


def robustness(wildcards):
    """The settings of the attacks on a classifier, without those of other jobs."""
    settings = of_classifier(experiment(wildcards.dataset)["robustness"], wildcards.classifier)
    return json.dumps({key: value for key, value in settings.items() if key not in ("shards", "seeds")})


def robustness_shards(wildcards):
    return experiment(wildcards.dataset)["robustness"]["shards"]


def attacked_denoisers(wildcards):
    return denoisers_of("robustness", wildcards, wildcards.attacked)
