"""From per-image rows to tables and figures, and what the report shows of them."""

RETRAINING_FILE = "results/{dataset}/{classifier}/retraining/{negatives}-{target}/seed{seed}/{rows}.csv"
TITLES = {
    "classifiers": "Classifiers",
    "backworking": "Backworking",
    "retraining": "Retraining",
    "smoothing": "Smoothing",
}


def classifiers_in(stage, dataset):
    return experiment(dataset)["experiment"][stage]


def prediction_rows(wildcards):
    return expand(
        rules.train_classifier.output.predictions,
        dataset=wildcards.dataset,
        classifier=classifiers_in("classifiers", wildcards.dataset),
        seed=seeds_of(wildcards.dataset),
    )


def backworking_rows(wildcards):
    return expand(
        rules.backwork_label.output.rows,
        dataset=wildcards.dataset,
        classifier=classifiers_in("backworking", wildcards.dataset),
        label=labels_of(wildcards.dataset),
    )


def retraining_rows(wildcards, rows):
    return [
        path
        for arm in experiment(wildcards.dataset)["retraining"]["arms"]
        for path in expand(
            RETRAINING_FILE,
            dataset=wildcards.dataset,
            classifier=classifiers_in("retraining", wildcards.dataset),
            seed=seeds_of(wildcards.dataset),
            rows=rows,
            **arm,
        )
    ]


def smoothing_tables(wildcards):
    return expand(
        rules.gather_smoothing.output.summary,
        dataset=wildcards.dataset,
        classifier=classifiers_in("smoothing", wildcards.dataset),
    )


ATTACKS = functools.partial(retraining_rows, rows="attacks")
OLD = functools.partial(retraining_rows, rows="old")
RETRAINED = functools.partial(retraining_rows, rows="predictions")
TABLES = {
    "classifiers": {"predictions": prediction_rows},
    "backworking": {"rows": backworking_rows},
    "backworking-summary": {"rows": backworking_rows},
    "retraining": {"attacks": ATTACKS, "old": OLD, "predictions": RETRAINED},
    "retraining-summary": {"attacks": ATTACKS, "old": OLD, "predictions": RETRAINED},
    "smoothing": {"rows": smoothing_tables},
}


def stage_of(table):
    return table.split("-")[0]


def tables_of(dataset):
    """The tables of the stages that a dataset's experiment has."""
    names = [name for name in TABLES if classifiers_in(stage_of(name), dataset)]
    return expand(
        "results/{dataset}/tables/{name}.{kind}",
        dataset=dataset,
        name=names,
        kind=["csv", "md", "html"],
    )


def input_arguments(wildcards, input):
    """`--name file file ...` for every named input but the code."""
    named = ((name, files) for name, files in input.items() if name != "code")
    return [
        word
        for name, files in named
        for word in [f"--{name}", *([files] if isinstance(files, str) else files)]
    ]


def found_above(wildcards):
    return experiment(wildcards.dataset)["backworking"]["found_above"]


for table, inputs in TABLES.items():

    rule:
        name:
            f"make_table_{table.replace('-', '_')}"
        input:
            **inputs,
            code=code("make_table.py"),
        output:
            csv=f"results/{{dataset}}/tables/{table}.csv",
            md=f"results/{{dataset}}/tables/{table}.md",
            html=report(
                f"results/{{dataset}}/tables/{table}.html",
                caption=f"../report/table_{table}.rst",
                category=TITLES[stage_of(table)],
                subcategory="{dataset}",
                labels={"result": "table", "name": table},
            ),
        log:
            f"results/logs/{{dataset}}/table_{table}.log",
        conda:
            "../../environment.yml"
        params:
            name=table,
            inputs=input_arguments,
            found_above=found_above,
        message:
            f"{{wildcards.dataset}}: table {table}"
        shell:
            "python scripts/make_table.py {params.name} {params.inputs:q} --found-above {params.found_above}"
            " --output-csv {output.csv} --output-md {output.md} --output-html {output.html} 2> >(tee {log} >&2)"


def found_files(wildcards):
    labels = labels_of(wildcards.dataset)
    return expand(rules.backwork_label.output.images, label=labels, allow_missing=True)


def found_rows_of_classifier(wildcards):
    return expand(
        rules.backwork_label.output.rows,
        label=labels_of(wildcards.dataset),
        allow_missing=True,
    )


def traces_of_classifier(wildcards):
    return expand(
        rules.backwork_label.output.trace,
        label=labels_of(wildcards.dataset),
        allow_missing=True,
    )


def predictions_of_first_seed(wildcards):
    return expand(
        rules.train_classifier.output.predictions,
        seed=seeds_of(wildcards.dataset)[0],
        allow_missing=True,
    )


def first_seed(wildcards):
    return seeds_of(wildcards.dataset)[0]


def picture_of(wildcards):
    """The front page's picture: the first backworked classifier with the first search."""
    classifiers = classifiers_in("backworking", wildcards.dataset)[:1]
    return expand(
        "results/{dataset}/figures/overview-{classifier}-{search}.png",
        dataset=wildcards.dataset,
        classifier=classifiers,
        search=list(experiment(wildcards.dataset)["backworking"]["searches"])[:1],
    )


def summary_tables(wildcards):
    """The tables that the front page speaks of, those of the stages that the experiment has."""
    names = ["classifiers", "backworking-summary", "retraining-summary", "smoothing"]
    chosen = [
        name for name in names if classifiers_in(stage_of(name), wildcards.dataset)
    ]
    return expand(
        "results/{dataset}/tables/{name}.csv", dataset=wildcards.dataset, name=chosen
    )


def summary_arguments(wildcards, input):
    """`--<table> file` for every table of the front page, and its picture."""
    words = [word for path in input.tables for word in (f"--{Path(path).stem}", path)]
    return words + [word for path in input.picture for word in ("--picture", path)]


def summary_of(dataset):
    return f"results/{dataset}/summary.rst"


def figures_of(dataset):
    """The figures of the stages that a dataset's experiment has."""
    searches = experiment(dataset)["backworking"]["searches"]
    names = expand(
        "{kind}-{classifier}",
        kind=["worst", "salient"],
        classifier=classifiers_in("classifiers", dataset),
    )
    backworked = classifiers_in("backworking", dataset)
    names += expand(
        "found-{classifier}-{search}", classifier=backworked, search=searches
    )
    names += expand(
        "overview-{classifier}-{search}",
        classifier=backworked,
        search=list(searches)[:1],
    )
    names += expand("trace-{classifier}", classifier=backworked)
    names += [
        stage for stage in ("retraining", "smoothing") if classifiers_in(stage, dataset)
    ]
    return expand(
        "results/{dataset}/figures/{name}.{kind}",
        dataset=dataset,
        name=names,
        kind=["png", "svg"],
    )


rule make_table_published:
    """Every number of the write-ups; what this run did not compute stays empty."""
    input:
        published="workflow/resources/published.csv",
        code=code("make_table.py"),
    output:
        csv="results/{dataset}/tables/published.csv",
        md="results/{dataset}/tables/published.md",
        html=report(
            "results/{dataset}/tables/published.html",
            caption="../report/table_published.rst",
            category="Published numbers",
            subcategory="{dataset}",
            labels={"result": "table", "name": "published"},
        ),
    log:
        "results/logs/{dataset}/table_published.log",
    conda:
        "../../environment.yml"
    message:
        "{wildcards.dataset}: table published"
    shell:
        "python scripts/make_table.py published --published {input.published} --reproduced"
        " --output-csv {output.csv} --output-md {output.md} --output-html {output.html} 2> >(tee {log} >&2)"


rule draw_worst:
    """The training images that a classifier does worst on, 8 per label."""
    input:
        data="results/{dataset}/data.safetensors",
        predictions=predictions_of_first_seed,
        code=code("draw_figure.py"),
    output:
        png=report(
            "results/{dataset}/figures/worst-{classifier}.png",
            caption="../report/figure_worst.rst",
            category="Classifiers",
            subcategory="{dataset}",
            labels={
                "result": "figure",
                "name": "worst training images",
                "classifier": "{classifier}",
            },
        ),
        svg="results/{dataset}/figures/worst-{classifier}.svg",
    log:
        "results/logs/{dataset}/figure_worst-{classifier}.log",
    conda:
        "../../environment.yml"
    message:
        "{wildcards.dataset}: figure worst-{wildcards.classifier}"
    shell:
        "python scripts/draw_figure.py worst --data {input.data} --predictions {input.predictions}"
        " --output-png {output.png} --output-svg {output.svg} 2> >(tee {log} >&2)"


rule draw_salient:
    """The pixels that raise the probability of the label most."""
    input:
        data="results/{dataset}/data.safetensors",
        weights=weights_of_first_seed,
        predictions=predictions_of_first_seed,
        code=code("draw_figure.py"),
    output:
        png=report(
            "results/{dataset}/figures/salient-{classifier}.png",
            caption="../report/figure_salient.rst",
            category="Classifiers",
            subcategory="{dataset}",
            labels={
                "result": "figure",
                "name": "salient pixels",
                "classifier": "{classifier}",
            },
        ),
        svg="results/{dataset}/figures/salient-{classifier}.svg",
    log:
        "results/logs/{dataset}/figure_salient-{classifier}.log",
    conda:
        "../../environment.yml"
    message:
        "{wildcards.dataset}: figure salient-{wildcards.classifier}"
    shell:
        "python scripts/draw_figure.py salient --weights {input.weights} --data {input.data} --predictions {input.predictions}"
        " --output-png {output.png} --output-svg {output.svg} 2> >(tee {log} >&2)"


rule draw_overview:
    """The strongest found image of every label above the weakest training image."""
    input:
        images=found_files,
        rows=found_rows_of_classifier,
        data="results/{dataset}/data.safetensors",
        predictions=predictions_of_first_seed,
        code=code("draw_figure.py"),
    output:
        png=report(
            "results/{dataset}/figures/overview-{classifier}-{search}.png",
            caption="../report/figure_overview.rst",
            category="Backworking",
            subcategory="{dataset}",
            labels={
                "result": "figure",
                "name": "found and real images",
                "classifier": "{classifier}",
            },
        ),
        svg="results/{dataset}/figures/overview-{classifier}-{search}.svg",
    log:
        "results/logs/{dataset}/figure_overview-{classifier}-{search}.log",
    conda:
        "../../environment.yml"
    params:
        seed=first_seed,
    message:
        "{wildcards.dataset}: figure overview-{wildcards.classifier}-{wildcards.search}"
    shell:
        "python scripts/draw_figure.py overview --images {input.images} --rows {input.rows}"
        " --search {wildcards.search} --seed {params.seed} --data {input.data} --predictions {input.predictions}"
        " --output-png {output.png} --output-svg {output.svg} 2> >(tee {log} >&2)"


rule draw_found:
    """What a search left for every label, with the first seed."""
    input:
        images=found_files,
        rows=found_rows_of_classifier,
        code=code("draw_figure.py"),
    output:
        png=report(
            "results/{dataset}/figures/found-{classifier}-{search}.png",
            caption="../report/figure_found.rst",
            category="Backworking",
            subcategory="{dataset}",
            labels={
                "result": "figure",
                "name": "images of the search {search}",
                "classifier": "{classifier}",
            },
        ),
        svg="results/{dataset}/figures/found-{classifier}-{search}.svg",
    log:
        "results/logs/{dataset}/figure_found-{classifier}-{search}.log",
    conda:
        "../../environment.yml"
    params:
        seed=first_seed,
        found_above=found_above,
    message:
        "{wildcards.dataset}: figure found-{wildcards.classifier}-{wildcards.search}"
    shell:
        "python scripts/draw_figure.py found --images {input.images} --rows {input.rows} --search {wildcards.search}"
        " --seed {params.seed} --found-above {params.found_above}"
        " --output-png {output.png} --output-svg {output.svg} 2> >(tee {log} >&2)"


rule draw_trace:
    """p of every image at every step."""
    input:
        traces=traces_of_classifier,
        code=code("draw_figure.py"),
    output:
        png=report(
            "results/{dataset}/figures/trace-{classifier}.png",
            caption="../report/figure_trace.rst",
            category="Backworking",
            subcategory="{dataset}",
            labels={
                "result": "figure",
                "name": "p over steps",
                "classifier": "{classifier}",
            },
        ),
        svg="results/{dataset}/figures/trace-{classifier}.svg",
    log:
        "results/logs/{dataset}/figure_trace-{classifier}.log",
    conda:
        "../../environment.yml"
    params:
        found_above=found_above,
    message:
        "{wildcards.dataset}: figure trace-{wildcards.classifier}"
    shell:
        "python scripts/draw_figure.py trace --traces {input.traces} --classifier {wildcards.classifier}"
        " --found-above {params.found_above}"
        " --output-png {output.png} --output-svg {output.svg} 2> >(tee {log} >&2)"


rule draw_retraining:
    """Accuracy over the rounds of retraining, and what the attacks still find."""
    input:
        tables="results/{dataset}/tables/retraining.csv",
        code=code("draw_figure.py"),
    output:
        png=report(
            "results/{dataset}/figures/retraining.png",
            caption="../report/figure_retraining.rst",
            category="Retraining",
            subcategory="{dataset}",
            labels={"result": "figure", "name": "accuracy and attacks over rounds"},
        ),
        svg="results/{dataset}/figures/retraining.svg",
    log:
        "results/logs/{dataset}/figure_retraining.log",
    conda:
        "../../environment.yml"
    message:
        "{wildcards.dataset}: figure retraining"
    shell:
        "python scripts/draw_figure.py retraining --tables {input.tables}"
        " --output-png {output.png} --output-svg {output.svg} 2> >(tee {log} >&2)"


rule draw_smoothing:
    """Accuracy and reject rate over the noise."""
    input:
        tables="results/{dataset}/tables/smoothing.csv",
        code=code("draw_figure.py"),
    output:
        png=report(
            "results/{dataset}/figures/smoothing.png",
            caption="../report/figure_smoothing.rst",
            category="Smoothing",
            subcategory="{dataset}",
            labels={"result": "figure", "name": "accuracy and rejections over noise"},
        ),
        svg="results/{dataset}/figures/smoothing.svg",
    log:
        "results/logs/{dataset}/figure_smoothing.log",
    conda:
        "../../environment.yml"
    message:
        "{wildcards.dataset}: figure smoothing"
    shell:
        "python scripts/draw_figure.py smoothing --tables {input.tables}"
        " --output-png {output.png} --output-svg {output.svg} 2> >(tee {log} >&2)"


rule write_summary:
    """The front page's part on a dataset, in words and numbers."""
    input:
        tables=summary_tables,
        picture=picture_of,
        code=code("write_summary.py"),
    output:
        "results/{dataset}/summary.rst",
    log:
        "results/logs/{dataset}/summary.log",
    conda:
        "../../environment.yml"
    params:
        inputs=summary_arguments,
        found_above=found_above,
    message:
        "{wildcards.dataset}: summary"
    shell:
        "python scripts/write_summary.py --dataset {wildcards.dataset} {params.inputs:q}"
        " --found-above {params.found_above} --output {output} 2> >(tee {log} >&2)"
