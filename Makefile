# make PYTHON=python3.12           another interpreter (3.11 or newer)
# make VENV=/somewhere/else        another path for the virtual environment
# make PIP_ARGS="--index-url URL"  another package index
# make results DATA=FOLDER         another folder of development data
PYTHON ?= python3
VENV ?= .venv
PIP_ARGS ?=
PEERS_VENV ?= .venv-peers
FAISS_VENV ?= .venv-faiss
AUDIT_VENV ?= .venv-audit
DATA ?= ../shared/data
HARM ?=
MINUTES ?= 10
# where `make lock` finds PyTorch for CPUs: its own index, or LOCK_ARGS="--find-links FOLDER" for a folder with the wheel
LOCK_ARGS ?= --torch-backend cpu
LOCK := requirements-linux-cpu.txt

empty :=
space := $(empty) $(empty)
RUN := "$(VENV)/bin/python"
PIP := $(RUN) -m pip --disable-pip-version-check
# Stamps, so that nothing is installed twice; a path with spaces must be escaped where it is a target.
INSTALLED := $(subst $(space),\ ,$(VENV))/.installed
INSTALLED_DEV := $(subst $(space),\ ,$(VENV))/.installed-dev
INSTALLED_DOCS := $(subst $(space),\ ,$(VENV))/.installed-docs
INSTALLED_AUDIT := $(subst $(space),\ ,$(AUDIT_VENV))/.installed
INSTALLED_PEERS := $(subst $(space),\ ,$(PEERS_VENV))/.installed
PEERS_PIP := "$(PEERS_VENV)/bin/python" -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help install dev demo peers results bench faiss test test-all test-triton lint format docs readme-picture clean attacks faults load soak fuzz audit sbom lock harm

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(firstword $(MAKEFILE_LIST)) | sed -E 's/:.*## /\t/' | expand -t 18

install: $(INSTALLED) ## srntt alone, in .venv
dev: $(INSTALLED_DEV) ## srntt and all tools for the checks, in .venv

demo: $(INSTALLED) ## upscale the example photograph and print the gain from the reference
	@$(RUN) examples/demo.py

peers: $(INSTALLED_PEERS) ## environment of --peer dat-light and realesrgan, in .venv-peers; both as ONNX, in out/peers
	"$(PEERS_VENV)/bin/python" peers/export_onnx.py out/peers

results: $(INSTALLED) ## regenerate the quality table of the README (run make peers first)
	$(RUN) benchmarks/quality.py --data "$(DATA)"

bench: $(INSTALLED) ## time and memory, and whether any ratio became worse: two minutes on an idle machine
	$(RUN) benchmarks/suite.py --output out/bench.json
	$(RUN) benchmarks/check.py out/bench.json

faiss: ## faiss-cpu in .venv-faiss, for its row of make bench
	@test -x "$(FAISS_VENV)/bin/python" || $(PYTHON) -m venv "$(FAISS_VENV)"
	"$(FAISS_VENV)/bin/python" -m pip --disable-pip-version-check install $(PIP_ARGS) faiss-cpu==1.15.1 numpy

test: lint ## ruff, pyright, import order, and every test that is not slow
	$(RUN) -m pytest -m "not slow"

attacks: $(INSTALLED_DEV) ## run every attack on images, names, models and documents; print a table
	PYTHONPATH=tests $(RUN) -m attacks

faults: $(INSTALLED_DEV) ## inject faults (kill -9, full disks, no memory, ...); print a table; half an hour; Linux
	PYTHONPATH=tests OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(RUN) -m faults

harm: $(INSTALLED_DEV) ## search for the most harmful reference (HARM="--model lite-gan --tries 400"); ten minutes
	PYTHONPATH=tests OMP_NUM_THREADS=1 $(RUN) -m harm $(HARM)

load: $(INSTALLED_DEV) ## load test: fifty clients on the page for two minutes (LOAD_CLIENTS, LOAD_SECONDS); Linux
	$(PIP) install $(PIP_ARGS) -c constraints.txt -e ".[demo]"
	PYTHONPATH=tests OMP_NUM_THREADS=1 $(RUN) -m load

soak: $(INSTALLED_DEV) ## mixed work for ten minutes (MINUTES=120): memory, descriptors, threads, files and disk stay flat; Linux
	$(PIP) install $(PIP_ARGS) -c constraints.txt -e ".[demo]"
	PYTHONPATH=tests MINUTES=$(MINUTES) $(RUN) -m soak

audit: $(INSTALLED_DEV) $(INSTALLED_AUDIT) ## licences, and known vulnerabilities of pinned versions; Error 3: index not reachable
	PYTHONPATH=tests $(RUN) -m supply.audit "$(AUDIT_VENV)/bin/pip-audit"

sbom: $(INSTALLED) $(INSTALLED_AUDIT) ## a bill of materials (CycloneDX) of the virtual environment, in out/sbom.json
	@mkdir -p out
	"$(AUDIT_VENV)/bin/cyclonedx-py" environment --output-format JSON -o out/sbom.json "$(VENV)/bin/python"
	PYTHONPATH=tests $(RUN) -m supply.sbom out/sbom.json

lock: $(INSTALLED_AUDIT) ## regenerate the lock with hashes for Linux on x86-64, CPU, Python 3.11, from constraints.txt
	@mkdir -p out
	"$(AUDIT_VENV)/bin/uv" pip compile pyproject.toml -q -c constraints.txt --generate-hashes --no-annotate --no-header \
		--python-version 3.11 --python-platform x86_64-manylinux_2_28 $(LOCK_ARGS) -o out/lock.txt
	@grep "^#" $(LOCK) > out/head.txt; cat out/head.txt out/lock.txt > $(LOCK); rm out/head.txt out/lock.txt

fuzz: $(INSTALLED_DEV) ## ten minutes of fuzzing (FUZZ_SECONDS=60 for one); prints the number of executions; Linux
	$(PIP) install $(PIP_ARGS) -c constraints.txt --group fuzz
	PYTHONPATH=tests $(RUN) -m fuzz

test-all: lint ## the same with the slow tests
	$(RUN) -m pytest

# Triton's interpreter replaces a GPU. The package takes 1 GB unpacked, so `make dev` does not install it.
test-triton: $(INSTALLED_DEV) ## test the kernel of the GPU matcher without a GPU: downloads Triton (290 MB), some minutes
	$(PIP) install $(PIP_ARGS) triton==3.9.0
	TRITON_INTERPRET=1 $(RUN) -m pytest tests/match/test_triton_kernel.py

lint: $(INSTALLED_DEV) ## ruff and pyright
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m pyright --pythonpath $(RUN)
	$(RUN) -m importlinter.cli lint-imports

format: $(INSTALLED_DEV) ## apply the fixes that ruff can make
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

docs: $(INSTALLED_DOCS) ## the site, in out/site; any warning is an error
	$(RUN) -m sphinx -W --keep-going -q -b html -d out/site-doctrees docs out/site
	@echo out/site/index.html

readme-picture: $(INSTALLED) ## regenerate docs/before-reference-after.png
	$(RUN) docs/make_readme_picture.py

clean: ## remove the outputs of the other targets
	rm -rf "$(VENV)" "$(PEERS_VENV)" "$(FAISS_VENV)" "$(AUDIT_VENV)" out build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("srntt needs Python 3.11 or newer, this is %d.%d: make PYTHON=python3.12" % sys.version_info[:2])'
	@test -x $(RUN) || $(PYTHON) -m venv "$(VENV)"
	$(PIP) install $(PIP_ARGS) -c constraints.txt -e .
	@touch "$(VENV)/.installed"

$(INSTALLED_DEV): $(INSTALLED) # pip before 25.1 knows no groups
	$(PIP) install $(PIP_ARGS) -c constraints.txt pip
	$(PIP) install $(PIP_ARGS) -c constraints.txt --group dev
	@touch "$(VENV)/.installed-dev"

$(INSTALLED_DOCS): $(INSTALLED_DEV)
	$(PIP) install $(PIP_ARGS) -c constraints.txt --group docs
	@touch "$(VENV)/.installed-docs"

# Separate from the environment that they inspect.
$(INSTALLED_AUDIT):
	@test -x "$(AUDIT_VENV)/bin/python" || $(PYTHON) -m venv "$(AUDIT_VENV)"
	"$(AUDIT_VENV)/bin/python" -m pip --disable-pip-version-check install $(PIP_ARGS) pip-audit==2.10.1 cyclonedx-bom==7.5.0 uv==0.11.0
	@touch "$(AUDIT_VENV)/.installed"

# Without dependencies: the pins of the packages are older than the versions used here.
$(INSTALLED_PEERS): peers/requirements.txt constraints.txt
	@test -x "$(PEERS_VENV)/bin/python" || $(PYTHON) -m venv "$(PEERS_VENV)"
	$(PEERS_PIP) install $(PIP_ARGS) -c constraints.txt torch numpy pillow
	$(PEERS_PIP) install $(PIP_ARGS) --no-deps -r peers/requirements.txt
	@touch "$(PEERS_VENV)/.installed"
