// Cuts a batch into aggregations: a decision, without actors.
#pragma once

#include <vector>

#include "storage/catalogue/records.hpp"

namespace et {

/// Bytes of paths in one run.
constexpr uint64_t max_run_path_bytes = 8 * 1024 * 1024;

/// Fed with a batch's files in path order, gives runs of them: up to a target size and a number of
/// files; a file larger than the target stands alone. A run does not go over the border of a
/// workspace's root, since roots may be seen by different nodes, nor over max_run_path_bytes of
/// paths, since a run travels in one message. The same files give the same runs, so planning can be
/// repeated after a crash.
class aggregation_planner {
 public:
  /// `next_number` is that of the first run to come.
  aggregation_planner(batch_id batch, uint32_t next_number, uint64_t target_bytes,
                      uint64_t max_files, std::vector<std::string> roots = {})
      : batch_(batch),
        next_number_(next_number),
        target_bytes_(target_bytes),
        max_files_(max_files),
        roots_(std::move(roots)) {}

  /// Takes the next file; runs that are complete are appended to `out`.
  void add(const file_entry& entry, std::vector<aggregation_record>& out);

  /// No more files: appends the last run, if any.
  void finish(std::vector<aggregation_record>& out);

 private:
  void close(std::vector<aggregation_record>& out);
  const std::string* root_of(const std::string& path) const;

  batch_id batch_;
  uint32_t next_number_;
  uint64_t target_bytes_;
  uint64_t max_files_;
  std::vector<std::string> roots_;
  const std::string* open_root_ = nullptr;  ///< of roots_
  uint64_t open_path_bytes_ = 0;
  aggregation_record open_;  ///< files 0: none
};

}  // namespace et
