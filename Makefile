# make serve   Asterisk and the service, ready for a first call
# make serve-cluster  an edge, three Asterisks and three instances over one PostgreSQL
# make install the same without starting it; afterwards the command is .venv/bin/uapi-bridge
# make test    every test, against a real Asterisk with real phones
# make test-unit   the tests of single parts, under a minute: no root, no Asterisk
# make coverage    the same, measured: which lines of bridge/ they run
# make test-compose   the tests of calls against the containers of docker-compose.yml
# make test-compose-short   the same, of the tests of calls only what containers can break
# make test-cluster   several instances over one PostgreSQL: killed, frozen and cut off, with live calls
# make demo    two softphones, one call, a timeline
# make bench   how fast, beside a service by hand and raw AMI: 5 to 15 minutes; PYTHON= for another
#              Python; bench-short: one minute, no verdict
# make chaos   calls while the service is killed, frozen and cut off: 10 minutes,
#              CHAOS_ARGS="--minutes 60"; chaos-short: 20 seconds
# make scale   what several instances and PBXs cost, 100,000 phones: half an hour; SCALE_ARGS="--short"
# make fuzz    schemathesis asks for all that the API documents: 10 minutes, FUZZ_ARGS="--minutes 60"
# make check   ruff, mypy --strict, which room may import which, and codespell
# make docs    the documentation as a site in build/site; opens from a disk, too
# make pages   docs/reference/settings.md from the settings; openapi.json from its parts
# make screenshots  the pictures of the console in docs/, of real calls
# make pin     the versions of Asterisk and of the base images that the mirror has now
# make vendor  what our pages load of others, from npm: the newest, or PACKAGE=preact VERSION=11.2.0
# make lock    new exact versions from the ranges in pyproject.toml

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=
# Test files that run beside each other, each with an Asterisk of its own. They wait most of the time:
# one takes a third of a core.
TEST_WORKERS ?= 4
# In the order of tests/order_of_files.py.
BY_FILE = -n $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder
# Unit tests wait for nothing: more of them than cores take longer.
UNIT_WORKERS ?= 2
# The floor: new code of bridge/ brings tests of its own. Raise it when the unit tests cover more.
UNIT_COVERAGE_PERCENT := 88

.PHONY: bench-in-venv bench-short-in-venv serve serve-cluster install test test-unit coverage test-compose test-compose-short test-cluster demo bench bench-short scale fuzz chaos chaos-short check format docs pages screenshots pin vendor lock clean
.DEFAULT_GOAL := serve

# Every command of a venv names its folder, so the venv of a moved or copied checkout is made anew.
# The file `installed` holds the folder that it was made for.
MADE_FOR := $(shell cat $(VENV)/installed 2>/dev/null)
ifneq ($(MADE_FOR),)
ifneq ($(MADE_FOR),$(CURDIR))
$(info This checkout was in $(MADE_FOR): its $(VENV) is made anew.)
$(shell test -f $(VENV)/pyvenv.cfg && rm -rf $(VENV))
endif
endif

serve-cluster: $(VENV)/installed-dev
	@exec $(BIN)/python -m tests.cluster.serve

serve: $(VENV)/installed
	@exec $(BIN)/uapi-bridge serve

install: $(VENV)/installed

# Two runs, as measuring the coverage would slow the tests of how fast calls are.
test: $(VENV)/installed-dev
ifeq ($(strip $(PYTEST_ARGS)),)
	$(MAKE) --no-print-directory coverage; units=$$?; \
	$(BIN)/python -m pytest $(BY_FILE) --ignore=tests/unit && exit $$units
else
	$(BIN)/python -m pytest $(BY_FILE) $(PYTEST_ARGS)
endif

test-unit: $(VENV)/installed-dev
	$(BIN)/python -m pytest -n $(UNIT_WORKERS) --dist loadfile -q tests/unit

coverage: $(VENV)/installed-dev
	$(BIN)/python -m pytest -n $(UNIT_WORKERS) --dist loadfile -q --cov \
	  --cov-fail-under=$(UNIT_COVERAGE_PERCENT) tests/unit

test-cluster: $(VENV)/installed-dev
	$(BIN)/python -m pytest $(BY_FILE) tests/cluster $(PYTEST_ARGS)

# Building the images is part of the first test.
test-compose: $(VENV)/installed-dev
	$(BIN)/python -m pytest --compose --timeout=900 tests/pbx/calls tests/containers $(PYTEST_ARGS)

# What containers can break: the addresses that phones are told, published ports, the networks of
# Compose, shared volumes. The other tests of calls have the same service and dialplan as their
# subject, and `make test` runs them.
OF_CONTAINERS := actions callers_from_the_trunk create_callback create_destinations first_call \
  hang_up_every_state nobody_is_the_trunk_by_name presence sip_over_websocket voicemail

test-compose-short: $(VENV)/installed-dev
	$(BIN)/python -m pytest --compose --timeout=900 $(OF_CONTAINERS:%=tests/pbx/calls/test_%.py) \
	  "tests/pbx/calls/test_create_transfers.py::$(PHONES_TRANSFER)" tests/containers $(PYTEST_ARGS)
PHONES_TRANSFER := \
  test_given_no_public_transfer_when_a_source_transfers_to_local_then_it_works

demo: $(VENV)/installed-dev
	@$(BIN)/python -m tests.demo

# With another Python in a venv of its own: make bench PYTHON=python3.13
ifeq ($(origin PYTHON),file)
BENCH_VENV := $(VENV)
else
BENCH_VENV := $(VENV)-$(notdir $(PYTHON))
endif

bench bench-short:
	@$(MAKE) --no-print-directory VENV=$(BENCH_VENV) $@-in-venv

bench-in-venv: $(VENV)/installed-dev
	@$(BIN)/python -m tests.bench

bench-short-in-venv: $(VENV)/installed-dev
	@$(BIN)/python -m tests.bench --short

scale: $(VENV)/installed-dev
	@$(BIN)/python -m tests.cluster.scale $(SCALE_ARGS)

fuzz: $(VENV)/installed-dev
	@$(BIN)/python -m tests.fuzz $(FUZZ_ARGS)

chaos: $(VENV)/installed-dev
	@$(BIN)/python -m tests.chaos $(CHAOS_ARGS)

chaos-short: $(VENV)/installed-dev
	@$(BIN)/python -m tests.chaos --minutes 0.33 $(CHAOS_ARGS)

check: $(VENV)/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/codespell

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# In a venv of its own; the build fails on a link or an anchor that leads nowhere.
docs: $(VENV)-docs/installed
	$(VENV)-docs/bin/python -m tests.docs_site.stage
	$(VENV)-docs/bin/zensical build --strict
	$(VENV)-docs/bin/python -m tests.docs_site.check

pages: $(VENV)/installed-dev
	$(BIN)/python -m tests.unit.reference_pages.settings_page
	$(BIN)/python -m tests.unit.openapi.document

screenshots: $(VENV)/installed-dev
	$(BIN)/python -m tests.pbx.console.screenshots

pin: $(VENV)/installed-dev
	$(BIN)/python -m tests.pinning

vendor: $(VENV)/installed-dev
	$(BIN)/python -m tests.pinning.vendored "$(PACKAGE)" "$(VERSION)"

lock:
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install -q uv
	$(VENV)-lock/bin/uv pip compile -q --upgrade --universal --python-version 3.11 \
	  --no-emit-index-url --no-header --generate-hashes pyproject.toml --extra fast -o requirements.lock
	$(VENV)-lock/bin/uv pip compile -q --upgrade --universal --python-version 3.11 \
	  --no-emit-index-url --no-header --generate-hashes pyproject.toml --extra fast --group dev \
	  -c requirements.lock -o requirements-dev.lock
	$(VENV)-lock/bin/uv pip compile -q --upgrade --universal --python-version 3.11 \
	  --no-emit-index-url --no-header --generate-hashes --group build \
	  -o requirements-build.lock
	$(VENV)-lock/bin/uv pip compile -q --upgrade --universal --python-version 3.11 \
	  --no-emit-index-url --no-header --generate-hashes --group docs \
	  -o requirements-docs.lock
	rm -rf $(VENV)-lock

clean:
	rm -rf $(VENV) $(VENV)-docs build *.egg-info

# Debian and Ubuntu ship Python without ensurepip; root can mend that here.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "uapi-bridge needs Python 3.11 or newer; name one with make PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { apt-get update -q && apt-get install -q -y --no-install-recommends python3-venv; } || \
	  { echo "Python's venv module is missing: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# --no-build-isolation: what builds the package comes from a lock with hashes, too.
$(VENV)/installed: $(VENV)/bin/python requirements.lock requirements-build.lock pyproject.toml
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes \
	  -r requirements.lock -r requirements-build.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@echo "$(CURDIR)" > $@

$(VENV)-docs/installed: $(VENV)/bin/python requirements-docs.lock
	$(BIN)/python -m venv --clear $(VENV)-docs
	$(VENV)-docs/bin/pip install -q --disable-pip-version-check --require-hashes -r requirements-docs.lock
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.lock
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
