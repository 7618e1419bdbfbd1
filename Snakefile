from pathlib import Path


# Another working directory may have a configuration of its own; what it leaves out has its default.
configfile: "config.yaml" if Path("config.yaml").exists() else str(Path(workflow.basedir) / "config.yaml")


include: "workflow/Snakefile"


# A target of its own: the included file's default is none here.
rule all:
    """The default: demo."""
    default_target: True
    input:
        rules.demo.input,
    localrule: True
    message:
        "demo: every table and figure is made"
