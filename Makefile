# Everything happens in .venv; nothing needs root, nothing is done by hand.
PYTHON ?= python3
BIN := .venv/bin
SEED ?= 1
STAMP := .venv/.installed
PYTEST := $(BIN)/python -m pytest --numprocesses 2 --dist loadgroup --no-loadscope-reorder
LONG := validation or long or fuzz
unexport PYTHONDONTWRITEBYTECODE  # some set it, and each process compiles softal and its tests anew

.PHONY: demo check test test-long test-all fuzz chaos setup lint docs clean

demo: setup  ## install, then fit argon's potential to its measured structure factor
	@if [ -e runs/argon ]; then $(BIN)/softal resume runs/argon; else $(BIN)/softal launch campaigns/argon.yaml; fi

check: lint  ## linters, types, and the tests that need no Ray, no engine and no training
	$(PYTEST) -m "not (ray or learning or physics or $(LONG) or exhaustive)"

test: setup  ## the test suite, in three processes: of two one is of tests that wait for Ray more than they compute
	$(PYTEST) --numprocesses 3 -m "not (exhaustive or $(LONG))"

test-long: setup  ## its rest: published numbers, other codes, what many runs say, kills again and again, damaged files
	$(PYTEST) --numprocesses 3 -m "($(LONG)) and not exhaustive"

test-all: setup  ## both, with the whole of the contracts' matrices
	$(PYTEST) --numprocesses 3 -m ""

fuzz: setup  ## read 10,000 damaged files of each kind: hours
	$(BIN)/python tests/fuzzing.py --each 10000 --keep build/fuzz

chaos: setup  ## kill processes of campaigns, fill their disk and stop them, 200 times: an hour
	$(BIN)/python tests/orchestrator/chaos.py --kills 200 --seed $(SEED)

setup: $(STAMP)  ## make .venv with pinned dependencies

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "softal needs Python 3.11 or newer")'
	@echo "Setting up .venv with pinned dependencies: about two minutes, 3 GB ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

lint: setup  ## linters, type checker, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff check --preview --select PLW1514 softal  # files are UTF-8, whatever the locale says
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: setup  ## pages that are made from the code
	$(BIN)/python -m softal.terminal.campaign_file_reference > docs/campaign-file.md

clean:  ## remove what was installed; campaigns in runs/ stay
	rm -rf .venv build dist *.egg-info
