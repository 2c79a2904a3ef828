# Two commands for people: `make demo` and `make test`. Everything else is CMake.
PRESET ?= release
BUILD = build/$(PRESET)
DIR ?= /usr/share/doc
JOBS ?= $(shell nproc)
# Labels of the tests that `make test` runs; the last three use an installed copy.
LABELS ?= unit|contract|simulation|blackbox|browser|crash

# How long `make fuzz` runs each target, and which; empty: all.
SECONDS ?= 60
TARGETS ?=
# What `make tidy` looks at.
FOLDERS ?=

# The first seed of `make simulate` and `make crash`, and how many.
SEED ?= 1
simulate: N ?= 1000
crash: N ?= 1

# How long `make soak` goes on.
MINUTES ?= 120

.PHONY: demo test bench crash fuzz tidy simulate soak install packages packages-for-tests

packages:
	@cmake/packages.sh

packages-for-tests:
	@cmake/packages.sh browser

demo: packages
	@mkdir -p build
	@cmake --preset release -DET_TESTS=OFF > build/demo.log 2>&1 || (cat build/demo.log; false)
	@cmake --build --preset release -j $(JOBS) --target elastictape
	@tests/demo.sh build/release/cli "$(DIR)"

test: packages-for-tests
	@mkdir -p build
	@cmake --preset $(PRESET) -DET_TESTS=ON > build/test.log 2>&1 || (cat build/test.log; false)
	@cmake --build --preset $(PRESET) -j $(JOBS)
	@cmake --install $(BUILD) --prefix $(CURDIR)/$(BUILD)/installed > build/install.log
	@cd $(BUILD) && ctest --output-on-failure -L '$(LABELS)'

# N rounds of crashes, each of five power losses, four of a first start, six kills of a service, five
# of the nodes of a cluster and two of a head with a standby; SEED: the first. docs/crash-tests.md
crash: packages
	@mkdir -p build
	@cmake --preset release -DET_TESTS=ON > build/test.log 2>&1 || (cat build/test.log; false)
	@cmake --build --preset release -j $(JOBS) --target elastictape test_crash
	@cmake --install build/release --prefix $(CURDIR)/build/release/installed > build/install.log
	@for round in $$(seq $(SEED) $$(($(SEED) + $(N) - 1))); do \
	  ET_SEED=$$round build/release/tests/test_crash || \
	    { echo "failed; again with: make crash SEED=$$round"; exit 1; }; \
	done

bench: packages
	@mkdir -p build
	@cmake --preset release -DET_TESTS=ON > build/test.log 2>&1 || (cat build/test.log; false)
	@cmake --build --preset release -j $(JOBS)
	@tests/bench/bench.sh build/release

# Targets for whatever reads bytes that it did not make: docs/fuzzing.md.
fuzz: packages
	@cmake/packages.sh fuzz
	@mkdir -p build
	@cmake --preset fuzz > build/fuzz.log 2>&1 || (cat build/fuzz.log; false)
	@cmake --build --preset fuzz -j $(JOBS) --target $(if $(TARGETS),$(TARGETS:%=fuzz_%),fuzzers)
	@tests/fuzz/run.sh $(CURDIR)/build/fuzz $(SECONDS) $(JOBS) $(TARGETS)

# What clang-tidy has to say (.clang-tidy) about FOLDERS; empty: all. Slow.
tidy: packages
	@cmake/packages.sh tidy
	@mkdir -p build
	@cmake --preset tidy > build/tidy.log 2>&1 || (cat build/tidy.log; false)
	@cmake/tidy.sh $(CURDIR)/build/tidy $(FOLDERS)

simulate: packages
	@mkdir -p build
	@cmake --preset release -DET_TESTS=ON > build/test.log 2>&1 || (cat build/test.log; false)
	@cmake --build --preset release -j $(JOBS) --target simulate
	@build/release/tests/simulate --seed $(SEED) --count $(N) --brief

# Mixed load on a cluster with faults: nothing may grow. docs/reliability.md
soak: packages
	@mkdir -p build
	@cmake --preset release > build/test.log 2>&1 || (cat build/test.log; false)
	@cmake --build --preset release -j $(JOBS) --target elastictape
	@tests/soak/soak.py build/release/cli build/soak $(MINUTES)

install: packages
	@mkdir -p build
	@cmake --preset release -DET_TESTS=OFF > build/demo.log 2>&1 || (cat build/demo.log; false)
	@cmake --build --preset release -j $(JOBS) --target elastictape
	@cmake --install build/release
