# patchstand: every target makes what it needs, starting from Python 3.11 and make.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

VENV := .venv
BASE := .venv-base
BIN := $(VENV)/bin
# The first Python of 3.11 or newer; override with `make PYTHON=/path/to/python3.12 ...`.
PYTHON ?= $(shell .ci/find-python)
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --no-input
# Servers of the tests marked `services`, from Debian.
SERVICES_PACKAGES := nginx-light dovecot-imapd dovecot-pop3d exim4-daemon-light openssl postgresql
TEST_LIMIT := 12m
WORKERS := 2
# A lock takes no release younger than a week: a poisoned one is usually found by then.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --exclude-newer P7D

.PHONY: help demo test test-services check check-format check-lint check-types check-imports format \
	bench base-env docs lock upgrade clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z.-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/.stamp: requirements/dev.txt pyproject.toml
	@.ci/make-venv "$(PYTHON)" $(VENV)
	$(BIN)/python $(PIP_INSTALL) --require-hashes -r requirements/dev.txt
	$(BIN)/python $(PIP_INSTALL) --no-build-isolation --no-deps -e .
	@touch $@

.venv: $(VENV)/.stamp ## the development environment, from requirements/dev.txt

demo: $(VENV)/.stamp ## the main job on a simulated estate
	$(BIN)/patchstand demo

test: $(VENV)/.stamp ## every test that needs no real server and measures nothing
	timeout --signal=INT --kill-after=30s $(TEST_LIMIT) $(BIN)/pytest -n $(WORKERS)

test-services: $(VENV)/.stamp ## tests against real servers from Debian (installs them as root)
	.ci/install-services $(SERVICES_PACKAGES)
	$(BIN)/pytest -m services

check: check-format check-lint check-types check-imports ## format, lint, types, direction of imports; changes nothing

check-format: $(VENV)/.stamp
	$(BIN)/ruff format --check

check-lint: $(VENV)/.stamp
	$(BIN)/ruff check

check-types: $(VENV)/.stamp
	$(BIN)/mypy

check-imports: $(VENV)/.stamp
	$(BIN)/lint-imports

format: $(VENV)/.stamp ## put the code into the house format
	$(BIN)/ruff check --select I --fix
	$(BIN)/ruff format

bench: $(VENV)/.stamp ## measure; prints its figures
	$(BIN)/pytest -m bench -s

base-env: $(VENV)/.stamp ## the built wheel with requirements/base.txt and nothing else
	rm -rf $(BASE) build/wheel
	$(BIN)/python -m pip wheel --quiet --no-build-isolation --no-deps -w build/wheel .
	@.ci/make-venv "$(PYTHON)" $(BASE)
	$(BASE)/bin/python $(PIP_INSTALL) --require-hashes -r requirements/base.txt
	$(BASE)/bin/python $(PIP_INSTALL) --no-index --no-deps build/wheel/*.whl
	$(BASE)/bin/python -m pip check
	$(BASE)/bin/patchstand --help

docs: $(VENV)/.stamp ## the handbook, into site/
	$(BIN)/properdocs build --strict

lock: $(VENV)/.stamp ## write requirements/*.txt anew after a change of pyproject.toml or dev.in
	$(LOCK) pyproject.toml -o requirements/base.txt
	$(LOCK) pyproject.toml --extra fast -c requirements/base.txt -o requirements/fast.txt
	$(LOCK) pyproject.toml --extra fast --extra census --extra cluster --extra report requirements/dev.in \
		-c requirements/fast.txt -o requirements/dev.txt

upgrade: LOCK += --upgrade
upgrade: lock ## the same, with the newest releases (at least a week old)

clean: ## remove everything made here
	rm -rf $(VENV) $(BASE) build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
