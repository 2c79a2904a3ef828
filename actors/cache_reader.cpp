#include "actors/cache_reader.hpp"

#include <sys/stat.h>

#include "actors/actor_base.hpp"

namespace et {

namespace {

/// Files that a reader keeps open between pieces.
constexpr size_t max_open_files = 8;

bool is_deleted(int fd) {
  struct stat found {};
  return ::fstat(fd, &found) != 0 || found.st_nlink == 0;
}

}  // namespace

caf::expected<int> cache_reader_state::open_once(aggregation_id id, uint64_t recall) {
  auto found = std::find_if(open.begin(), open.end(), [&](const auto& file) {
    return file.id == id && file.recall == recall;
  });
  // Deleted meanwhile by another reader, and perhaps made anew under the same name.
  if (found != open.end() && is_deleted(found->fd.get())) {
    open.erase(found);
    found = open.end();
  }
  if (found == open.end()) {
    auto fd = recall == 0 ? store->open_read(id) : store->open_recall(id, recall);
    if (!fd) return fd.error();
    open.push_front({id, recall, std::move(*fd)});
    if (open.size() > max_open_files) open.pop_back();
  } else {
    open.splice(open.begin(), open, found);
  }
  return open.front().fd.get();
}

caf::expected<uint64_t> cache_reader_state::lend(aggregation_id id, uint64_t recall,
                                                 uint64_t session) {
  if (!channels) return uint64_t{0};
  auto fd = open_once(id, recall);
  if (!fd) return fd.error();
  store->will_lend(id, recall);
  auto number = channels->send(session, *fd);
  if (number != 0) ++lent;
  return number;
}

caf::expected<bytes> cache_reader_state::read(aggregation_id id, uint64_t recall,
                                              uint64_t offset_bytes, uint32_t length_bytes) {
  if (length_bytes > max_packed_bytes)
    return fail(errc::invalid_argument,
                "a piece may have at most " + std::to_string(max_packed_bytes) + " bytes");
  auto fd = open_once(id, recall);
  if (!fd) return fd.error();
  bytes data(length_bytes);
  auto n = read_at(*fd, data.data(), data.size(), offset_bytes);
  if (!n) return with_context(n.error(), "aggregation " + to_string(id) + " in the cache");
  data.resize(*n);
  read_bytes += *n;
  return data;
}

caf::error cache_reader_state::forget(aggregation_id id, uint64_t recall) {
  open.remove_if([&](const auto& file) { return file.id == id && file.recall == recall; });
  return recall == 0 ? store->remove(id) : store->remove_recall(id, recall);
}

cache_reader_actor::behavior_type cache_reader(
    cache_reader_actor::stateful_pointer<cache_reader_state> self, cache_store* store,
    std::shared_ptr<descriptor_channels> channels, uint32_t number) {
  guard(self);
  self->state.store = store;
  self->state.channels = std::move(channels);
  return {
      [=](report_atom) -> caf::result<std::vector<report>> {
        return std::vector<report>{
            report_of(self, "cache_reader " + std::to_string(number),
                      {{"read bytes", std::to_string(self->state.read_bytes)},
                       {"descriptors lent", std::to_string(self->state.lent)}})};
      },
      [=](read_atom, aggregation_id id, uint64_t recall, uint64_t offset_bytes,
          uint32_t length_bytes) -> caf::result<bytes> {
        return self->state.read(id, recall, offset_bytes, length_bytes);
      },
      [=](lend_atom, aggregation_id id, uint64_t recall, uint64_t session)
          -> caf::result<uint64_t> { return self->state.lend(id, recall, session); },
      [=](forget_atom, aggregation_id id, uint64_t recall) -> caf::result<bool> {
        if (auto error = self->state.forget(id, recall)) return error;
        return true;
      },
  };
}

}  // namespace et
