"""What a classifier is retrained by, and who judges what was found."""


def next_seed(wildcards):
    """The seed after a job's own, the first after the last."""
    every = seeds(wildcards)
    return every[(every.index(int(wildcards.seed)) + 1) % len(every)]


def judge_settings(wildcards):
    """Those of the classifier that says of found images what they are."""
    return entry_of(experiment(wildcards.dataset)["retraining"]["judge"], wildcards.dataset)


def retraining(wildcards):
    """The settings of a classifier's retraining, without those of other jobs."""
    settings = settings_of(experiment(wildcards.dataset), wildcards.classifier)
    kept = {key: value for key, value in settings.items() if key not in ("arms", "recipe", "matters", "judge")}
    named = {key: value for key, value in settings["negatives"].items() if key == wildcards.negatives}
    return json.dumps(kept | {"negatives": named})


def negatives_of_arms():
    """Every name of negatives."""
    return one_of_names({*NEGATIVES, *(arm["negatives"] for own in EXPERIMENTS.values() for arm in arms(own))})


def retraining_recipe(wildcards):
    settings = experiment(wildcards.dataset)
    name = settings_of(settings, wildcards.classifier)["recipe"]
    return json.dumps(settings["recipes"][own_classifier(wildcards)["recipe"] if name == "own" else name])


def learned_by_judge(wildcards):
    """The file of the classifier that says of found images what they are."""
    return learned_by_first_seed(wildcards, experiment(wildcards.dataset)["retraining"]["judge"])
