// The files of the disk cache on one node:
//
//   FOLDER/files/NN/BATCH.NUMBER           a complete aggregation; NN: batch modulo 256, in hex
//   FOLDER/files/NN/BATCH.NUMBER.part      one that is being written
//   FOLDER/recalls/BATCH.NUMBER.RECALL     ranges that a recall brought back, at their offsets
//
// Only this class knows these names. What a complete file holds is only known through the
// catalogue. All calls may come from several threads at once; two writers of one aggregation are
// kept apart.
#pragma once

#include <caf/expected.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "storage/error.hpp"
#include "storage/format/byte_io.hpp"
#include "storage/os/file.hpp"
#include "storage/types.hpp"

namespace et {

/// Writes a temporary file of the cache from its beginning to its end. Best with pieces of about 1
/// MiB. Unless published, the file is removed on destruction. Not thread safe.
class cache_file_sink final : public byte_sink {
 public:
  cache_file_sink(cache_file_sink&& other) noexcept;
  cache_file_sink& operator=(cache_file_sink&&) = delete;
  ~cache_file_sink() override;

  /// Errors: no_space, io_error.
  caf::error write(std::span<const uint8_t> data) override;

  uint64_t size_bytes() const { return size_bytes_; }

 private:
  friend class cache_store;
  cache_file_sink(aggregation_id id, std::shared_ptr<void> claim)
      : id_(id), claim_(std::move(claim)) {}

  aggregation_id id_;
  std::shared_ptr<void> claim_;  // while it lives, nobody else writes this aggregation
  unique_fd fd_;
  std::filesystem::path temporary_;  // empty: there is nothing to remove
  uint64_t size_bytes_ = 0;
  uint64_t started_bytes_ = 0;  // how far writing to disk was asked for
};

class cache_store {
 public:
  struct cached_file {
    aggregation_id id;
    uint64_t size_bytes = 0;
  };

  struct contents {
    std::vector<cached_file> files;                ///< complete ones, by id
    std::vector<std::filesystem::path> leftovers;  ///< temporaries and recalls of a former run
  };

  /// Creates what is missing of FOLDER, durably; its subfolders NN appear when they are needed.
  /// Errors: io_error, no_space.
  static caf::expected<cache_store> open(const std::filesystem::path& folder);

  const std::filesystem::path& folder() const { return folder_; }

  /// Begins an aggregation's file; what an earlier one could not remove of its own is emptied.
  /// Errors: already_exists when it is being written already.
  caf::expected<cache_file_sink> create_temporary(aggregation_id id);

  /// Gives the file its final name, in place of an older one of that name; after success a crash
  /// does not lose it. After a failure it is not there; the sink is of no use any more either way.
  /// Errors: no_space, io_error.
  caf::error publish(cache_file_sink& sink);

  /// A complete file, to be read. Error: not_found. It stays readable when it is removed meanwhile,
  /// unless it was lent.
  caf::expected<unique_fd> open_read(aggregation_id id) const;

  /// Size of a complete file. Error: not_found.
  caf::expected<uint64_t> size_bytes(aggregation_id id) const;

  /// Removes a complete file; one that is not there is a success.
  caf::error remove(aggregation_id id);

  /// An empty file for the ranges of recall `recall`, to be read and written at their offsets in
  /// the aggregation. An older one of that name is emptied.
  caf::expected<unique_fd> create_recall(aggregation_id id, uint64_t recall);
  /// The same file, to be read. Error: not_found.
  caf::expected<unique_fd> open_recall(aggregation_id id, uint64_t recall) const;
  caf::error remove_recall(aggregation_id id, uint64_t recall);

  /// A descriptor of the complete file (recall 0) or of a recall is about to be given to a client,
  /// who may keep it for ever: when the file is removed its bytes go at once, for all who have it
  /// open.
  void will_lend(aggregation_id id, uint64_t recall);

  /// What lies in the folders. Names that are not ours are left out.
  caf::expected<contents> scan() const;
  /// Removes what a former run left behind; call before anything is written.
  caf::error remove_leftovers();

  /// What the file system has left for us. Error: io_error.
  caf::expected<uint64_t> free_bytes() const;

 private:
  struct shared_lists;
  explicit cache_store(std::filesystem::path folder);

  std::shared_ptr<void> claim(aggregation_id id);
  std::filesystem::path folder_of(aggregation_id id) const;
  std::filesystem::path path_of(aggregation_id id) const;
  std::filesystem::path recall_path(aggregation_id id, uint64_t recall) const;
  caf::error remove_file(const std::filesystem::path& path, aggregation_id id, uint64_t recall);

  std::filesystem::path folder_;
  std::shared_ptr<shared_lists> lists_;
};

}  // namespace et
