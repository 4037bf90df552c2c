rule table:
    message:
        "Computing the numbers behind figure {wildcards.figure}"
    input:
        figure_code,
        source=figure_source,
    output:
        "figures/{figure}.csv",
    params:
        module=figure_module,
    log:
        "logs/figures/{figure}-table.log",
    benchmark:
        "logs/figures/{figure}-table.tsv"
    shell:
        "batchf1 table {params.module} {input.source} --output {output} 2> {log}"


rule draw:
    message:
        "Drawing figure {wildcards.figure}"
    input:
        figure_code,
        table="figures/{figure}.csv",
    output:
        "figures/{figure}.png",
        "figures/{figure}.pdf",
    params:
        module=figure_module,
    log:
        "logs/figures/{figure}-draw.log",
    benchmark:
        "logs/figures/{figure}-draw.tsv"
    shell:
        "batchf1 draw {params.module} {input.table} --output {output} 2> {log}"
