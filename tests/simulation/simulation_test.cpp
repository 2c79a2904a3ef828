// A seed decides everything: the same seed runs the same way.

#include <spdlog/spdlog.h>

#include <catch2/catch.hpp>

#include "tests/simulation/run.hpp"
#include "tests/support/scratch_folder.hpp"

using namespace et::simulation;

TEST_CASE("a seed runs the same way twice") {
  et::test::scratch_folder scratch;
  spdlog::set_level(spdlog::level::off);
  for (uint64_t seed : {1, 2, 3}) {
    run_options options;
    options.seed = seed;
    options.root = scratch.path() / "run";
    auto first = run(options);
    auto second = run(options);
    CHECK(first.trace == second.trace);
    CHECK(first.steps == second.steps);
    CHECK(first.violations == second.violations);
    options.seed = seed + 100;
    CHECK(run(options).trace != first.trace);
  }
}

TEST_CASE("a wall clock that is set forth and back makes nothing wait") {
  et::test::scratch_folder scratch;
  spdlog::set_level(spdlog::level::off);
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    run_options options;
    options.seed = seed;
    options.root = scratch.path() / "run";
    options.rates.emplace().clock_jump = 0.0005;
    auto result = run(options);
    CHECK(result.violations == std::vector<std::string>{});
    CHECK(result.simulated < std::chrono::hours{2});
  }
}
