"""What a classifier's file and a denoiser are made by."""


def classifier_source(wildcards):
    """What decides which file a classifier is."""
    settings = own_classifier(wildcards)
    keys = ("torchvision", "weights", "torchscript", "exported", "sha256")
    return json.dumps({key: settings[key] for key in keys if key in settings})


def denoiser(wildcards):
    return json.dumps(experiment(wildcards.dataset)["denoisers"][wildcards.denoiser])


def denoiser_recipes(wildcards):
    """The recipes that a denoiser names."""
    settings = experiment(wildcards.dataset)
    names = settings["denoisers"][wildcards.denoiser]["recipes"].values()
    return json.dumps({name: settings["recipes"][name] for name in names})
