# Everything from a fresh machine with Python (3.11 or newer) and make. State lives in data/, tools in .venv/.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip
AIPL := $(BIN)/aipl
READY := $(VENV)/ready
READY_BI := $(VENV)/ready-bi

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup run dashboard test test-fast mart prove bench spark spark-server prove-spark dev lint format examples docs screenshots timings lock lock-check clean

help: ## List the make targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; name one with PYTHON=...") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (once, one to three minutes) ..."
	@$(PIP) install --quiet --require-hashes -r requirements.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# The dashboard, the mirror and their tests, on top of the above; `make run` does not need them.
$(READY_BI): requirements-bi.lock $(READY)
	@echo "Installing the dashboard and the mirror into $(VENV) (once, about a minute) ..."
	@$(PIP) install --quiet --require-hashes -r requirements-bi.lock
	@touch $@

setup: $(READY_BI) ## Install everything into .venv

run: $(READY) ## Generate the sample shop's dumps, load them, publish a release
	@$(AIPL) sample-shop
	@$(AIPL) run

dashboard: $(READY_BI) ## Open the dashboard on the current release, at http://127.0.0.1:8501
	@$(BIN)/python -m dashboard

test: $(READY_BI) ## Run all tests
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

test-fast: $(READY_BI) ## Run the fast tests: no dbt, no Dagster, no Great Expectations
	@$(BIN)/python -m pytest -n auto --dist loadfile -m "not slow" tests/unit $(PYTEST_ARGS)

prove: $(READY) ## Test the law of increments on 10,000 random worlds (WORLDS=..., SELECTIONS=..., SEED=...; an hour or two)
	@seed="$${SEED:-$$($(BIN)/python -c 'import secrets; print(secrets.randbelow(10**9))')}"; \
	echo "Drawing $${WORLDS:-10000} worlds from SEED=$$seed"; \
	AIPL_PROVE_WORLDS="$${WORLDS:-10000}" AIPL_PROVE_SELECTIONS="$${SELECTIONS:-100}" AIPL_PROVE_SEED="$$seed" \
		$(BIN)/python -m pytest tests/integration/test_law_of_increments.py \
		tests/integration/test_dbt_by_hand.py $(PYTEST_ARGS)

# The other tools lie in an environment of their own: the program is measured as its users install it.
bench: $(READY) ## Benchmark the program against other tools: docs/performance.md (EVENTS=..., DAYS=...; an hour)
	@test -x $(VENV)/bench/bin/python || $(PYTHON) -m venv $(VENV)/bench
	@$(VENV)/bench/bin/pip install --quiet --require-hashes -r requirements-bench.lock
	@PATH="$(CURDIR)/$(BIN):$$PATH" PYTHONPATH="$(CURDIR):$(CURDIR)/tests" $(VENV)/bench/bin/python -m benchmarks.bench

# In an environment of its own: Great Expectations would import PySpark in every run.
SPARK := $(VENV)/spark
READY_SPARK := $(SPARK)/ready
$(READY_SPARK): requirements-spark.lock requirements-sail.lock $(READY)
	@test -x $(SPARK)/bin/python || $(PYTHON) -m venv $(SPARK)
	@echo "Installing Spark into $(SPARK) (once, one to three minutes) ..."
	@$(SPARK)/bin/pip install --quiet --require-hashes -r requirements-spark.lock
	@test -x $(SPARK)/sail/bin/python || $(PYTHON) -m venv $(SPARK)/sail
	@$(SPARK)/sail/bin/pip install --quiet --require-hashes -r requirements-sail.lock
	@touch $@

spark: $(READY_SPARK) ## Install what a build on Apache Spark needs: docs/spark.md

prove-spark: $(READY_BI) $(READY_SPARK) ## Compare builds on a Spark cluster of this machine with DuckDB's (SOURCES=..., EVENTS=...; an hour)
	@PYTHONPATH="$(CURDIR):$(CURDIR)/tests" $(BIN)/python -m cluster.prove $(SOURCES) $(addprefix --events=,$(EVENTS))

spark-server: $(READY_SPARK) ## Run Spark on this machine until stopped, for SPARK_REMOTE=sc://localhost (needs Java 17)
	@PATH="$(CURDIR)/$(SPARK)/bin:$$PATH" spark-submit --master "local[*]" \
		--conf spark.sql.shuffle.partitions=8 --conf spark.ui.enabled=false --conf spark.log.level=WARN \
		--conf spark.sql.warehouse.dir="$${TMPDIR:-/var/tmp}/aipl-spark" $(SPARK_ARGS) \
		--class org.apache.spark.sql.connect.service.SparkConnectServer spark-internal

dev: $(READY) ## Open the Dagster UI with the nightly schedule
	@$(AIPL) ui

mart: $(READY_BI) ## Test one mart, NAME=fct_...: its contract, its unit tests, and its suite on its examples
	@test -n "$(NAME)" || { echo "Name a mart: make mart NAME=fct_fast"; exit 2; }
	@AIPL_TEST_MART="$(NAME)" $(BIN)/python -m pytest -q tests/unit/test_marts.py $(PYTEST_ARGS)
	@$(AIPL) dbt -- test --select "$(NAME),test_type:unit"

lint: $(READY_BI) ## Check style, types, imports, SQL, lock files and generated documents
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/sqlfluff lint dbt_project
	@! LC_ALL=C.UTF-8 git grep -nE '^.{111,}' -- '*.yml' '*.j2' || { echo "Wrap these lines at 110 characters."; exit 1; }
	@$(BIN)/python tests/generated.py --check
	@$(MAKE) --no-print-directory lock-check

format: $(READY) ## Format Python and SQL, and regenerate the generated parts of documents
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/sqlfluff fix dbt_project
	@$(BIN)/python tests/generated.py

examples: $(READY) ## Regenerate the query outputs in docs/metrics and docs/queries from the current release
	@PYTHONPATH=tests $(BIN)/python tests/examples.py "$${AIPL_HOME:-data}"


# dbt's page truncates descriptions and lets details overflow their box.
DOCS_STYLE := <style>tr.column-row > td { white-space: normal !important; max-width: none !important; } \
	.details .detail-body { white-space: normal; overflow-x: visible; }</style>

docs: $(READY) ## Build the data dictionary, one offline page: docs/site/index.html
	@$(AIPL) dbt -- --quiet docs generate --static
	@mkdir -p docs/site
	@{ cat "$${AIPL_HOME:-data}/dbt/static_index.html" && echo '$(DOCS_STYLE)'; } > docs/site/index.html
	@echo "The data dictionary is docs/site/index.html"

screenshots: $(READY_BI) ## Retake the screenshots in docs/dashboard from the current release (needs Chromium)
	@PYTHONPATH=tests $(BIN)/python -m browser.screenshots "$${AIPL_HOME:-data}"

timings: $(READY_BI) ## Measure pages and clicks of the dashboard on the current release (needs Chromium)
	@PYTHONPATH=tests $(BIN)/python -m browser.timings "$${AIPL_HOME:-data}"

LOCK := $(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-strip-extras \
	--no-emit-index-url --no-annotate --no-header --quiet

LOCK_BI := $(LOCK) --extra bi --extra browser --extra postgres --constraint requirements.lock
LOCK_BENCH := $(LOCK) --extra bench --constraint requirements.lock
LOCK_SPARK := $(subst pyproject.toml,--group spark,$(LOCK))
LOCK_SAIL := $(subst pyproject.toml,--group sail,$(LOCK))

lock: $(READY) ## Update the lock files from pyproject.toml
	@$(LOCK) --extra dev --upgrade --output-file requirements.lock
	@$(LOCK_BI) --upgrade --output-file requirements-bi.lock
	@$(LOCK_BENCH) --upgrade --output-file requirements-bench.lock
	@$(LOCK_SPARK) --upgrade --output-file requirements-spark.lock
	@$(LOCK_SAIL) --upgrade --output-file requirements-sail.lock

LOCKS := requirements.lock requirements-bi.lock requirements-bench.lock requirements-spark.lock requirements-sail.lock

lock-check: $(READY) ## Fail if a lock file does not match pyproject.toml
	@cp $(LOCKS) $(VENV)/
	@$(LOCK) --extra dev --output-file $(VENV)/requirements.lock
	@$(LOCK_BI) --output-file $(VENV)/requirements-bi.lock
	@$(LOCK_BENCH) --output-file $(VENV)/requirements-bench.lock
	@$(LOCK_SPARK) --output-file $(VENV)/requirements-spark.lock
	@$(LOCK_SAIL) --output-file $(VENV)/requirements-sail.lock
	@for lock in $(LOCKS); do \
		cmp -s $$lock $(VENV)/$$lock || { echo "$$lock is not up to date: run make lock"; exit 1; }; done

clean: ## Remove the installed tools; keeps the state in data/
	@rm -rf $(VENV)
