rule measure_atlas:
    input:
        sources(*atlas_modules()),
    output:
        "results/{atlas}/runs.parquet",
    log:
        "logs/{atlas}/atlas.log",
    benchmark:
        "logs/{atlas}/atlas.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=3000,
    params:
        # the settings themselves: a comment in the file changes none of them
        settings=lambda w: digest(asdict(ATLASES[w.atlas])),
        store="results/{atlas}/store",
    message:
        "Measuring which metrics may be averaged: {wildcards.atlas}"
    shell:
        "batchf1 workflow atlas experiments/{wildcards.atlas}.yaml --store {params.store}"
        " --output {output} 2>&1 | tee {log}"
