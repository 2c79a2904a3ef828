#include "cli/data_nodes.hpp"

namespace et {

data_nodes::data_nodes(connect_function connect, std::function<steady::time_point()> now)
    : connect_(connect ? std::move(connect)
                       : [](const delivery& given) {
                           return client::connect_with_ticket(given.address, given.fingerprint,
                                                              given.ticket);
                         }),
      now_(std::move(now)) {}

data_nodes::~data_nodes() {
  std::vector<std::shared_ptr<client>> all;
  {
    std::lock_guard lock{mutex_};
    all = std::move(lost_);
    for (auto& [address, node] : nodes_) all.push_back(std::move(node.connection));
    nodes_.clear();
    places_.clear();
  }
  // Until they have ended, one of their threads may be in give_up().
  all.clear();
}

void data_nodes::learn(const delivery& given) {
  std::unique_lock lock{mutex_};
  auto& node = nodes_[given.address];  // stays where it is: nothing is taken out before the end
  bool wanted =
      !node.connection && now_() >= node.not_before && lost_.size() < defaults::max_lost_data_nodes;
  if (wanted) {
    lock.unlock();
    auto connected = connect_(given);
    lock.lock();
    if (!connected) {
      node.not_before = now_() + defaults::data_retry_wait;
    } else if (node.connection) {
      lost_.push_back(std::move(*connected));
    } else {
      node.connection = std::move(*connected);
    }
  }
  places_[given.range.aggregation] = node.connection;
}

std::shared_ptr<client> data_nodes::of(aggregation_id aggregation) {
  std::lock_guard lock{mutex_};
  auto found = places_.find(aggregation);
  return found == places_.end() ? nullptr : found->second;
}

bool data_nodes::give_up(aggregation_id aggregation, const client* node, errc why) {
  // It cannot be reached any more, but perhaps the head still does; or it has been lost meanwhile
  // and forgot what the head had permitted.
  bool is_lost = why == errc::unavailable || why == errc::timeout;
  if (!is_lost && why != errc::not_authorised) return false;
  std::lock_guard lock{mutex_};
  places_.erase(aggregation);
  if (!is_lost) return true;
  std::erase_if(places_, [&](const auto& place) { return place.second.get() == node; });
  for (auto& [address, one] : nodes_) {
    if (one.connection.get() != node) continue;
    lost_.push_back(std::move(one.connection));
    one = {nullptr, now_() + defaults::data_retry_wait};
  }
  return true;
}

}  // namespace et
