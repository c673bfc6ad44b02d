# Farebox: `make demo` charges sessions on your screen, `make test` checks everything. Both set up .venv by themselves.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SUDO := $(if $(filter-out 0,$(shell id -u)),sudo)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test static warm unit acceptance bench clean

help:  ## Show these targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20
	@echo
	@echo "  PYTHON=/path/to/python3.11 says which Python .venv is made of; today that is $(or $(PYTHON),none: set it)."

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Farebox needs Python 3.11 or newer: set PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PYTHON) -c 'import ctypes; ctypes.CDLL("libnghttp2.so.14")' 2>/dev/null || { echo "installing Debian's libnghttp2-14 ..."; $(SUDO) apt-get install -qq -y libnghttp2-14 || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -qq -y libnghttp2-14; }; }
	@echo "installing into $(VENV) ..."
	@$(BIN)/pip install --quiet -c constraints.txt -e '.[bss,dev]'
	@touch $@

demo: $(STAMP)  ## Charge data, a call, an SMS and a 5G session; then sell, order, top up and renew a plan
	@$(BIN)/farebox demo

test: $(STAMP)  ## Everything that must hold: static and unit
	@$(MAKE) --no-print-directory -j2 static warm
	@$(MAKE) --no-print-directory unit

static: $(STAMP)  ## Formatter, linter, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

warm: $(STAMP)  ## Compile kernels, once for these sources: tests would wait for them beside others that run
	@$(BIN)/python -c 'from runtime.warm import warm; warm()'

unit: warm  ## The tests, tidy ones and documents among them
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --durations=25

acceptance: $(STAMP)  ## What takes longer or needs more (tshark, long runs); results in docs/evidence/
	tests/acceptance/run

bench: $(STAMP)  ## Two minutes of Gy load on a Farebox of its own, with books and floors
	$(BIN)/farebox bench gy --duration 120

clean:  ## Remove what make made
	rm -rf $(VENV) *.egg-info build .mypy_cache .ruff_cache .hypothesis
