# Everything sets itself up: a fresh clone needs Python 3.11 or newer, pip and make.
#   make PYTHON=python3.12 ...   picks the interpreter of the virtual environment
#   make VENV=/some/where ...    puts the environment elsewhere

PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11 python,$(shell \
	$(p) -c 'import sys; print("$(p)" if sys.version_info >= (3, 11) else "")' 2>/dev/null)))
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= build/compare
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
INSTALL := $(PIP) install --constraint constraints.txt
PYTEST := $(BIN)/python -m pytest -n auto --dist worksteal --doctest-modules --pyargs cgcopt tests
# Tests start hundreds of processes: each reads the bytecode that the first has written.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help compare test test-all quick-tests all-tests lint bench notebooks docs constraints clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

compare: $(VENV)/core.stamp ## compare all methods on the default instances, tables and plots in build/compare
	$(BIN)/cgcopt compare --out $(OUT)

# mypy runs beside the tests: alone it would leave the other cores idle for a minute.
test: $(VENV)/test.stamp ## everything that must pass: ruff, mypy, pytest with doctests, pages
	@$(MAKE) --no-print-directory --jobs 2 lint quick-tests

test-all: $(VENV)/test.stamp ## the same, with the slow tests: bigger sizes, all combinations, notebooks, archives
	@$(MAKE) --no-print-directory --jobs 2 lint all-tests

quick-tests: $(VENV)/test.stamp
	$(PYTEST)

all-tests: $(VENV)/test.stamp
	$(PYTEST) -m ""

lint: $(VENV)/test.stamp ## ruff (lint and format) and mypy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(VENV)/test.stamp ## measure speed and scale
	$(BIN)/python -m tests.benchmarks.run

notebooks: $(VENV)/test.stamp ## execute the notebooks again, in place
	$(BIN)/jupyter-execute --inplace --NotebookClient.record_timing=False notebooks/*.ipynb

docs: $(VENV)/docs.stamp ## the documentation as a site, in build/docs; a warning or a broken link is an error
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going docs build/docs
	$(BIN)/python docs/site_build/links.py build/docs

constraints: ## resolve the dependencies anew and pin them in constraints.txt
	rm -rf build/constraints
	$(PYTHON) -m venv build/constraints
	build/constraints/bin/python -m pip install --quiet '.[all]'
	{ sed '/^[^#]/,$$d' constraints.txt; \
	  build/constraints/bin/python -m pip freeze --all --exclude pip --exclude cgcopt; \
	} > build/constraints.txt
	mv build/constraints.txt constraints.txt

clean: ## remove builds and caches, keep the environment
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -path './.*' -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps make the set-up run again when the dependencies or the version change. `compare` needs the core
# and what draws pictures; `test` adds the tools and the optional solvers to the same environment.
$(VENV)/core.stamp: pyproject.toml constraints.txt cgcopt/version.py
	@test -x $(BIN)/python || \
		$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "cgcopt needs Python 3.11 or newer: make PYTHON=/path/to/python"; exit 1; }
	@echo "Setting up $(VENV) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(INSTALL) setuptools
	@$(INSTALL) --no-build-isolation --editable '.[plots]'
	@touch $@

$(VENV)/test.stamp: $(VENV)/core.stamp
	@echo "Adding the test tools and the optional solvers to $(VENV) ..."
	@$(INSTALL) --no-build-isolation --editable '.[test]'
	@touch $@

$(VENV)/docs.stamp: $(VENV)/core.stamp
	@echo "Adding the documentation tools to $(VENV) ..."
	@$(INSTALL) --no-build-isolation --editable '.[docs]'
	@touch $@
