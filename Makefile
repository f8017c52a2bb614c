# Two commands on a fresh clone with Python 3.11 or later: `make demo` and `make test`.
PYTHON ?= python3
# Tests mostly wait for the processes that they start.
JOBS ?= 4
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test test-all coverage lint types format bench docs clean

demo: $(VENV)/installed
	$(BIN)/python scripts/demo.py

test: $(VENV)/dev
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

test-all: $(VENV)/dev
	GUNITUNE_TEST_ALL=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile

# Of every process that the tests start, which takes its time.
coverage: $(VENV)/dev
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --cov --cov-report=term

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev
	$(BIN)/mypy

format: $(VENV)/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/dev
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/check.py

# What is generated and committed: tests fail while it is stale.
docs: $(VENV)/installed
	$(BIN)/python scripts/rule_pages.py
	$(BIN)/python scripts/settings_schema.py
	$(BIN)/python scripts/readme.py

$(VENV)/installed: pyproject.toml src/gunitune/__init__.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

# The dev tools are a dependency group, which pip reads from 25.1 on.
$(VENV)/dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --group dev
	touch $@

clean:
	rm -rf $(VENV) .venvs .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
