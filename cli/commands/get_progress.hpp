// What a get says while it runs: plain text out of plain numbers.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

namespace et {

/// `45 s`, `3 min 20 s`, `2 h 05 min`, `3 d 4 h`.
std::string human_seconds(uint64_t seconds);

/// Keeps the last few counts, so that rate and time left are those of now. Not thread safe.
class get_progress {
 public:
  struct counts {
    uint64_t files = 0;       ///< written, or there already
    uint64_t size_bytes = 0;  ///< of these
    uint64_t bad = 0;
    uint64_t total_files = 0;
    uint64_t total_bytes = 0;
  };

  /// The line for `now_ms`, of any clock that does not go back. `waiting` is what the service waits
  /// for, when nothing flows.
  std::string line(int64_t now_ms, const counts& now, const std::string& waiting);

 private:
  struct sample {
    int64_t time_ms = 0;
    uint64_t size_bytes = 0;
  };
  std::deque<sample> samples_;
};

}  // namespace et
