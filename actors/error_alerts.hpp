// Every error in the log is an alert too: nobody reads the logs of a service that works.
#pragma once

#include <spdlog/sinks/base_sink.h>

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "actors/protocol.hpp"

namespace et {

/// Which lines are news. Lines that differ in their numbers only are of one kind, and a kind is
/// told of once in `again_after_ms`.
class error_news {
 public:
  static constexpr int64_t again_after_ms = 3'600'000;
  /// Of more kinds than that in that time, only the first are told of, and that there are more.
  static constexpr size_t max_kinds = 100;

  /// What to tell of a line of the log of severity error; nothing: it is an alert itself, or no
  /// news. `now_ms` does not go back.
  std::optional<std::string> text_of(std::string_view line, int64_t now_ms);

 private:
  std::map<std::string, int64_t> told_ms_;
};

/// A sink of the log. Any thread may log; to() may be called while others do.
class error_alerts : public spdlog::sinks::base_sink<std::mutex> {
 public:
  using teller = std::function<void(std::string text)>;

  error_alerts();
  /// Where news go from here on; empty: nowhere, as at first. `tell` does not log.
  void to(teller tell);

 protected:
  void sink_it_(const spdlog::details::log_msg& line) override;
  void flush_() override {}

 private:
  error_news news_;
  teller tell_;
};

/// Errors in the log of this process are alerts of `node` from here on, told to `head`. The log is
/// the default one, and does nothing of this when it has no sink of that kind.
void tell_errors(const head_actor& head, const std::string& node);
/// Before `head` ends.
void tell_no_errors();

}  // namespace et
