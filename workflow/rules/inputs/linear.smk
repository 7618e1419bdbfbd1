"""Which images linear classifiers see, and what a store is made of."""


def is_stored(wildcards):
    """Whether linear classifiers see small copies of the images, since the images are photographs or too many."""
    return source_of(wildcards.dataset) in ("images", "store")


def store_inputs(wildcards):
    """What a store is made of: photographs and their list, or the files that the user brings."""
    if is_photographs(wildcards):
        return PHOTOGRAPHS
    kind, places = store_files(wildcards)
    return [brought(path, wildcards, kind, split) for split, paths in places.items() for path in paths]


def store_files(wildcards):
    """The kind of files that the user brings, `tree` or `batches`, and their paths by split."""
    settings = own_dataset(wildcards)
    kind = "tree" if "tree" in settings else "batches"
    return kind, {split: [own] if isinstance(own, str) else own for split, own in settings[kind].items()}


def store_arguments(wildcards, input):
    if is_photographs(wildcards):
        return ["--photographs", input.files[0], "--list", input.files[1]]
    settings = own_dataset(wildcards)
    kind, places = store_files(wildcards)
    own = [
        *exif_orientation(wildcards),
        "--validation",
        str(settings["validation"]),
        "--seed",
        str(settings.get("seed", 0)),
    ]
    return [*own, f"--{kind}", *(f"{split}={given(path)}" for split, paths in places.items() for path in paths)]
