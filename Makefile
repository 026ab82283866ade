# Everything starts here. `make demo` and `make test` need nothing but a Debian with python3, gcc
# and make: they set themselves up, once. `make setup` does only that.

VENV  := .venv
PY    := $(VENV)/bin/python
# Inside the venv, so that deleting the venv also forgets that it was set up.
READY := $(VENV)/.ttd-ready

# What the installed package was built from: a change in any of these sets up again.
BUILT_FROM := pyproject.toml setup.py $(wildcard ttd/*/build_native.py) \
              $(wildcard ttd/*/native/*.[ch] ttd/cpu/*/native/*.[ch])

DEMO := examples/lost-event

# Commands and tests start hundreds of processes: none of them should compile every source anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo demo-micropython test check fuzz soak bench bench-guests firmware man clean
.DEFAULT_GOAL := help

help:
	@echo 'make demo      record a firmware with a real bug, then find the bug backwards in GDB'
	@echo 'make demo-micropython'
	@echo '               record MicroPython (from Debian) on a micro:bit, and go back in GDB'
	@echo 'make test      every test'
	@echo 'make check     ruff, mypy, fast tests (under a minute)'
	@echo 'make fuzz      hostile guests, recordings and debuggers, for some minutes (FUZZ="--seed 5 ...")'
	@echo 'make soak      random interrupts in random programs, for some minutes (SOAK="--minutes 60")'
	@echo 'make bench     speed and latencies, beside QEMU where it is installed'
	@echo 'make bench-guests'
	@echo '               how third-party guests do; writes the table of docs/guests.md'
	@echo 'make firmware  rebuild the ELF files of examples/ and tests/firmware/'
	@echo 'make man       the manual page, build/ttd.1, from the help of the commands'
	@echo 'make setup     only the set-up that the targets above do when it is due'

setup: $(READY)

$(READY): $(BUILT_FROM) scripts/setup scripts/apt-install
	@scripts/setup $(VENV)
	@touch $@

demo: $(READY)
	@$(PY) scripts/demo.py $(DEMO)

demo-micropython: $(READY)
	@$(PY) scripts/demo_micropython.py

# A file's tests stay in one worker: what a module-wide fixture records is recorded once.
test: $(READY)
	@$(PY) -m pytest -n 2 --dist loadscope

check: $(READY)
	@$(PY) -m ruff check .
	@$(PY) -m mypy --strict
	@TTD_EXAMPLES=0.25 TTD_ENGINE_EXAMPLES=9 $(PY) -m pytest -n 2 --dist loadscope -m 'not slow'

fuzz: $(READY)
	@$(PY) scripts/fuzz.py $(FUZZ)

soak: $(READY)
	@$(PY) scripts/soak.py $(SOAK)

bench: $(READY)
	@$(PY) scripts/bench.py $(BENCH)

bench-guests: $(READY)
	@$(PY) scripts/bench_guests.py --write

man: $(READY)
	@mkdir -p build
	@$(PY) -m ttd.cli.manpage > build/ttd.1

firmware:
	@scripts/firmware

clean:
	rm -rf build *.egg-info $(VENV)
