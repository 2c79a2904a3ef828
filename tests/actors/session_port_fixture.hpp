// A catalogue, its registrar and readers, and session ports on them.
#pragma once

#include "actors/session_port.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>

#include "actors/catalogue_reader.hpp"
#include "actors/defaults.hpp"
#include "actors/metrics.hpp"
#include "actors/node_config.hpp"
#include "actors/registrar.hpp"
#include "actors/retrieval_director.hpp"

namespace et::test {

inline batch_director_actor::behavior_type fake_director() {
  return {[](report_atom) { return std::vector<report>{}; },
          [](observe_atom) { return director_facts{}; },
          [](start_atom, batch_id) {},
          [](cancel_atom, batch_id, bool) { return true; },
          [](finished_atom, batch_id) {},
          [](safe_atom, const std::vector<aggregation_record>&) {},
          [](lost_atom, aggregation_id, const std::string&) {},
          [](status_atom, batch_id) { return std::vector<std::string>{"a fake"}; }};
}

inline inspector_actor::behavior_type fake_inspector() {
  return {[](admin_inspect_atom) { return std::vector<report>{{"actor", "fake", {}}}; }};
}

struct node {
  std::filesystem::path path;
  std::unique_ptr<catalogue_store> store;
  node_config config{service_node(2)};
  caf::actor_system system{config};
  std::shared_ptr<service_actors> actors = std::make_shared<service_actors>();
  caf::scoped_actor self{system};
  std::vector<client_actor> ports;

  /// `prepare` may write to the catalogue: as soon as there is a registrar, only that one may.
  explicit node(const std::function<void(catalogue_store&)>& prepare = {}) {
    std::string pattern = "/tmp/elastictape-port.XXXXXX";
    REQUIRE(mkdtemp(pattern.data()));
    path = pattern;
    auto opened = catalogue_store::open(path.string(), {});
    REQUIRE(opened);
    store = std::move(*opened);
    for (auto name : {"mine", "theirs"}) {
      workspace_record workspace;
      workspace.name = name;
      workspace.roots = {std::string{"/"} + name};
      workspace.managers = {std::string{"user of "} + name};
      workspace.quota_bytes = 1000;
      REQUIRE(store->add_workspace(workspace));
    }
    if (prepare) prepare(*store);
    actors->readers.push_back(system.spawn(catalogue_reader, store.get(), 0u));
    actors->director = system.spawn(fake_director);
    actors->inspector = system.spawn(fake_inspector);
    actors->retrievals = system.spawn(retrieval_director);
    actors->registrar =
        system.spawn(registrar, store.get(), actors_ptr{actors}, uint64_t{500}, uint32_t{400});
  }

  ~node() {
    for (auto& port : ports) self->send_exit(port, caf::exit_reason::user_shutdown);
    self->wait_for(ports);
    self->send_exit(actors->registrar, caf::exit_reason::user_shutdown);
    self->send_exit(actors->readers[0], caf::exit_reason::user_shutdown);
    self->send_exit(actors->director, caf::exit_reason::user_shutdown);
    self->send_exit(actors->inspector, caf::exit_reason::user_shutdown);
    self->send_exit(actors->retrievals, caf::exit_reason::user_shutdown);
    self->wait_for(actors->registrar, actors->readers[0], actors->director, actors->inspector,
                   actors->retrievals);
    *actors = {};
    store.reset();
    std::filesystem::remove_all(path);
  }

  join_token_keeper keep_join_token;  ///< of the ports that are made from then on

  client_actor port(const std::string& user, bool administrator = false,
                    const std::string& workspace = {}) {
    identity who;
    who.user = user;
    who.administrator = administrator;
    who.workspace = workspace;
    ports.push_back(system.spawn(session_port, actors_ptr{actors}, who, uint64_t{1}, uint64_t{500},
                                 keep_join_token));
    return ports.back();
  }

  /// The code of the answer; `value` gets the answer itself.
  template <class R, class... Ts>
  errc ask(const client_actor& port, R* value, Ts&&... xs) {
    errc code = errc::none;
    self->request(port, std::chrono::seconds{20}, std::forward<Ts>(xs)...)
        .receive(
            [&](R& answer) {
              if (value) *value = std::move(answer);
            },
            [&](const caf::error& error) { code = code_of(error); });
    return code;
  }

  packed_page chunk(const std::vector<std::pair<std::string, uint64_t>>& files) {
    std::vector<file_entry> entries;
    for (auto& [name, size_bytes] : files) {
      entries.emplace_back();
      entries.back().path = name;
      entries.back().size_bytes = size_bytes;
    }
    return pack_entries(entries);
  }

  uint64_t put(const client_actor& port, const std::string& workspace, const std::string& file) {
    upload_info upload;
    REQUIRE(ask<upload_info>(port, &upload, put_begin_atom_v, workspace, std::string{"t"}, false,
                             std::string{}) == errc::none);
    std::vector<entry_error> errors;
    REQUIRE(ask<std::vector<entry_error>>(port, &errors, put_chunk_atom_v, upload.upload,
                                          chunk({{file, 10}})) == errc::none);
    CHECK(errors.empty());
    batch_record batch;
    REQUIRE(ask<batch_record>(port, &batch, put_commit_atom_v, upload.upload) == errc::none);
    return batch.id.value;
  }
};

}  // namespace et::test
