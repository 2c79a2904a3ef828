#include "actors/system.hpp"

#include <sys/stat.h>

#include "actors/actor_base.hpp"
#include "actors/alert_courier.hpp"
#include "actors/alert_publisher.hpp"
#include "actors/batch_director.hpp"
#include "actors/catalogue_reader.hpp"
#include "actors/cluster/joiner.hpp"
#include "actors/defaults.hpp"
#include "actors/head_port.hpp"
#include "actors/inspector.hpp"
#include "actors/registrar.hpp"
#include "actors/restart.hpp"
#include "actors/retrieval_director.hpp"
#include "actors/session_port.hpp"
#include "storage/catalogue/alert_text.hpp"
#include "storage/os/users.hpp"
#include "storage/printable.hpp"

#include <random>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

namespace et {

namespace fs = std::filesystem;

service::service(caf::actor_system& system, service_options options,
                 std::function<void(const std::string&)> on_failure)
    : system_(system), options_(std::move(options)), on_failure_(std::move(on_failure)) {
  auto& state = options_.state;
  auto& storage = options_.storage;
  if (storage.cache_folder.empty()) storage.cache_folder = state / "cache";
  if (storage.library_folder.empty()) storage.library_folder = state / "library";
  if (options_.door.socket.empty()) options_.door.socket = (state / "elastictape.sock").string();
}

service::~service() {
  stop();
}

caf::error service::open_state() {
  auto folder = state_folder::open(options_.state, options_.node);
  if (!folder) return folder.error();
  folder_ = std::move(*folder);
  options_.node = folder_->node();
  return caf::none;
}

caf::error service::open_storage() {
  auto store = catalogue_store::open((options_.state / "catalogue").string(), options_.catalogue);
  if (!store) return with_context(store.error(), "catalogue");
  store_ = std::move(*store);
  auto storage = node_storage::open(options_.storage);
  if (!storage) return storage.error();
  storage_ = std::move(*storage);
  return caf::none;
}

/// A head that another has replaced does not begin.
caf::error service::check_epoch() {
  auto own = store_->log().epoch();
  if (!own) return own.error();
  auto epochs = epoch_watch::open(options_.state, options_.node, *own, options_.on_fenced);
  if (!epochs) return epochs.error();
  epochs_ = std::move(*epochs);
  return caf::none;
}

caf::error service::add_default_workspace() {
  if (!options_.default_workspace) return caf::none;
  auto all = store_->view()->workspaces();
  if (!all) return all.error();
  if (!all->empty()) return caf::none;
  workspace_record local;
  local.name = "local";
  local.roots = {"/"};
  local.managers = {user_name(::geteuid())};
  local.quota_bytes = 1ull << 40;
  auto added = store_->add_workspace(local);
  if (!added) return added.error();
  spdlog::info("workspace local added: roots /, manager {}, quota 1 TiB", local.managers[0]);
  return caf::none;
}

caf::expected<std::vector<kept_file>> service::reconcile_cache() {
  return et::reconcile_cache(*store_, storage_->cache(), options_.node);
}

/// Before anything can raise an alert: what is raised from now on is for every target.
caf::error service::begin_deliveries() {
  for (auto& target : options_.alert_targets) {
    auto delivered = store_->begin_delivery(target.name);
    if (!delivered) return with_context(delivered.error(), "alerts to " + target.name);
    delivered_.push_back(*delivered);
  }
  return caf::none;
}

/// A run that ended otherwise than by stop() left its mark. The mark stays until the alert is
/// durable, so that it is told of even when this start fails.
caf::error service::tell_of_lost_run() {
  auto mark = options_.state / "running";
  auto begun = read_small_file(mark, 64);
  if (begun) {
    alert_record lost;
    lost.level = severity::warning;
    lost.text = "node " + options_.node + " is back: its run of " +
                printable(begun->substr(0, begun->find('\n'))) +
                " ended without being stopped (a kill, a crash or a loss of power)";
    spdlog::warn("{}", lost.text);
    auto told = store_->add_alert(std::move(lost));
    if (!told) return told.error();
  } else if (code_of(begun.error()) != errc::not_found) {
    return begun.error();
  }
  auto retrievals = store_->end_lost_retrievals();
  if (!retrievals) return retrievals.error();
  if (*retrievals > 0) spdlog::warn("{} retrievals of that run have failed", *retrievals);
  auto now_ns = options_.clock->now_ns();
  if (auto error = replace_file(mark, local_time(now_ns) + "\n")) return error;
  marked_ = true;
  return caf::none;
}

/// This run has not been lost.
void service::unmark() {
  if (!std::exchange(marked_, false) || failed_->load()) return;
  std::error_code code;
  fs::remove(options_.state / "running", code);
  if (code) spdlog::error("cannot remove the mark of this run: {}", code.message());
}

void service::spawn_couriers() {
  for (size_t i = 0; i < options_.alert_targets.size(); ++i) {
    courier_options one;
    one.target = options_.alert_targets[i];
    one.delivered = delivered_[i];
    one.limits.stopping = &stopping_;
    one.clock = options_.clock;
    one.random = [engine = std::mt19937{std::random_device{}()}]() mutable {
      return std::uniform_real_distribution<double>{}(engine);
    };
    one.rung = std::make_shared<std::atomic<bool>>(false);
    auto rung = one.rung;
    actors_->couriers.push_back(
        {system_.spawn<caf::detached>(alert_courier, actors_ptr{actors_}, std::move(one)),
         std::move(rung)});
  }
}

void service::spawn_actors(std::vector<kept_file> kept) {
  // Handles are spawned in the order of who is asked first; all of them read the same table, which
  // is complete before a message can make one use it: the actors below that send at their start
  // come last.
  actors_ = std::make_shared<service_actors>();
  auto& all = *actors_;
  all.node = options_.node;
  actors_ptr shared = actors_;
  auto* clock = options_.clock;
  for (uint32_t i = 0; i < options_.readers; ++i)
    all.readers.push_back(system_.spawn<caf::detached>(catalogue_reader, store_.get(), i));
  all.alerts = system_.spawn(alert_publisher, shared);
  all.head = system_.spawn(head_port, shared);
  all.inspector = system_.spawn(inspector, shared);
  if (options_.standby) {
    standby_.emplace(*options_.standby, options_.node, options_.state);
    all.registrar =
        standby_->spawn(system_, *store_, shared, options_.max_file_bytes, options_.audit_days,
                        [epochs = epochs_](const epoch_record& now) { epochs->heard(now); });
  } else {
    all.registrar = system_.spawn<caf::detached>(registrar, store_.get(), shared,
                                                 options_.max_file_bytes, options_.audit_days);
  }
  spawn_couriers();  // before anybody who raises alerts
  storage_->spawn(system_, actors_, std::move(kept));
  all.scheduler = system_.spawn(mount_scheduler, shared, clock, options_.scheduler);
  all.retrievals = system_.spawn(retrieval_director);
  all.director = system_.spawn(batch_director, shared, options_.packing);
}

std::vector<caf::actor> service::every_actor() const {
  std::vector<caf::actor> list;
  auto add = [&](const auto& handle) { list.push_back(caf::actor_cast<caf::actor>(handle)); };
  auto add_all = [&](const auto& handles) {
    for (auto& handle : handles) add(handle);
  };
  add(actors_->director);
  add(actors_->retrievals);
  add(actors_->scheduler);
  storage_->list(*actors_, list);
  add(actors_->head);
  add(membership_);
  add(actors_->inspector);
  add(actors_->alerts);
  for (auto& entry : actors_->couriers) add(entry.courier);
  add_all(actors_->readers);
  if (standby_) add(standby_->shipper());
  add(actors_->registrar);
  return list;
}

/// An actor without which the service is no service must not be missing silently.
void service::watch() {
  auto watched = every_actor();
  auto* stopping = &stopping_;
  auto report_failure = on_failure_;
  auto failed = failed_;
  watcher_ = system_.spawn([=](caf::event_based_actor* self) -> caf::behavior {
    self->set_down_handler([=](caf::down_msg& down) {
      if (stopping->load()) return;
      failed->store(true);
      report_failure(text_of(down.reason));
    });
    for (auto& one : watched) self->monitor(one);
    return {[=](tick_atom) {}};
  });
}

caf::error service::open_door() {
  auto actors = actors_ptr{actors_};
  auto max_file_bytes = options_.max_file_bytes;
  auto* system = &system_;
  options_.door.channels = storage_->channels();
  options_.door.audit = [registrar = actors_->registrar](audit_record record) {
    caf::anon_send(registrar, audit_atom_v, std::move(record));
  };
  if (options_.door.remote && !options_.door.remote->checker) {
    credential_checker::options known;
    known.find_token = [store = store_.get()](const std::string& hash) {
      return store->view()->token(hash);
    };
    known.find_user = [](const std::string& name) { return et::find_user(name); };
    known.find_uid = [](uint32_t uid) { return et::find_user(uid); };
    known.munge = options_.munge;
    known.administrators = options_.door.administrators;
    known.clock = options_.clock;
    options_.door.remote->checker = std::make_shared<credential_checker>(std::move(known));
  }
  auto door = front_door::open(system_, options_.door, [=](const identity& who, uint64_t number) {
    actors->measures->sessions.Increment();
    return caf::actor_cast<caf::strong_actor_ptr>(
        system->spawn(session_port, actors, who, number, max_file_bytes));
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

/// Others may join from here on; those that the catalogue knows of are lost until they do.
caf::error service::open_cluster() {
  cluster::membership_options membership;
  membership.store = store_.get();
  membership.clock = options_.clock;
  membership.epoch = [epochs = epochs_] { return epochs->epoch(); };
  membership.heard_epoch = [epochs = epochs_, clock = options_.clock](uint64_t epoch,
                                                                      const std::string& node) {
    epochs->heard({epoch, node, clock->now_ns()});
  };
  if (standby_) membership.standby_changed = standby_->on_changed();
  options_.cluster.issuer =
      std::make_shared<cluster::enrolment>(options_.cluster.folder, options_.clock);
  auto begun = cluster::begin(system_, actors_, options_.cluster, std::move(membership));
  if (!begun) return begun.error();
  links_ = std::move(begun->links);
  actors_->membership = caf::actor_cast<caf::strong_actor_ptr>(begun->membership);
  membership_ = begun->membership;
  auto known = cluster::known_nodes(*store_);
  if (!known) return known.error();
  for (auto& node : *known) caf::anon_send(membership_, expect_atom_v, node);
  return caf::none;
}

caf::error service::open_monitor() {
  if (options_.monitor.address.empty()) return caf::none;
  monitor::live_watch::options seen;
  seen.system = &system_;
  seen.actors = actors_;
  seen.store = store_.get();
  seen.node = monitor::node_label(options_.node);
  seen.sessions = [this]() -> uint64_t {
    auto* door = open_door_.load();
    return door ? door->sessions().size() : 0;
  };
  seen.clock = options_.clock;
  watch_ = std::make_unique<monitor::live_watch>(std::move(seen));
  options_.monitor.access.audit = [registrar = actors_->registrar](audit_record record) {
    caf::anon_send(registrar, audit_atom_v, std::move(record));
  };
  auto opened = monitor::server::open(
      options_.monitor, {store_.get(), options_.node, {}, watch_.get(), actors_->measures.get()});
  if (!opened) return opened.error();
  monitor_ = std::move(*opened);
  return caf::none;
}

caf::expected<std::unique_ptr<service>> service::start(
    caf::actor_system& system, service_options options,
    std::function<void(const std::string&)> on_failure) {
  std::unique_ptr<service> made{new service(system, std::move(options), std::move(on_failure))};
  if (auto error = made->open_state()) return error;
  if (auto error = made->open_storage()) return error;
  if (auto error = made->check_epoch()) return error;
  if (auto error = made->add_default_workspace()) return error;
  if (auto error = made->begin_deliveries()) return error;
  if (auto error = made->tell_of_lost_run()) return error;
  auto kept = made->reconcile_cache();
  if (!kept) return kept.error();
  made->spawn_actors(std::move(*kept));
  if (auto error = made->open_cluster()) return error;
  made->watch();
  if (made->standby_)
    if (auto error = made->standby_->wait(made->options_.give_up)) return error;
  if (auto error = made->open_monitor()) return error;
  if (auto error = made->open_door()) return error;
  return made;
}

void service::stop() {
  monitor_.reset();
  watch_.reset();
  if (door_) {
    door_->stop();
    door_.reset();
  }
  if (!actors_) {
    unmark();
    return;
  }
  stopping_ = true;
  if (links_) links_->stop();
  storage_->give_up_jobs(true);
  caf::scoped_actor self{system_};
  self->request(actors_->scheduler, defaults::library_timeout, stop_atom_v)
      .receive([](bool) {}, log_error("stop: the drives"));
  auto list = every_actor();
  list.push_back(watcher_);
  for (auto& one : list) self->send_exit(one, caf::exit_reason::user_shutdown);
  self->wait_for(list);
  list.clear();
  links_.reset();
  membership_ = nullptr;
  watcher_ = nullptr;
  // Sessions' ports and supervisors end with those they watch. The table of handles is a ring of
  // references, to be opened when nobody reads it any more.
  for (int i = 0; i < 2000 && actors_.use_count() > 1; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  if (actors_.use_count() > 1)
    spdlog::warn("stop: {} actors have not ended", actors_.use_count() - 1);
  *actors_ = {};
  actors_.reset();
  standby_.reset();
  storage_.reset();
  store_.reset();
  unmark();
  spdlog::info("stopped");
}

}  // namespace et
