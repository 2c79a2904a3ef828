// One run of a seed: a site at work among faults, then healed, brought to rest and examined.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/faults.hpp"

namespace et::simulation {

struct run_options {
  uint64_t seed = 1;
  /// Of this run alone; its length is part of paths, so keep it the same for the same trace.
  std::filesystem::path root;
  bool faults = true;
  std::optional<simulation::faults> rates;  ///< instead of those that the seed picks
  uint64_t max_steps = 400'000;             ///< at work; healing has as many again
};

struct run_result {
  uint64_t trace = 0;
  std::vector<std::string> violations;
  std::chrono::nanoseconds simulated{};
  uint64_t steps = 0;
  uint64_t crashes = 0;
  uint64_t stops = 0;
  uint64_t cuts = 0;
  uint64_t operators = 0;  ///< that came because an alert asked for cartridges
  uint64_t puts = 0;
  uint64_t gets = 0;
  uint64_t removes = 0;
  uint64_t cancels = 0;
  uint64_t read_files = 0;
};

run_result run(const run_options& with);

}  // namespace et::simulation
