# make run     the app and its worker, on http://127.0.0.1:8501 (other port: make run PORT=8600)
# make test    lint, format and all tests, those in the browser included
#
# Each installs what it needs the first time and starts at once afterwards.

PORT ?= 8501
# One process of tests a core, each with one thread of torch; more than eight only wait in line.
WORKERS ?= $(shell cores=$$(getconf _NPROCESSORS_ONLN); echo $$((cores < 8 ? cores : 8)))

PYTHON_HERE := .venv/bin/python
INSTALLED := .venv/requirements-installed

.PHONY: run test chromium

run: $(INSTALLED)
	@$(PYTHON_HERE) -m app serve --port $(PORT)

test: $(INSTALLED) chromium
	$(PYTHON_HERE) -m ruff check .
	$(PYTHON_HERE) -m ruff format --check .
	OMP_NUM_THREADS=1 $(PYTHON_HERE) -m pytest -q --numprocesses $(WORKERS) --dist loadfile

chromium:
	@.ci/prepare chromium

$(INSTALLED): requirements.txt
	@PYTHON=$(PYTHON) .ci/prepare environment
	@touch $@
