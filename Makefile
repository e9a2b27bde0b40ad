# make serve   Asterisk and the service, ready for a first call
# make test    every test, against a real Asterisk with real phones
# make test-compose   the tests of calls against the containers of docker-compose.yml
# make demo    two softphones, one call, a timeline
# make bench   how fast, beside raw AMI and ARI: 2 to 10 minutes; bench-short: one minute, no verdict
# make check   ruff and mypy --strict
# make lock    new exact versions from the ranges in pyproject.toml

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=
# Test files that run beside each other, each with an Asterisk of its own.
TEST_WORKERS ?= 3

.PHONY: serve test test-compose demo bench bench-short check format lock clean
.DEFAULT_GOAL := serve

serve: $(VENV)/installed
	@exec $(BIN)/uapi-bridge serve

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadfile $(PYTEST_ARGS)

# Building the images is part of the first test.
test-compose: $(VENV)/installed-dev
	$(BIN)/python -m pytest --compose --timeout=900 tests/calls tests/compose $(PYTEST_ARGS)

demo: $(VENV)/installed-dev
	@$(BIN)/python -m tests.demo

bench: $(VENV)/installed-dev
	@$(BIN)/python -m tests.bench

bench-short: $(VENV)/installed-dev
	@$(BIN)/python -m tests.bench --short

check: $(VENV)/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock:
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install -q uv
	$(VENV)-lock/bin/uv pip compile -q --upgrade --universal --python-version 3.11 \
	  --no-emit-index-url --no-header --generate-hashes pyproject.toml -o requirements.lock
	$(VENV)-lock/bin/uv pip compile -q --upgrade --universal --python-version 3.11 \
	  --no-emit-index-url --no-header --generate-hashes pyproject.toml --group dev \
	  -c requirements.lock -o requirements-dev.lock
	rm -rf $(VENV)-lock

clean:
	rm -rf $(VENV) build *.egg-info

# Debian and Ubuntu ship Python without ensurepip; root can mend that here.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "uapi-bridge needs Python 3.11 or newer; name one with make PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { apt-get update -q && apt-get install -q -y --no-install-recommends python3-venv; } || \
	  { echo "Python's venv module is missing: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/python requirements.lock pyproject.toml
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.lock
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
