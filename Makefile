# Two commands are enough on a fresh machine with Python 3.11 or later: `make reproduce` and `make test`.
# Both create .venv first; pip is used as this machine has it configured.

RECENT  := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
PYTHON  ?= $(shell for p in python3.11 python3; do $$p $(RECENT) 2>/dev/null && break; done; echo $$p)
PRESET  ?= laptop
DATASET ?=
VENV    := .venv
STAMP   := $(VENV)/.installed
# what Open3D is linked against, beyond a minimal Debian
OPEN3D_PACKAGES := libusb-1.0-0 libgl1 libgomp1 libx11-6 libegl1

# $(call apt_install,PACKAGES,WHY): with the rights for it, install Debian packages; otherwise say what is missing and fail.
define apt_install
	as_root=; [ "$$(id -u)" = 0 ] || as_root="sudo -n"; \
	if command -v apt-get >/dev/null && $$as_root true 2>/dev/null; then \
	    echo "Installing $(1): $(2)."; \
	    $$as_root apt-get update -qq && $$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(1) >/dev/null; \
	else \
	    echo "Missing system packages: $(2)." >&2; \
	    echo "On Debian or Ubuntu: sudo apt-get install $(1)" >&2; \
	    exit 1; \
	fi
endef

.PHONY: help reproduce record test readme docs lab browser system clean
.DEFAULT_GOAL := help

help:  ## show this text
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## */\1\t/' | while IFS="$$(printf '\t')" read -r n t; do printf '  make %-10s %s\n' "$$n" "$$t"; done

# what an experiment is run with: `make reproduce EXPERIMENT=retrieval PRESET=smoke DATASET=your/folder`
EXPERIMENT ?= main
RUN := $(EXPERIMENT) --preset $(PRESET) $(if $(DATASET),--dataset "$(DATASET)")

reproduce: $(STAMP)  ## fit, embed, and make every table and figure of the main job, in runs/ (PRESET=, DATASET=, EXPERIMENT=)
	$(VENV)/bin/inr2vec reproduce $(RUN)

record: $(STAMP)  ## as reproduce, and keep the result in results/, the outputs in the notebook, and the pages up to date
	$(VENV)/bin/inr2vec reproduce $(RUN) --record
	$(VENV)/bin/python tests/keep_outputs.py --newest $(EXPERIMENT)
	$(MAKE) --no-print-directory readme

test: $(STAMP)  ## check the sources, test the notebooks, run every experiment's smoke preset
	$(VENV)/bin/python tests/run.py

PAGES := index tutorials/08_contributing report/40_speed report/60_results_page report/70_claims report/72_headlines \
	report/74_sentences report/76_beyond
readme: $(STAMP)  ## run the index and the pages of results, write README.md and CONTRIBUTING.md, and list the experiments in the sidebar
	$(VENV)/bin/nbdev-export
	for n in $(PAGES); do $(VENV)/bin/nbdev-test nbs/$$n.ipynb --save && $(VENV)/bin/nbdev-clean --fname nbs/$$n.ipynb || exit 1; done
	$(VENV)/bin/python docs/sidebar.py
	$(VENV)/bin/python tests/readme.py

QUARTO  ?= $(shell command -v quarto)
docs: $(STAMP)  ## build the documentation in _docs, with Quarto if it is there (QUARTO= for without)
	@if [ -n "$(QUARTO)" ]; then $(VENV)/bin/nbdev-docs; else $(VENV)/bin/python docs/build.py; fi

# JupyterLab's check for extensions that want a build, and its news, are off: see jupyter/
lab: $(STAMP)  ## open JupyterLab on the first tutorial, ready to run (installs the extra `lab`)
	$(VENV)/bin/pip install --quiet -c constraints.txt -e ".[lab]"
	JUPYTER_CONFIG_PATH="$(CURDIR)/jupyter" $(VENV)/bin/jupyter lab nbs/tutorials/01_start.ipynb

browser: $(STAMP)  ## try the widgets and the site in a headless Chromium (installs the extra `browser`; needs a Chromium)
	$(VENV)/bin/pip install --quiet -c constraints.txt -e ".[browser]"
	$(VENV)/bin/python tests/browser.py
	$(VENV)/bin/python tests/reading.py

system:  ## install the system libraries that Open3D needs, if they are missing (part of the two above)
	@$(VENV)/bin/python -c 'import open3d' >/dev/null 2>&1 || { $(call apt_install,$(OPEN3D_PACKAGES),Open3D needs them); }
	@$(VENV)/bin/python -c 'import open3d'

clean:  ## remove the environment and everything that is built (runs/ stays)
	rm -rf $(VENV) _docs _proc build dist *.egg-info nbs/nbdev.yml
	find . -name __pycache__ -o -name .ipynb_checkpoints | xargs rm -rf

$(STAMP): settings.ini constraints.txt setup.py pyproject.toml
	@$(PYTHON) $(RECENT) || \
	    { echo "Python 3.11 or later is needed, and $(PYTHON) is not: name one with make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { $(call apt_install,python3-venv,to create virtual environments); }
	$(PYTHON) -m venv $(VENV)
	@echo "Installing inr2vec in $(VENV): some minutes, and 2 GB."
	$(VENV)/bin/pip install --quiet -c constraints.txt -e ".[dev]"
	@$(MAKE) --no-print-directory system
	@touch $@
