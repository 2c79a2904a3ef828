#include "actors/node_storage.hpp"

#include "actors/actor_base.hpp"
#include "actors/blocking.hpp"
#include "actors/cache_reader.hpp"
#include "actors/cache_receiver.hpp"
#include "actors/library.hpp"
#include "actors/tape_drive.hpp"
#include "actors/ticket_office.hpp"
#include "actors/version.hpp"

namespace et {

namespace fs = std::filesystem;

caf::expected<std::unique_ptr<node_storage>> node_storage::open(storage_options options) {
  std::unique_ptr<node_storage> made{new node_storage(std::move(options))};
  auto cache = cache_store::open(made->options_.cache_folder);
  if (!cache) return with_context(cache.error(), "cache");
  made->cache_ = std::make_unique<cache_store>(std::move(*cache));
  if (auto error = made->cache_->remove_leftovers()) return error;
  if (auto error = made->size_cache()) return error;
  if (!made->options_.has_cache || !made->options_.has_library) return made;
  auto library = made->options_.open_library(made->options_.library_folder, made->options_.library);
  if (!library) return with_context(library.error(), "library");
  made->library_ = std::move(*library);
  for (auto& remark : made->library_->remarks()) spdlog::warn("library: {}", remark);
  return made;
}

caf::error node_storage::size_cache() {
  auto& ledger = options_.cache.ledger;
  ledger.capacity_bytes = options_.cache_capacity_bytes;
  if (ledger.capacity_bytes == 0) {
    // Bounded by what the file system has free at the moment, which the keeper looks at.
    std::error_code code;
    auto space = fs::space(options_.cache_folder, code);
    if (code)
      return fail_errno("cannot ask for the space of " + options_.cache_folder.string(),
                        code.value());
    ledger.capacity_bytes = space.capacity;
  }
  auto share = [&](double part) {
    return static_cast<uint64_t>(static_cast<double>(ledger.capacity_bytes) * part);
  };
  ledger.high_bytes = share(options_.cache_high);
  ledger.low_bytes = share(options_.cache_low);
  return {};
}

caf::expected<std::vector<kept_file>> node_storage::held() const {
  auto contents = cache_->scan();
  if (!contents) return contents.error();
  std::vector<kept_file> all;
  for (auto& file : contents->files) all.push_back({file.id, file.size_bytes, false});
  return all;
}

void node_storage::spawn(caf::actor_system& system, const std::shared_ptr<service_actors>& table,
                         std::vector<kept_file> kept) {
  auto& all = *table;
  actors_ptr shared = table;
  for (uint32_t i = 0; i < options_.cache_writers && options_.reads_sources; ++i) {
    controls_.push_back(std::make_shared<writer_control>());
    all.writers.push_back(
        spawn_blocking(system, cache_writer, cache_.get(), controls_.back(), i, all.measures));
  }
  if (options_.has_cache) {
    for (uint32_t i = 0; i < options_.cache_readers; ++i)
      all.cache_readers.push_back(spawn_blocking(system, cache_reader, cache_.get(), channels_, i));
    for (uint32_t i = 0; i < options_.cache_writers; ++i)
      all.receivers.push_back(spawn_blocking(system, cache_receiver, cache_.get(), i));
    all.tickets = system.spawn(ticket_office, shared, options_.clock, &system_random());
  }
  for (uint32_t i = 0; library_ && i < library_->drive_count(); ++i)
    all.drives.push_back(spawn_blocking(system, tape_drive, shared, &library_->drive(i), i,
                                        cache_.get(), options_.clock, &stopping_,
                                        options_.block_bytes));
  if (library_) all.library = spawn_blocking(system, library, &library_->changer());
  storage_node self;
  self.name = all.node;
  self.version = version_text;
  if (options_.has_cache) self.roles.push_back("io");
  if (!options_.has_cache && options_.reads_sources) self.roles.push_back("source");
  self.roots = options_.roots;
  self.up = true;
  self.since_ns = options_.clock->now_ns();
  self.cache_readers = all.cache_readers;
  self.writers = all.writers;
  self.drives = all.drives;
  self.library = all.library;
  self.tickets = all.tickets;
  if (options_.has_cache) {
    all.keeper = system.spawn(cache_keeper, shared, cache_.get(), options_.clock, options_.cache,
                              controls_, std::move(kept));
    self.keeper = all.keeper;
  }
  all.nodes->put(std::move(self));
}

void node_storage::list(const service_actors& table, std::vector<caf::actor>& all) const {
  auto add = [&](const auto& handle) {
    if (handle) all.push_back(caf::actor_cast<caf::actor>(handle));
  };
  add(table.keeper);
  add(table.tickets);
  for (auto& one : table.writers) add(one);
  for (auto& one : table.receivers) add(one);
  for (auto& one : table.cache_readers) add(one);
  for (auto& one : table.drives) add(one);
  add(table.library);
}

void node_storage::give_up_jobs(bool on) {
  stopping_ = on;
  if (on)
    for (auto& control : controls_) control->cancel = true;
}

}  // namespace et
