# What each target needs (virtual environments, the compiled core), it makes; nothing is made twice.
#
#   make demo      an audit over HTTP on this machine, ending in verdicts; installs no torch
#   make test      all tests; installs torch once, for cross-checks
#   make check     formatting, lints, types, documentation
#   make bench     speed, as ratios measured side by side
#   make fuzz      hostile bytes against the parsers, ten minutes from each side; `make test` has a short form
#   make soak      ten minutes of mixed requests against the server, and 20,000 samples through a bad proxy;
#                  `make test` has a short form of both
#   make develop   the development environment in .venv

PYTHON ?= python3
RUST_SOURCES := Cargo.toml Cargo.lock $(shell find rust -name '*.rs' -o -name Cargo.toml)
DEV := .venv/installed
DEMO := .venv-demo/installed
BIN := .venv/bin

.PHONY: demo demo-size test check bench fuzz soak develop format clean

develop: $(DEV)

$(DEV): pyproject.toml $(RUST_SOURCES)
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $@

$(DEMO): pyproject.toml $(RUST_SOURCES)
	test -x .venv-demo/bin/python || $(PYTHON) -m venv .venv-demo
	.venv-demo/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[serve]"
	touch $@

demo: $(DEMO)
	.venv-demo/bin/token-difr demo

demo-size: $(DEMO)
	@du -sm .venv-demo | cut -f1 | xargs printf '%s MB\n'
	@.venv-demo/bin/python -m pip list --disable-pip-version-check --format=freeze | wc -l | xargs printf '%s packages\n'
	@! .venv-demo/bin/python -m pip list --disable-pip-version-check --format=freeze | grep -i '^torch='

test: $(DEV)
	cargo test --quiet
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

check: $(DEV)
	cargo fmt --check
	cargo clippy --quiet --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps
	$(BIN)/ruff format --check .
	$(BIN)/ruff check --no-cache .
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest token_difr._core

bench: $(DEV)
	$(BIN)/python benches/bench_score.py
	$(BIN)/python benches/bench_replay.py
	$(BIN)/python benches/bench_wire.py
	$(BIN)/python benches/bench_server.py
	$(BIN)/python benches/bench_rollouts.py

fuzz: $(DEV)
	$(BIN)/python scripts/fuzz.py --seconds 600

soak: $(DEV)
	$(BIN)/python scripts/soak_server.py --seconds 600
	$(BIN)/python scripts/soak_rollouts.py --samples 20000

format: $(DEV)
	cargo fmt
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix --quiet .

clean:
	rm -rf target build .venv .venv-demo .venv-peer python/token_difr/*.so
