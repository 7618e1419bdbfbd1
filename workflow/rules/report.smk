"""From per-image rows to tables and figures, where they come from, and what the report shows of them."""


localrules:
    write_provenance,


for table, inputs in TABLES.items():

    rule:
        name:
            f"make_table_{table.replace('-', '_')}"
        input:
            **inputs,
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
            code=code("make_table.py"),
            name=table,
            inputs=input_arguments,
            found_above=found_above,
        message:
            f"{{wildcards.dataset}}: table {table}"
        shell:
            "python scripts/make_table.py {params.name} {params.inputs:q} --found-above {params.found_above}"
            " --output-csv {output.csv} --output-md {output.md} --output-html {output.html} 2> >(tee {log} >&2)"


rule make_table_published:
    """Every number of the write-ups; what this run did not compute stays empty."""
    input:
        published="workflow/resources/published.csv",
        smoothing=smoothing_tables,
        toy=published_table("linear-toy"),
        linear=published_table("linear"),
        linear_tests=published_table("linear-tests"),
        pair=published_table("linear-pair"),
        fooling=fooling_rows,
        rubbish=rubbish_rows,
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
    params:
        code=code("make_table.py"),
        inputs=input_arguments,
        published_as=published_as,
    message:
        "{wildcards.dataset}: table published"
    shell:
        "python scripts/make_table.py published {params.inputs:q}"
        " --dataset {wildcards.dataset} --published-as {params.published_as:q}"
        " --output-csv {output.csv} --output-md {output.md} --output-html {output.html} 2> >(tee {log} >&2)"


rule draw_worst:
    """The training images that a classifier does worst on, 8 per label."""
    input:
        data="results/{dataset}/data.safetensors",
        predictions=predictions_of_first_seed,
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
    params:
        code=code("draw_figure.py"),
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
    params:
        code=code("draw_figure.py"),
    message:
        "{wildcards.dataset}: figure salient-{wildcards.classifier}"
    shell:
        "python scripts/draw_figure.py salient --weights {input.weights} --data {input.data} --predictions {input.predictions}"
        " --output-png {output.png} --output-svg {output.svg} 2> >(tee {log} >&2)"


rule draw_overview:
    """The strongest found image of every label above the weakest training image."""
    input:
        images=found_images,
        rows=found_rows,
        data="results/{dataset}/data.safetensors",
        predictions=predictions_of_first_seed,
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
        code=code("draw_figure.py"),
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
        images=found_images,
        rows=found_rows,
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
        code=code("draw_figure.py"),
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
        code=code("draw_figure.py"),
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
    output:
        png=report(
            "results/{dataset}/figures/retraining.png",
            caption="../report/figure_retraining.rst",
            category="Retraining",
            subcategory="{dataset}",
            labels={"result": "figure", "name": "retraining"},
        ),
        svg="results/{dataset}/figures/retraining.svg",
    log:
        "results/logs/{dataset}/figure_retraining.log",
    conda:
        "../../environment.yml"
    params:
        code=code("draw_figure.py"),
    message:
        "{wildcards.dataset}: figure retraining"
    shell:
        "python scripts/draw_figure.py retraining --tables {input.tables}"
        " --output-png {output.png} --output-svg {output.svg} 2> >(tee {log} >&2)"


# The name is that of the table: labels of two results that differ in two ways break the menu of the report.
rule draw_smoothing:
    """Accuracy and reject rate over the noise."""
    input:
        tables="results/{dataset}/tables/smoothing.csv",
        published="workflow/resources/published.csv",
    output:
        png=report(
            "results/{dataset}/figures/smoothing.png",
            caption="../report/figure_smoothing.rst",
            category="Smoothing",
            subcategory="{dataset}",
            labels={"result": "figure", "name": "smoothing"},
        ),
        svg="results/{dataset}/figures/smoothing.svg",
    log:
        "results/logs/{dataset}/figure_smoothing.log",
    conda:
        "../../environment.yml"
    params:
        code=code("draw_figure.py"),
    message:
        "{wildcards.dataset}: figure smoothing"
    shell:
        "python scripts/draw_figure.py smoothing --tables {input.tables} --published {input.published}"
        " --dataset {wildcards.dataset}"
        " --output-png {output.png} --output-svg {output.svg} 2> >(tee {log} >&2)"


rule draw_risk:
    """Rejecting by the vote, and by a threshold on p."""
    input:
        votes=votes_of_classifier,
    output:
        png=report(
            "results/{dataset}/figures/risk-{classifier}.png",
            caption="../report/figure_risk.rst",
            category="Smoothing",
            subcategory="{dataset}",
            labels={
                "result": "figure",
                "name": "risk and coverage",
                "classifier": "{classifier}",
            },
        ),
        svg="results/{dataset}/figures/risk-{classifier}.svg",
    log:
        "results/logs/{dataset}/figure_risk-{classifier}.log",
    conda:
        "../../environment.yml"
    params:
        code=code("draw_figure.py"),
    message:
        "{wildcards.dataset}: figure risk-{wildcards.classifier}"
    shell:
        "python scripts/draw_figure.py risk --votes {input.votes}"
        " --output-png {output.png} --output-svg {output.svg} 2> >(tee {log} >&2)"


rule draw_gallery:
    """Photographs that the vote mends, and some that it rejects."""
    input:
        votes=votes_of_classifier,
        images="results/{dataset}/images",
        list="results/{dataset}/images.csv",
        class_names=class_names,
    output:
        png=report(
            "results/{dataset}/figures/gallery-{classifier}.png",
            caption="../report/figure_gallery.rst",
            category="Smoothing",
            subcategory="{dataset}",
            labels={
                "result": "figure",
                "name": "mended and rejected images",
                "classifier": "{classifier}",
            },
        ),
        svg="results/{dataset}/figures/gallery-{classifier}.svg",
    log:
        "results/logs/{dataset}/figure_gallery-{classifier}.log",
    conda:
        "../../environment.yml"
    params:
        code=code("draw_figure.py"),
        settings=smoothing_settings,
    message:
        "{wildcards.dataset}: figure gallery-{wildcards.classifier}"
    shell:
        "python scripts/draw_figure.py gallery --votes {input.votes} --images {input.images} --list {input.list}"
        " --class-names {input.class_names} --settings {params.settings:q}"
        " --output-png {output.png} --output-svg {output.svg} 2> >(tee {log} >&2)"


rule draw_example:
    """One photograph under every noise and blur."""
    input:
        images="results/{dataset}/images",
        weights=smoothing_weights,
        class_names=class_names,
    output:
        png=report(
            "results/{dataset}/figures/example-{classifier}.png",
            caption="../report/figure_example.rst",
            category="Smoothing",
            subcategory="{dataset}",
            labels={
                "result": "figure",
                "name": "worked example",
                "classifier": "{classifier}",
            },
        ),
        svg="results/{dataset}/figures/example-{classifier}.svg",
        rows="results/{dataset}/{classifier}/example.csv",
    log:
        "results/logs/{dataset}/figure_example-{classifier}.log",
    conda:
        "../../environment.yml"
    params:
        code=code("classify.py"),
        image=example_image,
        id=example_id,
        classifier=classifier_settings,
        settings=smoothing_settings,
        prefix=subpath(output.png, strip_suffix=".png"),
    message:
        "{wildcards.dataset}: figure example-{wildcards.classifier}"
    shell:
        "python scripts/classify.py {params.image:q} --id={params.id:q} --classifier {wildcards.classifier}"
        " --weights {input.weights} --entry {params.classifier:q} --settings {params.settings:q} --class-names {input.class_names}"
        " --output {params.prefix} --rows {output.rows} > {log} 2> >(tee -a {log} >&2)"


for figure, (stage, command, inputs) in FIGURES.items():

    rule:
        name:
            f"draw_{figure.replace('-', '_')}"
        input:
            **inputs,
        output:
            png=report(
                f"results/{{dataset}}/figures/{figure}.png",
                caption=f"../report/figure_{figure}.rst",
                category=TITLES[stage],
                subcategory="{dataset}",
                labels={"result": "figure", "name": figure},
            ),
            svg=f"results/{{dataset}}/figures/{figure}.svg",
        log:
            f"results/logs/{{dataset}}/figure_{figure}.log",
        conda:
            "../../environment.yml"
        params:
            code=code(command.split()[0]),
            command=command,
            inputs=input_arguments,
            settings=settings_of_figure(inputs),
        message:
            f"{{wildcards.dataset}}: figure {figure}"
        shell:
            "python scripts/{params.command} {params.inputs:q} {params.settings:q}"
            " --output-png {output.png} --output-svg {output.svg} 2> >(tee {log} >&2)"


rule draw_fooling:
    """Images that fool a classifier, the change magnified."""
    input:
        examples="results/{dataset}/{classifier}/fooling.safetensors",
        class_names=class_names,
    output:
        png=report(
            "results/{dataset}/figures/fooling-{classifier}.png",
            caption="../report/figure_fooling.rst",
            category="Fooling by the gradient",
            subcategory="{dataset}",
            labels={"result": "figure", "name": "fooling-{classifier}"},
        ),
        svg="results/{dataset}/figures/fooling-{classifier}.svg",
    log:
        "results/logs/{dataset}/figure_fooling-{classifier}.log",
    conda:
        "../../environment.yml"
    params:
        code=code("draw_fooling.py"),
        inputs=input_arguments,
    message:
        "{wildcards.dataset}: figure fooling-{wildcards.classifier}"
    shell:
        "python scripts/draw_fooling.py fooling {params.inputs:q}"
        " --output-png {output.png} --output-svg {output.svg} 2> >(tee {log} >&2)"


# Its parameters are what it says of the configuration; neither the commit nor the machine makes it run again.
rule write_provenance:
    """Code, configuration, versions, seeds, machine, inputs and cost of a dataset's tables, when all are there."""
    input:
        tables=tables_that_are_due,
        requirements="requirements.txt",
    output:
        json="results/{dataset}/tables/provenance.json",
        html=report(
            "results/{dataset}/tables/provenance.html",
            caption="../report/provenance.rst",
            category="Provenance",
            subcategory="{dataset}",
            labels={"result": "table", "name": "provenance"},
        ),
    log:
        "results/logs/{dataset}/provenance.log",
    conda:
        "../../environment.yml"
    params:
        code=code("write_provenance.py"),
        configuration=configuration_in_force,
        files=files_of_origin,
        benchmarks=benchmark_patterns,
    message:
        "{wildcards.dataset}: provenance"
    shell:
        "python scripts/write_provenance.py --dataset {wildcards.dataset} --configuration {params.configuration:q}"
        " --requirements {input.requirements} --files {params.files:q} --benchmarks {params.benchmarks:q}"
        " --output-json {output.json} --output-html {output.html} 2> >(tee {log} >&2)"


rule write_summary:
    """The front page's part on a dataset, in words and numbers."""
    input:
        tables=summary_tables,
        picture=picture_of,
        provenance="results/{dataset}/tables/provenance.json",
    output:
        "results/{dataset}/summary.rst",
    log:
        "results/logs/{dataset}/summary.log",
    conda:
        "../../environment.yml"
    params:
        code=code("write_summary.py"),
        inputs=summary_arguments,
        found_above=found_above,
    message:
        "{wildcards.dataset}: summary"
    shell:
        "python scripts/write_summary.py --dataset {wildcards.dataset} {params.inputs:q}"
        " --provenance {input.provenance} --found-above {params.found_above} --output {output} 2> >(tee {log} >&2)"
