#include "actors/remote_pieces.hpp"

#include "actors/blocking.hpp"
#include "actors/defaults.hpp"
#include "actors/relay.hpp"

namespace et {

remote_reader::remote_reader(caf::actor_system& system, std::vector<cache_reader_actor> readers,
                             aggregation_id id, uint64_t size_bytes)
    : self_(system), readers_(std::move(readers)), id_(id), size_bytes_(size_bytes) {}

void remote_reader::ask() {
  while (asked_bytes_ < size_bytes_ && under_way_.size() < pieces_under_way) {
    auto length_bytes =
        static_cast<uint32_t>(std::min<uint64_t>(max_packed_bytes, size_bytes_ - asked_bytes_));
    // Of one reader: several would open the file each, and change the order of its pieces on disk.
    under_way_.push_back(self_->request(readers_[id_.number % readers_.size()],
                                        defaults::request_timeout, read_atom_v, id_, uint64_t{0},
                                        asked_bytes_, length_bytes));
    asked_bytes_ += length_bytes;
  }
}

caf::expected<std::span<const uint8_t>> remote_reader::next() {
  if (error_) return error_;
  ask();
  if (under_way_.empty()) return std::span<const uint8_t>{};
  auto first = under_way_.front();
  under_way_.pop_front();
  wait_for(self_, first);
  first.receive([&](bytes& piece) { piece_ = std::move(piece); },
                [&](caf::error& error) { error_ = std::move(error); });
  if (!error_ && piece_.size() != std::min<uint64_t>(max_packed_bytes, size_bytes_ - read_bytes_))
    error_ = fail(errc::corrupt, "the cache file of aggregation " + to_string(id_) +
                                     " is shorter than the catalogue says");
  if (error_) return error_;
  read_bytes_ += piece_.size();
  ask();
  return std::span<const uint8_t>{piece_};
}

remote_destination::remote_destination(caf::actor_system& system, cache_receiver_actor receiver,
                                       aggregation_id id)
    : self_(system),
      receiver_(std::move(receiver)),
      relay_(caf::actor_cast<cache_receiver_actor>(caf::actor_cast<caf::strong_actor_ptr>(
          system.spawn(relay_until_end<cache_receiver_actor>, receiver_,
                       "the node that takes aggregation " + to_string(id) + " has gone")))),
      id_(id) {}

remote_destination::~remote_destination() {
  self_->send_exit(relay_, caf::exit_reason::user_shutdown);
  if (number_ != 0) self_->send(receiver_, forget_atom_v, number_);
}

caf::error remote_destination::open() {
  auto opened = self_->request(relay_, defaults::request_timeout, open_atom_v, id_);
  wait_for(self_, opened);
  opened.receive([&](uint64_t number) { number_ = number; },
                 [&](caf::error& error) { error_ = std::move(error); });
  return error_;
}

caf::error remote_destination::wait_until(size_t under_way) {
  while (!error_ && under_way_.size() > under_way) {
    auto first = under_way_.front();
    under_way_.pop_front();
    wait_for(self_, first);
    first.receive([](bool) {}, [&](caf::error& error) { error_ = std::move(error); });
  }
  return error_;
}

caf::error remote_destination::send() {
  if (auto error = wait_until(pieces_under_way - 1)) return error;
  auto at = sent_bytes_;
  sent_bytes_ += piece_.size();
  under_way_.push_back(self_->request(relay_, defaults::catalogue_timeout, data_atom_v, number_, at,
                                      std::exchange(piece_, {})));
  return {};
}

caf::error remote_destination::write(std::span<const uint8_t> data) {
  while (!data.empty()) {
    if (piece_.empty()) piece_.reserve(max_packed_bytes);
    auto count = std::min(data.size(), max_packed_bytes - piece_.size());
    piece_.insert(piece_.end(), data.begin(), data.begin() + static_cast<std::ptrdiff_t>(count));
    data = data.subspan(count);
    size_bytes_ += count;
    if (piece_.size() == max_packed_bytes)
      if (auto error = send()) return error;
  }
  return error_;
}

caf::error remote_destination::publish(uint64_t size_bytes, const aggregation_checksum& checksum) {
  if (!piece_.empty())
    if (auto error = send()) return error;
  if (auto error = wait_until(0)) return error;
  auto published = self_->request(relay_, defaults::catalogue_timeout, publish_atom_v, number_,
                                  size_bytes, checksum);
  wait_for(self_, published);
  published.receive([](bool) {}, [&](caf::error& error) { error_ = std::move(error); });
  if (!error_) number_ = 0;
  return error_;
}

}  // namespace et
