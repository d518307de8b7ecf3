# What can be done with this repository. `make help` lists it; every target sets itself up.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
# `make test TESTS=tests/campaigns ARGS="-k consent --databases sqlite"`
TESTS ?= tests
ARGS ?=
WORKERS ?= 2
# Options of proofs and benchmarks, passed on as environment variables.
export RUNS CASES OCCURRENCES DATABASE PEOPLE ROWS ROUNDS KEEP ITEMS PLACE STEPS RACES VICTIM RECIPIENTS ASIDE FEW MESSAGES WRITE

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

# Made once per change of the lock, and whole: a broken set-up leaves no stamp behind.
$(READY): requirements.txt setup.cfg pyproject.toml
	@echo "Setting up .venv"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Dolen needs Python 3.11 or newer")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m uv --version >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet uv
	@$(BIN)/python -m uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.txt
	@$(BIN)/python -m uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

setup: $(READY) ## make .venv from the lock, once per change of it

run: $(READY) ## start Dolen: the service, the clock and a worker in one process
	$(BIN)/dolen all

demo: $(READY) ## play the whole loop on real mail and leave it running; ONCE=1 ends by itself
	$(BIN)/dolen demo $(if $(ONCE),--once)

test: $(READY) ## every test on SQLite and on PostgreSQL; says what was skipped and why
	$(BIN)/python -m pytest -n $(WORKERS) -q $(ARGS) $(TESTS)

check: $(READY) ## style, types and who may import whom; all of them, even after the first that fails
	@failed=0; for tool in "ruff check ." "ruff format --check ." mypy "lint-imports --no-logo --no-cache"; do \
		echo "$$tool"; $(BIN)/$$tool || failed=1; done; exit $$failed

# Debian's Chromium and a typeface for all three languages, where they are missing and we may install them.
CHROMIUM_READY := .venv/chromium
$(CHROMIUM_READY): $(READY)
	@$(BIN)/python -c 'from tests.chromium import CHROMIUM; raise SystemExit(not CHROMIUM)' || \
		{ test "$$(id -u)" = 0 && apt-get update -qq && apt-get install -y -qq chromium fonts-noto-core; } >/dev/null || \
		{ echo "Install Chromium, or name it in DOLEN_CHROMIUM"; exit 1; }
	@touch $@

test-browser: $(CHROMIUM_READY) ## whole jobs and every page in Chromium, in three languages
	$(BIN)/python -m pytest -q -o python_files='*.py' $(ARGS) tests/browser

screenshots: $(CHROMIUM_READY) ## every page as a picture, in three languages, into build/screenshots
	$(BIN)/python -m tests.screenshots

test-real: $(READY) ## the loop against real servers, installed under var/real; says what is left out and why
	@$(BIN)/python -m tests.real.install
	$(BIN)/python -m pytest -q -o python_files='*.py' $(ARGS) tests/real

test-wheel: $(READY) ## build a wheel, install it in a bare environment and serve from it
	$(BIN)/python -m pytest -q $(ARGS) tests/wheel.py

prove: $(READY) ## a proof: make prove NAME=kill RUNS=200
	@test -n "$(NAME)" || { echo "Say which: make prove NAME=…, one of benchmarks/prove_*.py"; exit 2; }
	@$(BIN)/python -m benchmarks.prove_$(subst -,_,$(NAME))

bench: $(READY) ## a benchmark: make bench NAME=send
	@test -n "$(NAME)" || { echo "Say which: make bench NAME=…, one of benchmarks/bench_*.py"; exit 2; }
	@$(BIN)/python -m benchmarks.bench_$(subst -,_,$(NAME))

codemap: $(READY) ## write the code map into ARCHITECTURE.md
	$(BIN)/python -m tests.codemap

connectors-table: $(READY) ## write the tables of what connectors can do into docs/connectors/README.md
	$(BIN)/python -m tests.connectors_table

openapi: $(READY) ## write the description of the API as it is now
	$(BIN)/dolen openapi

client: openapi ## write the Python client from that description
	$(BIN)/python -m tests.client
	$(BIN)/ruff format --quiet dolen_client

lock: $(READY) ## choose new versions of all dependencies, with their hashes
	$(BIN)/python -m uv pip compile --quiet setup.cfg --extra demo --extra test --extra check \
		--universal --python-version 3.11 --generate-hashes --no-header --upgrade --output-file requirements.txt

wheel: $(READY) ## build dist/*.whl
	rm -rf build dist
	$(BIN)/python -m build --wheel

clean: ## remove everything that was made, except what Dolen stored in var/
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage*
	find . -name __pycache__ -prune -exec rm -rf {} + ; rm -rf *.egg-info


.PHONY: help setup run demo test check test-browser screenshots test-real test-wheel prove bench codemap connectors-table openapi client lock wheel clean
