#include "actors/cluster/node_service.hpp"

#include <thread>

#include "actors/actor_base.hpp"
#include "actors/data_port.hpp"
#include "actors/error_alerts.hpp"
#include "actors/inspector.hpp"
#include "actors/relay.hpp"

namespace et::cluster {

caf::expected<std::unique_ptr<node_service>> node_service::start(
    caf::actor_system& system, node_service_options options,
    std::function<void(const std::string&)> on_failure) {
  std::unique_ptr<node_service> made{new node_service(system, std::move(options))};
  auto& with = made->options_;
  auto folder = state_folder::open(with.state, with.node);
  if (!folder) return folder.error();
  made->folder_ = std::move(*folder);
  if (with.storage.cache_folder.empty()) with.storage.cache_folder = with.state / "cache";
  if (with.storage.library_folder.empty()) with.storage.library_folder = with.state / "library";
  auto storage = node_storage::open(with.storage);
  if (!storage) return storage.error();
  made->storage_ = std::move(*storage);
  auto held = made->storage_->held();
  if (!held) return held.error();
  made->spawn_actors(std::move(*held));
  tell_errors(made->actors_->head, made->actors_->node);
  if (auto error = made->open_door()) return error;
  if (auto error = made->join_cluster()) return error;
  made->watch(std::move(on_failure));
  return made;
}

node_service::~node_service() {
  stop();
}

void node_service::spawn_actors(std::vector<kept_file> kept) {
  actors_ = std::make_shared<service_actors>();
  actors_->node = folder_->node();
  actors_->head = caf::actor_cast<head_actor>(system_.spawn(relay<head_actor>));
  storage_->spawn(system_, actors_, std::move(kept));
  actors_->inspector = system_.spawn(inspector, actors_ptr{actors_});
}

/// Who comes with a ticket reads data; commands are for the head.
caf::error node_service::open_door() {
  auto& door = options_.door;
  if (!door.remote || !actors_->tickets) return {};
  if (door.socket.empty()) door.socket = (options_.state / "elastictape.sock").string();
  door.channels = storage_->channels();
  credential_checker::options nobody;
  nobody.find_token = [](const std::string&) { return std::optional<token_record>{}; };
  nobody.find_user = [](const std::string&) -> caf::expected<os_user> {
    return fail(errc::not_found, "this node is not the head");
  };
  nobody.find_uid = [](uint32_t) -> caf::expected<os_user> {
    return fail(errc::not_found, "this node is not the head");
  };
  door.remote->checker = std::make_shared<credential_checker>(std::move(nobody));
  auto actors = actors_ptr{actors_};
  auto* system = &system_;
  door.remote->ticket_port = [actors, system](const std::string& ticket, uint64_t session) {
    return caf::actor_cast<caf::strong_actor_ptr>(
        system->spawn(data_port, actors, ticket, session));
  };
  auto opened = front_door::open(system_, door,
                                 [](const identity&, uint64_t) { return caf::strong_actor_ptr{}; });
  if (!opened) return opened.error();
  door_ = std::move(*opened);
  return {};
}

caf::error node_service::join_cluster() {
  membership_options with;
  if (door_) {
    with.clients = door_->remote_address();
    auto fingerprint = certificates{options_.cluster.folder}.key_fingerprint();
    if (!fingerprint) return fingerprint.error();
    with.fingerprint = *fingerprint;
  }
  with.clock = options_.storage.clock;
  auto* storage = storage_.get();
  with.give_up_jobs = [storage, stopping = stopping_](bool on) {
    if (!stopping->load()) storage->give_up_jobs(on);
  };
  if (options_.prepare) options_.prepare(folder_->node(), with);
  auto begun = cluster::begin(system_, actors_, options_.cluster, std::move(with));
  if (!begun) return begun.error();
  links_ = std::move(begun->links);
  membership_ = begun->membership;
  actors_->membership = caf::actor_cast<caf::strong_actor_ptr>(membership_);
  return {};
}

std::vector<caf::actor> node_service::every_actor() const {
  std::vector<caf::actor> list;
  storage_->list(*actors_, list);
  list.push_back(caf::actor_cast<caf::actor>(actors_->inspector));
  list.push_back(caf::actor_cast<caf::actor>(actors_->head));
  if (membership_) list.push_back(caf::actor_cast<caf::actor>(membership_));
  return list;
}

/// A node that lacks an actor must not be taken for a whole one.
void node_service::watch(std::function<void(const std::string&)> on_failure) {
  auto watched = every_actor();
  watcher_ = system_.spawn(
      [watched, on_failure, stopping = stopping_](caf::event_based_actor* self) -> caf::behavior {
        self->set_down_handler([=](caf::down_msg& down) {
          if (!stopping->load()) on_failure(text_of(down.reason));
        });
        for (auto& one : watched) self->monitor(one);
        return {[=](tick_atom) {}};
      });
}

void node_service::stop() {
  if (!actors_ || stopping_->exchange(true)) return;
  tell_no_errors();
  if (door_) door_->stop();
  if (links_) links_->stop();
  storage_->give_up_jobs(true);
  auto list = every_actor();
  if (watcher_) list.push_back(watcher_);
  caf::scoped_actor self{system_};
  for (auto& one : list) self->send_exit(one, caf::exit_reason::user_shutdown);
  self->wait_for(list);
  list.clear();
  watcher_ = nullptr;
  membership_ = nullptr;
  // The door makes ports that read the table.
  door_.reset();
  options_.door.remote.reset();
  // The table of handles is a ring of references, to be opened when nobody reads it any more.
  for (int i = 0; i < 2000 && actors_.use_count() > 1; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  if (actors_.use_count() == 1) *actors_ = {};
  actors_.reset();
  links_.reset();
  storage_.reset();
  spdlog::info("stopped");
}

}  // namespace et::cluster
