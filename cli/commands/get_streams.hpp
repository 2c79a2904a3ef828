// The parallel part of a get: asks what is ready, reads it, writes files.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "cli/commands/context.hpp"
#include "cli/commands/get_plan.hpp"
#include "cli/commands/target_tree.hpp"

namespace et {

/// Bad files that have been listed, so that another try does not list them again. Not more than so
/// many are remembered. Thread safe.
class told_files {
 public:
  static constexpr size_t most_files = 100'000;

  /// True when no earlier try has listed it.
  bool is_new(const std::string& path);
  void begin_try();

 private:
  std::mutex mutex_;
  std::set<std::string> before_;
  std::set<std::string> now_;
};

/// What planning and streams of one get share. Thread safe.
struct get_state {
  get_state(service_api& api, reporter& to, std::string workspace_name, bool replace, int folder_fd)
      : service(api),
        report(to),
        workspace(std::move(workspace_name)),
        overwrite(replace),
        tree(folder_fd, halt) {}

  service_api& service;
  reporter& report;
  const std::string workspace;
  const bool overwrite;
  std::atomic<bool> halt{false};  ///< everybody stops as soon as possible
  target_tree tree;
  retrieval_id retrieval;
  uint64_t session = 0;        ///< in which the retrieval was begun
  told_files* told = nullptr;  ///< bad files that earlier tries have listed; may be null

  std::atomic<uint64_t> files{0};       ///< written
  std::atomic<uint64_t> size_bytes{0};  ///< written, of these and of files in the middle
  std::atomic<uint64_t> skipped{0};
  std::atomic<uint64_t> bad{0};
  std::atomic<uint64_t> kept_rows{0};  ///< in memory

  /// Lists a bad file.
  void bad_file(const std::string& path, const std::string& reason);
  /// Counts and logs a file that is written.
  void good_file(const std::string& path);
  /// Ends the whole get with `error`; the first one stays.
  void fail_all(const caf::error& error);
  caf::error first_error();

 private:
  std::mutex mutex_;
  caf::error error_;
};

/// Threads: one asks the service what is ready, the others write.
class get_streams {
 public:
  get_streams(get_state& state, unsigned streams);
  /// Ends the threads; sets `halt` if they have not finished.
  ~get_streams();
  get_streams(const get_streams&) = delete;
  get_streams& operator=(const get_streams&) = delete;

  /// Makes a range known; before the service is asked for it. The first one starts the threads.
  void add(planned_range planned);
  /// Waits up to `wait_ms`: true when everything asked for has come or failed, or on halt.
  bool wait_done(unsigned wait_ms);
  /// What the service waits for, in words; empty when something flows.
  std::string waiting();

 private:
  using range_key = std::pair<aggregation_id, uint64_t>;
  struct task {
    planned_range planned;
    delivery given;
  };
  void ask_loop();
  void write_loop();
  bool take_delivery(delivery given);
  void deliver(task& work, target_cursor& cursor);
  void refuse(const task& work);
  uint64_t each_file(const planned_range& planned,
                     const std::function<void(const file_row&)>& visit);

  get_state& state_;
  const unsigned streams_;
  const unsigned window_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<range_key, planned_range> planned_;
  std::deque<task> ready_;
  unsigned busy_ = 0;
  bool ended_ = false;  // no more tasks will come
  std::string waiting_;
  std::vector<std::thread> threads_;
};

}  // namespace et
