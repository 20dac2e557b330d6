# make run    set up everything and start the demo (no hardware needed)
# make test   set up everything and run every check this machine allows
# make bench  speed and memory, as ratios measured in one run
#
# make lint, test-browser, bench-dashboard, torn, faults, firmware, hardware, test-usb, translations,
# lock, clean: see below

.DELETE_ON_ERROR:
.PHONY: run test test-browser test-usb lint bench bench-dashboard torn faults firmware hardware translations lock clean

PYTHON_BIN := .venv/bin/python
LINT := .venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy
WORKERS ?= 3

run:
	@.ci/setup run
	@case "$(ARGS)" in *panel*) .ci/micropython || echo "taptill: no MicroPython; going on without" >&2 ;; esac
	@exec .venv/bin/taptill demo --home .build/demo $(ARGS)

# What the tests start finds its modules compiled; lint runs beside them and is shown at the end.
test:
	@.ci/setup test
	@mkdir -p .build; ($(LINT)) >.build/lint.txt 2>&1 & lint=$$!; \
	PYTHONDONTWRITEBYTECODE= $(PYTHON_BIN) -m pytest -q -n $(WORKERS) --dist loadfile \
	  --no-loadscope-reorder $(ARGS); \
	tests=$$?; wait $$lint; linted=$$?; cat .build/lint.txt; exit $$((tests + linted))

lint:
	@.ci/setup test
	@$(LINT)

bench:
	@.ci/setup test
	@$(PYTHON_BIN) -m tests.bench $(ARGS)

# Only what is seen in Chromium; writes the screenshots.
test-browser:
	@.ci/setup test
	@$(PYTHON_BIN) -m pytest -q tests/browser $(ARGS)

# Cards torn away at every place, alone and in pairs, over their whole life.
torn:
	@.ci/setup test
	@$(PYTHON_BIN) -m tests.provisioning.torn $(ARGS)

# A serving host killed at every step of every kind of payment; all the money is counted.
faults:
	@.ci/setup test
	@$(PYTHON_BIN) -m tests.faults $(ARGS)

# The reader's firmware under CPython and under the real MicroPython; compiled for the chip.
firmware:
	@.ci/setup test
	@.ci/firmware $(ARGS)

# The reader's board made anew, checked by KiCad 6, and compared with the committed files.
hardware:
	@.ci/hardware $(ARGS)
	@.ci/case $(ARGS)

# The reader on a real USB cable: Debian's kernel under qemu is both the device and the host.
test-usb:
	@.ci/setup test
	@.ci/usb

# The manager's pages with thousands and with millions of payouts in the ledger.
bench-dashboard:
	@.ci/setup test
	@$(PYTHON_BIN) -m tests.bench.bench_dashboard $(ARGS)

# Brings the translations up to date with the texts in the code; what is missing is named.
translations:
	@.ci/setup test
	@$(PYTHON_BIN) .ci/translations $(ARGS)

lock:
	@.ci/lock $(ARGS)

clean:
	rm -rf .venv .build .mypy_cache .ruff_cache .hypothesis screenshots *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
