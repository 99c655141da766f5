# The one front door. `make` alone lists the doors; nothing here needs root except installing
# Debian packages for the tests, and then it says so.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --warn-undefined-variables

PYTHON ?= python3
PORT ?= 8080
MQTT_PORT ?= 1883
DATA ?= data
BOARD ?= 1900
ANY_CHIP ?=
FROM ?=
JOURNAL ?=
ARGS ?=
JOBS ?= 2

VENV := .venv
BIN := $(VENV)/bin
RUN_READY := $(VENV)/.ready-run
DEV_READY := $(VENV)/.ready-dev
UMQTT := build/lib/umqtt/simple.py
LOG := build/setup.log
SPREAD := --dist loadfile --no-loadscope-reorder  # in the order of tests/conftest.py

.PHONY: help setup run test test-odoo run-odoo odoo test-fast lint types bench plots flash provision doctor console unflash \
  hil clean packages dev image images run-board

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  settings        PORT=$(PORT) MQTT_PORT=$(MQTT_PORT) DATA=$(DATA) BOARD=$(BOARD) PYTHON=$(PYTHON)"

setup: $(RUN_READY) $(UMQTT) ## virtual environment, packages and umqtt.simple (`make run` does this too)

run: setup ## broker, both simulated machines, bridge and web console; Ctrl-C stops all
	@exec $(BIN)/python -m simulator.demo --port "$(PORT)" --mqtt-port "$(MQTT_PORT)" --data "$(DATA)"

test: packages dev lint types odoo images ## everything: lint, types and all tests (real broker and browser)
	@$(BIN)/pytest -n $(JOBS) $(SPREAD) $(ARGS)

test-fast: packages dev ## only the tests that take seconds
	@$(BIN)/pytest -n $(JOBS) $(SPREAD) -m "not slow" $(ARGS)

test-odoo: packages dev odoo ## the tests on a real Odoo 19 with a real PostgreSQL
	@$(BIN)/pytest tests/erp $(ARGS)

odoo: dev # a real Odoo 19 in build/odoo19 (two minutes and 1.5 GB the first time), databases to copy
	@$(BIN)/python -m tests.erp.odoo19.template

run-odoo: dev odoo ## an Odoo with the addon, to look around (ARGS="--port 8069"); Ctrl-C discards it
	@exec $(BIN)/python -m tests.erp.odoo19.serve $(ARGS)

lint: dev ## ruff, and pylint-odoo on the ERP addons
	@$(BIN)/ruff check .
	@cd host_bridge/addons/odoo19 && "$(CURDIR)/$(BIN)/pylint" --rcfile=.pylintrc */

types: dev ## mypy --strict on the host's code
	@$(BIN)/mypy

bench: packages dev images ## benchmarks: a table, and build/bench.json (ARGS=--quick for rough figures)
	@$(BIN)/python -m tests.bench $(ARGS)

plots: dev ## plots of heat-up, idling, shots, profiles and disturbances, in build/plots
	@$(BIN)/python -m tests.plant.plots $(ARGS)

# --- the board: PORT is the serial port here, e.g. make flash PORT=/dev/ttyACM0 BOARD=2900
BOARD_DOOR = $(BIN)/python -m host_bridge board
PORT_SAID = $(if $(filter file,$(origin PORT)),PORT= is missing,PORT=$(PORT) is not a serial port)
PORT_NEEDED = test -c "$(PORT)" || { echo "$(PORT_SAID); usage: make $@ PORT=/dev/ttyACM0. Boards plugged in:" >&2; $(BIN)/mpremote devs >&2; exit 2; }
BOARD_NEEDED = test "$(origin BOARD)" != file || { echo "BOARD= is missing: say which machine the board drives; usage: make $@ PORT=$(PORT) BOARD=1900" >&2; exit 2; }

flash: dev ## flash this firmware onto the board at PORT, BOARD=1900 or 2900; all or nothing
	@$(PORT_NEEDED)
	@$(BOARD_NEEDED)
	@$(BOARD_DOOR) flash "$(PORT)" --board "$(BOARD)" $(if $(ANY_CHIP),--any-chip)

provision: dev ## give the machine at PORT its name, network and broker (FROM=settings.toml, or it asks)
	@$(PORT_NEEDED)
	@$(BOARD_DOOR) provision "$(PORT)" $(if $(FROM),--from "$(FROM)")

doctor: dev ## self-test of the machine at PORT: every sensor, every output that is safe to move
	@$(PORT_NEEDED)
	@$(BOARD_DOOR) doctor "$(PORT)"

console: dev ## what the machine at PORT prints; Ctrl-] leaves
	@$(PORT_NEEDED)
	@$(BOARD_DOOR) console "$(PORT)"

unflash: dev ## remove the application from the board at PORT; JOURNAL=1 removes its data too
	@$(PORT_NEEDED)
	@$(BOARD_DOOR) unflash "$(PORT)" $(if $(JOURNAL),--journal)

image: dev $(UMQTT) ## build/image/<BOARD>.uf2: MicroPython with the firmware frozen in (BOARD=1900, 2900 or bare)
	@$(BIN)/python -m boards.image $(patsubst coffee_%,%,$(BOARD)) $(ARGS)

images: dev $(UMQTT)
	@$(BIN)/python -m boards.image 1900 2900 bare

run-board: dev $(UMQTT) ## an emulated board with BOARD's machine and a tty for mpremote (ARGS="--image bare": no firmware)
	@$(BIN)/python -m boards.image $(if $(filter bare,$(ARGS)),bare,$(patsubst coffee_%,%,$(BOARD)))
	@exec $(BIN)/python -m simulator.emulated $(patsubst coffee_%,%,$(BOARD)) $(ARGS)

HIL = $(if $(filter command,$(origin PORT)),--board $(PORT),)
hil: images ## hardware tests on both emulated boards, or on the real one at PORT=/dev/ttyACM0
	@$(BIN)/pytest tests/hil $(HIL) $(ARGS)

clean: ## delete build/ and caches; keeps .venv and your data
	@rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +

# --- how the environment comes about: each step once, again when pyproject.toml or constraints.txt changes
dev: $(DEV_READY) $(UMQTT)

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than 3.11: make PYTHON=python3.11 …" >&2; exit 1; }
	@mkdir -p build; echo "[1/3] virtual environment in $(VENV)"
	@if ! $(PYTHON) -m venv $(VENV) > $(LOG) 2>&1; then \
	  $(PYTHON) -m venv --clear --without-pip $(VENV) >> $(LOG) 2>&1 && \
	  $(PYTHON) -m pip --python $(BIN)/python install -q pip >> $(LOG) 2>&1 || { rm -rf $(VENV); \
	  echo "this Python has neither venv nor pip; as root: apt install python3-venv" >&2; exit 1; }; fi

# Shows the package at hand; the whole story is in $(LOG).
define PIP_INSTALL
mkdir -p build; $(BIN)/pip install --disable-pip-version-check -c constraints.txt $(1) 2>&1 | tee -a $(LOG) | \
  awk -v tty="$$([ -t 1 ] && echo 1 || true)" \
    '/^ *(Collecting|Downloading|Using cached|Installing)/{n++; if (tty) printf "\r\033[K[2/3] packages: step %d, %s", n, substr($$2, 1, 50); fflush()} \
     /^Successfully installed/{ok = 1} \
     END{if (tty) printf "\r\033[K"; if (ok) print "[2/3] packages: done"}' || \
  { tail -n 15 $(LOG) >&2; echo "packages: failed, see $(LOG); is the network up?" >&2; exit 1; }
endef

$(RUN_READY): pyproject.toml constraints.txt | $(BIN)/pip
	@$(call PIP_INSTALL,-e '.[simulator]')
	@touch $@

$(DEV_READY): pyproject.toml constraints.txt | $(BIN)/pip
	@$(call PIP_INSTALL,-e '.[simulator$(,)board$(,)test]')
	@touch $(RUN_READY) $@

, := ,

$(UMQTT): | $(RUN_READY)
	@echo "[3/3] umqtt.simple into build/lib"
	@mkdir -p build; $(BIN)/pipkin --dir build/lib install --no-mp-org micropython-umqtt.simple==1.3.4 >> $(LOG) 2>&1 || \
	  { tail -n 15 $(LOG) >&2; exit 1; }

# What the tests need and pip cannot bring. A missing component is a failure, never a skip.
DEBIAN = mosquitto mosquitto-clients chromium chromium-driver postgresql xz-utils bzip2
packages:
	@missing=; for program in mosquitto mosquitto_pub chromium chromedriver initdb xz bzip2; do \
	  PATH="$$PATH:/usr/sbin:$$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')" command -v $$program > /dev/null || missing="$$missing $$program"; done; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
	    echo "installing $(DEBIAN)"; apt-get update -qq; \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(DEBIAN) > /dev/null; \
	  else echo "missing:$$missing. As root: apt install $(DEBIAN)" >&2; exit 1; fi; fi
