"""From per-image rows to tables and figures, where they come from, and what the report shows of them."""

# Every table and figure of every experiment, from its catalogue.
for stage, room in ROOMS.items():
    for place, result in enumerate(room.RESULTS, 1):

        rule:
            name:
                rule_name(result)
            input:
                **{keyword: gathered(stage, result, source) for keyword, source in result.inputs.items()},
            output:
                [
                    f"results/{{dataset}}/{result.kind}s/{result.name}.{kind}"
                    for kind in result.files
                    if kind != SHOWN[result.kind]
                ],
                shown=report(
                    f"results/{{dataset}}/{result.kind}s/{result.name}.{SHOWN[result.kind]}",
                    caption=caption(result),
                    category=category(stage),
                    subcategory="{dataset}",
                    labels=labels(result, numbered(place, len(room.RESULTS))),
                ),
            log:
                f"results/logs/{{dataset}}/{result.kind}_{result.name}.log",
            group:
                stage
            conda:
                "../envs/spurious.yaml"
            resources:
                turn=1,
                mem_mb=by_size if "votes" in result.inputs else growing(SMALL_MB),
                runtime=growing(RESULT_MIN),
            params:
                function=result.function,
                inputs=input_arguments,
                settings=partial(result_settings, result),
                page=partial(page_arguments, result),
                code=code_of_result(result.function),
            message:
                "{output.shown}"
            shell:
                program("make_result.py") + " {params.function} {params.inputs:q} --settings {params.settings:q}"
                " {params.page:q} --output {output:q} 2>&1 | tee {log} >&2"

        getattr(rules, rule_name(result)).rule.docstring = sentence(result)


# Its parameters are what it says of the configuration; neither the commit nor the machine makes it run again.
rule write_provenance:
    """Code, configuration, versions, seeds, machine, inputs and cost of a dataset's tables, when all are there."""
    input:
        tables=tables_that_are_due,
        requirements=shipped("requirements.txt"),
        workflow=shipped("workflow/Snakefile"),
    output:
        record="results/{dataset}/ro-crate-metadata.json",
        workflow="results/{dataset}/Snakefile",
        html=report(
            "results/{dataset}/tables/provenance.html",
            caption="../report/provenance.rst",
            category=category("provenance"),
            subcategory="{dataset}",
            labels={"result": "1 table: provenance"},
        ),
    log:
        "results/logs/{dataset}/provenance.log",
    retries: 0
    localrule: True
    conda:
        "../../environment.yml"
    params:
        code=code("write_provenance.py"),
        configuration=configuration_in_force,
        files=files_of_origin,
        histories=history_patterns,
        benchmarks=benchmark_patterns,
    message:
        "{wildcards.dataset}: provenance"
    shell:
        program("write_provenance.py") + " --dataset {wildcards.dataset} --configuration {params.configuration:q}"
        " --requirements {input.requirements:q} --files {params.files:q}"
        " --histories {params.histories:q} --benchmarks {params.benchmarks:q}"
        " --tables {input.tables:q} --output-folder results/{wildcards.dataset} --output-html {output.html} 2>&1 | tee {log} >&2"


rule write_summary:
    """The front page's part on a dataset, in words and numbers."""
    input:
        tables=summary_tables,
        figures=summary_figures,
        record="results/{dataset}/ro-crate-metadata.json",
        contradicted_by=shipped("workflow/resources/claims.csv"),
    output:
        "results/{dataset}/summary.rst",
    log:
        "results/logs/{dataset}/summary.log",
    conda:
        "../envs/spurious.yaml"
    resources:
        mem_mb=growing(SMALL_MB),
        runtime=growing(SMALL_MIN),
    params:
        code=code_of_findings(),
        findings=summary_findings,
        picture=lambda wildcards: [f"--picture={path}" for path in figure_of("writeups", "attacks", wildcards.dataset)],
    message:
        "{wildcards.dataset}: summary"
    shell:
        program("write_summary.py")
        + " --dataset {wildcards.dataset} --findings {params.findings:q} {params.picture:q}"
        " --claims results/{wildcards.dataset}/tables/claims.csv --contradicted-by {input.contradicted_by}"
        " --record {input.record} --output {output} 2>&1 | tee {log} >&2"
