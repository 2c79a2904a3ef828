// A whole site: a head and its I/O nodes, their folders, and the wires between them. Machines start
// as the real ones do, and crash.
#pragma once

#include <filesystem>

#include "actors/cluster/membership.hpp"
#include "actors/head.hpp"
#include "actors/session_port.hpp"
#include "tests/simulation/dicey_library.hpp"
#include "tests/simulation/wires.hpp"
#include "tests/support/lossy_disk.hpp"

namespace et::simulation {

/// What the seed decides about a site.
struct site_plan {
  uint32_t nodes = 2;               ///< besides the head
  bool head_stores = true;          ///< the head has a cache and a library of its own
  bool source_node = false;         ///< the last node has no cache and only reads sources
  bool sources_only_there = false;  ///< no other reads them
  uint32_t copies = 1;
  uint32_t cartridges = 12;
  bool plenty = false;  ///< of cartridges: none has to be brought
  uint64_t cartridge_bytes = 24'000'000;
  uint32_t drives = 2;
  uint32_t block_bytes = 32 * 1024;
  uint64_t cache_bytes = 40'000'000;
  int64_t retention_ns = 600'000'000'000;
  uint64_t target_bytes = 1'000'000;
  std::chrono::milliseconds heartbeat{2000};
  std::chrono::milliseconds reread_after{0};

  static site_plan random(dice& with);
};

class site {
 public:
  /// `root` is empty or missing.
  site(world& of, wires& net, std::filesystem::path root, site_plan plan, faults& rates);
  ~site();

  static constexpr machine head_machine = 0;
  size_t machines() const { return machines_.size(); }
  bool runs(machine who) const;
  /// It runs, or its crash is not complete.
  bool present(machine who) const { return machines_[static_cast<size_t>(who)].up; }
  /// As the process does when it begins. Error: what it says when it cannot.
  caf::error start(machine who);
  /// kill -9: its folder is left as the operating system has it. With `power` lost, as its disk
  /// has it. When one of its handlers waits, its end comes a little later, but nothing that it does
  /// counts any more.
  void crash(machine who, bool power = false);
  /// As the process does at SIGTERM; returns when it has ended, or has crashed meanwhile. With
  /// `power` its disk loses the power afterwards. Precondition: no handler waits.
  void stop(machine who, bool power);
  /// The one that is being stopped, or nobody.
  machine stopping() const { return stopping_; }
  /// The rates of disks have changed.
  void set_disk_faults();
  /// Libraries that start from now on have so many more.
  void add_cartridges(uint32_t count) { plan_.cartridges += count; }
  /// Completes crashes that could not be completed at once; outside of every handler.
  void bury();

  /// Links a client to the head: the port of a new session as the client sees it, or nothing.
  struct session {
    uint64_t link = 0;
    client_actor port;
  };
  std::optional<session> connect(machine client, identity who, wires::on_end ends);
  /// The same with a node, for who has a ticket.
  std::optional<session> connect_data(machine client, const std::string& node,
                                      const std::string& ticket, wires::on_end ends);

  /// Of the running head; null while there is none.
  head* head_service() { return head_.get(); }
  std::filesystem::path library_folder(machine who) const;
  std::filesystem::path cache_folder(machine who) const;
  /// The files of aggregations in a cache, in order, without those that are being written.
  std::vector<std::pair<aggregation_id, std::filesystem::path>> cached_files(machine who) const;
  /// The image of a cartridge; empty: none has it.
  std::filesystem::path image_of(const barcode& id) const;
  const site_plan& plan() const { return plan_; }
  std::string name_of(machine who) const;
  /// Actors that ended although nobody had asked them to.
  const std::vector<std::string>& failures() const { return failures_; }

 private:
  struct one_machine {
    bool up = false;
    bool dying = false;
    uint64_t left_by = 0;  ///< dice of what its disk still holds
    std::unique_ptr<test::lossy_disk> disk;
    uint64_t life = 0;                       ///< how often it has been started
    std::unique_ptr<node_storage> storage;   ///< of a node
    std::shared_ptr<service_actors> actors;  ///< of a node
    std::shared_ptr<bool> stopped;           ///< of a node
    membership_actor membership;
  };

  machine machine_of(const std::string& name) const;
  session link_port(machine client, wires::on_end ends, machine to, client_actor port);
  storage_options storage_of(machine who);
  bool has_cache(machine who) const;
  void stop_node(machine who);
  caf::error start_head();
  caf::error start_node(machine who);
  membership_actor spawn_membership(machine who, actors_ptr actors,
                                    cluster::membership_options with);
  void dial(machine who, uint64_t life, const std::string& address, const std::string& node);
  wires::on_end link_ended(machine who, const std::string& other, std::shared_ptr<uint64_t> number);
  void finish(machine who);

  world& world_;
  wires& wires_;
  std::filesystem::path root_;
  site_plan plan_;
  faults& rates_;
  std::vector<one_machine> machines_;
  std::unique_ptr<head> head_;
  machine stopping_ = nobody;
  uint64_t next_session_ = 1;
  std::vector<std::string> failures_;
};

}  // namespace et::simulation
