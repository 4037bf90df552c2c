# Regenerate every figure: snakemake --cores all
#
# conf/ and experiments/ -> runs, in shards -> one table per study -> figures/X.csv -> X.png, X.pdf
from snakemake.utils import min_version

min_version("9.5")


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/cost.smk"
include: "workflow/rules/atlas.smk"
include: "workflow/rules/cuts.smk"
include: "workflow/rules/flat_labels.smk"
include: "workflow/rules/segmentation.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/studies.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/frameworks.smk"
include: "workflow/rules/paper.smk"


rule all:
    default_target: True
    input:
        # named, or a fresh clone, which has the figures already, would train nothing
        [
            tables_of(study)
            for study in (*STUDIES, *ATLASES, *CUTS, *FLAT_LABELS)
            if study not in ON_DEMAND
        ],
        all_of(FIGURES),
        # what the report says: snakemake --report report.html
        expand("results/captions/{figure}.rst", figure=FIGURES),
        # in another folder there may be none
        "results/claims.rst" if Path("docs/claims.md").exists() else [],
