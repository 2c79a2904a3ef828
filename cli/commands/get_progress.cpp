#include "cli/commands/get_progress.hpp"

#include "cli/output.hpp"

namespace et {

namespace {

constexpr int64_t window_ms = 10'000;

std::string two_digits(uint64_t number) {
  return (number < 10 ? "0" : "") + std::to_string(number);
}

}  // namespace

std::string human_seconds(uint64_t seconds) {
  if (seconds < 60) return std::to_string(seconds) + " s";
  auto minutes = seconds / 60;
  if (minutes < 60) return std::to_string(minutes) + " min " + two_digits(seconds % 60) + " s";
  auto hours = minutes / 60;
  if (hours < 48) return std::to_string(hours) + " h " + two_digits(minutes % 60) + " min";
  return std::to_string(hours / 24) + " d " + std::to_string(hours % 24) + " h";
}

std::string get_progress::line(int64_t now_ms, const counts& now, const std::string& waiting) {
  samples_.push_back({now_ms, now.size_bytes});
  while (samples_.size() > 2 && now_ms - samples_[1].time_ms >= window_ms) samples_.pop_front();
  auto past_ms = now_ms - samples_.front().time_ms;
  // A file that had to be begun again takes bytes back.
  auto got = now.size_bytes > samples_.front().size_bytes
                 ? now.size_bytes - samples_.front().size_bytes
                 : 0;
  auto rate =
      past_ms > 0
          ? static_cast<uint64_t>(static_cast<double>(got) * 1000.0 / static_cast<double>(past_ms))
          : 0;
  std::string text = std::to_string(now.files) + " of " + std::to_string(now.total_files) +
                     " files, " + human_bytes(now.size_bytes) + " of " +
                     human_bytes(now.total_bytes);
  if (past_ms > 0) text += ", " + human_bytes(rate) + "/s";
  if (rate > 0 && now.total_bytes > now.size_bytes)
    text += ", " + human_seconds((now.total_bytes - now.size_bytes) / rate) + " left";
  if (now.bad > 0) text += ", " + std::to_string(now.bad) + " bad";
  if (!waiting.empty()) text += "; waits: " + printable(waiting);
  return text;
}

}  // namespace et
