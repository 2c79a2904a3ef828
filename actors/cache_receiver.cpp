#include "actors/cache_receiver.hpp"

#include "actors/actor_base.hpp"

namespace et {

namespace {

/// Aggregations that one receiver takes at once.
constexpr size_t max_transfers = 64;

caf::error no_transfer() {
  return fail(errc::not_found, "this transfer is not open any more");
}

}  // namespace

caf::expected<uint64_t> cache_receiver_state::open(aggregation_id id, caf::actor_addr sender) {
  if (transfers.size() >= max_transfers)
    return fail(errc::limit_reached, "too many aggregations come from other nodes at once");
  auto sink = store->create_temporary(id);
  if (!sink) return sink.error();
  auto number = next_number++;
  transfers.emplace(number, transfer{std::move(sender), std::move(*sink), {}});
  return number;
}

caf::error cache_receiver_state::take(uint64_t number, uint64_t offset_bytes, const bytes& piece) {
  auto found = transfers.find(number);
  if (found == transfers.end()) return no_transfer();
  auto& one = found->second;
  caf::error error;
  if (one.sink.size_bytes() != offset_bytes || piece.size() > max_packed_bytes)
    error = fail(errc::protocol, "a piece of an aggregation is not the next one");
  else
    error = one.sink.write(piece);
  if (error) {
    transfers.erase(found);
    return error;
  }
  one.hasher.update(piece);
  received_bytes += piece.size();
  return {};
}

caf::error cache_receiver_state::publish(uint64_t number, uint64_t size_bytes,
                                         const aggregation_checksum& checksum) {
  auto found = transfers.find(number);
  if (found == transfers.end()) return no_transfer();
  auto one = std::move(found->second);
  transfers.erase(found);
  if (one.sink.size_bytes() != size_bytes || !(one.hasher.checksum() == checksum))
    return fail(errc::corrupt, "an aggregation did not arrive as it was sent; it is sent again");
  return store->publish(one.sink);
}

void cache_receiver_state::drop_of(const caf::actor_addr& sender) {
  std::erase_if(transfers, [&](const auto& one) { return one.second.sender == sender; });
}

cache_receiver_actor::behavior_type cache_receiver(
    cache_receiver_actor::stateful_pointer<cache_receiver_state> self, cache_store* store,
    uint32_t number) {
  guard(self);
  self->state.store = store;
  self->set_down_handler([self](caf::down_msg& down) { self->state.drop_of(down.source); });
  return {
      [=](report_atom) -> caf::result<std::vector<report>> {
        auto& state = self->state;
        return std::vector<report>{
            report_of(self, "cache_receiver " + std::to_string(number),
                      {{"transfers", std::to_string(state.transfers.size())},
                       {"received bytes", std::to_string(state.received_bytes)}})};
      },
      [=](open_atom, aggregation_id id) -> caf::result<uint64_t> {
        auto sender = caf::actor_cast<caf::actor_addr>(self->current_sender());
        if (self->current_sender()) self->monitor(sender);
        return self->state.open(id, std::move(sender));
      },
      [=](data_atom, uint64_t transfer, uint64_t offset_bytes,
          const bytes& piece) -> caf::result<bool> {
        if (auto error = self->state.take(transfer, offset_bytes, piece)) return error;
        return true;
      },
      [=](publish_atom, uint64_t transfer, uint64_t size_bytes,
          const aggregation_checksum& checksum) -> caf::result<bool> {
        if (auto error = self->state.publish(transfer, size_bytes, checksum)) return error;
        return true;
      },
      [=](forget_atom, uint64_t transfer) { self->state.transfers.erase(transfer); },
  };
}

}  // namespace et
