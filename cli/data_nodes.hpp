// The nodes that a client reads data of its retrievals straight from, beside the head.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cli/client.hpp"

namespace et {

/// Thread safe. One connection to each node. To a node that could not be reached, or did not answer
/// in time, none is tried for data_retry_wait; none at all after max_lost_data_nodes were lost.
class data_nodes {
 public:
  using steady = std::chrono::steady_clock;
  using connect_function =
      std::function<caf::expected<std::unique_ptr<client>>(const delivery& given)>;
  /// Both for tests.
  explicit data_nodes(connect_function connect = {},
                      std::function<steady::time_point()> now = &steady::now);
  /// Requests under way are answered as by the end of their clients.
  ~data_nodes();

  /// Where the data of a delivery with a ticket are. Connects if need be, which takes
  /// data_connect_timeout at most, as long again for the greeting, and data_timeout for the hello.
  void learn(const delivery& given);
  /// Which node is to be asked for an aggregation's data; null: the head.
  std::shared_ptr<client> of(aggregation_id aggregation);
  /// `node` answered a request for the aggregation's data with `why`. True: the head is to be
  /// asked, now and from now on.
  bool give_up(aggregation_id aggregation, const client* node, errc why);

 private:
  struct known {
    std::shared_ptr<client> connection;
    steady::time_point not_before{};  ///< without a connection
  };

  const connect_function connect_;
  const std::function<steady::time_point()> now_;
  std::mutex mutex_;
  std::map<std::string, known> nodes_;  ///< by address
  std::map<aggregation_id, std::shared_ptr<client>> places_;
  // They cannot end before the rest does: a client must not on its own thread, and requests may be
  // under way.
  std::vector<std::shared_ptr<client>> lost_;
};

}  // namespace et
