# Everything here needs Python 3.11 or newer and make; PYTHON=/path/to/python chooses one. `make help` lists it all.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help demo demo-edit demo-reset test lint bench lock lock-check clean hub-venv dev-venv demo-venv

REQUIREMENTS := deploy/requirements
RUN := .venv/bin/python
# What the tests run: TESTS="tests/hub" narrows it, WORKERS=4 widens it, HOUSE=0 leaves the checks of the code itself out.
TESTS ?= tests
WORKERS ?= 2
HOUSE ?= 1
PYTEST := $(RUN) -m pytest -q -n $(WORKERS)

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

demo: ## install, start everything with its demo, tell its story; HUB_PORT=8001 moves it
	@$(MAKE) --no-print-directory -j2 hub-venv demo-venv
	@exec $(RUN) -m hub.supervisor --demo --with-parent

demo-edit: ## another working day in the demo's systems, while `make demo` runs elsewhere
	@$(RUN) manage.py demo --edit

demo-reset: ## forget everything the demo keeps, so that the next `make demo` is a first one
	@.venv-demo/bin/python deploy/demo/systems.py reset --state "$${HUB_STATE:-var}/demo"
	@rm -rf "$${HUB_STATE:-var}"

test: ## install and run all tests
	@$(MAKE) --no-print-directory -j2 dev-venv demo-venv
	@if [ "$(HOUSE)" = 1 ]; then $(PYTEST) $(TESTS); else $(PYTEST) $(TESTS) --ignore=tests/test_house.py; fi

lint: dev-venv ## style, types, floors and templates only
	@$(PYTEST) tests/test_house.py

bench: dev-venv ## the hub beside dlt and the limits of the machine; DATABASE_URL names a PostgreSQL server, BENCH="unchanged" picks
	@$(RUN) bench/sync.py $(BENCH)

lock: dev-venv ## renew what is not pinned in pyproject.toml; `make lock UPGRADE=--upgrade` takes the newest
	@.venv/bin/python deploy/lock.py $(UPGRADE)

lock-check: dev-venv ## whether the locks are what pyproject.toml leads to
	@.venv/bin/python deploy/lock.py --check

clean: ## remove the environments and caches; what the hub keeps in var/ stays
	@rm -rf .venv .venv-demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

hub-venv:
	@deploy/install.sh .venv $(REQUIREMENTS)/hub.txt $(REQUIREMENTS)/dev.txt

dev-venv:
	@deploy/install.sh .venv $(REQUIREMENTS)/dev.txt

demo-venv:
	@deploy/install.sh .venv-demo deploy/demo/requirements.txt
