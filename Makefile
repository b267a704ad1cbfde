# minicv: every target sets up its own .venv; only make and Python >= 3.10 must be installed.
# Another interpreter: make test PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test test-cupy docs oldest lint clean check-python run-test-cupy

help:  ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */\1\t/' | expand -t 10

demo: $(VENV)/installed  ## train and run the demonstration detector, and write its pictures
	$(BIN)/minicv demo

test: lint  ## lint, then all tests and doctests on every core, with line coverage
	$(BIN)/python -m pytest -n auto --dist worksteal --cov --cov-report=term:skip-covered --durations=10

test-cupy: | check-python  ## the tests marked gpu, on real CuPy over a fake CUDA; no GPU needed
	@if command -v $${CXX:-g++} >/dev/null && command -v nm >/dev/null; \
	then $(MAKE) --no-print-directory run-test-cupy; \
	else echo "test-cupy is skipped: there is no C++ compiler (g++) to build a CUDA without a GPU."; fi

run-test-cupy: $(VENV)-cupy/installed
	PYTHONPATH=tests $(VENV)-cupy/bin/python -m fake_cuda.build
	PYTHONPATH=tests $(VENV)-cupy/bin/python -m pytest -p fake_cuda.plugin -m gpu \
		-n auto --dist worksteal --durations=10

oldest: $(VENV)-oldest/installed  ## all tests with the oldest versions that setup.py promises
	$(VENV)-oldest/bin/python -m pytest -n auto --dist worksteal

docs: $(VENV)-docs/installed  ## build the guide: docs/_build/html/index.html
	$(VENV)-docs/bin/sphinx-build -W --keep-going -j auto -q docs docs/_build/html
	$(VENV)-docs/bin/python docs/_sphinx/check_links.py docs/_build/html

lint: $(VENV)/installed-test  ## ruff: rules and format; mypy: types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:  ## remove .venv and everything that was generated
	rm -rf $(VENV) $(VENV)-oldest $(VENV)-docs $(VENV)-cupy build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage htmlcov
	rm -rf docs/_build docs/auto_examples docs/api/generated docs/figures/out
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The two marks say what is installed; a change of setup.py installs again.
$(VENV)/installed: setup.py | check-python
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e '.[learn]'
	@touch $@

$(VENV)/installed-test: setup.py | check-python
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e '.[test]'
	@touch $@

$(VENV)-docs/installed: setup.py | check-python
	$(PYTHON) -m venv $(VENV)-docs
	$(VENV)-docs/bin/python -m pip --disable-pip-version-check install --quiet -e '.[docs]'
	@touch $@

# CuPy with the headers of CUDA, and Cython to compile the one module of CuPy that holds its runtime.
$(VENV)-cupy/installed: setup.py Makefile | check-python
	$(PYTHON) -m venv $(VENV)-cupy
	$(VENV)-cupy/bin/python -m pip --disable-pip-version-check install --quiet -e '.[test]' \
		'cupy-cuda13x==14.2.0' 'Cython>=3.2,<3.4' \
		'nvidia-cuda-runtime==13.0.*' 'nvidia-cuda-crt==13.0.*' 'nvidia-cuda-profiler-api==13.0.*'
	@touch $@

$(VENV)-oldest/installed: setup.py constraints-oldest.txt | check-python
	$(PYTHON) -m venv $(VENV)-oldest
	$(VENV)-oldest/bin/python -m pip --disable-pip-version-check install --quiet \
		-c constraints-oldest.txt -e '.[test]'
	@touch $@

check-python:
	@command -v $(PYTHON) >/dev/null || { \
		echo "minicv needs Python 3.10 or newer, and there is no $(PYTHON) here." \
			"Install it, or name yours: make PYTHON=/path/to/python"; exit 1; } >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
		echo "minicv needs Python 3.10 or newer, but $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
			"Name a newer one: make PYTHON=python3.12"; exit 1; } >&2
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "$(PYTHON) has no venv module (or no ensurepip, which it needs)." \
			"On Debian and Ubuntu: apt install python3-venv"; exit 1; } >&2
