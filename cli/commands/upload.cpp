#include "cli/commands/upload.hpp"

#include <limits>

namespace et {

namespace {

constexpr size_t max_entries = 4096;
// Packed form: the path and some numbers; what is sent stays well below max_packed_bytes.
constexpr size_t entry_overhead_bytes = 64;
constexpr size_t max_chunk_bytes = max_packed_bytes - 16 * 1024;
// Reasons kept back to be told in order; more than this are told as they come.
constexpr size_t max_untold = 10'000;

}  // namespace

caf::error upload_stream::add(file_entry entry, uint64_t line) {
  size_t size = entry.path.size() + entry_overhead_bytes;
  if (filling_.entries.size() == max_entries || filling_bytes_ + size > max_chunk_bytes) {
    if (auto error = send()) return error;
  }
  filling_bytes_ += size;
  filling_.entries.push_back(std::move(entry));
  filling_.lines.push_back(line);
  return caf::none;
}

void upload_stream::refuse(uint64_t line, const std::string& path, const std::string& reason) {
  ++refused_;
  std::string text;
  if (!origin_.empty()) text = origin_ + ':' + std::to_string(line) + ": ";
  text += printable(path) + ": " + printable(reason);
  untold_.emplace(line, std::move(text));
  bool nothing_before = on_the_way_.empty() && filling_.entries.empty();
  if (nothing_before || untold_.size() > max_untold) tell_until(line);
}

caf::error upload_stream::send() {
  if (filling_.entries.empty()) return caf::none;
  if (on_the_way_.size() == request_window) {
    if (auto error = take_answer()) return error;
  }
  sent_ += filling_.entries.size();
  filling_.answer = service_.put_chunk(upload_, filling_.entries);
  on_the_way_.push_back(std::move(filling_));
  filling_ = {};
  filling_bytes_ = 0;
  return caf::none;
}

caf::error upload_stream::take_answer() {
  chunk oldest = std::move(on_the_way_.front());
  on_the_way_.pop_front();
  auto answer = oldest.answer.get();
  if (!answer) return answer.error();
  files_ += oldest.entries.size();
  for (const auto& bad : *answer) {
    if (bad.index >= oldest.entries.size()) {
      return fail(errc::protocol, "the service refused an entry that was not sent");
    }
    --files_;
    if (bad.code == errc::unchanged) {
      ++unchanged_;
      continue;
    }
    refuse(oldest.lines[bad.index], oldest.entries[bad.index].path, bad.reason);
  }
  tell_until(oldest.lines.back());
  return caf::none;
}

void upload_stream::tell_until(uint64_t line) {
  auto end = untold_.upper_bound(line);
  for (auto it = untold_.begin(); it != end; ++it) report_.error(it->second);
  untold_.erase(untold_.begin(), end);
}

caf::error upload_stream::finish() {
  if (auto error = send()) return error;
  while (!on_the_way_.empty()) {
    if (auto error = take_answer()) return error;
  }
  tell_until(std::numeric_limits<uint64_t>::max());
  return caf::none;
}

}  // namespace et
