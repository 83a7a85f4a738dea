# Every target sets up what it needs: a virtual environment in .venv, renewed when pyproject.toml changes.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

# The first Python on the path that we support; choose another with `make PYTHON=/path/to/python`.
PYTHON ?= $(shell for candidate in python3.13 python3.12 python3.11 python3 python; do \
	"$$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null \
	&& { echo "$$candidate"; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OUT ?= out/airline-100

.PHONY: help setup run test clients agents check verify format bench serve registry clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Make .venv with everything in it

$(READY): pyproject.toml
	@test -n "$(PYTHON)" || { echo "EnvFactory needs Python 3.11, 3.12 or 3.13 on the path (or PYTHON=...)." >&2; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

run: $(READY) ## Make 100 trajectories of the airline, in out/airline-100; an earlier run is kept beside it
	@if [ -e $(OUT) ]; then rm -rf $(OUT).before; mv $(OUT) $(OUT).before; echo "The last run is now in $(OUT).before."; fi
	@$(BIN)/python -m synthesis.run --count 100 --seed 7 --environments airline --out $(OUT)

test: $(READY) ## Run all tests
	@$(BIN)/python -m pytest --numprocesses auto --quiet

clients: $(READY) ## Let other people's clients and tools try what we serve; fetches them, and skips what can't be had
	@$(BIN)/python -m pytest --quiet -m 'node or venv' tests/clients tests/containers

agents: $(READY) ## The same for Claude Code, Codex, Gemini CLI and opencode, which are large
	@$(BIN)/python -m pytest --quiet -m heavy tests/clients

check: $(READY) ## Lint, check formats and types, and see that generated files and records are up to date
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m servers.registry --check
	@$(BIN)/python -m synthesis.formats --check

verify: $(READY) ## Verify all environments anew, and compare with what their records say
	@$(BIN)/envfactory verify --all --check --mutants 20

format: $(READY) ## Put all Python files into our format
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

bench: $(READY) ## Measure what we claim
	@$(BIN)/python -m bench

serve: $(READY) ## Host the farm on http://127.0.0.1:8000
	@$(BIN)/python -m servers

registry: $(READY) ## Write registry.json anew
	@$(BIN)/python -m servers.registry

clean: ## Remove .venv, caches and out/
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist out
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
