# Two commands do everything on a fresh machine with Python 3.11: `make sweep` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
RUNS ?= 170
TEST_WORKERS ?= 2

.PHONY: sweep test test-cluster lint format clean claims

sweep: $(READY)
	$(BIN)/backtrack sweep squirrel --runs $(RUNS)

# A file of tests is one process's: files share nodes and studies. Two at once fill the waits for Ray.
test: $(READY) lint
	$(BIN)/python -m pytest --numprocesses $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder

# Only the sweeps on real Ray nodes with tokens, on this machine: seven minutes.
test-cluster: $(READY)
	$(BIN)/python -m pytest -m cluster

lint: $(READY) .types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# mypy looks for packages by their folder's name: links give our three folders the name that they install under.
.PHONY: .types
.types:
	rm -rf .types && mkdir -p .types/backtrack
	ln -s ../../search_spaces ../../tasks $(addprefix ../../,$(wildcard pipeline/*)) .types/backtrack

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# torch first and by its exact version: a range may bring several GB of another build.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet "$$(grep '^torch==' constraints.txt)"
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev,road]"
	touch $(READY)

clean:
	rm -rf $(VENV) studies build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .types

# Puts every claim of the posts to the test; 50 minutes on two cores.
claims: $(READY)
	$(BIN)/python benchmarks/claims.py
