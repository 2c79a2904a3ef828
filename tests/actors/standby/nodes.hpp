// A head and its standby, each with an actor system of its own, and a wire between them that can be
// cut.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <mutex>
#include <optional>

#include "actors/actor_ends.hpp"
#include "actors/node_config.hpp"
#include "actors/registrar.hpp"
#include "actors/standby/catalogue_follower.hpp"
#include "actors/standby/catalogue_shipper.hpp"
#include "tests/storage/catalogue/fixture.hpp"

namespace et::test {

using namespace std::chrono_literals;

/// Waits for something that must come; the bound is only for tests that fail.
template <class F>
bool comes(F happened, std::chrono::milliseconds limit = 20s) {
  auto end = std::chrono::steady_clock::now() + limit;
  while (!happened()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

inline catalogue_store::options small_catalogue() {
  catalogue_store::options opts;
  opts.memory_bytes = 4 << 20;
  opts.log_bytes = 64 << 20;
  return opts;
}

/// A node of a test: the framework as the service configures it.
struct test_node {
  node_config config{service_node(2)};
  caf::actor_system system{config};
};

/// The head: catalogue, registrar, shipper.
class head {
 public:
  explicit head(const std::filesystem::path& state, std::chrono::milliseconds timeout = 20s,
                standby_policy policy = standby_policy::drop, bool has_standby = true) {
    auto opts = small_catalogue();
    if (!has_standby) opts.log_bytes = 0;
    store = need(catalogue_store::open((state / "catalogue").string(), opts));
    if (need(store->view()->workspaces()).empty()) {
      workspace_record record;
      record.name = "w";
      record.roots = {"/"};
      record.quota_bytes = uint64_t{1} << 50;
      need(store->add_workspace(record));
    }
    actors->director = node.system.spawn(director);
    if (!has_standby) {
      registrar = node.system.spawn<caf::detached>(
          et::registrar, store.get(), actors_ptr{actors}, uint64_t{1} << 40, uint32_t{400});
      ends.add(registrar);
      return;
    }
    auto made =
        node.system.spawn<caf::detached>(registrar_with_standby, store.get(), actors_ptr{actors},
                                         uint64_t{1} << 40, uint32_t{400}, status);
    registrar = made;
    ends.add(registrar);
    actors->registrar = made;
    shipper_options options;
    options.node = "head";
    options.folder = state / "standby";
    options.timeout = timeout;
    options.policy = policy;
    options.chunk_bytes = 64 * 1024;
    options.on_fenced = [this](const epoch_record& now) {
      std::lock_guard lock{mutex};
      fenced = now;
    };
    shipper = node.system.spawn<caf::detached>(catalogue_shipper, &store->log(), made, status,
                                               std::move(options));
    ends.add(shipper);
  }
  ~head() {
    caf::scoped_actor self{node.system};
    if (shipper) {
      self->send_exit(shipper, caf::exit_reason::user_shutdown);
      self->wait_for(shipper);
    }
    self->send_exit(registrar, caf::exit_reason::user_shutdown);
    self->wait_for(registrar);
    *actors = {};
    ends.wait(node.system);
  }

  bool in(standby_status::mode mode) {
    return comes([&] { return status->get() == mode; });
  }
  std::optional<epoch_record> fenced_by() {
    std::lock_guard lock{mutex};
    return fenced;
  }
  size_t alerts_with(const std::string& words) {
    size_t count = 0;
    auto all = store->view()->alerts(0, SIZE_MAX);
    if (!all) return 0;
    for (auto& alert : *all) count += alert.text.find(words) != std::string::npos;
    return count;
  }

  test_node node;
  actor_ends ends;
  std::unique_ptr<catalogue_store> store;
  std::shared_ptr<service_actors> actors = std::make_shared<service_actors>();
  std::shared_ptr<standby_status> status = std::make_shared<standby_status>();
  gated_registrar_actor registrar;
  catalogue_shipper_actor shipper;

 private:
  static batch_director_actor::behavior_type director(batch_director_actor::pointer) {
    return {[](report_atom) { return std::vector<report>{}; },
            [](start_atom, batch_id) {},
            [](cancel_atom, batch_id, bool) { return true; },
            [](finished_atom, batch_id) {},
            [](safe_atom, const std::vector<aggregation_record>&) {},
            [](lost_atom, aggregation_id, const std::string&) {},
            [](status_atom, batch_id) { return std::vector<std::string>{}; },
            [](observe_atom) { return director_facts{}; }};
  }

  std::mutex mutex;
  std::optional<epoch_record> fenced;
};

/// The calls of a client and of a supervisor, one after the other.
class client {
 public:
  explicit client(head& h) : self_(h.node.system), registrar_(h.registrar) {}

  template <class T, class... Words>
  caf::expected<T> ask(std::chrono::milliseconds patience, const Words&... words) {
    caf::expected<T> result{caf::none};
    self_->request(registrar_, patience, words...)
        .receive([&](T& value) { result = std::move(value); },
                 [&](const caf::error& error) { result = error; });
    return result;
  }

  batch_id upload(size_t files = 3) {
    batch_record draft;
    draft.workspace_name = "w";
    draft.requester = "ann";
    auto id = need(ask<batch_id>(30s, put_begin_atom_v, draft, false));
    auto entries = numbered_entries(files, "/b" + std::to_string(id.value));
    auto page = pack_entries(entries);
    need(ask<std::vector<entry_error>>(30s, put_chunk_atom_v, id, page));
    return id;
  }
  caf::expected<batch_record> commit(batch_id id, std::chrono::milliseconds patience = 30s) {
    return ask<batch_record>(patience, put_commit_atom_v, id);
  }
  /// Everything until the one aggregation of `id` is safe.
  caf::expected<std::vector<aggregation_record>> make_safe(batch_id id, size_t files = 3) {
    auto entries = numbered_entries(files, "/b" + std::to_string(id.value));
    aggregation_record planned;
    planned.id = {id, 1};
    planned.first_path = entries.front().path;
    planned.last_path = entries.back().path;
    planned.files = files;
    for (auto& entry : entries) planned.content_bytes += entry.size_bytes;
    auto plan = ask<bool>(30s, plan_atom_v, id, std::vector<aggregation_record>{planned}, true);
    if (!plan) return plan.error();
    cached_aggregation cached;
    cached.id = planned.id;
    cached.size_bytes = planned.content_bytes;
    for (size_t i = 0; i < files; ++i) cached.placed.push_back(placed(i));
    auto held = ask<aggregation_record>(30s, cached_atom_v, cached);
    if (!held) return held.error();
    volume_record volume;
    volume.id = barcode{"VOL001L8"};
    volume.pool = "p";
    volume.status = volume_status::appendable;
    std::vector<written_aggregation> written{
        {planned.id,
         {volume.id, block_address{4}, block_address{8}, 3, default_block_bytes, 1},
         {}}};
    return ask<std::vector<aggregation_record>>(30s, written_atom_v, written, volume);
  }

 private:
  caf::scoped_actor self_;
  gated_registrar_actor registrar_;
};

/// The standby: follows over whatever wire is there.
class standby {
 public:
  explicit standby(const std::filesystem::path& state, const std::string& name = "standby") {
    std::filesystem::create_directories(state);
    follower_options options;
    options.node = name;
    options.state = state;
    options.catalogue = small_catalogue();
    options.connect = [this] { return connect(); };
    options.first_retry = 5ms;
    options.last_retry = 20ms;
    follower = node.system.spawn<caf::detached>(catalogue_follower, std::move(options));
    ends.add(follower);
  }
  ~standby() {
    caf::scoped_actor self{node.system};
    self->send_exit(follower, caf::exit_reason::user_shutdown);
    self->wait_for(follower);
    ends.wait(node.system);
  }

  /// The next connection goes over this descriptor.
  void plug(unique_fd fd) {
    std::lock_guard lock{mutex_};
    plugged_ = std::move(fd);
  }
  caf::expected<epoch_record> promote(bool force = false) {
    caf::scoped_actor self{node.system};
    caf::expected<epoch_record> result{caf::none};
    self->request(follower, 60s, promote_atom_v, force)
        .receive([&](epoch_record& value) { result = std::move(value); },
                 [&](const caf::error& error) { result = error; });
    return result;
  }
  std::string fact(const std::string& name) {
    caf::scoped_actor self{node.system};
    std::string result;
    self->request(follower, 20s, report_atom_v)
        .receive(
            [&](std::vector<report>& all) {
              for (auto& one : all.at(0).facts)
                if (one.name == name) result = one.value;
            },
            [&](const caf::error& error) { result = text_of(error); });
    return result;
  }
  bool in(const std::string& state) {
    return comes([&] { return fact("state") == state; });
  }

  test_node node;
  actor_ends ends;
  catalogue_follower_actor follower;

 private:
  caf::expected<catalogue_shipper_actor> connect() {
    unique_fd fd;
    {
      std::lock_guard lock{mutex_};
      fd = std::move(plugged_);
    }
    if (!fd) return fail(errc::unavailable, "there is no wire");
    return connect_over<catalogue_shipper_actor>(node.system, std::move(fd), 10s);
  }

  std::mutex mutex_;
  unique_fd plugged_;
};

/// A socket pair.
struct wire {
  wire() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    head_end = unique_fd{ends[0]};
    standby_end = unique_fd{ends[1]};
    cutter = unique_fd{::dup(ends[1])};
  }
  void cut() { ::shutdown(cutter.get(), SHUT_RDWR); }
  /// Between nodes of this process.
  void join(head& h, standby& s) {
    need(publish_over(h.node.system, std::move(head_end),
                      caf::actor_cast<caf::strong_actor_ptr>(h.shipper),
                      interface_of<catalogue_shipper_actor>(h.node.system)));
    s.plug(std::move(standby_end));
  }

  unique_fd head_end;
  unique_fd standby_end;
  unique_fd cutter;
};

/// Every key and value of a catalogue that is closed, and the number of its last write.
std::string everything_in(const std::filesystem::path& catalogue);

}  // namespace et::test
