#include "actors/standby/standby_service.hpp"

#include <sys/stat.h>

#include "actors/actor_base.hpp"
#include "actors/blocking.hpp"
#include "actors/standby/epoch_watch.hpp"
#include "actors/standby/standby_port.hpp"

namespace et {

caf::expected<std::unique_ptr<standby_service>> standby_service::start(
    caf::actor_system& system, standby_service_options options,
    std::function<void(const std::string&)> on_failure, std::function<void()> on_promoted) {
  std::unique_ptr<standby_service> made{new standby_service(system, std::move(options))};
  auto& with = made->options_;
  if (with.door.socket.empty()) with.door.socket = (with.node.state / "elastictape.sock").string();
  auto state = with.node.state;
  auto epochs = epoch_watch::open(state, with.node.node, std::nullopt);
  if (!epochs) return epochs.error();
  // Behind the state folder's lock, before the links.
  with.node.prepare = [&system, state, catalogue = with.catalogue, epochs = *epochs,
                       raw = made.get()](const std::string& node,
                                         cluster::membership_options& membership) {
    follower_options follow;
    follow.node = node;
    follow.state = state;
    follow.catalogue = catalogue;
    raw->follower_ = spawn_blocking(system, catalogue_follower, std::move(follow));
    membership.follower = caf::actor_cast<caf::strong_actor_ptr>(raw->follower_);
    membership.epoch = [epochs] { return epochs->epoch(); };
    membership.heard_epoch = [epochs, clock = catalogue.clock](uint64_t epoch,
                                                               const std::string& of) {
      epochs->heard({epoch, of, clock->now_ns()});
    };
  };
  auto node = cluster::node_service::start(system, with.node, std::move(on_failure));
  if (!node) return node.error();
  made->node_ = std::move(*node);
  if (auto error = made->open_door(std::move(on_promoted))) return error;
  return made;
}

caf::error standby_service::open_door(std::function<void()> on_promoted) {
  standby_port_options port;
  port.node = node_->node();
  port.follower = follower_;
  port.membership = node_->membership();
  port.on_promoted = std::move(on_promoted);
  auto* system = &system_;
  options_.door.remote.reset();
  auto door = front_door::open(system_, options_.door, [=](const identity& who, uint64_t) {
    return caf::actor_cast<caf::strong_actor_ptr>(system->spawn(standby_port, who, port));
  });
  if (!door) return door.error();
  door_ = std::move(*door);
  auto told = options_.node.state / "address";
  if (auto error = replace_file(told, address())) return error;
  if (::chmod(told.c_str(), 0644) != 0) return fail_errno("cannot open " + told.string(), errno);
  return {};
}

standby_service::~standby_service() {
  stop();
}

void standby_service::stop() {
  if (door_) door_->stop();
  door_.reset();
  if (node_) node_->stop();
  if (!follower_) return;
  caf::scoped_actor self{system_};
  self->send_exit(follower_, caf::exit_reason::user_shutdown);
  self->wait_for(follower_);
  follower_ = nullptr;
}

}  // namespace et
