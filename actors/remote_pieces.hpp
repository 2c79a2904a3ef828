// Moves an aggregation between nodes in pieces, some of them under way at once: what is not
// acknowledged yet is bounded, and so a slow receiver slows its sender. For detached actors: calls
// wait.
#pragma once

#include <deque>

#include "actors/protocol.hpp"
#include "storage/cache/aggregation_builder.hpp"

namespace et {

/// Pieces under way, each of max_packed_bytes.
constexpr size_t pieces_under_way = 8;

/// Reads a cache file of another node from its beginning to its end.
class remote_reader {
 public:
  /// `readers` are that node's, and there is one; the file has `size_bytes`.
  remote_reader(caf::actor_system& system, std::vector<cache_reader_actor> readers,
                aggregation_id id, uint64_t size_bytes);

  /// The next bytes; none behind the end. They stay valid until the next call. After an error every
  /// later call gives the same.
  caf::expected<std::span<const uint8_t>> next();

 private:
  using answer = decltype(std::declval<caf::scoped_actor&>()->request(
      std::declval<const cache_reader_actor&>(), std::chrono::seconds{1}, read_atom_v,
      aggregation_id{}, uint64_t{}, uint64_t{}, uint32_t{}));

  void ask();

  caf::scoped_actor self_;
  std::vector<cache_reader_actor> readers_;
  aggregation_id id_;
  uint64_t size_bytes_;
  uint64_t asked_bytes_ = 0;
  uint64_t read_bytes_ = 0;
  std::deque<answer> under_way_;
  bytes piece_;
  caf::error error_;
};

/// Writes an aggregation into the cache of another node.
class remote_destination final : public aggregation_destination {
 public:
  remote_destination(caf::actor_system& system, cache_receiver_actor receiver, aggregation_id id);
  /// What was not published is dropped there.
  ~remote_destination() override;

  /// Errors: those of the receiver; node_lost.
  caf::error open();
  caf::error write(std::span<const uint8_t> data) override;
  uint64_t size_bytes() const override { return size_bytes_; }
  caf::error publish(uint64_t size_bytes, const aggregation_checksum& checksum) override;

 private:
  using answer = decltype(std::declval<caf::scoped_actor&>()->request(
      std::declval<const cache_receiver_actor&>(), std::chrono::seconds{1}, data_atom_v, uint64_t{},
      uint64_t{}, bytes{}));

  caf::error send();
  caf::error wait_until(size_t under_way);

  caf::scoped_actor self_;
  cache_receiver_actor receiver_;
  /// Requests go through this: those under way fail when the link to the other node ends.
  cache_receiver_actor relay_;
  aggregation_id id_;
  uint64_t number_ = 0;
  uint64_t size_bytes_ = 0;
  uint64_t sent_bytes_ = 0;
  bytes piece_;
  std::deque<answer> under_way_;
  caf::error error_;
};

}  // namespace et
