# make demo    the whole story on BBC News, ends with a report to open; REPEATS=4 is the short one
# make test    formatting, lint, types, tests, docs
# make coverage the tests again, with the lines and branches that they reach; 90 % at least
# make oldest  the tests with the oldest packages that pyproject.toml allows
# make bench   benchmarks against floors and peers
# make adopt   real trainings, each adopted and compared with what its Trainer did
# make reproduce  the paper's tables and figures; SIZE=smoke, cpu, gpu or paper
# make torture  attacks from outside for half an hour, and the table of what came of them
# make locks    writes locks/ anew from pyproject.toml and constraints.txt
# make sbom     writes dist/sbom.json: every package of the demo's environment, with its licence
# make rooms   draws the house anew from the import graph
# make pictures takes the pictures of the app in the docs (needs chromium)
#
# On Linux pip takes PyTorch's CUDA build unless told otherwise. For the small CPU build give the
# address that PyTorch's own install page names for "CPU":  make demo TORCH_INDEX=ADDRESS
PYTHON ?= python3
VENV ?= .venv
OLDEST ?= .venv-oldest
TORCH_INDEX ?=
REPEATS ?= 16
SIZE ?= smoke
BIN := $(VENV)/bin
INDEX = $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
# Most installed files are never imported: Python compiles the others when they first are.
INSTALL := -m pip install --quiet --disable-pip-version-check --no-compile
# The README's two commands install what locks/ names and nothing else: each file by its hash. PyTorch
# alone has none: its builds differ by machine.
LOCKED := $(BIN)/python $(INSTALL) --no-deps
PIP := $(BIN)/python $(INSTALL) --constraint constraints.txt
PIP_OLDEST := $(OLDEST)/bin/python $(INSTALL) --constraint constraints-oldest.txt

.PHONY: demo test check unit coverage docs rooms pictures oldest bench adopt reproduce torture locks sbom clean

demo: $(VENV)/.demo
	$(BIN)/wordtrace demo --repeats $(REPEATS)

test: check unit docs

check: $(VENV)/.dev
	$(BIN)/ruff format --check src tests benchmarks docs reproduction torture
	$(BIN)/ruff check src tests benchmarks docs reproduction torture
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/typos

# Tests wait a third of their time, for processes and for a cluster: three share two cores.
PYTEST := $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

unit: $(VENV)/.dev
	$(PYTEST)

# Tracing each line takes half as much processor time again, so this is no part of `make test`.
coverage: $(VENV)/.dev
	$(BIN)/coverage erase
	$(PYTEST) --cov --cov-report=
	-$(BIN)/coverage combine --quiet --append
	$(BIN)/coverage report

docs: $(VENV)/.dev
	$(BIN)/sphinx-build --quiet --fail-on-warning --builder html docs docs/_build/html

rooms: $(VENV)/.dev
	$(BIN)/python docs/rooms.py

pictures: $(VENV)/.dev
	$(BIN)/python docs/screenshots.py

oldest: $(OLDEST)/.test
	$(OLDEST)/bin/python -m pytest -n 2 --dist loadfile -m 'not browser' tests

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks

adopt: $(VENV)/.dev
	$(BIN)/python -m benchmarks.adopt --out benchmarks/out/adopt.json

reproduce: $(VENV)/.dev
	$(BIN)/python -m reproduction --size $(SIZE)

torture: $(VENV)/.torture
	$(BIN)/python -m torture --out docs/reliability/results

LOCK := $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --no-annotate --no-header \
  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --unsafe-package torch \
  --build-deps-for editable --constraint constraints.txt pyproject.toml

locks: $(VENV)/.torture
	$(LOCK) --extra app,demo --output-file locks/demo.txt
	$(LOCK) --extra dev,demo --output-file locks/dev.txt

sbom: $(VENV)/.torture
	mkdir -p dist
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-file dist/sbom.json $(BIN)/python

clean:
	rm -rf $(VENV) $(OLDEST) docs/_build wordtrace-demo

$(VENV)/.torch: constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) $(INDEX) torch
	touch $@

$(VENV)/.demo $(VENV)/.dev: $(VENV)/.%: $(VENV)/.torch locks/%.txt pyproject.toml
	$(LOCKED) --require-hashes --requirement locks/$*.txt
	$(LOCKED) --no-build-isolation --editable .
	touch $@

$(VENV)/.bench: $(VENV)/.torch pyproject.toml
	$(PIP) --editable '.[bench,demo]'
	touch $@

$(VENV)/.torture: $(VENV)/.dev
	$(PIP) --editable '.[torture]'
	touch $@

$(OLDEST)/.test: constraints-oldest.txt pyproject.toml
	test -x $(OLDEST)/bin/python || $(PYTHON) -m venv $(OLDEST)
	$(PIP_OLDEST) $(INDEX) torch
	$(PIP_OLDEST) --editable '.[hf,lora,ray,slurm,test]'
	touch $@
