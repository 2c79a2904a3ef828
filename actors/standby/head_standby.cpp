#include "actors/standby/head_standby.hpp"

#include "actors/actor_base.hpp"
#include "actors/blocking.hpp"
#include "actors/registrar.hpp"

namespace et {

registrar_actor head_standby::spawn(caf::actor_system& system, catalogue_store& store,
                                    const actors_ptr& actors, uint64_t max_file_bytes,
                                    uint32_t audit_days,
                                    std::function<void(const epoch_record&)> on_fenced) {
  auto made = spawn_blocking(system, registrar_with_standby, &store, actors, max_file_bytes,
                             audit_days, status_);
  shipper_options with;
  with.node = node_;
  with.standby = options_.standby;
  with.folder = state_ / "standby";
  with.timeout = options_.timeout;
  with.policy = options_.policy;
  with.on_fenced = std::move(on_fenced);
  shipper_ =
      spawn_blocking(system, catalogue_shipper, &store.log(), made, status_, std::move(with));
  return made;
}

std::function<void(const std::string&, caf::strong_actor_ptr)> head_standby::on_changed() const {
  return [standby = options_.standby, shipper = caf::actor_cast<caf::strong_actor_ptr>(shipper_)](
             const std::string& node, caf::strong_actor_ptr follower) {
    // A lost one knows it from its own end of the link.
    if (node != standby || !follower) return;
    caf::anon_send(caf::actor_cast<catalogue_follower_actor>(follower), attach_atom_v, shipper);
  };
}

caf::error head_standby::wait(const std::function<bool()>& give_up) const {
  constexpr std::chrono::milliseconds slice{100};
  spdlog::info("waiting for standby {}", options_.standby);
  while (!status_->decided(slice))
    if (give_up && give_up())
      return fail(errc::interrupted, "stopped while waiting for standby " + options_.standby);
  return {};
}

}  // namespace et
