# Five verbs: check, test, repro, grid, bench. Each makes .venv when it is missing or its pins changed.
PYTHON ?= python3
BIN := .venv/bin
RUN := PATH="$(CURDIR)/$(BIN):$$PATH"

.PHONY: help check test test-long test-all repro grid show bench bench-full clean

help:
	@echo 'make repro       the whole method, for the cell that params.yaml describes'
	@echo 'make grid        the study: every cell of params.yaml (GRID=--quick or --full, JOBS=2), then its figures'
	@echo 'make show        the cells, best first, by what they are compared by; all columns: dvc exp show'
	@echo 'make test        the tests; make test-long: those that take minutes; make test-all: both'
	@echo 'make check       format, lint, types, floors, and that dvc.yaml tells the truth'
	@echo 'make bench       speed against peers; make bench-full: at full size'
	@echo 'make clean       remove .venv and the caches of tools; what DVC tracks and what was paid for (.cache/llm) stay'

repro: .venv/pins
	$(RUN) dvc repro dvc.yaml metrics/dvc.yaml
	@echo
	@echo 'first                  export PATH="$$PWD/.venv/bin:$$PATH"'
	@echo 'metrics of this cell   metrics/cell.json, or: dvc metrics show'
	@echo 'pictures               dvc plots show, then open dvc_plots/index.html'
	@echo 'training runs          mlflow ui --backend-store-uri sqlite:///mlflow.db'
	@echo 'another cell           dvc exp run -S subset.strategy=instruction-macro -S subset.degree=3'

grid: .venv/pins
	$(RUN) python -m m2m.commands.grid $(GRID) $(if $(JOBS),--jobs $(JOBS))

# DVC has some 400 columns; this keeps those that cells are compared by, best cell first. It reads the commits that have
# experiments alone: with --all-commits it would take a minute.
EXPERIMENTS := git for-each-ref --format='%(refname)' refs/exps | sed -nE 's,refs/exps/(..)/([0-9a-f]{38})/.*,--rev \1\2,p' | uniq
show: .venv/pins
	$(RUN) dvc exp show $$($(EXPERIMENTS)) --hide-workspace --hide-queued --hide-failed --sort-by bpb_reduction --sort-order desc \
		--drop '.*' --keep 'Experiment|(bpb_reduction|likelihood_win_rate|mean_response_tokens|subset\.(strategy|degree|seed|size))$$'

# Two processes of a thread each. A file's tests stay in one, for its fixtures. (By loadgroup they would not: xdist 3.8 with
# pytest 9.2 ignores groups.)
TWO := OMP_NUM_THREADS=1 python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 10
test: .venv/pins
	$(RUN) $(TWO) -m 'not long'

test-long: .venv/pins
	$(RUN) $(TWO) -m long

# As CI does: the pipeline's run, which both need, is made once.
test-all: .venv/pins
	$(RUN) $(TWO)

check: .venv/pins
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	$(RUN) lint-imports
	$(RUN) python -m pytest tests/test_pipeline.py

bench: .venv/peers
	$(RUN) python -m bench

bench-full: .venv/peers
	$(RUN) python -m bench --full

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis dvc_plots

# torch comes as a CPU build where the index offers one; README says how to choose.
.venv/pins: constraints.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement constraints.txt
	touch $@

.venv/peers: bench/peers.txt .venv/pins
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --requirement $<
	touch $@
