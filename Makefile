# Two commands do all the set-up: `make demo` and `make test`. Each makes the virtual environment it needs
# (once; quick the second time). Needed beforehand: Python 3.11 with venv, make, git. See README.md for apt.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCH_STAMP := $(VENV)/.bench

.PHONY: demo test lint bench clean

demo: $(STAMP)
	$(BIN)/curate demo --out demo

test: $(STAMP) lint
	$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report=term:skip-covered

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(BENCH_STAMP)
	for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,dev]'
	touch $@

$(BENCH_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	# Only its heatmap generator is run; its own dependencies would bring other versions of torch.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps mmpose
	touch $@

clean:
	rm -rf $(VENV) demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
