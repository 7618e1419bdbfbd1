"""The settings and denoisers of certified defences."""


def certification(wildcards):
    """The settings of a classifier's certification, without those of other jobs."""
    settings = of_classifier(experiment(wildcards.dataset)["certification"], wildcards.classifier)
    return json.dumps({key: value for key, value in settings.items() if key not in ("shards", "radii")})


def certification_shards(wildcards):
    return of_classifier(experiment(wildcards.dataset)["certification"], wildcards.classifier)["shards"]


def certified_denoisers(wildcards):
    return denoisers_of("certification", wildcards, seeds_of_classifier(wildcards)[0])
