"""The shards of a sweep."""


def every_shard(wildcards):
    return range(shards_of(wildcards))


def shards_of(wildcards):
    return experiment(wildcards.dataset)["smoothing"]["shards"]


def example_image(wildcards):
    return f"results/{wildcards.dataset}/images/{own_dataset(wildcards)['example']}"


def smoothing_shards_in_braces(wildcards):
    """The paths of all shards for the shell to expand: written out, 3,000 are longer than Linux lets a command be."""
    all_of_them = f"{{0..{shards_of(wildcards) - 1}}}"
    return collect(rules.smooth_shard.output, shard=all_of_them, **wildcards)
