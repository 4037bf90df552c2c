rule measure_flat_labels:
    input:
        lambda w: sources(
            *flat_labels_modules(w.flat_labels, FLAT_LABELS[w.flat_labels])
        ),
    output:
        logs="results/{flat_labels}/runs.parquet",
        choices="results/{flat_labels}/choices.parquet",
    log:
        "logs/{flat_labels}/flat_labels.log",
    benchmark:
        "logs/{flat_labels}/flat_labels.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=3000,
    params:
        # the settings themselves: a comment in the file changes none of them
        settings=lambda w: digest(asdict(FLAT_LABELS[w.flat_labels])),
    message:
        "Measuring what labels of shape (n,) log: {wildcards.flat_labels}"
    shell:
        "batchf1 workflow flat_labels experiments/{wildcards.flat_labels}.yaml"
        " --output {output.logs} --choices {output.choices} 2>&1 | tee {log}"
