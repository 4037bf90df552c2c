rule claims:
    input:
        sources("batchf1.records.report"),
        page="docs/claims.md",
    output:
        "results/claims.rst",
    log:
        "logs/claims.log",
    benchmark:
        "logs/claims.tsv"
    conda:
        "../../environment.yml"
    message:
        "Reading the verdicts on the article's claims"
    shell:
        "batchf1 workflow claims {input.page} --output {output} 2> {log}"
