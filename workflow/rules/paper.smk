# make paper: the paper, from its source and the figures


rule paper:
    input:
        # what it shows; listed when it is made, as another folder has none
        lambda w: sorted(
            str(path)
            for pattern in ("paper/*.typ", "paper/*.bib", "paper/*.yaml", "figures/*")
            for path in Path().glob(pattern)
        ),
        sources("batchf1.records.files"),
        program="tools/paper.py",
    output:
        "paper/paper.pdf",
    log:
        "logs/paper.log",
    benchmark:
        "logs/paper.tsv"
    localrule: True
    conda:
        "../../environment.yml"
    message:
        "Making the paper"
    shell:
        "python {input.program} paper/paper.typ --output {output} 2>&1 | tee {log}"
