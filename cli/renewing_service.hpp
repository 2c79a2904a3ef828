// A session that is renewed when it is lost: the service was stopped or killed, another machine
// became its head, or the network was cut.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "cli/reporter.hpp"
#include "cli/service_api.hpp"

namespace et {

/// What a lost session is waited for, unless the command line says otherwise.
constexpr std::chrono::seconds default_reconnect{60};

struct renewal_options {
  using steady = std::chrono::steady_clock;

  /// From the loss until it is given up; 0: at once.
  std::chrono::milliseconds wait = default_reconnect;
  /// Between two tries: the first pause, doubled each time up to the last.
  std::chrono::milliseconds first_pause{100};
  std::chrono::milliseconds last_pause{1000};
  /// True when the user does not want to wait any more. May be empty.
  std::function<bool()> stopped;
  std::function<steady::time_point()> now = &steady::now;
  /// Waits so long.
  std::function<void(std::chrono::milliseconds)> pause;
};

/// Sessions that are lost within `wait` of their beginning, or because no answer came in time, one
/// after the other, before the service is taken to be ill: it may be the very command that kills
/// it.
constexpr unsigned max_short_sessions = 5;

/// Questions, and calls that may be made twice with the same effect (workspace and volume set), are
/// asked again in the new session, and their callers notice nothing but the time. Every other call
/// gives the error of the lost session; its caller knows what is right, and uses session(), lost()
/// and renew() of service_api.
///
/// `connect` begins a session; `first` is one, begun. What is referred to outlives this.
std::unique_ptr<service_api> make_renewing(
    std::function<caf::expected<std::unique_ptr<service_api>>()> connect,
    std::unique_ptr<service_api> first, reporter& report, renewal_options options);

/// The pauses between tries, and their end; no clock, no waiting.
class renewal_schedule {
 public:
  using steady = std::chrono::steady_clock;
  renewal_schedule(const renewal_options& options, steady::time_point lost)
      : pause_(options.first_pause), last_pause_(options.last_pause), end_(lost + options.wait) {}

  /// How long to wait before another try; nullopt: no more.
  std::optional<std::chrono::milliseconds> next(steady::time_point now);

 private:
  std::chrono::milliseconds pause_;
  const std::chrono::milliseconds last_pause_;
  const steady::time_point end_;
};

}  // namespace et
