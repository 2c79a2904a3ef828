#include "tests/simulation/site.hpp"

#include "actors/data_port.hpp"
#include "actors/ends.hpp"
#include "actors/inspector.hpp"
#include "actors/relay.hpp"

namespace et::simulation {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

site_plan site_plan::random(dice& with) {
  site_plan plan;
  plan.nodes = static_cast<uint32_t>(with.below(3));
  plan.head_stores = plan.nodes == 0 || with.chance(0.5);
  plan.copies = with.chance(0.4) ? 2 : 1;
  plan.cartridges = static_cast<uint32_t>(with.between(6, 16));
  plan.plenty = with.chance(0.5);
  if (plan.plenty) plan.cartridges = 60;
  plan.cartridge_bytes = with.between(8, 60) * 1'000'000;
  plan.drives = static_cast<uint32_t>(with.between(1, 3));
  plan.block_bytes = static_cast<uint32_t>(1024 << with.between(2, 6));
  plan.cache_bytes = with.between(6, 60) * 1'000'000;
  plan.retention_ns = static_cast<int64_t>(with.between(1, 3600)) * 1'000'000'000;
  plan.target_bytes = with.between(100, 2000) * 1000;
  plan.heartbeat = std::chrono::milliseconds{with.between(2000, 10'000)};
  plan.source_node = with.chance(0.3);
  plan.sources_only_there = plan.source_node && with.chance(0.6);
  if (plan.source_node) ++plan.nodes;
  if (with.chance(0.3)) plan.reread_after = std::chrono::minutes{with.between(5, 120)};
  return plan;
}

site::site(world& of, wires& net, fs::path root, site_plan plan, faults& rates)
    : world_(of), wires_(net), root_(std::move(root)), plan_(plan), rates_(rates) {
  machines_.resize(1 + plan_.nodes);
  fs::remove_all(root_);
  for (size_t i = 0; i < machines_.size(); ++i) {
    auto folder = root_ / name_of(static_cast<machine>(i));
    fs::create_directories(folder);
    machines_[i].disk = std::make_unique<test::lossy_disk>(folder);
  }
}

site::~site() {
  for (size_t i = 0; i < machines_.size(); ++i) {
    auto who = static_cast<machine>(i);
    if (!machines_[i].up) continue;
    world_.freeze(who);
    wires_.crash(who);
    finish(who);
  }
}

std::string site::name_of(machine who) const {
  return who == head_machine ? "head" : "node" + std::to_string(who);
}

machine site::machine_of(const std::string& name) const {
  for (size_t i = 0; i < machines_.size(); ++i)
    if (name_of(static_cast<machine>(i)) == name) return static_cast<machine>(i);
  return nobody;
}

fs::path site::library_folder(machine who) const {
  return root_ / name_of(who) / "library";
}

fs::path site::cache_folder(machine who) const {
  return root_ / name_of(who) / "cache";
}

std::vector<std::pair<aggregation_id, fs::path>> site::cached_files(machine who) const {
  std::vector<std::pair<aggregation_id, fs::path>> files;
  std::error_code code;
  for (auto& file : fs::recursive_directory_iterator{cache_folder(who) / "files", code}) {
    if (!file.is_regular_file()) continue;
    aggregation_id id;
    auto name = file.path().filename().string();
    int end = 0;
    if (std::sscanf(name.c_str(), "%lu.%u%n", &id.batch.value, &id.number, &end) == 2 &&
        name.size() == static_cast<size_t>(end))
      files.emplace_back(id, file.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

fs::path site::image_of(const barcode& id) const {
  for (size_t i = 0; i < machines_.size(); ++i) {
    auto folder = library_folder(static_cast<machine>(i));
    std::error_code code;
    for (auto& file : fs::recursive_directory_iterator{folder, code})
      if (file.path().filename().string().find(id.value) != std::string::npos &&
          file.is_regular_file())
        return file.path();
  }
  return {};
}

bool site::runs(machine who) const {
  auto& one = machines_[static_cast<size_t>(who)];
  return one.up && !one.dying && who != stopping_;
}

bool site::has_cache(machine who) const {
  if (who == head_machine) return plan_.head_stores;
  return !plan_.source_node || who != static_cast<machine>(plan_.nodes);
}

storage_options site::storage_of(machine who) {
  storage_options with;
  with.cache_folder = cache_folder(who);
  with.library_folder = library_folder(who);
  with.cache_capacity_bytes = plan_.cache_bytes;
  with.cache.retention_ns = plan_.retention_ns;
  with.cache.reserve_bytes = 0;
  with.block_bytes = plan_.block_bytes;
  with.library.cartridges = plan_.cartridges;
  with.library.capacity_bytes = plan_.cartridge_bytes;
  with.library.drives = plan_.drives;
  with.library.barcode_prefix = who == head_machine ? "HD" : "N" + std::to_string(who);
  with.library.drive.early_warning_bytes = plan_.cartridge_bytes / 8;
  with.clock = &world_.clock();
  with.has_cache = has_cache(who);
  bool only_reads = who != head_machine && !with.has_cache;
  if (!only_reads && (plan_.sources_only_there || !with.has_cache)) with.reads_sources = false;
  with.open_library = [this](const fs::path& folder, const tape::virtual_library_options& options) {
    return open_dicey_library(folder, options, world_.random(), rates_);
  };
  return with;
}

caf::error site::start(machine who) {
  auto& one = machines_[static_cast<size_t>(who)];
  ++one.life;
  world_.note(name_of(who));
  auto error = world_.as(who, [&] { return who == head_machine ? start_head() : start_node(who); });
  if (error) {
    world_.freeze(who);
    finish(who);
    return error;
  }
  one.up = true;
  return {};
}

caf::error site::start_head() {
  head_options with;
  with.state = root_ / "head";
  with.node = "head";
  with.catalogue.copies = plan_.copies;
  with.catalogue.memory_bytes = 32 << 20;
  with.catalogue.clock = &world_.clock();
  with.storage = storage_of(head_machine);
  with.packing.target_bytes = plan_.target_bytes;
  with.scheduler.copies = plan_.copies;
  with.scheduler.policy.write_after_bytes = 4'000'000;
  with.scheduler.policy.write_after_ms = 10'000;
  with.max_file_bytes = 50'000'000;
  with.clock = &world_.clock();
  auto life = machines_[0].life;
  auto opened = head::open(world_.system(), std::move(with), [this, life](const std::string& why) {
    auto& one = machines_[0];
    if (one.life == life && one.up && !one.dying && stopping_ != head_machine)
      failures_.push_back("head: " + why);
  });
  if (!opened) return opened.error();
  head_ = std::move(*opened);
  auto& one = machines_[0];
  auto membership = head_->membership_options();
  one.membership = spawn_membership(head_machine, head_->actors(), std::move(membership));
  if (auto error = head_->begin_membership(one.membership)) return error;
  head_->watch();
  return {};
}

/// As cluster::node_service does.
caf::error site::start_node(machine who) {
  auto& one = machines_[static_cast<size_t>(who)];
  auto storage = node_storage::open(storage_of(who));
  if (!storage) return storage.error();
  one.storage = std::move(*storage);
  auto held = one.storage->held();
  if (!held) return held.error();
  one.actors = std::make_shared<service_actors>();
  one.actors->node = name_of(who);
  one.actors->head = caf::actor_cast<head_actor>(world_.system().spawn(relay<head_actor>));
  one.storage->spawn(world_.system(), one.actors, std::move(*held));
  one.actors->inspector = world_.system().spawn(inspector, actors_ptr{one.actors});
  cluster::membership_options with;
  with.heads = {"head"};
  if (one.actors->tickets) with.clients = name_of(who);
  with.clock = &world_.clock();
  auto* raw = one.storage.get();
  one.stopped = std::make_shared<bool>(false);
  with.give_up_jobs = [raw, stopped = one.stopped](bool on) {
    if (!*stopped) raw->give_up_jobs(on);
  };
  one.membership = spawn_membership(who, one.actors, std::move(with));
  one.actors->membership = caf::actor_cast<caf::strong_actor_ptr>(one.membership);
  return {};
}

membership_actor site::spawn_membership(machine who, actors_ptr actors,
                                        cluster::membership_options with) {
  auto life = machines_[static_cast<size_t>(who)].life;
  with.heartbeat = plan_.heartbeat;
  with.down_after = 10s;
  with.reread_after = plan_.reread_after;
  with.listen = name_of(who);
  with.close_link = [this, who](uint64_t number, std::string why) {
    wires_.close(number, who, why);
  };
  auto make_dialler = [this, who, life](const membership_actor&) -> dialler_actor {
    return world_.system().spawn([this, who, life](dialler_actor::pointer) {
      return dialler_actor::behavior_type{
          [](tick_atom) {},
          [this, who, life](dial_atom, const std::string& address, const std::string& node) {
            dial(who, life, address, node);
          }};
    });
  };
  return world_.system().spawn(cluster::membership, std::move(actors), std::move(with),
                               make_dialler);
}

/// Tells the membership of a machine of the end of a link.
wires::on_end site::link_ended(machine who, const std::string& other,
                               std::shared_ptr<uint64_t> number) {
  auto life = machines_[static_cast<size_t>(who)].life;
  return [this, who, life, other, number](const std::string& why) {
    auto& one = machines_[static_cast<size_t>(who)];
    if (one.life != life || !one.membership) return;
    caf::anon_send(one.membership, cut_atom_v, *number, other, why);
  };
}

void site::dial(machine who, uint64_t life, const std::string& address, const std::string& node) {
  auto& from = machines_[static_cast<size_t>(who)];
  if (from.life != life) return;
  auto to = machine_of(address);
  if (to == nobody || to == who || !runs(to)) {
    caf::anon_send(from.membership, dial_atom_v, node, std::string{"connection refused"});
    return;
  }
  auto number = std::make_shared<uint64_t>(0);
  auto own = name_of(who);
  *number = wires_.open(who, link_ended(who, address, number), to, link_ended(to, own, number));
  auto port = world_.as(to, [&] {
    return world_.system().spawn(cluster::node_port, machines_[static_cast<size_t>(to)].membership,
                                 *number, own);
  });
  auto there = wires_.abroad(*number, to, caf::actor_cast<caf::strong_actor_ptr>(port));
  caf::anon_send(from.membership, linked_atom_v, *number, node, address, there);
}

site::session site::link_port(machine client, wires::on_end ends, machine to, client_actor port) {
  auto held = caf::actor_cast<caf::actor_addr>(port);
  session made;
  made.link = wires_.open(client, std::move(ends), to, [held](const std::string&) {
    if (auto strong = caf::actor_cast<caf::strong_actor_ptr>(held))
      caf::anon_send_exit(caf::actor_cast<caf::actor>(strong), caf::exit_reason::user_shutdown);
  });
  made.port = caf::actor_cast<client_actor>(
      wires_.abroad(made.link, to, caf::actor_cast<caf::strong_actor_ptr>(port)));
  return made;
}

std::optional<site::session> site::connect(machine client, identity who, wires::on_end ends) {
  if (!runs(head_machine)) return std::nullopt;
  auto port = world_.as(head_machine, [&] {
    return world_.system().spawn(session_port, head_->actors(), std::move(who), next_session_++,
                                 uint64_t{50'000'000}, join_token_keeper{});
  });
  return link_port(client, std::move(ends), head_machine, port);
}

std::optional<site::session> site::connect_data(machine client, const std::string& node,
                                                const std::string& ticket, wires::on_end ends) {
  auto to = machine_of(node);
  if (to == nobody || !runs(to)) return std::nullopt;
  auto port = world_.as(to, [&] {
    return world_.system().spawn(data_port, actors_ptr{machines_[static_cast<size_t>(to)].actors},
                                 ticket, next_session_++);
  });
  return link_port(client, std::move(ends), to, port);
}

void site::crash(machine who, bool power) {
  auto& one = machines_[static_cast<size_t>(who)];
  if (!one.up || one.dying) return;
  one.dying = true;
  world_.note(power ? "power" : "crash");
  world_.freeze(who);
  wires_.crash(who);
  one.left_by = world_.random().next();
  if (!power) one.disk->sync_all();
  // What the dying machine still does does not reach its disk.
  one.disk->power_off();
  bury();
}

void site::stop(machine who, bool power) {
  auto& one = machines_[static_cast<size_t>(who)];
  if (!runs(who)) return;
  world_.note("stop");
  stopping_ = who;
  if (who == head_machine) head_->begin_stop();
  std::weak_ptr<const service_actors> table =
      who == head_machine ? head_->actors() : actors_ptr{one.actors};
  wires_.leave(who);
  try {
    world_.as(who, [&] { who == head_machine ? head_->stop() : stop_node(who); });
  } catch (const crashed&) {
  }
  stopping_ = nobody;
  if (one.dying) return bury();
  // What has not ended by itself ends with the process.
  world_.freeze(who);
  wires_.crash(who);
  finish(who);
  // Of a head some of whose actors ended only now.
  if (auto left = table.lock()) *std::const_pointer_cast<service_actors>(left) = {};
  std::error_code code;
  if (who == head_machine && fs::exists(root_ / "head" / "running", code))
    failures_.push_back("the head left its mark when it was stopped");
  if (!power) one.disk->sync_all();
  one.disk->power_loss(world_.random().next());
}

/// As cluster::node_service does.
void site::stop_node(machine who) {
  auto& one = machines_[static_cast<size_t>(who)];
  *one.stopped = true;
  one.storage->give_up_jobs(true);
  std::vector<caf::actor> list;
  one.storage->list(*one.actors, list);
  list.push_back(caf::actor_cast<caf::actor>(one.actors->inspector));
  list.push_back(caf::actor_cast<caf::actor>(one.actors->head));
  list.push_back(caf::actor_cast<caf::actor>(one.membership));
  caf::scoped_actor self{world_.system()};
  for (auto& actor : list) self->send_exit(actor, caf::exit_reason::user_shutdown);
  wait_for_ends(self, list);
}

void site::bury() {
  for (size_t i = 0; i < machines_.size(); ++i) {
    auto who = static_cast<machine>(i);
    if (!machines_[i].dying || world_.waits(who)) continue;
    finish(who);
    machines_[i].disk->power_loss(machines_[i].left_by);
  }
}

void site::set_disk_faults() {
  for (size_t i = 0; i < machines_.size(); ++i) {
    test::disk_faults with;
    with.seed = world_.random().next();
    with.write_error = rates_.disk_write;
    with.full = rates_.disk_full;
    with.sync_error = rates_.disk_sync;
    with.read_error = rates_.disk_read;
    machines_[i].disk->set_faults(with);
  }
}

/// Ends everything of a frozen machine.
void site::finish(machine who) {
  auto& one = machines_[static_cast<size_t>(who)];
  world_.as(who, [&] { world_.kill(who); });
  one.membership = nullptr;
  if (one.actors) {
    *one.actors = {};
    one.actors.reset();
  }
  one.storage.reset();
  if (who == head_machine) head_.reset();
  one.up = false;
  one.dying = false;
}

}  // namespace et::simulation
