// The part of a node that holds and reads data: its cache, its library, and their actors. A head
// with the role io has one, and so has every node with the role io or source.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>

#include "actors/cache_keeper.hpp"
#include "actors/descriptor_channel.hpp"
#include "actors/node_roster.hpp"
#include "storage/tape/virtual_library.hpp"

namespace et {

struct storage_options {
  std::filesystem::path cache_folder;
  std::filesystem::path library_folder;
  uint64_t cache_capacity_bytes = 0;  ///< 0: bounded by the file system's free space
  double cache_high = 0.90;
  double cache_low = 0.75;
  cache_options cache;  ///< its ledger is derived from the three above
  uint32_t block_bytes = default_block_bytes;
  tape::virtual_library_options library;
  uint32_t cache_writers = 2;
  uint32_t cache_readers = 2;
  bool has_cache = true;    ///< role io; else only reads sources, with the folder for scratch files
  bool has_library = true;  ///< of a node with a cache
  bool reads_sources = true;
  std::vector<std::string> roots{"/"};  ///< beneath which it sees files
  const wall_clock* clock = &system_clock();
  /// Opens the library in library_folder.
  std::function<caf::expected<std::unique_ptr<tape::virtual_library>>(
      const std::filesystem::path&, const tape::virtual_library_options&)>
      open_library = &tape::virtual_library::open;
};

class node_storage {
 public:
  /// Opens the cache and the library. Errors: those of both.
  static caf::expected<std::unique_ptr<node_storage>> open(storage_options options);

  cache_store& cache() { return *cache_; }
  /// Files in the cache; for a head that asks its catalogue about them before it begins.
  caf::expected<std::vector<kept_file>> held() const;

  /// Spawns the actors into `table`, and puts this node into its roster, under table.node. `kept`
  /// is what the keeper begins with.
  void spawn(caf::actor_system& system, const std::shared_ptr<service_actors>& table,
             std::vector<kept_file> kept);
  /// Adds handles of all of them.
  void list(const service_actors& table, std::vector<caf::actor>& all) const;

  /// True: running jobs of drives and writers end after their current block or file, and new ones
  /// at once, until it is false again.
  void give_up_jobs(bool on);
  const std::shared_ptr<descriptor_channels>& channels() const { return channels_; }
  const storage_options& options() const { return options_; }

 private:
  explicit node_storage(storage_options options) : options_(std::move(options)) {}
  caf::error size_cache();

  storage_options options_;
  std::unique_ptr<cache_store> cache_;
  std::unique_ptr<tape::virtual_library> library_;
  std::atomic<bool> stopping_{false};
  std::vector<std::shared_ptr<writer_control>> controls_;
  std::shared_ptr<descriptor_channels> channels_ = std::make_shared<descriptor_channels>();
};

}  // namespace et
