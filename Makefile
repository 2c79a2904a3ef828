# Two commands for people: `make demo` and `make test`. Everything else is CMake.
PRESET ?= release
BUILD = build/$(PRESET)
DIR ?= /usr/share/doc
JOBS ?= $(shell nproc)
# Labels of the tests that `make test` runs; the last two use an installed copy.
LABELS ?= unit|contract|blackbox|browser

# How long `make fuzz` runs each target, and which; empty: all.
SECONDS ?= 60
TARGETS ?=
# What `make tidy` looks at.
FOLDERS ?=

.PHONY: demo test bench fuzz tidy install packages packages-for-tests

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

install: packages
	@mkdir -p build
	@cmake --preset release -DET_TESTS=OFF > build/demo.log 2>&1 || (cat build/demo.log; false)
	@cmake --build --preset release -j $(JOBS) --target elastictape
	@cmake --install build/release
