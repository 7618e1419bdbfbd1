# Each target sets .venv up by itself, once. Arguments for snakemake or pytest go into ARGS:
#   make paper ARGS='--config local_data=/data'      make test-all ARGS='tests/faults'
# The tests run in a process for each core, up to four; ARGS='-n 0' runs them in one.
# Another Python for .venv: make demo PYTHON=/path/to/python3

is_new_enough := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
found := $(shell for python in python3 python3.11 python3.12 python3.13; do \
	$$python $(is_new_enough) 2>/dev/null && command -v $$python && break; done)
PYTHON ?= $(found)

# The rules call "python". Idle OpenMP threads that spin would slow down the jobs beside them.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export OMP_WAIT_POLICY := passive
export GOMP_SPINCOUNT := 0

PYTEST := .venv/bin/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder
# Slow tests often wait, for services and killed jobs: a process more than there are cores.
SLOW_PROCESSES := $(shell cores=$$(getconf _NPROCESSORS_ONLN); echo $$((cores < 4 ? cores + 1 : 4)))

# A plan makes no results that a report could show.
PLANNED = $(filter -n% --dry-run --dryrun,$(ARGS))

.PHONY: help demo paper archive test test-slow test-all test-gpu bench lint readme
.DEFAULT_GOAL := demo

help:
	@echo "make demo       a small run of every experiment, without a download"
	@echo "make paper      every experiment in full, beside the published numbers"
	@echo "make archive    a finished demo as one file; TARGET=paper or another"
	@echo "make test       the quick tests: no kills, services, browser or finished demo"
	@echo "make test-slow  the other tests"
	@echo "make test-all   every test"
	@echo "make test-gpu   every path of a GPU against the CPU"
	@echo "make lint       the style of the code and of the rules"
	@echo "make bench      the benchmarks"
	@echo "make readme     the tables of finished results into docs/measured and the documents"

demo paper: .venv/installed
	.venv/bin/snakemake $@ --quiet reason host $(if $(PLANNED),,--report results/$@.html --report-after-run) $(ARGS)
	@.venv/bin/python scripts/tell_claims.py $@ $(ARGS)

archive: .venv/installed
	.venv/bin/python scripts/archive.py $(or $(TARGET),demo) $(ARGS)

test: .venv/installed-test
	$(PYTEST) -m "not slow" $(ARGS)

test-slow: .venv/installed-test
	$(PYTEST) --numprocesses $(SLOW_PROCESSES) -m slow $(ARGS)

test-all: .venv/installed-test
	$(PYTEST) $(ARGS)

# Every path of a GPU against the CPU: ARGS='--device cpu --small' tries the program itself.
test-gpu: .venv/installed-test
	.venv/bin/python tests/gpu/run.py $(ARGS)

bench: .venv/installed-test
	.venv/bin/python tests/benchmarks/run.py $(ARGS)

# After a new run of everything: its tables into docs/measured and README.md.
readme: .venv/installed-test
	PYTHONPATH=scripts .venv/bin/python tests/update_readme.py --results results

lint: .venv/installed-test
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/snakefmt --check Snakefile workflow
	.venv/bin/snakemake --lint

.venv/installed: requirements.txt
	@$(or $(PYTHON),false) $(is_new_enough) 2>/dev/null || { \
		echo "error: Python 3.11 or newer is needed: install it, or name it by PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "error: $(PYTHON) lacks venv: install it (Debian, Ubuntu: sudo apt install python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet -r requirements.txt
	touch $@

.venv/installed-test: requirements-test.txt .venv/installed
	.venv/bin/python -m pip install --quiet -r requirements-test.txt
	touch $@
