// Reads the files of an aggregation ahead with several threads and hands them over in order to one
// consumer, which packs meanwhile.
//
// Work is cut into portions of at most 1 MiB: up to 64 small files that lie one after the other, or
// one piece of a large file. A ring of portions bounds memory and open files; threads and consumer
// meet only once a portion.
#pragma once

#include <atomic>
#include <caf/expected.hpp>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "storage/cache/source_reader.hpp"
#include "storage/catalogue/records.hpp"
#include "storage/error.hpp"
#include "storage/types.hpp"

namespace et {

/// Files up to this size are handed over whole.
constexpr size_t max_small_file_bytes = 1024 * 1024;

/// Takes files in the order of the entries; `index` is the entry's. All calls come from the thread
/// that called run(). An error ends the run with that error.
class source_consumer {
 public:
  virtual ~source_consumer() = default;

  /// A small file, whole, with the checksum of its content.
  virtual caf::error on_file(size_t index, std::span<const uint8_t> content,
                             const file_checksum& checksum) = 0;

  /// A large file: on_begin(), then on_piece() in order until its size has come, then on_end().
  virtual caf::error on_begin(size_t index) = 0;
  virtual caf::error on_piece(size_t index, std::span<const uint8_t> piece) = 0;
  virtual caf::error on_end(size_t index) = 0;

  /// The file cannot be had. For a large file it may come behind on_begin() and pieces, in place of
  /// the rest; they must not be believed then.
  virtual caf::error on_failure(size_t index, const caf::error& reason) = 0;
};

class parallel_reader {
 public:
  struct options {
    size_t threads = 4;
    size_t portions = 8;  ///< of 1 MiB: how far reading runs ahead
  };

  /// Threads start with the first run and stay; their identity is that of the last opener.
  explicit parallel_reader(options opts);
  ~parallel_reader();
  parallel_reader(const parallel_reader&) = delete;
  parallel_reader& operator=(const parallel_reader&) = delete;

  /// Hands every entry over: each ends with on_file(), on_end() or on_failure(). One run at a time.
  /// When it returns, no thread uses the arguments any more. Errors: the consumer's; cancelled once
  /// `cancel` is seen, at the latest behind the portions being read; limit_reached when threads or
  /// memory are lacking.
  caf::error run(source_opener& opener, std::span<const file_entry> entries,
                 source_consumer& consumer, const std::atomic<bool>& cancel);

 private:
  struct large_source;
  struct portion;

  caf::error start_threads();
  void read_loop();
  bool exhausted() const;
  bool can_claim() const;
  portion& claim();
  void fill(portion& p);
  void fill_small(portion& p);
  void fill_large(portion& p);
  void opened(portion& p);
  portion* wait_for_next();
  caf::error hand_over(portion& p, source_consumer& consumer, const std::atomic<bool>& cancel);
  caf::error hand_over_small(portion& p, source_consumer& consumer);
  caf::error hand_over_large(portion& p, source_consumer& consumer);

  options options_;
  std::vector<std::unique_ptr<portion>> ring_;
  std::vector<std::thread> threads_;

  std::mutex mutex_;               // guards what follows, and who owns a portion
  std::condition_variable work_;   // for the threads
  std::condition_variable ready_;  // for the consumer
  bool quit_ = false;
  uint64_t run_ = 0;  // number of the run, so that threads enter its opener once
  source_opener* opener_ = nullptr;
  std::span<const file_entry> entries_;
  size_t next_entry_ = 0;
  std::shared_ptr<large_source> large_;  // the large file that is being cut into pieces
  bool opening_ = false;                 // that file's first piece decides whether there are others
  uint64_t claimed_ = 0;                 // portions
  uint64_t consumed_ = 0;
  size_t waiting_threads_ = 0;
  std::atomic<bool> stopping_{false};  // written under the mutex
};

}  // namespace et
