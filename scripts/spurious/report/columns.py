"""What the columns of the tables mean, said where a table is read: each heading explains itself under the pointer."""

from collections.abc import Sequence

COMMON = {
    "classifier": "the classifier, by its name in the configuration",
    "seed": "of the training; all: means over the seeds",
    "seeds": "number of seeds",
    "n": "number of images, of all seeds in rows of all",
    "defence": "what is before the classifier or its decision, such as the vote over blurred views",
    "attack": "the attack; worst: for each image the worst of all attacks",
    "norm": "how the size of a change is measured: linf, its largest pixel, or l2, its length",
    "epsilon": "the largest change that the attack may make, in the norm; pixels are in [0, 1]",
    "claimed": "whether the defence claims to hold against changes of this size",
    "sigma": "standard deviation of the Gaussian noise; pixels are in [0, 1]",
    "radius": "L2 distance from the image, pixels in [0, 1]",
    "negatives": "images that are added in retraining with another answer than a class",
    "target": "the answer that retraining asks for negatives: uniform (all classes alike), or an extra class",
    "round": "of retraining; 0 is the classifier before",
    "accuracy": "share of the test images that are classified rightly",
    "verdict": "supported, contradicted, undecided (the interval allows both) or not run",
    "agrees": "whether the two numbers differ by no more than their uncertainties",
    "published": "the number in the source",
    "reproduced": "the number of this run",
    "source": "where the number was published",
    "undecided": "share of the images for which the draws decide for nothing",
    "draws": "noise draws for each step of the attack",
}
# What a heading means in one table only, or there above all.
OF_TABLE = {
    "claims": {
        "write_up": "which write-up makes the claim",
        "claim": "the claim; its passage, and what would contradict it, are in workflow/resources/claims.csv",
        "measured": "what the value is, in words; where nothing was run, why",
        "value": "the number that decides the claim",
        "n": "of how many images, searches or draws the value is",
        "table": "the table that the value is from",
        "rule": "the function that decides the claim",
    },
    "robustness": {
        "gradient": "what the attack knows of the defence's gradient: exact, or that of a stand-in",
        "clean_correct": "share that is answered rightly before any attack",
        "clean_rejected": "share that is rejected before any attack",
        "robust_error_detect": "share that is wrong already, or for which a wrong and accepted image was found",
        "robust_error_strict": "share that is wrong already, or for which a wrong or rejected image was found",
        "robust_error_detect_rounded": "robust_error_detect, of changes that still fool when rounded to 8 bits",
        "robust_error_strict_rounded": "robust_error_strict, of changes that still fool when rounded to 8 bits",
    },
    "robustness-gain": {
        "beside": "the defence that it is compared with",
        "gain_detect": "error of beside less that of the defence, where a rejection is no error",
        "gain_strict": "error of beside less that of the defence, where a rejection is an error",
    },
    "robustness-checks": {
        "check": "what is checked of the attacks",
        "value": "what was found, of n",
        "passed": "no: the errors in the table robustness are too small, or the budget is",
        "violations": "images that speak against it, at most ten",
    },
    "smoothing-pairs": {
        "kernel": "taps of the Gaussian blur",
        "first": "a view: ns is not blurred, ss blurred once, ds twice",
        "second": "another view",
        "same": "share of the images that both views give to one class",
        "both_right": "share of the images that both views give to the right class",
    },
    "retraining": {
        "steps": "median over the labels of the steps that the search of a label took",
        "images": "images that the attack searches, of all labels",
        "found": "images of all labels that the attack finds, p of the label above found_above",
        "negatives_found_share": "share of the negatives that fooled the net they were made against",
        "old_p_mean": "mean p that the net gives to the images found in the round before",
        "held_out_p_mean": "mean p that the net gives to found images that were not in its training",
        "control_p_mean": "mean p that a net of another seed, not retrained, gives to the old images",
    },
    "retraining-summary": {
        "accuracy_sd": "standard deviation of the accuracy over the seeds",
        "accuracy_difference": "accuracy less that of retraining without negatives, paired by seed and image",
        "accuracy_verdict": "higher or lower: the interval excludes 0; no change that matters: it is that small",
        "accuracy_mcnemar_p": "McNemar's test over the images of all seeds, as if independent; decides nothing",
        "accuracy_n": "test images of all seeds",
        "accuracy_visible": "the smallest difference that these seeds could have shown in one test",
        "found": "mean number of images that the attack finds, p of the label above found_above",
        "found_sd": "standard deviation of the found images over the seeds",
        "found_difference": "found images less those after retraining without negatives, paired by seed and search",
        "found_verdict": "as accuracy_verdict, of the found images",
        "found_mcnemar_p": "McNemar's test over the images of all seeds, as if independent; decides nothing",
        "found_n": "searched images of all seeds",
        "found_share": "share of the searched images that were found",
        "found_visible": "the smallest difference that these seeds could have shown in one test",
        "found_p": "p of the test of found_difference",
        "found_p_holm": "found_p, corrected by Holm over the primary tests of the classifier",
        "primary": "whether the test is one of those that the correction counts",
        "old_p_mean": "mean p that the net gives to the images found in the round before",
        "held_out_p_mean": "mean p that the net gives to found images that were not in its training",
        "control_p_mean": "mean p that a net of another seed, not retrained, gives to the old images",
        "negatives_found_share": "share of the negatives that fooled the net they were made against",
    },
    "retraining-noise": {
        "noise": "the kind of noise that is shown to the net",
        "epsilon": "how far the noise is moved to where the net is most confident, in its largest pixel",
        "mean_confidence": "mean of the largest p of a real class",
        "mean_confidence_sd": "standard deviation of mean_confidence over the seeds",
        "auroc": "area under the ROC curve of test images against the noise, by the largest p",
        "fpr95": "share of the noise that is accepted where 95 % of the test images are",
        "confident_n": "noise images of all seeds",
        "confident_share": "share of the noise with a largest p above .95",
    },
    "retraining-strong": {
        "attack": "strong: the search that does not give up; strong, from noise: before it tries real images",
        "found_n": "searched images of all seeds",
        "found_share": "share of the searched images that were found, p of the label above found_above",
        "found_difference": "found_share less that after retraining without negatives, same round",
        "found_visible": "the smallest difference that these seeds could have shown in one test",
        "found_p": "p of the test of found_difference",
        "found_p_holm": "found_p, corrected by Holm over the arms",
        "found_verdict": "higher or lower: the interval excludes 0; no change that matters: it is that small",
        "primary": "whether the test is one of those that the correction counts",
        "effect": "helps: strong, from noise finds less; hides: only an old attack does",
        "control_p": "mean p of the label that a net of another seed, not retrained, gives to the found images",
        "distance_ratio": "mean L2 distance to the nearest training image; 1 is the median of test images",
        "flat_share": "share of the starts at which the gradient of log p is exactly 0",
        "training_cost": "images passed forward and backward in training; 1 is the arm without negatives",
    },
    "retraining-judges": {
        "judge": "a classifier that had no part in the search",
        "judge_real": "share of the test images to whose label the judge gives a p above .5",
        "judge_noise": "share of the noise to which it gives any class with a p above .5",
        "limit": "the p above which its word counts: .5, or what it exceeds for 5 % of the noise",
        "limit_real": "share of the test images above the limit; below 80 % the judge cannot tell",
        "examples_n": "found images that it was asked about",
        "judge_p": "mean p of their label",
        "example_share": "share of them above the limit: images of the label by now, not static",
        "says": "examples: surely more than half are; no examples: surely fewer",
    },
    "certified": {
        "certified_accuracy": "share answered rightly with a certified radius of at least this one",
        "abstained": "share for which the draws decide for nothing",
        "rejected": "share whose rejection is certified",
        "samples": "noise draws for each image",
        "acr": "average certified radius; 0 of a wrong answer",
    },
    "certified-attacks": {
        "size": "how far the attack moves, in certified radii",
        "changed": "share with another decision than the certified one, by fresh draws",
    },
    "certified-published": {
        "radius": "L2 distance; empty: the row is the average certified radius",
        "published": "the middle of the range of five published runs",
        "published_samples": "noise draws of the published runs for each image",
    },
}


# What a heading of COMMON means in a table whose other headings speak for themselves.
OTHERWISE = {
    ("transfer", "source"): "the classifier that the images were made to fool",
    ("fooling", "n"): "images that are classified rightly before the attack, of all seeds in rows of all",
    ("smoothing-agreement", "accuracy"): "share of right answers among the images on which so many views agree",
    ("smoothing-tests", "verdict"): "first or second: that one is better, surely; else within noise",
    ("smoothing-variants", "verdict"): "higher or lower than without the change, surely; else within noise",
}


def explanation(table: str, column: str) -> str:
    """What a column of a table means, "" where nothing is known of it; the ends of an interval need no entry."""
    own = OF_TABLE.get(table, {}).get(column) or OTHERWISE.get((table, column))
    return own or COMMON.get(column, "")


def intervals(columns: Sequence[str]) -> dict[str, tuple[str, str]]:
    """{column: (column of its lower bound, of its upper bound)}.

    `x_low` belongs to the column before it where that one begins with x (x, x_share, x_median), but for the number of
    images x_n, else to x. A plain `low` belongs to the column before it.
    """
    found = {}
    for before, column in zip(["", *columns], columns, strict=False):
        stem = column.removesuffix("low").removesuffix("_")
        if not column.endswith("low") or column.removesuffix("low") not in ("", f"{stem}_"):
            continue
        owner = before if before.startswith(stem) and before != f"{stem}_n" else stem
        high = f"{column.removesuffix('low')}high"
        if owner in columns and high in columns:
            found[owner] = (column, high)
    return found
