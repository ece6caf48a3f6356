# What a developer types. Needs Python 3.11 or newer, make and git; everything else goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
# A test gets one core: the other one runs the other half of the suite.
export OMP_NUM_THREADS ?= 1

.PHONY: demo test check setup clean

demo: $(BIN)/.ready
	env -u OMP_NUM_THREADS $(BIN)/unweave demo demo

test: $(BIN)/.ready
	$(BIN)/pytest -n 2 --dist loadfile

check: $(BIN)/.ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

setup: $(BIN)/.ready

$(BIN)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv dist demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
