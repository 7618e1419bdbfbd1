from snakemake.utils import min_version

min_version("9.0")


configfile: "config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/classifiers.smk"
include: "workflow/rules/backworking.smk"
include: "workflow/rules/retraining.smk"
include: "workflow/rules/smoothing.smk"
include: "workflow/rules/report.smk"


localrules:
    demo,
    paper,


rule demo:
    default_target: True
    """Every experiment, small, on data that needs no download."""
    input:
        results_of(config["targets"]["demo"]),


rule paper:
    """Every experiment in full."""
    input:
        results_of(config["targets"]["paper"]),
