# Each target works as the first command in a fresh clone.
PYTHON ?= python3
CORES ?= all
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
# What figures need is installed; what tests, lint and docs need is, too.
STAMP := .venv/.complete
DEV := .venv/.complete-dev
# What paper and archive need is installed.
PAPER := .venv/.complete-paper
# One process takes tests from the other when it has none left.
AT_ONCE := --numprocesses 2 --dist worksteal
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Where it is set, as in many containers, each of the hundreds of processes that tests and jobs start
# compiles all the sources.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: figures report paper archive docs explorer verify test test-all test-frameworks test-slurm test-decisions mutants torture lint format count benchmark benchmark-logs gpu-check scan-eval census release-check requirements clean

figures: $(STAMP)
	snakemake --cores $(CORES)

# One page with every figure, its caption and numbers, and the verdicts on the article's claims.
report: figures
	snakemake --report report.html

# paper/paper.pdf, from paper/ and the figures as they are: nothing is trained.
paper: $(PAPER)
	$(BIN)/python tools/citations.py
	snakemake --cores 1 --allowed-rules paper --rerun-triggers mtime -- paper/paper.pdf

# batchf1-VERSION.crate.zip: tracked files, tables, caches, report and paper, with how each was made.
archive: $(PAPER) report paper
	$(BIN)/python tools/archive.py

# Pages that quote numbers, from docs/templates and the tables; then README, docs and the public names
# as a site, in site/, without a network.
docs: $(DEV)
	$(BIN)/python docs/write.py
	sphinx-build --fail-on-warning --keep-going --fresh-env --quiet -c docs -d .sphinx . site
	@echo "The first page is site/index.html."

# docs/explorer.html, from the files in docs/explorer.
explorer:
	$(PYTHON) docs/explorer/build.py

# Every table made again from a copy of the tracked files, and compared with the committed one bit
# for bit; ELSEWHERE=1 allows what figures/tolerances.yaml states for another platform.
verify: $(STAMP)
	@set -e; copy=$$(mktemp -d); \
	git ls-files -z | tar -c --null -T - -f - | tar -x -C "$$copy" -f -; \
	find "$$copy/figures" -type f ! -name tolerances.yaml -exec rm {} +; \
	(cd "$$copy" && PYTHONPATH="$$copy/src" snakemake --cores $(CORES)); \
	batchf1 verify $(if $(ELSEWHERE),--other-platform) figures "$$copy/figures" \
	  || { status=$$?; echo "The tables made anew are in $$copy/figures."; exit $$status; }; \
	rm -rf "$$copy"

# TESTS='tests/theory tests/metrics' runs these alone.
test: $(DEV)
	$(BIN)/pytest $(AT_ONCE) $(TESTS)

# The slow ones too: the site and the report, more kills, more calls of Snakemake, every combination
# where `make test` has a sample, and five times the examples of each property. CI runs these.
test-all: $(DEV)
	$(BIN)/pytest $(AT_ONCE) --hypothesis-profile thorough -m "not slurm and not whole" $(TESTS)

# Every metric of each shape with all weights in fits of TensorFlow, JAX and PyTorch, and training, the latter
# two in their pinned environments (405 MB to download, once); a test that is skipped fails.
test-frameworks: $(DEV)
	snakemake --cores 1 .frameworks/jax .frameworks/torch
	$(BIN)/pytest -m "slow or not slow" --no-skips -k "backend or every_metric_of" \
	  tests/keras/test_strategies_sums.py tests/keras/test_strategies_backends.py
	$(BIN)/pytest -m "slow or not slow" --no-skips tests/training/test_backends.py
	$(BIN)/pytest -m slow --no-skips -k pytorch tests/test_readme.py

# On a SLURM of one node, made for it and taken down again; skipped without root or SLURM's programs.
test-slurm: $(DEV)
	$(BIN)/pytest -m slurm -rs --durations-min=1 tests/slurm

# Twenty runs of `snakemake --cores all decisions`, drawn at random, again in ordinary Keras: 10 minutes.
test-decisions: $(DEV)
	$(BIN)/pytest -m whole -rs tests/studies/test_decisions_whole.py

# Small faults in the core, one after the other: do the tests find them? Half an hour on 2 idle cores;
# goes on where it was stopped. MODULES='metrics/counts keras/*' tries these alone, SURVIVORS=1 only
# what was not found before. Results and reasons: tools/mutation/survivors.yaml, docs/testing.md.
mutants: $(DEV)
	set -f; cd tools && ../$(BIN)/python -m mutation $(if $(SURVIVORS),--survivors) $(MODULES)

# Kills, damages and misfeeds a miniature study, and writes the counts into docs/testing.md.
torture: $(DEV)
	cd tools && PYTHONPATH=../tests ../$(BIN)/python -m torture

lint: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

format: $(DEV)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/snakefmt Snakefile workflow

# Lines of code by package, without docstrings, comments and blank lines.
count:
	@$(PYTHON) tools/count_lines.py

$(STAMP): requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "batchf1 needs Python 3.11 or newer; set PYTHON=python3.x")'
	$(PYTHON) -m venv .venv
	$(PIP) --require-hashes --requirement requirements.txt
	$(PIP) --no-deps --editable .
	touch $@

$(DEV): $(STAMP) requirements-dev.txt
	$(PIP) --require-hashes --requirement requirements-dev.txt
	touch $@

$(PAPER): $(STAMP) requirements-paper.txt
	$(PIP) --require-hashes --requirement requirements-paper.txt
	touch $@

# Times and memory, on a machine at rest: the sub-grid beside what a user would write (20 minutes),
# the engines, a recorder and what each strategy costs (5 minutes each); then figures/scaling and figures/cost.
benchmark: $(STAMP)
	$(BIN)/python benchmarks/pipelines.py
	$(BIN)/python benchmarks/engines.py
	$(BIN)/python benchmarks/recorder.py
	$(BIN)/python benchmarks/sums.py
	$(BIN)/snakemake --cores $(CORES) measured

# Training on a GPU with each installed backend of Keras that sees one, beside the CPU: below 5 minutes.
# Where there is no GPU it says so, with status 77.
gpu-check: $(STAMP)
	@$(BIN)/python benchmarks/gpu_check.py

# Precision and recall of the scan on labelled public files, whose repositories lie in REPOS; by fold.
scan-eval: $(STAMP)
	$(BIN)/python benchmarks/scan_eval.py "$(REPOS)" --output benchmarks/scan_eval.csv

# What the scan finds in the repositories of experiments/census.yaml: clones in REPOS, or cloned one by one.
census: $(STAMP)
	$(BIN)/python benchmarks/census.py $(REPOS)

# How often the estimates from a log are right, on 2,000 simulated ones: a quarter of an hour of one core.
benchmark-logs: $(STAMP)
	$(BIN)/python benchmarks/logs.py

# Source distribution and wheel in dist/, checked, and the wheel used from an empty environment.
# TAG=v1.2.3 must be the version's.
release-check: $(DEV)
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl
	$(BIN)/python tools/citations.py --check $(if $(TAG),--tag $(TAG))
	$(BIN)/python tools/citations.py --gaps
	@set -e; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	$(PYTHON) -m venv "$$folder"; \
	"$$folder/bin/pip" install --quiet --disable-pip-version-check dist/*.whl; \
	TAG=$(TAG) "$$folder/bin/python" -I tools/check_install.py; \
	"$$folder/bin/batchf1" expect --tp 160 --fp 40 --fn 40 --tn 9760 --batch-size 32

# Pin anew, every transitive version and no address (needs uv); UPGRADE= keeps what is pinned already.
# The tools follow the versions that the figures have.
UPGRADE ?= --upgrade
COMPILE := uv pip compile --quiet --python-version 3.11 --no-emit-index-url --no-emit-find-links \
  --no-header --no-annotate --generate-hashes --universal $(UPGRADE)
# What every pin holds for (tool.uv in pyproject.toml), left out: elsewhere pip would skip all of them.
COMMON := ; python_full_version < '3.14' and sys_platform != 'emscripten' and sys_platform != 'win32'
requirements:
	$(COMPILE) --extra slurm --extra workflow --output-file requirements.txt pyproject.toml
	$(COMPILE) --extra slurm --extra dev --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml
	$(COMPILE) --extra paper --constraint requirements-dev.txt --output-file requirements-paper.txt pyproject.toml
	sed -i "s/ $(COMMON) / /" requirements.txt requirements-dev.txt requirements-paper.txt
	sed -i '/^      - /d' environment.yml
	sed -n 's/^\([^ ].*\) \\$$/      - \1/p' requirements.txt >> environment.yml

clean:
	rm -rf results logs benchmarks/out dist .snakemake .sphinx site report.html
