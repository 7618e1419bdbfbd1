"""What the classifiers that are searched say."""


def model_predictions(wildcards):
    """What the classifiers that are searched say of the test images."""
    dataset, seed = wildcards.dataset, first_seed(wildcards)
    names = classifiers_in("black_box", dataset)
    fitted = [name for name in names if is_fitted(name, dataset)]
    trained = [name for name in names if name not in fitted]
    return [
        *expand(
            rules.fit_classifier.output.predictions,
            dataset=dataset,
            seed=seed,
            classifier=fitted,
        ),
        *expand(
            rules.train_classifier.output.predictions,
            dataset=dataset,
            seed=seed,
            classifier=trained,
        ),
    ]
