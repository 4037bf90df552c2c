# Made only on request: `make benchmark`, snakemake --cores all cost, or, for hours, cost_full


rule measured:
    input:
        all_of(MEASURED),


rule measure_cost:
    input:
        cost_sources,
    output:
        "results/{cost}/runs.parquet",
    log:
        "logs/{cost}/cost.log",
    benchmark:
        "logs/{cost}/cost.tsv"
    conda:
        "../../environment.yml"
    threads: workflow.cores  # nothing else runs beside a measurement
    params:
        # the settings themselves: a comment in the file changes none of them
        settings=lambda w: digest(asdict(COSTS[w.cost])),
        store="results/{cost}/store",
    message:
        "Measuring what each strategy costs, one process at a time: {wildcards.cost}"
    shell:
        "batchf1 workflow cost experiments/{wildcards.cost}.yaml --store {params.store}"
        " --output {output} 2>&1 | tee {log}"
