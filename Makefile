# Everything runs in one virtual environment, made at the first use and renewed when pyproject.toml changes.
# A fresh machine needs Python >= 3.10 with venv, git and make. `make help` lists the targets.

VENV  ?= .venv
SPECS ?= ../shared/virtio-spec
# how long fuzzing takes
SECONDS ?= 600
# how many tests run at a time
JOBS  ?= auto

EDITIONS := 1.0 1.1 1.2 1.3 1.4
RUN      := $(VENV)/bin

# the first Python that is new enough and can make a virtual environment; PYTHON=... chooses another
SUITABLE := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))
FOUND     = $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python3.10 python; do \
                "$$p" -c '$(SUITABLE)' 2>/dev/null && { echo "$$p"; break; }; done)
PYTHON   ?= $(FOUND)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help generate check test test-all rust interop fuzz fuzz-c lint format models atlas bench dist pythons release-check clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

generate: $(VENV)/.installed ## Render what spec/ lists into generated/
	$(RUN)/virtspec generate

check: $(VENV)/.installed ## Say whether generated/ is what spec/ and templates/ give
	$(RUN)/virtspec generate --check

test: $(VENV)/.installed ## Run all tests
	@command -v "$${CC:-cc}" >/dev/null || echo "make: no C compiler ($${CC:-cc}): the tests of the C headers will be skipped"
	$(RUN)/python -m pytest -n $(JOBS) --dist loadgroup $(ARGS)

test-all: ## Run all tests with each Python that is here (PYTHON_MATRIX="..." names some)
	set -e; for python in $$(.ci/pythons); do echo "== $$python"; $(MAKE) --no-print-directory test PYTHON="$$python" \
		VENV="build/venv-$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"; done

rust: $(VENV)/.installed ## Test the Rust crate, with all conformance vectors
	$(RUN)/python -m pytest tests/test_emit_rust.py tests/test_emit_rust_crate.py $(ARGS)

interop: $(VENV)/.installed ## Compare with Linux's headers and with QEMU's devices
	$(RUN)/python -m pytest -n $(JOBS) --dist loadgroup tests/interop $(ARGS)

fuzz: $(VENV)/.installed ## Feed virtwire damaged bytes for SECONDS
	FUZZ_SECONDS=$(SECONDS) $(RUN)/python -m pytest tests/fuzz/test_fuzz_python.py

fuzz-c: ## Feed the C headers damaged bytes for SECONDS (Clang with libFuzzer)
	$(MAKE) -C generated/c fuzz SECONDS=$(SECONDS)

lint: $(VENV)/.installed-dev ## Check style and types
	$(RUN)/ruff check
	$(RUN)/black --check --quiet . || { echo "make: 'make format' mends that"; exit 1; }
	$(RUN)/mypy

format: $(VENV)/.installed-dev ## Format the code that people write
	$(RUN)/ruff check --fix
	$(RUN)/black --quiet .

models: $(VENV)/.installed ## Extract the releases' facts from SPECS=DIRECTORY into spec/models/
	@test -d "$(SPECS)" || { echo "make: no directory $(SPECS); SPECS=... names the one with v1.0 ... v1.4"; exit 2; }
	set -e; for edition in $(EDITIONS); do \
		$(RUN)/virtspec extract "$(SPECS)/v$$edition" -o "spec/models/virtio-$$edition.json" --edition $$edition; done
	$(RUN)/virtspec extract --since $(EDITIONS:%=spec/models/virtio-%.json) -o spec/models/since.json

atlas: $(VENV)/.installed ## Draw the releases' facts as a site, build/atlas/index.html
	$(RUN)/virtspec atlas $(EDITIONS:%=spec/models/virtio-%.json) -o build/atlas \
		--source-url 'https://github.com/oasis-tcs/virtio-spec/blob/v1.4-cs01/{file}#L{line}'

bench: $(VENV)/.installed ## Measure the figures that the README states
	$(RUN)/python bench

dist: $(VENV)/.installed-dev ## Build wheel and sdist of both packages into dist/
	rm -rf dist
	$(RUN)/python -m build --no-isolation --outdir dist .
	$(RUN)/python -m build --no-isolation --outdir dist generated/python

pythons: dist ## Try what is built quickly, with each Python that is here
	.ci/try-pythons

release-check: check dist ## Build what is released, and check all of it; see docs/releasing.md
	$(RUN)/python -m pytest -n $(JOBS) --dist loadgroup tests/test_packaging.py
	VENV=$(VENV) .ci/try-dist

clean: ## Remove everything that can be made again, the environment too
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "make: no Python >= 3.10 with venv was found."; \
		echo "  On Debian: apt-get install python3 python3-venv; elsewhere: make PYTHON=/path/to/python3"; exit 2; }
	@"$(PYTHON)" -c '$(SUITABLE)' || { echo "make: $(PYTHON) is older than 3.10 or has no venv"; exit 2; }
	"$(PYTHON)" -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]' --editable generated/python
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
