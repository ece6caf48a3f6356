# What a developer types. Needs Python 3.11 or newer, make and git; everything else goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
# Threads that wait must not spin, and a test gets one core: the machine is shared with the other half of the suite.
export OMP_NUM_THREADS ?= 1
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: demo test check setup clean

demo: $(BIN)/.ready
	OMP_NUM_THREADS= $(BIN)/unweave demo demo

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
