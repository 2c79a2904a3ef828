// Links between machines as the service sees those of the framework: messages come in order or not
// at all; a link that ends takes what is under way with it, and its two ends learn of that at
// different times; a link may also fall silent without ending.
#pragma once

#include <caf/actor_proxy.hpp>
#include <deque>
#include <memory>

#include "tests/simulation/world.hpp"

namespace et::simulation {

class wires {
 public:
  explicit wires(world& of);
  ~wires();
  wires(const wires&) = delete;
  wires& operator=(const wires&) = delete;

  /// What one end is told when the link has ended.
  using on_end = std::function<void(const std::string& why)>;

  /// Links two machines; the number of the link.
  uint64_t open(machine a, on_end a_ends, machine b, on_end b_ends);
  /// An actor of machine `home` as the other end of the link sees it.
  caf::strong_actor_ptr abroad(uint64_t link, machine home, const caf::strong_actor_ptr& one);

  /// `who` ends it; the other end learns it a little later.
  void close(uint64_t link, machine who, const std::string& why);
  /// The network ends it: both ends learn it, each at its time.
  void cut(uint64_t link);
  /// Nothing comes out of it in either direction until it is closed or thawed.
  void silence(uint64_t link, bool on);
  /// Of a machine that stops: it ends all of its links.
  void leave(machine who);
  /// All links of a machine that has crashed.
  void crash(machine who);

  /// Links that are open between machines for which `of` is true.
  std::vector<uint64_t> between(const std::function<bool(machine, machine)>& of) const;

  /// How long a message is under way.
  static constexpr std::chrono::nanoseconds usual{2'000'000};
  std::chrono::nanoseconds slowest = usual;

 private:
  class proxy;
  friend class proxy;
  struct item {
    caf::strong_actor_ptr from;
    caf::strong_actor_ptr to;
    caf::message_id id;
    caf::message content;
    bool is_end = false;  ///< of the actor `to`, for who watches it
  };
  struct end {
    machine of = nobody;
    on_end told;
    bool open = true;                                        ///< it has not learnt of the end
    std::map<caf::actor_id, caf::strong_actor_ptr> proxies;  ///< of actors of the other end
  };
  struct link {
    end ends[2];
    std::deque<item> under_way[2];  ///< to each end
    std::chrono::nanoseconds last_due[2]{};
    bool alive = true;
    bool silent = false;
  };

  int side_of(const link& one, machine who) const { return one.ends[0].of == who ? 0 : 1; }
  caf::strong_actor_ptr proxy_of(uint64_t number, int side, const caf::strong_actor_ptr& one);
  caf::message translate(uint64_t number, int to, caf::message content);
  void send(uint64_t number, int to, item what);
  void arrive(uint64_t number, int to);
  void learn(uint64_t number, int side, const std::string& why);
  void learn_later(uint64_t number, int side, const std::string& why, bool slowly);
  void drop(uint64_t number);

  world& world_;
  /// Held while there are wires: the actors of the world, which outlive them, ask before they tell.
  std::shared_ptr<const bool> lives_ = std::make_shared<const bool>(true);
  caf::actor post_;
  std::map<uint64_t, link> links_;
  uint64_t next_ = 1;
};

}  // namespace et::simulation
