// Makes the cache file of one aggregation out of its source files.
#pragma once

#include <atomic>
#include <caf/expected.hpp>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "storage/cache/cache_store.hpp"
#include "storage/cache/parallel_reader.hpp"
#include "storage/cache/source_reader.hpp"
#include "storage/catalogue/records.hpp"
#include "storage/catalogue/store.hpp"
#include "storage/error.hpp"

namespace et {

struct build_job {
  aggregation_record aggregation;
  batch_record batch;
  std::vector<std::string> roots;   ///< of the workspace
  std::vector<file_entry> entries;  ///< every registered file of it, in path order
  source_credentials credentials;   ///< of the requester
};

/// Where an aggregation is written: a cache file, here or on another node.
class aggregation_destination : public byte_sink {
 public:
  virtual uint64_t size_bytes() const = 0;
  /// What was written is all of it, has this size and checksum, and a crash does not lose it after
  /// success. Without this call nothing is left of it.
  virtual caf::error publish(uint64_t size_bytes, const aggregation_checksum& checksum) = 0;
};

/// At least the size of the cache file that these entries make, to reserve space for.
uint64_t max_aggregation_bytes(std::span<const file_entry> entries,
                               uint32_t padding_bytes = default_block_bytes);

/// Keeps its reading threads between jobs. One build at a time; several builders work in parallel.
class aggregation_builder {
 public:
  struct options {
    parallel_reader::options reader;
    uint32_t padding_bytes = default_block_bytes;
    /// Told of the bytes of source files as they are packed; may be empty. Must not wait.
    std::function<void(uint64_t)> on_packed;
  };

  /// `store` must outlive the builder.
  aggregation_builder(cache_store& store, options opts);

  /// Reads every file, packs what can be had, and publishes the cache file. A file that fails is
  /// marked in `placed` and has its reason in `failures`; the others are not touched by it. With no
  /// good file there is no cache file, and size_bytes is 0.
  ///
  /// After an error no file is left, and the whole aggregation can be tried again: no_space,
  /// io_error (the cache's disk), cancelled (`cancel` was set), already_exists (it is being built
  /// elsewhere), limit_reached and unavailable (this machine), invalid_argument (entries do not
  /// match the record).
  caf::expected<cached_aggregation> build(const build_job& job, const std::atomic<bool>& cancel);

  /// The same with files opened by `opener`; roots and credentials of the job are not used.
  caf::expected<cached_aggregation> build(const build_job& job, source_opener& opener,
                                          const std::atomic<bool>& cancel);

  /// The same to another place than the store, which is used for temporary files only. Errors
  /// besides: those of `destination`.
  caf::expected<cached_aggregation> build(const build_job& job,
                                          aggregation_destination& destination,
                                          const std::atomic<bool>& cancel);

 private:
  caf::expected<cached_aggregation> build_to(const build_job& job, source_opener& opener,
                                             aggregation_destination& destination,
                                             const std::atomic<bool>& cancel);

  cache_store& store_;
  options options_;
  parallel_reader reader_;
};

}  // namespace et
