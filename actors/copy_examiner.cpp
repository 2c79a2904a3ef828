#include "actors/copy_examiner.hpp"

#include "actors/actor_base.hpp"
#include "actors/defaults.hpp"
#include "actors/node_roster.hpp"
#include "actors/watch.hpp"

namespace et {

namespace {

using self_pointer = caf::stateful_actor<copy_examiner_state>*;

void read_on(self_pointer self);

void next(self_pointer self) {
  auto& state = self->state;
  state.doubted.pop_front();
  state.hasher = {};
  state.read_bytes = 0;
  read_on(self);
}

/// First SYNCED in the catalogue, then the file goes.
void give_up(self_pointer self, const doubted_copy& bad) {
  auto id = bad.record.id;
  spdlog::error(
      "aggregation {}: its copy in the cache of node {} is not what was stored; it leaves "
      "the cache, the files are on tape; look after the disk",
      to_string(id), bad.node);
  held_file file{id, bad.record.size_bytes, held_file::verdict_type::nobody};
  self->request(self->state.actors->registrar, defaults::catalogue_timeout, evicted_atom_v,
                std::vector<aggregation_id>{id}, bad.node)
      .then(
          [=](bool) {
            auto node = self->state.actors->nodes->find(bad.node);
            if (!node || !node->keeper) return next(self);
            self->request(node->keeper, defaults::request_timeout, judged_atom_v,
                          std::vector<held_file>{file})
                .then([=](bool) { next(self); }, [=](const caf::error&) { next(self); });
          },
          [=](const caf::error& error) {
            spdlog::error("aggregation {}: {}", to_string(id), text_of(error));
            next(self);
          });
}

void take(self_pointer self, const bytes& piece) {
  auto& state = self->state;
  auto& record = state.doubted.front().record;
  state.hasher.update({reinterpret_cast<const uint8_t*>(piece.data()), piece.size()});
  state.read_bytes += piece.size();
  if (!piece.empty() && state.read_bytes < record.size_bytes) return read_on(self);
  bool good = state.read_bytes == record.size_bytes && state.hasher.checksum() == record.checksum;
  if (!good) return give_up(self, state.doubted.front());
  next(self);
}

void read_on(self_pointer self) {
  auto& state = self->state;
  if (state.doubted.empty()) return self->quit();
  auto& one = state.doubted.front();
  auto node = state.actors->nodes->find(one.node);
  if (!node || node->cache_readers.empty()) return next(self);
  auto& readers = node->cache_readers;
  auto left = one.record.size_bytes - state.read_bytes;
  auto length = static_cast<uint32_t>(std::min<uint64_t>(left, max_packed_bytes));
  self->request(readers[one.record.id.number % readers.size()], defaults::catalogue_timeout,
                read_atom_v, one.record.id, uint64_t{0}, state.read_bytes, length)
      .then([=](const bytes& piece) { take(self, piece); },
            [=](const caf::error& error) {
              if (code_of(error) == errc::io_error)
                return give_up(self, self->state.doubted.front());
              // It has left meanwhile, or its node has.
              next(self);
            });
}

}  // namespace

caf::behavior copy_examiner(self_pointer self, actors_ptr actors,
                            std::deque<doubted_copy> doubted) {
  guard(self);
  if (copy_examiner_state::alive > max_copy_examiners) {
    spdlog::warn("a get had bad files; other cache copies are being examined, not those it read");
    self->quit();
    return {};
  }
  self->state.actors = std::move(actors);
  self->state.doubted = std::move(doubted);
  // A service that stops does not wait for it.
  self->set_down_handler([=](caf::down_msg&) { self->quit(caf::exit_reason::user_shutdown); });
  auto registrar = caf::actor_cast<caf::actor_addr>(self->state.actors->registrar);
  if (!watch(self, registrar)) {
    self->quit(caf::exit_reason::user_shutdown);
    return {};
  }
  read_on(self);
  return {[=](report_atom) {
    auto waiting = std::to_string(self->state.doubted.size());
    return std::vector<report>{report_of(self, "copy_examiner", {{"copies", waiting}})};
  }};
}

}  // namespace et
