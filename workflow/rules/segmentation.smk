rule measure_segmentation:
    input:
        sources(*segmentation_modules()),
    output:
        "results/{segmentation}/runs.parquet",
    log:
        "logs/{segmentation}/segmentation.log",
    benchmark:
        "logs/{segmentation}/segmentation.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=3000,
    params:
        # the settings themselves: a comment in the file changes none of them
        settings=lambda w: digest(asdict(SEGMENTATIONS[w.segmentation])),
        store="results/{segmentation}/store",
    message:
        "Measuring four numbers that are called Dice: {wildcards.segmentation}"
    shell:
        "batchf1 workflow segmentation experiments/{wildcards.segmentation}.yaml"
        " --store {params.store} --output {output} 2>&1 | tee {log}"
