# make run    set up everything and start the demo (no hardware needed)
# make test   set up everything and run every check this machine allows
# make bench  speed and memory, as ratios measured in one run

.DELETE_ON_ERROR:
.PHONY: run test test-only lint bench setup lock clean

PYTHON_BIN := .venv/bin/python

run:
	@.ci/setup run
	@exec .venv/bin/taptill demo --home .build/demo $(ARGS)

test:
	@.ci/setup test
	@$(MAKE) --no-print-directory lint
	@$(PYTHON_BIN) -m pytest -q $(ARGS)

lint:
	@.ci/setup test
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

bench:
	@.ci/setup test
	@$(PYTHON_BIN) -m tests.bench $(ARGS)

lock:
	@.ci/lock $(ARGS)

clean:
	rm -rf .venv .build .mypy_cache .ruff_cache .hypothesis screenshots *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
