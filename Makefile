# Chaukas. `make run` opens the app; `make test` runs every test; `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501

.DEFAULT_GOAL := help
.PHONY: help run setup setup-dev chromium test check audit lock bench clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/' | expand -t 18

run: setup ## set up, plan the demo city if it is not planned yet, open the app
	@$(BIN)/chaukas city demo
	@$(BIN)/chaukas plan bilaspur --budget 2crore --title "2 crore" --if-none
	@$(BIN)/chaukas app --port $(PORT)

setup: $(VENV)/.run ## the venv with what the app needs, pinned and hashed

setup-dev: $(VENV)/.dev ## the venv with what tests and checks need too

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; found $$($(PYTHON) --version). Install it, or run: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Making a venv failed. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }

$(VENV)/.run: requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

chromium: ## a Chromium for the browser tests: the system's, else installed, else says what to install
	@command -v chromium chromium-browser google-chrome >/dev/null 2>&1 \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; } \
	|| { echo "The browser tests need Chromium. Install it, on Debian or Ubuntu: sudo apt-get install chromium"; exit 1; }

test: setup-dev chromium ## every test
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: setup-dev ## ruff, mypy strict, import contracts
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

audit: setup-dev ## faults of security in the code, secrets in files, known vulnerabilities of what is pinned
	$(BIN)/bandit -q -c pyproject.toml -r planning coverage optimizer live screens data/demo app.py cli.py
	git ls-files -z | xargs -0 $(BIN)/detect-secrets-hook
	@if $(BIN)/python -c "$$PINNED_IS_KNOWN"; then $(BIN)/pip-audit --strict --disable-pip -r requirements.lock; \
	else echo "Known vulnerabilities were NOT looked up: PyPI's record of a pinned version cannot be reached from here"; fi

# Whether pip-audit's source answers: its record of the first version that is pinned.
define PINNED_IS_KNOWN
import re, sys, urllib.request
name, version = re.search(r"^([\w.-]+)==([\w.]+)", open("requirements.lock").read(), re.M).groups()
try:
    sys.exit(b'"vulnerabilities"' not in urllib.request.urlopen(f"https://pypi.org/pypi/{name}/{version}/json", timeout=20).read())
except OSError:
    sys.exit(1)
endef
export PINNED_IS_KNOWN

bench: setup-dev ## the quick benchmarks
	$(BIN)/python -m benchmarks.sight --quick
	$(BIN)/python -m benchmarks.viewshed --quick
	$(BIN)/python -m benchmarks.plan --quick
	$(BIN)/python -m benchmarks.optimizer --quick
	$(BIN)/python -m benchmarks.frontier --quick
	$(BIN)/python -m benchmarks.region --quick
	$(BIN)/python -m benchmarks.app --quick
	$(BIN)/python -m benchmarks.live --quick
	$(BIN)/python -m benchmarks.gate --quick
	$(BIN)/python -m benchmarks.faults --quick

lock: setup-dev ## pin what pyproject.toml asks for, with hashes
	$(BIN)/uv pip compile -q --upgrade pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links -o requirements.lock
	$(BIN)/uv pip compile -q --upgrade pyproject.toml --extra dev -c requirements.lock --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links -o requirements-dev.lock

clean: ## remove the venv and what was built
	rm -rf $(VENV) *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache test-output
