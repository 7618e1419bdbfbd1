"""What a classifier is retrained by, and who judges what was found."""


def next_seed(wildcards):
    """The seed after a job's own, the first after the last."""
    every = seeds(wildcards)
    return every[(every.index(int(wildcards.seed)) + 1) % len(every)]


def retraining(wildcards):
    """The settings of a classifier's retraining, without those of other jobs."""
    settings = settings_of(experiment(wildcards.dataset), wildcards.classifier)
    kept = {key: value for key, value in settings.items() if key not in ("arms", "recipe", "matters", "judges")}
    named = {key: value for key, value in settings["negatives"].items() if key == wildcards.negatives}
    return json.dumps(kept | {"negatives": named})


def negatives_of_arms():
    """Every name of negatives."""
    return one_of_names({*NEGATIVES, *(arm["negatives"] for own in EXPERIMENTS.values() for arm in arms(own))})


def retraining_recipe(wildcards):
    settings = experiment(wildcards.dataset)
    name = settings_of(settings, wildcards.classifier)["recipe"]
    return json.dumps(settings["recipes"][own_classifier(wildcards)["recipe"] if name == "own" else name])


def judge_settings(wildcards):
    """Those of a classifier that says of found images what they are."""
    return entry_of(judge_of(wildcards)[0], wildcards.dataset)


def judge_of(wildcards):
    """(classifier, seed) of a judge."""
    return judges(experiment(wildcards.dataset))[wildcards.judge]


def learned_by_judge(wildcards):
    """The file of a classifier that says of found images what they are."""
    return learned_by_each([judge_of(wildcards)], wildcards.dataset)


def strong_images_of_arms(wildcards):
    """What the attack that does not give up ended with, in all arms of a classifier and all seeds."""
    return of_arms(rules.retrain_classifier.output.strong_images, wildcards)


def strong_rows_of_arms(wildcards):
    """The rows of these images, file by file."""
    return of_arms(rules.retrain_classifier.output.strong, wildcards)


def of_arms(pattern, wildcards):
    """The file of every arm of a classifier and of every seed."""
    return expanded(pattern, "retraining", ["negatives", "seed", "target"], (), wildcards)
