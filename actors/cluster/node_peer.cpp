#include "actors/cluster/node_peer.hpp"

namespace et::cluster {

namespace {

template <class Handle>
void link(const Handle& relay, const caf::strong_actor_ptr& to, const std::string& why) {
  caf::anon_send(caf::actor_cast<caf::actor>(relay), link_atom_v, to, why);
}

}  // namespace

node_peer::node_peer(caf::actor_system& system, std::shared_ptr<node_roster> roster,
                     std::string name, int64_t now_ns)
    : system_(system), roster_(std::move(roster)) {
  entry_.name = std::move(name);
  entry_.since_ns = now_ns;
  roster_->put(entry_);
}

template <class Handle>
Handle node_peer::make_relay() {
  auto made = system_.spawn(relay<Handle>);
  relays_.push_back(caf::actor_cast<caf::actor>(made));
  return caf::actor_cast<Handle>(made);
}

template <class Handle>
void node_peer::attach_one(Handle& handle, const Handle& to) {
  if (!to) return;
  if (!handle) handle = make_relay<Handle>();
  link(handle, caf::actor_cast<caf::strong_actor_ptr>(to), {});
}

template <class Handle>
void node_peer::attach_all(std::vector<Handle>& handles, const std::vector<Handle>& to) {
  // A node that comes back with fewer: those that are missing stay unreachable.
  for (size_t i = 0; i < to.size(); ++i) {
    if (i == handles.size()) handles.push_back(make_relay<Handle>());
    link(handles[i], caf::actor_cast<caf::strong_actor_ptr>(to[i]), {});
  }
}

void node_peer::attach(const node_card& card, int64_t now_ns) {
  entry_.version = card.version;
  entry_.roles = card.roles;
  entry_.roots = card.roots;
  entry_.clients = card.clients;
  entry_.fingerprint = card.fingerprint;
  entry_.up = true;
  entry_.since_ns = now_ns;
  attach_one(entry_.keeper, card.keeper);
  attach_all(entry_.cache_readers, card.cache_readers);
  attach_all(entry_.writers, card.writers);
  attach_all(entry_.drives, card.drives);
  attach_one(entry_.library, card.library);
  attach_one(entry_.tickets, card.tickets);
  attach_one(entry_.inspector, card.inspector);
  roster_->put(entry_);
}

void node_peer::detach(const std::string& why, int64_t now_ns) {
  entry_.up = false;
  entry_.since_ns = now_ns;
  roster_->put(entry_);
  for (auto& one : relays_) link(one, nullptr, why);
}

node_peer::~node_peer() {
  for (auto& one : relays_) caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
}

}  // namespace et::cluster
