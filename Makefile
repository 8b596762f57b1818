# SPDX-License-Identifier: Apache-2.0
# The front door. meson does the work; these targets are the ways in.

BUILD = build/release
PYTHON = /usr/bin/python3
# Debian's meson, also where another Python stands first in PATH.
MESON = /usr/bin/meson
SOURCES = find $(wildcard src tests fuzz bench) -name '*.[ch]'

.PHONY: help deps deps-test build check check-kill demo bench fmt fmt-check install fuzz-short clean

help:
	@echo 'make build       compile into $(BUILD)'
	@echo 'make demo        everything on this machine: CA, service, connector, devices (ONCE=1 ends by itself)'
	@echo 'make check       all tests: unit tests with sanitizers, clang, flow tests, short fuzzing'
	@echo 'make check-kill  kill -9 of every process at every step that writes or sends (takes long)'
	@echo 'make bench       measurements (ONLY=name, or several in quotes)'
	@echo 'make install     install (DESTDIR=... and PREFIX=... as usual)'
	@echo 'make fuzz-short  a few seconds of each fuzz target (SECONDS=n)'
	@echo 'make fmt         lay the C sources out; make fmt-check only looks'
	@echo 'make deps        install the Debian packages that are missing'
	@echo 'make clean       remove build/'

deps:
	@tools/install-packages build

deps-test:
	@tools/install-packages test

build: deps
	@test -e $(BUILD)/build.ninja || \
		$(MESON) setup $(BUILD) -Dtests=false $(if $(PREFIX),--prefix $(PREFIX)) >/dev/null
	@ninja -C $(BUILD) --quiet

check: deps-test
	@$(PYTHON) tools/check

check-kill: deps-test build
	@CHANCERY_LONG=1 CHANCERY_BUILD=$(CURDIR)/$(BUILD) PYTHONDONTWRITEBYTECODE=1 \
		$(PYTHON) -m pytest -q -s -p no:cacheprovider tests/flow/test_kill.py tests/flow/test_kill_jobs.py \
		tests/flow/test_update.py -k every_step

fuzz-short: deps-test
	@$(PYTHON) tools/check --only fuzz $(if $(SECONDS),--seconds $(SECONDS))

demo: deps-test build
	@tools/demo

bench: deps-test build
	@tools/bench $(ONLY)

fmt: deps-test
	@$(SOURCES) | xargs -r clang-format-14 -i

fmt-check: deps-test
	@$(SOURCES) | xargs -r clang-format-14 --dry-run -Werror

install: build
	@$(MESON) install -C $(BUILD) --no-rebuild

clean:
	rm -rf build
