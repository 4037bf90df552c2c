rule table:
    input:
        figure_code,
        source=figure_source,
    output:
        table=report(
            "figures/{figure}.csv",
            caption="../report/numbers.rst",
            category="Numbers behind the figures",
            labels={"figure": "{figure}"},
        ),
        provenance="figures/{figure}.json",
    log:
        "logs/figures/{figure}-table.log",
    benchmark:
        "logs/figures/{figure}-table.tsv"
    conda:
        "../../environment.yml"
    params:
        module=figure_module,
        metric=figure_metric,
    message:
        "Computing the numbers behind figure {wildcards.figure}"
    shell:
        "batchf1 workflow table {params.module} {input.source} --output {output.table}"
        " {params.metric} 2> {log}"


rule draw:
    input:
        figure_code,
        "figures/{figure}.json",
        table="figures/{figure}.csv",
    output:
        png=report(
            "figures/{figure}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
        pdf="figures/{figure}.pdf",
        # read by workflow/report/*.rst
        caption="results/captions/{figure}.rst",
    log:
        "logs/figures/{figure}-draw.log",
    benchmark:
        "logs/figures/{figure}-draw.tsv"
    conda:
        "../../environment.yml"
    params:
        module=figure_module,
    message:
        "Drawing figure {wildcards.figure}"
    shell:
        "batchf1 workflow draw {params.module} {input.table}"
        " --output {output.png} {output.pdf} --caption {output.caption} 2> {log}"
