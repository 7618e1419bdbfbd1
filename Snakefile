from snakemake.utils import min_version

min_version("9.27")


configfile: "config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/inputs.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/classifiers.smk"
include: "workflow/rules/backworking.smk"
include: "workflow/rules/retraining.smk"
include: "workflow/rules/smoothing.smk"
include: "workflow/rules/linear.smk"
include: "workflow/rules/fooling.smk"
include: "workflow/rules/black_box.smk"
include: "workflow/rules/report.smk"


localrules:
    demo,
    paper,


# Every experiment, small, on data that needs no download.
rule demo:
    default_target: True
    input:
        results_of(config["targets"]["demo"]),
    message:
        "demo: every table and figure is made"


# Every experiment in full, beside the published numbers.
rule paper:
    input:
        results_of(config["targets"]["paper"]),
        expand(
            "results/{dataset}/tables/published.csv",
            dataset=config["targets"]["paper"],
        ),
    message:
        "paper: every table and figure is made"
