# The usual jobs. Each first makes an environment in .venv, once: nothing is installed outside this folder.
# Without make: README.md has the same as plain pip lines.

PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check -qq -c constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo setup test check format docs notebooks relock clean

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1 /p' Makefile | while read -r name text; do printf '  make %-11s%s\n' "$$name" "$$text"; done

demo: $(VENV)/.base  ## gate the example trial and print its endpoints
	$(BIN)/tregflow run example_fcs/study.yaml --out tregflow-demo

setup: $(VENV)/.dev  ## the environment for development, with every extra

test: $(VENV)/.dev  ## all tests and doctests, with coverage
	$(BIN)/python -m pytest --cov --cov-report=term

check: $(VENV)/.dev  ## lint, format, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev  ## put the source into the one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.dev  ## the documentation as HTML in docs/_build/html; a warning is an error
	$(BIN)/sphinx-build -W --keep-going -q -b html -d docs/_build/doctrees docs docs/_build/html
	@echo "docs/_build/html/index.html"

# Outputs stay out of git, and both halves of a pair hold the same cells, so that the text half is what is reviewed.
notebooks: $(VENV)/.dev  ## every notebook: paired, without outputs, and executed from top to bottom
	@for notebook in notebooks/*.ipynb; do \
	  ! grep -Hn '"output_type"' $$notebook || { echo "$$notebook holds outputs: clear them"; exit 1; }; \
	  $(BIN)/jupytext --quiet --to py:percent --output - $$notebook \
	  | diff -u -I '^# *\(format_version\|jupytext_version\|formats\):' $${notebook%.ipynb}.py - \
	  || { echo "the halves of $$notebook differ: jupytext --sync $$notebook"; exit 1; }; \
	done
	$(BIN)/python -m pytest --nbmake --nbmake-timeout=600 -W default notebooks/*.ipynb

relock: ## constraints.txt anew, from the newest versions that pyproject.toml allows (wants Python 3.11)
	rm -rf $(VENV)-relock
	$(call make_venv,$(VENV)-relock)
	$(VENV)-relock/bin/python -m pip install --disable-pip-version-check -qq -e ".[dev]"
	sed -n '/^#/p' constraints.txt > constraints.new
	$(VENV)-relock/bin/python -m pip freeze --exclude-editable >> constraints.new
	mv constraints.new constraints.txt
	rm -rf $(VENV)-relock

clean:  ## remove the environment, builds, caches and the demo's results
	rm -rf $(VENV) build dist tregflow-demo docs/_build docs/_notebooks htmlcov .coverage \
	  .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the environment ---------------------------------------------------------------------------------------------

# The Python asked for with PYTHON=…, else the first one found that fits and can make environments (Debian keeps
# ensurepip in a package of its own: python3-venv).
define make_venv
@for python in $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python); do \
  if "$$python" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
  then echo "$(1): $$("$$python" --version)"; exec "$$python" -m venv --clear $(1); fi; \
done; \
echo "tregflow needs Python 3.11, 3.12 or 3.13 with its venv module; none of these is one: $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python)" >&2; \
echo "Install one (Debian, Ubuntu: apt-get install python3 python3-venv), or name one: make $(or $(MAKECMDGOALS),demo) PYTHON=/path/to/python3.12" >&2; \
exit 1
endef

$(VENV)/.python:
	$(call make_venv,$(VENV))
	@touch $@

# The stamps say that what pyproject.toml and constraints.txt ask for is installed. A demo needs no test tools.
$(VENV)/.base: pyproject.toml constraints.txt | $(VENV)/.python
	$(PIP_INSTALL) -e .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/.python
	$(PIP_INSTALL) -e ".[dev]"
	@touch $@ $(VENV)/.base
