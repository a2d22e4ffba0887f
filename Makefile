# make run     the tables, from nothing: set-up, data, training, evaluation   (make run SCALE=smoke ARGS="...")
# make test    the tests                                                      (make test ARGS="-k lock")
# make slurm   the smoke scale through a real Slurm on this machine (root)
# make bench   what benchmarks/ measures
# make lint    the style of code and rules
# make docs    the documents as a site: site/index.html
# make unlock  tidy up after a killed run, without starting another
# make clean   remove smoke runs, logs and caches; data, models, reports and checkpoints stay

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test slurm bench lint docs unlock clean setup setup-test
.NOTPARALLEL:

SCALE ?=
ARGS ?=
etude := .venv/bin/etude
python := .venv/bin/python
# Nothing that a test or a benchmark imports may look for the network.
offline := HF_HUB_OFFLINE=1 ORT_DISABLE_TELEMETRY=1 DVC_NO_ANALYTICS=1

help:
	@sed -n 's/^# make/make/p' Makefile

setup:
	@setup/install.sh run

setup-test:
	@setup/install.sh test

# `exec` and --stop-with: signals reach the run itself, and it does not outlive a make that is killed.
run: setup
	@exec $(etude) run --stop-with $$PPID $(if $(SCALE),--scale $(SCALE)) $(ARGS)

# Two tests at a time; those of one file stay together, they share what is dear to make.
test: setup-test
	@PATH="$(CURDIR)/.venv/bin:$$PATH" $(offline) exec $(python) -m pytest -n 2 --dist loadfile $(ARGS)

slurm: setup
	@exec slurm/machine/run.sh

bench: setup
	@for benchmark in benchmarks/*.py; do echo "== $$benchmark"; \
	  PATH="$(CURDIR)/.venv/bin:$$PATH" $(offline) $(python) $$benchmark || exit 1; done

lint: setup-test
	@$(python) -m ruff check . && $(python) -m ruff format --check . && \
	  $(python) -m snakefmt --check Snakefile stages

# Strict: a link that leads nowhere fails. docs/params.md is in git: `python -m etude.config.reference` writes it.
docs: setup-test
	@$(python) -m sphinx -q -W --keep-going -E -b html -d .snakemake/doctrees docs site && echo "docs: $(CURDIR)/site/index.html"

unlock: setup
	@exec $(etude) unlock

clean:
	@rm -rf runs logs site .pytest_cache .hypothesis .ruff_cache
	@find etude stages tests benchmarks setup -name __pycache__ -type d -prune -exec rm -rf {} +
