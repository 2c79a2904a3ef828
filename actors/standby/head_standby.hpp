// What a head has for its standby: the gate at its registrar, and the shipper.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "actors/standby/catalogue_shipper.hpp"

namespace et {

struct head_standby_options {
  std::string standby;  ///< the node that is the standby
  std::chrono::milliseconds timeout = defaults::standby_timeout;
  standby_policy policy = standby_policy::drop;
};

class head_standby {
 public:
  /// `node`: this one; `state`: its folder.
  head_standby(head_standby_options options, std::string node, std::filesystem::path state)
      : options_(std::move(options)), node_(std::move(node)), state_(std::move(state)) {}

  /// Spawns registrar and shipper. `store` outlives them. `on_fenced` as in shipper_options.
  registrar_actor spawn(caf::actor_system& system, catalogue_store& store, const actors_ptr& actors,
                        uint64_t max_file_bytes, uint32_t audit_days,
                        std::function<void(const epoch_record&)> on_fenced);
  /// For membership_options::standby_changed.
  std::function<void(const std::string&, caf::strong_actor_ptr)> on_changed() const;
  /// Blocks until the standby follows or was dropped; until then nothing may be acknowledged.
  /// Error interrupted: `give_up` said so.
  caf::error wait(const std::function<bool()>& give_up) const;
  const catalogue_shipper_actor& shipper() const { return shipper_; }
  void forget() { shipper_ = nullptr; }

 private:
  head_standby_options options_;
  std::string node_;
  std::filesystem::path state_;
  std::shared_ptr<standby_status> status_ = std::make_shared<standby_status>();
  catalogue_shipper_actor shipper_;
};

}  // namespace et
