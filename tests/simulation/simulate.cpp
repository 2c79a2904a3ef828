// simulate --seed N [--count N] [--no-faults] [--log]: runs seeds; a seed that finds something is
// told with the command that runs it again.

#include <spdlog/pattern_formatter.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "tests/simulation/run.hpp"
#include "tests/simulation/world.hpp"

using namespace et::simulation;

namespace {

/// Of the violations of a seed; the others mostly follow from the first.
constexpr size_t most_told = 3;

struct arguments {
  uint64_t seed = 1;
  uint64_t count = 1;
  bool faults = true;
  bool log = false;
  bool brief = false;
};

bool parse(int argc, char** argv, arguments& out) {
  for (int i = 1; i < argc; ++i) {
    auto is = [&](const char* name) { return std::strcmp(argv[i], name) == 0; };
    if (is("--seed") && i + 1 < argc)
      out.seed = std::strtoull(argv[++i], nullptr, 10);
    else if (is("--count") && i + 1 < argc)
      out.count = std::strtoull(argv[++i], nullptr, 10);
    else if (is("--no-faults"))
      out.faults = false;
    else if (is("--log"))
      out.log = true;
    else if (is("--brief"))
      out.brief = true;
    else
      return false;
  }
  return true;
}

/// Step and time of the simulation.
class when : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg&, const std::tm&,
              spdlog::memory_buf_t& into) override {
    if (!world::running) return;
    auto text = fmt::format("{} {:.3f}", world::running->steps(),
                            std::chrono::duration<double>(world::running->now()).count());
    into.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<when>(); }
};

/// Of one length, whatever the process is called: paths are part of what is simulated.
std::filesystem::path scratch() {
  char name[64];
  std::snprintf(name, sizeof name, "et-simulation-%010d", static_cast<int>(::getpid()));
  std::filesystem::path memory{"/dev/shm"};
  return (std::filesystem::exists(memory) ? memory : std::filesystem::path{"/tmp"}) / name;
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  arguments with;
  if (!parse(argc, argv, with)) {
    std::fprintf(stderr,
                 "usage: simulate [--seed N] [--count N] [--no-faults] [--log] [--brief]\n");
    return 2;
  }
  auto format = std::make_unique<spdlog::pattern_formatter>();
  format->add_flag<when>('*').set_pattern("%* %l %v");
  spdlog::set_formatter(std::move(format));
  spdlog::set_level(with.log ? spdlog::level::debug : spdlog::level::off);
  auto begin = std::chrono::steady_clock::now();
  std::chrono::nanoseconds simulated{};
  uint64_t bad = 0;
  for (uint64_t seed = with.seed; seed < with.seed + with.count; ++seed) {
    run_options options;
    options.seed = seed;
    options.root = scratch();
    options.faults = with.faults;
    auto result = run(options);
    simulated += result.simulated;
    if (!with.brief)
      std::printf(
          "seed %lu: trace %016lx, %.1f h, %lu steps, %lu crashes, %lu stops, %lu cuts, "
          "%lu puts, %lu gets, %lu removes, %lu cancels, %lu files read\n",
          seed, result.trace, std::chrono::duration<double>(result.simulated).count() / 3600,
          result.steps, result.crashes, result.stops, result.cuts, result.puts, result.gets,
          result.removes, result.cancels, result.read_files);
    if (result.violations.empty()) continue;
    ++bad;
    for (size_t i = 0; i < result.violations.size() && i < most_told; ++i)
      std::printf("seed %lu: %s\n", seed, result.violations[i].c_str());
    std::printf("again: %s --seed %lu --log%s\n", argv[0], seed, with.faults ? "" : " --no-faults");
    std::fflush(stdout);
  }
  auto minutes =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / 60;
  auto hours = std::chrono::duration<double>(simulated).count() / 3600;
  std::printf("%lu seeds, %lu bad, %.1f simulated hours in %.2f minutes: %.0f an hour a minute\n",
              with.count, bad, hours, minutes, hours / minutes);
  return bad == 0 ? 0 : 1;
}
