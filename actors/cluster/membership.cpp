#include "actors/cluster/membership.hpp"

#include <algorithm>

#include "actors/actor_base.hpp"
#include "actors/blocking.hpp"
#include "actors/cluster/joiner.hpp"
#include "actors/defaults.hpp"
#include "actors/version.hpp"

namespace et::cluster {

bool membership_state::linked(const std::string& node) const {
  return std::any_of(links.begin(), links.end(),
                     [&](const auto& one) { return one.second.node == node; });
}

bool membership_state::reached(const std::string& node) const {
  return std::any_of(links.begin(), links.end(), [&](const auto& one) {
    return one.second.node == node && one.second.at == phase::up;
  });
}

namespace {

using self_pointer = membership_actor::stateful_pointer<membership_state>;
using phase = membership_state::phase;

void tell(self_pointer self, severity level, const std::string& text) {
  alert_record draft;
  draft.level = level;
  draft.text = text;
  self->send(self->state.actors->head, alert_atom_v, std::move(draft));
}

node_card own_card(self_pointer self) {
  auto& state = self->state;
  auto& all = *state.actors;
  node_card card;
  card.node = all.node;
  card.version = version_text;
  card.epoch = state.options.epoch();
  card.listen = state.options.listen;
  card.clients = state.options.clients;
  card.fingerprint = state.options.fingerprint;
  card.follower = state.options.follower;
  if (auto own = all.nodes->find(all.node)) {
    card.roles = own->roles;
    card.roots = own->roots;
  }
  card.keeper = all.keeper;
  card.cache_readers = all.cache_readers;
  card.writers = all.writers;
  card.drives = all.drives;
  card.library = all.library;
  card.tickets = all.tickets;
  card.inspector = all.inspector;
  if (state.is_head()) {
    card.head = all.head;
    card.roles.insert(card.roles.begin(), "head");
  }
  if (card.follower) card.roles.emplace_back("standby");
  return card;
}

node_peer& peer_of(self_pointer self, const std::string& node) {
  auto& state = self->state;
  auto& one = state.peers[node];
  if (!one)
    one = std::make_unique<node_peer>(self->system(), state.actors->nodes, node,
                                      state.options.clock->now_ns());
  return *one;
}

/// The relay that stands for the head on a node that is not it.
void attach_head(self_pointer self, const head_actor& to, const std::string& why) {
  caf::anon_send(caf::actor_cast<caf::actor>(self->state.actors->head), link_atom_v,
                 caf::actor_cast<caf::strong_actor_ptr>(to), why);
}

void dial_head(self_pointer self) {
  auto& state = self->state;
  if (state.is_head() || !state.head.empty() || state.dialling_head || state.settling) return;
  auto& heads = state.options.heads;
  for (size_t tried = 0; tried < heads.size(); ++tried) {
    auto& address = heads[state.next_head++ % heads.size()];
    // A second link to a node would end the first.
    auto found = state.nodes_at.find(address);
    if (found != state.nodes_at.end() && state.linked(found->second)) continue;
    state.dialling_head = true;
    state.dialled_head = address;
    self->send(state.dialler, dial_atom_v, address, std::string{});
    return;
  }
}

/// It can be worked with from now on.
void comes_up(self_pointer self, uint64_t number) {
  auto& state = self->state;
  auto& link = state.links.at(number);
  link.at = phase::up;
  auto& peer = peer_of(self, link.node);
  bool is_back = state.lost_since_ns.erase(link.node) > 0;
  peer.attach(link.card, state.options.clock->now_ns());
  spdlog::info("node {} is up ({})", link.node, link.card.version);
  if (link.card.head) {
    state.head = link.node;
    attach_head(self, link.card.head, {});
  }
  if (!state.is_head()) return;
  if (is_back) tell(self, severity::info, "node " + link.node + " is back");
  self->send(state.actors->scheduler, joined_atom_v, link.node);
  if (state.options.standby_changed && link.card.follower)
    state.options.standby_changed(link.node, link.card.follower);
}

/// Of the head: what the node holds is judged before it counts.
void begin_join(self_pointer self, uint64_t number) {
  auto& state = self->state;
  auto& link = state.links.at(number);
  join_job job;
  job.membership = self;
  job.link = number;
  job.node = link.node;
  job.keeper = link.card.keeper;
  job.registrar = state.actors->registrar;
  job.scheduler = state.actors->scheduler;
  job.director = state.actors->director;
  job.store = state.options.store;
  job.use = state.options.users->begin();
  spawn_blocking(*self, join, job);
}

void met(self_pointer self, uint64_t number, const node_card& card) {
  auto& state = self->state;
  auto& link = state.links[number];
  link.node = card.node;
  link.card = card;
  link.at = phase::met;
  if (card.port) link.port = caf::actor_cast<node_port_actor>(card.port);
  if (state.options.heard_epoch) state.options.heard_epoch(card.epoch, card.node);
  if (state.is_head())
    begin_join(self, number);
  else
    comes_up(self, number);
}

void linked(self_pointer self, uint64_t number, const std::string& wanted, const std::string& node,
            const caf::strong_actor_ptr& port) {
  auto& state = self->state;
  bool as_head = wanted.empty();
  if (as_head)
    state.nodes_at[state.dialled_head] = node;
  else
    state.dialling.erase(wanted);
  if (state.ended.count(number)) {
    if (as_head) state.dialling_head = false;
    return;
  }
  auto& link = state.links[number];
  link.node = node;
  link.port = caf::actor_cast<node_port_actor>(port);
  auto card = own_card(self);
  card.port = caf::actor_cast<caf::strong_actor_ptr>(
      self->spawn(node_port, membership_actor{self}, number, node));
  self->request(link.port, state.options.down_after, meet_atom_v, std::move(card))
      .then(
          [=](const node_card& theirs) {
            auto& mine = self->state;
            // Who was dialled as the head may be a standby: the next is tried then.
            if (as_head) mine.dialling_head = false;
            if (!mine.links.count(number)) return;
            if (mine.options.stops()) return;
            if (theirs.head && theirs.epoch < mine.options.epoch()) {
              mine.options.close_link(number, "it is an old head");
              return;
            }
            // It would be given work that is still being given up, or twice.
            if (theirs.head && (mine.settling || !mine.head.empty())) {
              mine.options.close_link(number, "this node has not done with its last head");
              return;
            }
            met(self, number, theirs);
          },
          [=](const caf::error& error) {
            spdlog::warn("node {}: does not let this node join: {}", node, text_of(error));
            if (as_head) self->state.dialling_head = false;
            self->state.options.close_link(number, "not let in");
          });
}

/// After the head is gone: nothing that it wanted is done any more, and when all of it has ended,
/// another, or the same, may be joined.
void give_up_work(self_pointer self) {
  auto& state = self->state;
  state.settling = true;
  if (state.options.give_up_jobs) state.options.give_up_jobs(true);
  auto& all = *state.actors;
  if (all.tickets) self->send(all.tickets, abandon_atom_v);
  auto open = std::make_shared<size_t>(1 + all.drives.size() + all.writers.size());
  auto one_less = [=] {
    if (--*open > 0) return;
    if (self->state.options.give_up_jobs) self->state.options.give_up_jobs(false);
    self->state.settling = false;
    dial_head(self);
  };
  auto done = [=](bool) { one_less(); };
  auto failed = [=](const caf::error&) { one_less(); };
  for (auto& drive : all.drives)
    self->request(drive, defaults::drive_timeout, settle_atom_v).then(done, failed);
  for (auto& writer : all.writers)
    self->request(writer, defaults::cache_write_timeout, report_atom_v)
        .then([=](const std::vector<report>&) { one_less(); }, failed);
  if (all.keeper)
    self->request(all.keeper, defaults::request_timeout, abandon_atom_v).then(done, failed);
  else
    one_less();
}

/// Of the head: says what only the lost node has.
void tell_of_loss(self_pointer self, const std::string& node, const std::string& reason) {
  auto& state = self->state;
  state.lost_since_ns[node] = state.options.clock->now_ns();
  self->send(state.actors->scheduler, left_atom_v, node);
  if (state.options.stops()) return;
  spawn_blocking(*self, tell_loss,
                 loss_job{state.actors->head, state.options.store, state.options.users->begin(),
                          node, "node " + node + " is lost (" + reason + ")"});
}

void cut(self_pointer self, uint64_t number, const std::string& reason) {
  auto& state = self->state;
  auto found = state.links.find(number);
  // A message of it may still come, and must not make it look alive: nobody would tell its end
  // again.
  state.ended.insert(number);
  if (state.ended.size() > state.max_ended) state.ended.erase(state.ended.begin());
  if (found == state.links.end()) return;
  auto gone = std::move(found->second);
  state.links.erase(found);
  // Another link to it, not met yet, may never be: this one's end counts.
  bool counted = gone.at == phase::up && !state.reached(gone.node);
  spdlog::warn("node {}: its link has ended: {}", gone.node, reason);
  if (!counted) return dial_head(self);
  if (state.is_head()) {
    tell_of_loss(self, gone.node, reason);
    if (state.options.standby_changed && gone.card.follower)
      state.options.standby_changed(gone.node, nullptr);
  }
  peer_of(self, gone.node).detach("node " + gone.node + " is lost", state.options.clock->now_ns());
  if (gone.node != state.head) return;
  state.head.clear();
  attach_head(self, {}, "the head is gone");
  give_up_work(self);
}

/// Of the head: what only a lost node has is read from the sources again, elsewhere.
void reread(self_pointer self, const std::string& node) {
  auto& state = self->state;
  reread_job job;
  job.node = node;
  job.store = state.options.store;
  job.use = state.options.users->begin();
  job.head = state.actors->head;
  job.scheduler = state.actors->scheduler;
  job.director = state.actors->director;
  spawn_blocking(*self, reread_elsewhere, job);
}

void reread_overdue(self_pointer self) {
  auto& state = self->state;
  if (!state.is_head() || state.options.reread_after.count() == 0) return;
  auto now_ns = state.options.clock->now_ns();
  auto after_ns = std::chrono::nanoseconds{state.options.reread_after}.count();
  for (auto& [node, since_ns] : state.lost_since_ns) {
    if (now_ns - since_ns < after_ns) continue;
    since_ns = now_ns;
    reread(self, node);
  }
}

/// Keeps links to the nodes that the head names; of two, the one whose name is behind dials.
void dial_nodes(self_pointer self, const std::vector<node_address>& nodes) {
  auto& state = self->state;
  for (auto& one : nodes) {
    if (one.node >= state.actors->node || one.address.empty() || state.linked(one.node)) continue;
    if (!state.dialling.insert(one.node).second) continue;
    self->send(state.dialler, dial_atom_v, one.address, one.node);
  }
}

void ask_for_signs(self_pointer self) {
  auto& state = self->state;
  for (auto& [number, link] : state.links) {
    auto& port = link.port;
    if (link.asking || !port) continue;
    link.asking = true;
    auto which = number;
    auto node = link.node;
    self->request(port, state.options.down_after, ping_atom_v, state.options.epoch())
        .then(
            [=](const node_news& news) {
              auto& mine = self->state;
              auto found = mine.links.find(which);
              if (found == mine.links.end()) return;
              found->second.asking = false;
              mine.actors->nodes->set_load(node, news.load);
              if (mine.options.heard_epoch) mine.options.heard_epoch(news.epoch, node);
              if (node == mine.head) dial_nodes(self, news.nodes);
            },
            [=](const caf::error& error) {
              if (self->state.links.count(which))
                self->state.options.close_link(which, "no sign of life: " + text_of(error));
            });
  }
}

void refresh_own_load(self_pointer self) {
  auto& all = *self->state.actors;
  if (!all.keeper) return;
  self->request(all.keeper, self->state.options.down_after, observe_atom_v)
      .then(
          [=](const keeper_facts& facts) {
            node_load load;
            auto used = facts.file_bytes + facts.reserved_bytes;
            load.free_bytes = facts.capacity_bytes > used ? facts.capacity_bytes - used : 0;
            for (auto& queue : facts.queues) load.jobs += queue.waiting;
            self->state.actors->nodes->set_load(self->state.actors->node, load);
          },
          [](const caf::error&) {});
}

node_news news(self_pointer self) {
  auto& state = self->state;
  node_news now;
  now.load = state.actors->nodes->load(state.actors->node);
  now.epoch = state.options.epoch();
  if (!state.is_head()) return now;
  for (auto& [number, link] : state.links)
    if (link.at == phase::up) now.nodes.push_back({link.node, link.card.listen});
  return now;
}

std::vector<report> reports(self_pointer self) {
  std::vector<report> all;
  for (auto& node : self->state.actors->nodes->all()) {
    report one{"node", node->name, {{"state", node->up ? "up" : "lost"}}};
    bool own = node->name == self->state.actors->node;
    auto all_roles = own ? own_card(self).roles : node->roles;
    std::string roles;
    for (auto& role : all_roles) roles += (roles.empty() ? "" : ", ") + role;
    one.facts.push_back({"roles", roles});
    one.facts.push_back({"version", node->version});
    one.facts.push_back({"drives", std::to_string(node->drives.size())});
    auto load = self->state.actors->nodes->load(node->name);
    if (node->keeper) one.facts.push_back({"free cache bytes", std::to_string(load.free_bytes)});
    all.push_back(std::move(one));
  }
  return all;
}

/// A card is answered with ours; the peer asks for signs of life from then on, and so do we.
caf::result<node_card> meet(self_pointer self, uint64_t number, const std::string& node,
                            const node_card& card) {
  auto& state = self->state;
  if (state.ended.count(number)) return fail(errc::node_lost, "this link has ended");
  if (state.options.stops()) return fail(errc::unavailable, "this node stops");
  if (node == state.actors->node)
    return fail(errc::already_exists, "node " + node + " is this node: names must be different");
  if (state.linked(node)) {
    // An old link that has not been noticed to be dead yet.
    for (auto& [old, link] : state.links)
      if (link.node == node && old != number) state.options.close_link(old, "linked again");
    if (peer_of(self, node).up())
      return fail(errc::already_exists, "node " + node + " is linked already; try again");
  }
  met(self, number, card);
  return own_card(self);
}

}  // namespace

membership_actor::behavior_type membership(
    self_pointer self, actors_ptr actors, membership_options options,
    std::function<dialler_actor(membership_actor)> make_dialler) {
  guard(self);
  auto& state = self->state;
  state.actors = std::move(actors);
  state.options = std::move(options);
  state.dialler = make_dialler(self);
  if (!state.is_head()) attach_head(self, {}, "the head has not been found yet");
  self->send(self, tick_atom_v);
  return {
      [=](report_atom) -> caf::result<std::vector<report>> {
        auto& mine = self->state;
        return std::vector<report>{report_of(self, "membership",
                                             {{"links", std::to_string(mine.links.size())},
                                              {"head", mine.is_head()      ? "this node"
                                                       : mine.head.empty() ? "none"
                                                                           : mine.head}})};
      },
      [=](linked_atom, uint64_t number, const std::string& wanted, const std::string& node,
          const caf::strong_actor_ptr& port) { linked(self, number, wanted, node, port); },
      [=](dial_atom, const std::string& node, const std::string& why) {
        if (node.empty()) {
          self->state.dialling_head = false;
          spdlog::warn("the head cannot be reached: {}; trying again", why);
        } else {
          self->state.dialling.erase(node);
          spdlog::warn("node {} cannot be reached: {}", node, why);
        }
      },
      [=](cut_atom, uint64_t number, const std::string&, const std::string& reason) {
        cut(self, number, reason);
      },
      [=](meet_atom, uint64_t number, const std::string& node, const node_card& card)
          -> caf::result<node_card> { return meet(self, number, node, card); },
      [=](ping_atom, uint64_t, uint64_t epoch) -> caf::result<node_news> {
        if (self->state.options.heard_epoch) self->state.options.heard_epoch(epoch, "a node");
        return news(self);
      },
      [=](joined_atom, uint64_t number, const std::string& trouble) {
        auto found = self->state.links.find(number);
        if (found == self->state.links.end()) return;
        if (trouble.empty()) return comes_up(self, number);
        self->state.options.close_link(number, "not judged");
      },
      [=](expect_atom, const std::string& node) {
        if (node == self->state.actors->node) return;
        // It may have joined before this was said.
        if (peer_of(self, node).up()) return;
        self->state.lost_since_ns.emplace(node, self->state.options.clock->now_ns());
      },
      [=](nodes_atom) -> caf::result<std::vector<report>> { return reports(self); },
      [=](tick_atom) {
        refresh_own_load(self);
        ask_for_signs(self);
        dial_head(self);
        reread_overdue(self);
        self->delayed_send(self, self->state.options.heartbeat, tick_atom_v);
      },
  };
}

}  // namespace et::cluster
