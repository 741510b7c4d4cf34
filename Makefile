# Two commands and little else:
#   make book     install into .venv what requirements.txt holds, run what is due, build the book
#   make test     install besides what only tests need (requirements-test.txt), run the tests
# Nothing is written outside this folder. Real data: OFCLIP_DATA=/path/to/data make book

PYTHON  ?= python3
PROFILE ?= laptop
BIN     := .venv/bin

export PATH := $(CURDIR)/$(BIN):$(PATH)
export VIRTUAL_ENV := $(CURDIR)/.venv
export OFCLIP_CACHE ?= $(CURDIR)/.cache
export OFCLIP_BUILD := 1
# the kernel is this environment's, and models come from the disk
export JUPYTER_PREFER_ENV_PATH := 1
export HF_HUB_OFFLINE := 1
# every tool's configuration and cache stays in the checkout: the home folder may be read-only
export JUPYTER_CONFIG_DIR := $(CURDIR)/.cache/jupyter
export JUPYTER_DATA_DIR := $(CURDIR)/.cache/jupyter/data
export JUPYTER_RUNTIME_DIR := $(CURDIR)/.cache/jupyter/runtime
export IPYTHONDIR := $(CURDIR)/.cache/ipython
export MPLCONFIGDIR := $(CURDIR)/.cache/matplotlib
export XDG_CACHE_HOME := $(CURDIR)/.cache
export HF_HOME := $(CURDIR)/.cache/huggingface
# compiled modules are kept: without them every process starts slowly
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help book test cover publish lock clean

help:  ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

book: .venv/ready  ## run the experiments that are due and build the book
	@exec $(BIN)/snakemake --cores all --config profile=$(PROFILE) --rerun-triggers mtime --nolock \
	    --rerun-incomplete --keep-going --scheduler greedy --quiet all
	@echo "Open file://$(CURDIR)/book/_build/html/index.html"

# processes of one thread each: more would wait for each other
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup
LINT   := $(BIN)/ruff check . && $(BIN)/mypy
test: .venv/test  ## run the tests, ruff and mypy
	@$(PYTEST)
	@$(LINT)

cover: .venv/test  ## the same, and report the lines and branches that tests reach; fails below 90 %
	@$(PYTEST) --cov --cov-report term:skip-covered --cov-report html:build/coverage
	@$(LINT)

publish: .venv/ready  ## copy the Records of work/ to results/
	@$(BIN)/ofclip records publish --profile $(PROFILE)

# Two locks: what decides numbers (a change makes every Record stale), and that with what only tests need.
LOCK := uv pip compile --quiet --universal --generate-hashes --custom-compile-command 'make lock' pyproject.toml
lock: .venv/ready  ## resolve the versions of both locks anew
	@$(BIN)/$(LOCK) $(addprefix --extra ,run book hub cluster gpu setup) -o requirements.txt
	@$(BIN)/$(LOCK) --all-extras --constraints requirements.txt -o requirements-test.txt

clean:  ## remove the environment, what was built and what was run
	rm -rf .venv .snakemake .cache work build book/_build book/_generated

.venv/ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	    { echo "ofclip needs Python 3.11 to 3.13, and $(PYTHON) is not: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "installing into .venv"
	@rm -f $@
	@$(PYTHON) -m venv .venv
	@sed -n '/^uv==/,/^ *#/p' requirements.txt > .venv/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r .venv/uv.txt
	@$(BIN)/uv pip sync --quiet --require-hashes requirements.txt
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

.venv/test: .venv/ready requirements-test.txt
	@echo "installing what tests need"
	@$(BIN)/uv pip install --quiet --require-hashes -r requirements-test.txt
	@touch $@
