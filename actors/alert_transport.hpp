// The last step of an alert: to a webhook by HTTP, to a mail server by SMTP. Blocking, within named
// time-outs.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "actors/alert_delivery.hpp"
#include "actors/defaults.hpp"

namespace et {

struct delivery_result {
  enum class kind_type { delivered, failed, gone };
  kind_type kind = kind_type::failed;
  std::string why;  ///< of what is not delivered; also when only some addresses were refused
};

class alert_transport {
 public:
  virtual ~alert_transport() = default;
  /// How many alerts one delivery takes.
  virtual size_t most() const = 0;
  /// Delivers all of `alerts` (one to most()) or says why not. `gone`: nobody wants them any more.
  virtual delivery_result deliver(const std::vector<alert_record>& alerts) = 0;
};

struct transport_limits {
  std::chrono::milliseconds connect = defaults::alert_connect_timeout;
  std::chrono::milliseconds whole = defaults::alert_delivery_timeout;
  /// A delivery ends early when it becomes true; may be null.
  const std::atomic<bool>* stopping = nullptr;
};

/// Webhook or mail, by the target's kind.
std::unique_ptr<alert_transport> make_transport(const alert_target& target,
                                                const transport_limits& limits);

}  // namespace et
