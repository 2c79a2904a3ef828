// Commands against a fake whose sessions are lost and renewed, on a clock that only pauses move.
#pragma once

#include "cli/renewing_service.hpp"
#include "tests/cli/command_fixture.hpp"

namespace et::test {

struct renewing_fixture : command_fixture {
  std::chrono::steady_clock::time_point now{};
  std::chrono::seconds wait{60};
  unsigned refusals = 0;  // tries to connect again that fail
  caf::error refusal = fail(errc::unavailable, "nobody listens");
  std::chrono::milliseconds paused{};
  std::function<void()> on_try;  // to connect again

  caf::expected<std::unique_ptr<service_api>> connect_again() {
    if (on_try) on_try();
    if (refusals > 0) {
      --refusals;
      return refusal;
    }
    service.session_lost = false;
    service.received.clear();  // uploads end with their session
    return connect();
  }

  std::unique_ptr<service_api> renewing(reporter& report) {
    renewal_options options;
    options.wait = wait;
    options.stopped = [this] { return stop.load(); };
    options.now = [this] { return now; };
    options.pause = [this](std::chrono::milliseconds time) {
      now += time;
      paused += time;
    };
    return make_renewing([this] { return connect_again(); }, std::move(*connect()), report,
                         std::move(options));
  }

  template <class Run, class Options>
  int run_renewing(Run command, const Options& options,
                   const std::vector<std::string>& words = {"et_test"}) {
    output out{out_fd.get()};
    reporter report{"et_test", err_fd.get(), false};
    command_context context{out, report, {}, {}, 1};
    context.program = "et_test";
    context.arguments = words;
    context.stopped = [this] { return stop.load(); };
    context.connect = [&]() -> caf::expected<std::unique_ptr<service_api>> {
      return renewing(report);
    };
    context.catch_interrupt = [this]() -> const std::atomic<bool>& { return stop; };
    return command(options, context);
  }
};

}  // namespace et::test
