// A copy examiner among fakes.

#include "actors/copy_examiner.hpp"

#include <array>
#include <catch2/catch.hpp>

#include "actors/node_config.hpp"
#include "actors/node_roster.hpp"
#include "actors/retrieval_supervisor.hpp"

using namespace et;

namespace {

/// What happened, in order. Written by the fakes, each of which is asked when the one before has
/// answered; read when the examiner has ended.
using events = std::vector<std::string>;

const bytes stored(3 * max_packed_bytes / 2, 's');

/// In the cache: what was stored, but for these.
caf::behavior fake_reader(caf::event_based_actor*, std::map<uint32_t, bytes> others,
                          std::map<uint32_t, errc> errors) {
  return {[=](read_atom, aggregation_id id, uint64_t recall, uint64_t offset_bytes,
              uint32_t length_bytes) -> caf::result<bytes> {
    auto bad = errors.find(id.number);
    if (recall != 0) return fail(errc::internal, "a part recall is not asked for");
    if (bad != errors.end()) return fail(bad->second, "cannot be read");
    auto other = others.find(id.number);
    auto& from = other == others.end() ? stored : other->second;
    auto begin = std::min<size_t>(offset_bytes, from.size());
    auto end = std::min<size_t>(begin + length_bytes, from.size());
    return bytes(from.begin() + static_cast<ptrdiff_t>(begin),
                 from.begin() + static_cast<ptrdiff_t>(end));
  }};
}

caf::behavior fake_registrar(caf::event_based_actor*, events* told) {
  return {[=](evicted_atom, const std::vector<aggregation_id>& ids, const std::string& node) {
    told->push_back("evicted " + to_string(ids.at(0)) + " of " + node);
    return true;
  }};
}

caf::behavior fake_keeper(caf::event_based_actor*, events* told) {
  return {[=](judged_atom, const std::vector<held_file>& files) {
    bool goes = files.at(0).verdict == held_file::verdict_type::nobody;
    told->push_back((goes ? "deleted " : "kept ") + to_string(files.at(0).id));
    return true;
  }};
}

/// Copies 7.1 to 7.`count` on a node are examined.
events examine(uint32_t count, std::map<uint32_t, bytes> others,
               std::map<uint32_t, errc> errors = {}) {
  node_config config{service_node(2)};
  caf::actor_system system{config};
  events told;
  auto reader = system.spawn(fake_reader, std::move(others), std::move(errors));
  auto registrar = system.spawn(fake_registrar, &told);
  auto keeper = system.spawn(fake_keeper, &told);
  auto actors = std::make_shared<service_actors>();
  actors->registrar = caf::actor_cast<registrar_actor>(registrar);
  storage_node node;
  node.name = "n";
  node.up = true;
  node.keeper = caf::actor_cast<cache_keeper_actor>(keeper);
  node.cache_readers = {caf::actor_cast<cache_reader_actor>(reader)};
  actors->nodes->put(node);
  std::deque<doubted_copy> doubted;
  aggregation_hasher hasher;
  hasher.update(stored);
  for (uint32_t number = 1; number <= count; ++number) {
    auto& one = doubted.emplace_back();
    one.node = number == 4 ? "lost" : "n";
    one.record.id = {batch_id{7}, number};
    one.record.size_bytes = stored.size();
    one.record.checksum = hasher.checksum();
  }
  caf::scoped_actor self{system};
  auto examiner = system.spawn(copy_examiner, actors_ptr{actors}, std::move(doubted));
  self->wait_for(examiner);
  for (auto& one : {reader, registrar, keeper})
    self->send_exit(one, caf::exit_reason::user_shutdown);
  self->wait_for(reader, registrar, keeper);
  *actors = {};
  return told;
}

}  // namespace

TEST_CASE("copies with other bytes leave the cache, the catalogue first; the others stay") {
  auto flipped = stored;
  flipped[stored.size() - 1] ^= 1;
  bytes shorter(stored.begin(), stored.end() - 1);
  CHECK(examine(6, {{2, flipped}, {5, shorter}}) ==
        events{"evicted 7.2 of n", "deleted 7.2", "evicted 7.5 of n", "deleted 7.5"});
  CHECK(examine(1, {}).empty());
}

TEST_CASE("copies that a disk cannot give leave the cache, those that have left it are let be") {
  CHECK(examine(3, {}, {{1, errc::io_error}, {2, errc::not_found}, {3, errc::timeout}}) ==
        events{"evicted 7.1 of n", "deleted 7.1"});
}

TEST_CASE("no more copies are examined at once than their bound") {
  const std::map<uint32_t, errc> errors{{1, errc::io_error}};
  {
    std::array<copy_examiner_state, max_copy_examiners> others;
    CHECK(examine(1, {}, errors).empty());
  }
  CHECK(examine(1, {}, errors).size() == 2);
}

TEST_CASE("a retrieval remembers a bounded number of copies, only what is on tape and was whole") {
  retrieval_supervisor_state retrieval;
  retrieval_supervisor_state::part part;
  part.pinned = true;
  part.record.state = state::cached;
  retrieval.remember(part);
  CHECK(retrieval.served.empty());
  part.record.state = state::synced;
  part.recall = 3;
  retrieval.remember(part);
  CHECK(retrieval.served.empty());
  part.recall = 0;
  for (size_t i = 0; i < max_doubted_copies + 1; ++i) retrieval.remember(part);
  CHECK(retrieval.served.size() == max_doubted_copies);
}
