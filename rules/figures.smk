rule table:
    input:
        figure_code,
        source=figure_source,
    output:
        "figures/{figure}.csv",
    log:
        "logs/figures/{figure}-table.log",
    benchmark:
        "logs/figures/{figure}-table.tsv"
    conda:
        "../environment.yml"
    params:
        module=figure_module,
    message:
        "Computing the numbers behind figure {wildcards.figure}"
    shell:
        "batchf1 table {params.module} {input.source} --output {output} 2> {log}"


rule draw:
    input:
        figure_code,
        table="figures/{figure}.csv",
    output:
        "figures/{figure}.png",
        "figures/{figure}.pdf",
    log:
        "logs/figures/{figure}-draw.log",
    benchmark:
        "logs/figures/{figure}-draw.tsv"
    conda:
        "../environment.yml"
    params:
        module=figure_module,
    message:
        "Drawing figure {wildcards.figure}"
    shell:
        "batchf1 draw {params.module} {input.table} --output {output} 2> {log}"
