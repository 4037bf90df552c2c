rule keras224:
    input:
        os.path.relpath(keras224.PINS),
    output:
        directory(str(keras224.FOLDER)),
    log:
        "logs/keras224.log",
    benchmark:
        "logs/keras224.tsv"
    localrule: True  # it needs the network, which a cluster's nodes may not have
    conda:
        "../../environment.yml"
    message:
        "Installing the article's own Keras 2.2.4 into {output}"
    shell:
        "batchf1 workflow keras224 {output} 2>&1 | tee {log}"


rule shard:
    input:
        study_sources,
        software,
    output:
        "results/{study}/shards/{shard}.parquet",
    log:
        "logs/{study}/shard-{shard}.log",
    benchmark:
        "logs/{study}/shard-{shard}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=3000,
    params:
        # the runs themselves: a comment in conf changes none of them
        runs=lambda w: runs_digest(shards_of(w.study)[int(w.shard)]),
        kept=lambda w: digest(planned(w.study).recording.settings),
        shards=lambda w: len(shards_of(w.study)),
        store="results/{study}/store",
        size=size_option,
    message:
        "Training shard {wildcards.shard} of study {wildcards.study}"
    shell:
        "batchf1 workflow shard experiments/{wildcards.study}.yaml --shard {wildcards.shard}"
        " --shards {params.shards} --store {params.store} --output {output} {params.size}"
        " 2>&1 | tee {log}"


rule collect:
    input:
        lambda w: [
            f"results/{w.study}/shards/{i}.parquet"
            for i in range(len(shards_of(w.study)))
        ],
    output:
        "results/{study}/runs.parquet",
    log:
        "logs/{study}/collect.log",
    benchmark:
        "logs/{study}/collect.tsv"
    conda:
        "../../environment.yml"
    params:
        size=size_option,
    message:
        "Putting the shards of study {wildcards.study} into one table"
    shell:
        "batchf1 workflow collect experiments/{wildcards.study}.yaml {input} --output {output}"
        " {params.size} 2> {log}"
