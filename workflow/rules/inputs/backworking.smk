"""The settings of the ablation."""


def ablation_settings(wildcards):
    return json.dumps(experiment(wildcards.dataset)["backworking"]["ablation"])
