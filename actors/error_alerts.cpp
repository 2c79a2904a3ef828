#include "actors/error_alerts.hpp"

#include <spdlog/spdlog.h>

#include <chrono>

namespace et {

namespace {

/// The alerts' own lines, and that one could not be recorded: another one could not be, either.
constexpr std::string_view not_told[] = {"alert: ", "alert not recorded: "};

std::string kind_of(std::string_view line) {
  std::string kind;
  for (char c : line) {
    if (c < '0' || c > '9')
      kind += c;
    else if (kind.empty() || kind.back() != '#')
      kind += '#';
  }
  return kind;
}

void tell_default_log(const error_alerts::teller& tell) {
  for (auto& sink : spdlog::default_logger()->sinks())
    if (auto alerts = std::dynamic_pointer_cast<error_alerts>(sink)) alerts->to(tell);
}

}  // namespace

std::optional<std::string> error_news::text_of(std::string_view line, int64_t now_ms) {
  for (auto start : not_told)
    if (line.substr(0, start.size()) == start) return std::nullopt;
  for (auto one = told_ms_.begin(); one != told_ms_.end();)
    one = now_ms - one->second >= again_after_ms ? told_ms_.erase(one) : std::next(one);
  if (told_ms_.size() > max_kinds) return std::nullopt;
  if (told_ms_.size() == max_kinds) {
    told_ms_.emplace(std::string{}, now_ms);
    return "more errors than are told of one by one: see the log";
  }
  if (!told_ms_.emplace(kind_of(line), now_ms).second) return std::nullopt;
  return std::string{line};
}

error_alerts::error_alerts() {
  set_level(spdlog::level::err);
}

void error_alerts::to(teller tell) {
  std::lock_guard lock{mutex_};
  tell_ = std::move(tell);
}

void error_alerts::sink_it_(const spdlog::details::log_msg& line) {
  if (!tell_) return;
  auto since = std::chrono::steady_clock::now().time_since_epoch();
  auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
  if (auto text = news_.text_of({line.payload.data(), line.payload.size()}, now_ms))
    tell_(std::move(*text));
}

void tell_errors(const head_actor& head, const std::string& node) {
  tell_default_log([head, node](std::string text) {
    alert_record draft;
    draft.level = severity::error;
    draft.text = "error on node " + node + ": " + std::move(text);
    caf::anon_send(head, alert_atom_v, std::move(draft));
  });
}

void tell_no_errors() {
  tell_default_log({});
}

}  // namespace et
