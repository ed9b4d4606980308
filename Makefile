# make run     the app and its worker on 127.0.0.1, at the first free port from 8501 (or PORT=8600)
# make test    lint, format and all tests, those in the browser included
# make test-cluster  the tests of --cluster, with Ray (requirements-cluster.txt), none of them skipped
# make soak    the long tests: full counts of what `make test` does a tenth of
# make bench   speed against a plain loop and the machine's floor, memory, how live Explore is
#
# Each installs what it needs the first time and starts at once afterwards.

# One process of tests a core, each with one thread of torch; more than eight only wait in line.
WORKERS ?= $(shell cores=$$(getconf _NPROCESSORS_ONLN); echo $$((cores < 8 ? cores : 8)))

PYTHON_HERE := .venv/bin/python
INSTALLED := .venv/requirements-installed
CLUSTER_INSTALLED := .venv/requirements-cluster-installed

.PHONY: run test test-cluster soak bench browser

run: $(INSTALLED)
	@$(PYTHON_HERE) -m app serve $(if $(PORT),--port $(PORT))

test: $(INSTALLED) browser
	$(PYTHON_HERE) -m ruff check .
	$(PYTHON_HERE) -m ruff format --check .
	OMP_NUM_THREADS=1 $(PYTHON_HERE) -m pytest -q --numprocesses $(WORKERS) --dist loadfile

test-cluster: $(CLUSTER_INSTALLED)
	OMP_NUM_THREADS=1 $(PYTHON_HERE) -m pytest -q -p tests.no_skips tests/app/runner/test_cluster.py

# One after the other: they measure, and each wants all cores.
soak: $(INSTALLED) browser
	OMP_NUM_THREADS=1 $(PYTHON_HERE) -m pytest -q -m soak tests/soak

bench: $(INSTALLED)
	$(PYTHON_HERE) -m benchmarks.search_speed
	$(PYTHON_HERE) -m benchmarks.memory
	$(PYTHON_HERE) -m benchmarks.processor_settings
	$(PYTHON_HERE) -m benchmarks.explore_live
	$(PYTHON_HERE) -m benchmarks.maps --measure
	$(PYTHON_HERE) -m benchmarks.results_speed

browser:
	@.ci/prepare browser

$(CLUSTER_INSTALLED): requirements-cluster.txt $(INSTALLED)
	$(PYTHON_HERE) -m pip install --disable-pip-version-check --quiet --requirement $<
	@touch $@

$(INSTALLED): requirements.txt
	@PYTHON=$(PYTHON) .ci/prepare environment
	@touch $@
