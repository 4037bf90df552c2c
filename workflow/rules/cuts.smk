rule measure_cuts:
    input:
        sources("batchf1.studies.cuts.run"),
    output:
        "results/{cuts}/runs.parquet",
    log:
        "logs/{cuts}/cuts.log",
    benchmark:
        "logs/{cuts}/cuts.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    params:
        # the settings themselves: a comment in the file changes none of them
        settings=lambda w: digest(asdict(CUTS[w.cuts])),
    message:
        "Cutting validation sets in ways that are not random: {wildcards.cuts}"
    shell:
        "batchf1 workflow cuts experiments/{wildcards.cuts}.yaml --output {output} 2> {log}"
