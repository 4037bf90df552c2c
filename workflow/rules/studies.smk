# snakemake --cores all <study>: its table, its figures and what they are made from, of any study
for study, figures in FIGURES_OF.items():

    rule:
        name:
            study
        input:
            tables_of(study),
            all_of(figures),
