# snakemake --cores all frameworks: measure what other frameworks log


# one rule per environment: its cost is in the message, since a changed parameter would reinstall it
for name in environments.ENVIRONMENTS:

    rule:
        name:
            f"environment_{name}"
        input:
            os.path.relpath(environments.pins(name)),
        output:
            directory(str(environments.FOLDER / name)),
        log:
            f"logs/frameworks/environment-{name}.log",
        benchmark:
            f"logs/frameworks/environment-{name}.tsv"
        localrule: True  # it needs the network, which a cluster's nodes may not have
        conda:
            "../../environment.yml"
        params:
            name=name,
        message:
            f"Installing {environments.cost(name)}, into {{output}}"
        shell:
            "batchf1 workflow environment {params.name} {output} 2>&1 | tee {log}"


rule elsewhere:
    input:
        program_inputs,
    output:
        "results/frameworks/{program}.csv",
    log:
        "logs/frameworks/{program}.log",
    benchmark:
        "logs/frameworks/{program}.tsv"
    localrule: True  # seconds, where the environments are
    conda:
        "../../environment.yml"
    message:
        "Measuring what a framework logs: {wildcards.program}"
    shell:
        "batchf1 workflow elsewhere {wildcards.program} --output {output} 2>&1 | tee {log}"


rule frameworks:
    input:
        sources("batchf1.studies.frameworks.others_page"),
        tables=expand("results/frameworks/{program}.csv", program=environments.PROGRAMS),
    output:
        "docs/frameworks.csv",
        update("docs/frameworks.md"),
    log:
        "logs/frameworks/page.log",
    benchmark:
        "logs/frameworks/page.tsv"
    localrule: True
    conda:
        "../../environment.yml"
    message:
        "Writing docs/frameworks.csv and the table of docs/frameworks.md"
    shell:
        "batchf1 workflow frameworks {input.tables} --write docs 2> {log}"
