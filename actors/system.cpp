#include "actors/system.hpp"

#include <sys/stat.h>

#include "actors/actor_base.hpp"
#include "actors/error_alerts.hpp"
#include "actors/metrics.hpp"
#include "actors/session_port.hpp"
#include "storage/os/users.hpp"

namespace et {

service::service(caf::actor_system& system, service_options options)
    : system_(system), options_(std::move(options)) {
  if (options_.door.socket.empty())
    options_.door.socket = (options_.state / "elastictape.sock").string();
}

service::~service() {
  stop();
}

caf::error service::open_door() {
  auto actors = head_->actors();
  auto max_file_bytes = options_.max_file_bytes;
  auto* system = &system_;
  options_.door.channels = head_->storage().channels();
  options_.door.audit = [registrar = head_->actors()->registrar](audit_record record) {
    caf::anon_send(registrar, audit_atom_v, std::move(record));
  };
  if (options_.door.remote && !options_.door.remote->checker) {
    credential_checker::options known;
    known.find_token = [store = &head_->store()](const std::string& hash) {
      return store->view()->token(hash);
    };
    known.find_user = [](const std::string& name) { return et::find_user(name); };
    known.find_uid = [](uint32_t uid) { return et::find_user(uid); };
    known.munge = options_.munge;
    known.administrators = options_.door.administrators;
    known.clock = options_.clock;
    options_.door.remote->checker = std::make_shared<credential_checker>(std::move(known));
  }
  join_token_keeper keep = [issuer = options_.cluster.issuer](const std::string& hash,
                                                              int64_t expires_ns) {
    return issuer->add_token(hash, expires_ns);
  };
  auto door = front_door::open(system_, options_.door, [=](const identity& who, uint64_t number) {
    actors->measures->sessions.Increment();
    return caf::actor_cast<caf::strong_actor_ptr>(
        system->spawn(session_port, actors, who, number, max_file_bytes, keep));
  });
  if (!door) return door.error();
  door_ = std::move(*door);
  open_door_ = door_.get();
  // Commands that only know the state folder learn from this file where to go.
  auto told = options_.state / "address";
  if (auto error = replace_file(told, address())) return error;
  if (::chmod(told.c_str(), 0644) != 0) return fail_errno("cannot open " + told.string(), errno);
  return caf::none;
}

/// Others may join from here on.
caf::error service::open_cluster() {
  options_.cluster.issuer =
      std::make_shared<cluster::enrolment>(options_.cluster.folder, options_.clock);
  auto begun =
      cluster::begin(system_, head_->actors(), options_.cluster, head_->membership_options());
  if (!begun) return begun.error();
  links_ = std::move(begun->links);
  return head_->begin_membership(begun->membership);
}

caf::error service::open_monitor() {
  if (options_.monitor.address.empty()) return caf::none;
  monitor::live_watch::options seen;
  seen.system = &system_;
  seen.actors = head_->actors();
  seen.store = &head_->store();
  seen.node = monitor::node_label(head_->node());
  seen.sessions = [this]() -> uint64_t {
    auto* door = open_door_.load();
    return door ? door->sessions().size() : 0;
  };
  seen.clock = options_.clock;
  watch_ = std::make_unique<monitor::live_watch>(std::move(seen));
  options_.monitor.access.audit = [registrar = head_->actors()->registrar](audit_record record) {
    caf::anon_send(registrar, audit_atom_v, std::move(record));
  };
  auto opened = monitor::server::open(
      options_.monitor,
      {&head_->store(), head_->node(), {}, watch_.get(), head_->actors()->measures.get()});
  if (!opened) return opened.error();
  monitor_ = std::move(*opened);
  return caf::none;
}

caf::expected<std::unique_ptr<service>> service::start(
    caf::actor_system& system, service_options options,
    std::function<void(const std::string&)> on_failure) {
  std::unique_ptr<service> made{new service(system, std::move(options))};
  auto opened = head::open(system, made->options_, std::move(on_failure));
  if (!opened) return opened.error();
  made->head_ = std::move(*opened);
  tell_errors(made->head_->actors()->head, made->head_->node());
  if (auto error = made->open_cluster()) return error;
  made->head_->watch();
  if (auto* standby = made->head_->standby())
    if (auto error = standby->wait(made->options_.give_up)) return error;
  if (auto error = made->open_monitor()) return error;
  if (auto error = made->open_door()) return error;
  return made;
}

void service::stop() {
  tell_no_errors();
  monitor_.reset();
  watch_.reset();
  if (door_) {
    door_->stop();
    door_.reset();
  }
  if (!head_) return;
  head_->begin_stop();
  if (links_) links_->stop();
  head_->stop();
  links_.reset();
  head_.reset();
}

}  // namespace et
