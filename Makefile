# Two commands for people: `make demo` and `make test`. Everything else is CMake.
PRESET ?= release
BUILD = build/$(PRESET)
DIR ?= /usr/share/doc
JOBS ?= $(shell nproc)
# Labels of the tests that `make test` runs; the last two use an installed copy.
LABELS ?= unit|contract|simulation|blackbox|browser

# Seeds of `make simulate`: the first, and how many.
SEED ?= 1
N ?= 1000

.PHONY: demo test bench simulate install packages packages-for-tests

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

simulate: packages
	@mkdir -p build
	@cmake --preset release -DET_TESTS=ON > build/test.log 2>&1 || (cat build/test.log; false)
	@cmake --build --preset release -j $(JOBS) --target simulate
	@build/release/tests/simulate --seed $(SEED) --count $(N) --brief

install: packages
	@mkdir -p build
	@cmake --preset release -DET_TESTS=OFF > build/demo.log 2>&1 || (cat build/demo.log; false)
	@cmake --build --preset release -j $(JOBS) --target elastictape
	@cmake --install build/release
