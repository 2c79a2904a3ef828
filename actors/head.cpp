#include "actors/head.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <random>
#include <thread>

#include "actors/actor_base.hpp"
#include "actors/alert_courier.hpp"
#include "actors/alert_publisher.hpp"
#include "actors/batch_director.hpp"
#include "actors/blocking.hpp"
#include "actors/catalogue_reader.hpp"
#include "actors/cluster/joiner.hpp"
#include "actors/defaults.hpp"
#include "actors/ends.hpp"
#include "actors/head_port.hpp"
#include "actors/inspector.hpp"
#include "actors/registrar.hpp"
#include "actors/restart.hpp"
#include "actors/retrieval_director.hpp"
#include "storage/catalogue/alert_text.hpp"
#include "storage/os/users.hpp"
#include "storage/printable.hpp"

namespace et {

namespace fs = std::filesystem;

head::head(caf::actor_system& system, head_options options,
           std::function<void(const std::string&)> on_failure)
    : system_(system), options_(std::move(options)), on_failure_(std::move(on_failure)) {
  auto& state = options_.state;
  auto& storage = options_.storage;
  if (storage.cache_folder.empty()) storage.cache_folder = state / "cache";
  if (storage.library_folder.empty()) storage.library_folder = state / "library";
}

head::~head() {
  stop();
}

caf::error head::open_state() {
  auto folder = state_folder::open(options_.state, options_.node);
  if (!folder) return folder.error();
  folder_ = std::move(*folder);
  options_.node = folder_->node();
  return caf::none;
}

caf::error head::open_storage() {
  auto store = catalogue_store::open((options_.state / "catalogue").string(), options_.catalogue);
  if (!store) return with_context(store.error(), "catalogue");
  store_ = std::move(*store);
  auto storage = node_storage::open(options_.storage);
  if (!storage) return storage.error();
  storage_ = std::move(*storage);
  return caf::none;
}

/// A head that another has replaced does not begin.
caf::error head::check_epoch() {
  auto own = store_->log().epoch();
  if (!own) return own.error();
  auto epochs = epoch_watch::open(options_.state, options_.node, *own, options_.on_fenced);
  if (!epochs) return epochs.error();
  epochs_ = std::move(*epochs);
  return caf::none;
}

caf::error head::add_default_workspace() {
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

/// Before anything can raise an alert: what is raised from now on is for every target.
caf::error head::begin_deliveries() {
  for (auto& target : options_.alert_targets) {
    auto delivered = store_->begin_delivery(target.name);
    if (!delivered) return with_context(delivered.error(), "alerts to " + target.name);
    delivered_.push_back(*delivered);
  }
  return caf::none;
}

/// A run that ended otherwise than by stop() left its mark. The mark stays until the alert is
/// durable, so that it is told of even when this start fails.
caf::error head::tell_of_lost_run() {
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
void head::unmark() {
  if (!std::exchange(marked_, false) || failed_->load()) return;
  std::error_code code;
  fs::remove(options_.state / "running", code);
  if (code) spdlog::error("cannot remove the mark of this run: {}", code.message());
}

void head::spawn_couriers() {
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
        {spawn_blocking(system_, alert_courier, actors_ptr{actors_}, std::move(one)),
         std::move(rung)});
  }
}

void head::spawn_actors(std::vector<kept_file> kept) {
  // Handles are spawned in the order of who is asked first; all of them read the same table, which
  // is complete before a message can make one use it: the actors below that send at their start
  // come last.
  actors_ = std::make_shared<service_actors>();
  auto& all = *actors_;
  all.node = options_.node;
  actors_ptr shared = actors_;
  for (uint32_t i = 0; i < options_.readers; ++i)
    all.readers.push_back(spawn_blocking(system_, catalogue_reader, store_.get(), i));
  all.alerts = system_.spawn(alert_publisher, shared);
  all.head = system_.spawn(head_port, shared);
  all.inspector = system_.spawn(inspector, shared);
  if (options_.standby) {
    standby_.emplace(*options_.standby, options_.node, options_.state);
    all.registrar =
        standby_->spawn(system_, *store_, shared, options_.max_file_bytes, options_.audit_days,
                        [epochs = epochs_](const epoch_record& now) { epochs->heard(now); });
  } else {
    all.registrar = spawn_blocking(system_, registrar, store_.get(), shared,
                                   options_.max_file_bytes, options_.audit_days);
  }
  spawn_couriers();  // before anybody who raises alerts
  storage_->spawn(system_, actors_, std::move(kept));
  all.scheduler = system_.spawn(mount_scheduler, shared, options_.scheduler);
  all.retrievals = system_.spawn(retrieval_director);
  all.director = system_.spawn(batch_director, shared, options_.packing);
}

std::vector<caf::actor> head::every_actor() const {
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
  if (membership_) add(membership_);
  add(actors_->inspector);
  add(actors_->alerts);
  for (auto& entry : actors_->couriers) add(entry.courier);
  add_all(actors_->readers);
  if (standby_) add(standby_->shipper());
  add(actors_->registrar);
  return list;
}

/// An actor without which the service is no service must not be missing silently.
void head::watch() {
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

cluster::membership_options head::membership_options() {
  cluster::membership_options with;
  with.store = store_.get();
  with.users = store_users_;
  with.stops = [this] { return stopping_.load(); };
  with.clock = options_.clock;
  with.epoch = [epochs = epochs_] { return epochs->epoch(); };
  with.heard_epoch = [epochs = epochs_, clock = options_.clock](uint64_t epoch,
                                                                const std::string& node) {
    epochs->heard({epoch, node, clock->now_ns()});
  };
  if (standby_) with.standby_changed = standby_->on_changed();
  return with;
}

caf::error head::begin_membership(const membership_actor& membership) {
  membership_ = membership;
  actors_->membership = caf::actor_cast<caf::strong_actor_ptr>(membership);
  auto known = cluster::known_nodes(*store_);
  if (!known) return known.error();
  for (auto& node : *known) caf::anon_send(membership_, expect_atom_v, node);
  return caf::none;
}

caf::expected<std::unique_ptr<head>> head::open(
    caf::actor_system& system, head_options options,
    std::function<void(const std::string&)> on_failure) {
  std::unique_ptr<head> made{new head(system, std::move(options), std::move(on_failure))};
  if (auto error = made->open_state()) return error;
  if (auto error = made->open_storage()) return error;
  if (auto error = made->check_epoch()) return error;
  if (auto error = made->add_default_workspace()) return error;
  if (auto error = made->begin_deliveries()) return error;
  if (auto error = made->tell_of_lost_run()) return error;
  auto kept = reconcile_cache(*made->store_, made->storage_->cache(), made->options_.node);
  if (!kept) return kept.error();
  made->spawn_actors(std::move(*kept));
  return made;
}

void head::begin_stop() {
  stopping_ = true;
  if (storage_) storage_->give_up_jobs(true);
}

void head::stop() {
  if (!actors_) {
    unmark();
    return;
  }
  begin_stop();
  caf::scoped_actor self{system_};
  auto dismounted = self->request(actors_->scheduler, defaults::library_timeout, stop_atom_v);
  wait_for(self, dismounted);
  dismounted.receive([](bool) {}, log_error("stop: the drives"));
  auto list = every_actor();
  if (watcher_) list.push_back(watcher_);
  for (auto& one : list) self->send_exit(one, caf::exit_reason::user_shutdown);
  wait_for_ends(self, list);
  list.clear();
  membership_ = nullptr;
  watcher_ = nullptr;
  // What the membership began may still read the catalogue.
  auto* thread = one_thread_of(system_);
  if (thread)
    while (!store_users_->wait(std::chrono::milliseconds{0})) thread->turn();
  if (!store_users_->wait(defaults::library_timeout)) {
    spdlog::error("stop: a job still reads the catalogue, which is left open");
    static_cast<void>(store_.release());
  }
  // Sessions' ports and supervisors end with those they watch. The table of handles is a ring of
  // references, to be opened when nobody reads it any more.
  for (int i = 0; i < 2000 && actors_.use_count() > 1; ++i)
    if (thread)
      thread->turn();
    else
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
  // What has not ended still asks the actors of the table, which have ended.
  if (actors_.use_count() > 1)
    spdlog::warn("stop: {} actors have not ended", actors_.use_count() - 1);
  else
    *actors_ = {};
  actors_.reset();
  standby_.reset();
  storage_.reset();
  store_.reset();
  unmark();
  spdlog::info("stopped");
}

}  // namespace et
