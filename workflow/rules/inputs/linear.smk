"""Which images linear classifiers see, and what a store is made of."""


def is_stored(wildcards):
    """Whether linear classifiers see small copies of the images, since the images are photographs or too many."""
    return source_of(wildcards.dataset) in ("images", "store")


def store_inputs(wildcards):
    """What a store is made of: photographs and their list, or the files that the user brings."""
    if is_photographs(wildcards):
        return PHOTOGRAPHS
    settings = own_dataset(wildcards)
    if "tree" in settings:
        return [brought(settings["tree"][split], wildcards, "tree", split) for split in ("train", "test")]
    batches = [(split, path) for split in ("train", "test") for path in settings["batches"][split]]
    return [brought(path, wildcards, "batches", split) for split, path in batches]


def store_arguments(wildcards, input):
    if is_photographs(wildcards):
        return ["--photographs", input.files[0], "--list", input.files[1]]
    settings = own_dataset(wildcards)
    kind = "tree" if "tree" in settings else "batches"
    own = [
        *exif_orientation(wildcards),
        "--validation",
        str(settings["validation"]),
        "--seed",
        str(settings.get("seed", 0)),
    ]
    places = {split: [path] if isinstance(path, str) else path for split, path in settings[kind].items()}
    return [*own, f"--{kind}", *(f"{split}={given(path)}" for split, paths in places.items() for path in paths)]
