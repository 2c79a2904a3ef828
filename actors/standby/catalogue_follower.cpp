#include "actors/standby/catalogue_follower.hpp"

#include "actors/actor_base.hpp"
#include "storage/catalogue/alert_text.hpp"

namespace et {

namespace {

using self_pointer = catalogue_follower_actor::stateful_pointer<follower_state>;

std::string folder_of(const follower_state& state) {
  return (state.options.state / "catalogue").string();
}

void look_again(self_pointer self) {
  auto& state = self->state;
  if (state.ticking || state.promoted) return;
  if (!state.options.connect && !state.attached) return;
  state.ticking = true;
  caf::delayed_anon_send(catalogue_follower_actor{self}, state.retry, tick_atom_v);
  state.retry = std::clamp(state.retry * 2, state.options.first_retry, state.options.last_retry);
}

/// What was received of a session that has ended counts only as far as it was applied.
void forget_session(self_pointer self) {
  auto& state = self->state;
  state.session.reset();
  state.receiver.reset();
  state.received = 0;
  if (state.copy) state.copy->forget_partial();
}

void lose(self_pointer self, const std::string& why) {
  auto& state = self->state;
  forget_session(self);
  if (state.shipper) self->demonitor(state.shipper.address());
  state.shipper = nullptr;
  state.following = false;
  state.retry = std::max(state.retry, state.options.first_retry);
  if (state.trouble != why) spdlog::warn("standby: no link to the head: {}", why);
  state.trouble = why;
  look_again(self);
}

/// Opens what is there; a copy that cannot be opened is replaced by a checkpoint, unless it is
/// somebody else's.
void open_copy(self_pointer self) {
  auto& state = self->state;
  auto copy = catalogue_copy::open(folder_of(state), state.options.catalogue.memory_bytes);
  if (copy)
    state.copy = std::move(*copy);
  else if (code_of(copy.error()) == errc::locked || code_of(copy.error()) == errc::newer_version)
    self->quit(copy.error());
  else if (code_of(copy.error()) != errc::not_found)
    spdlog::error("standby: {}: a checkpoint is asked for", text_of(copy.error()));
}

caf::expected<standby_position> position_of(self_pointer self) {
  auto& state = self->state;
  standby_position position;
  position.node = state.options.node;
  position.epoch = state.epochs->known();
  if (!state.copy) return position;
  auto copy = state.copy->position();
  if (!copy) return copy.error();
  auto epoch = state.copy->epoch();
  if (!epoch) return epoch.error();
  position.copy = std::move(*copy);
  if (epoch->epoch > position.epoch.epoch) position.epoch = *epoch;
  return position;
}

void take_grant(self_pointer self, standby_grant& grant) {
  auto& state = self->state;
  state.following = false;
  forget_session(self);
  state.head = grant.head;
  state.trouble.clear();
  state.retry = std::chrono::milliseconds{0};
  state.heard_ns = state.options.catalogue.clock->now_ns();
  state.counted = false;
  if (grant.anew) {
    spdlog::info("standby: a checkpoint of {} files comes from {}: {}", grant.files.size(),
                 grant.head, grant.why);
    auto receiver = checkpoint_receiver::begin(folder_of(state), std::move(grant.files));
    if (!receiver) return lose(self, text_of(receiver.error()));
    state.receiver = std::move(*receiver);
  } else {
    spdlog::info("standby: follows {} from write {}", grant.head, state.copy->sequence());
    if (auto error = write_role(state.options.state, node_role::standby))
      return lose(self, text_of(error));
  }
  state.session = grant.session;
}

void follow(self_pointer self) {
  auto& state = self->state;
  if (state.following || state.promoted) return;
  auto position = position_of(self);
  if (!position) return lose(self, text_of(position.error()));
  state.following = true;
  self->request(state.shipper, defaults::checkpoint_timeout, follow_atom_v, std::move(*position))
      .then(
          [=](standby_grant& grant) {
            if (self->state.following) take_grant(self, grant);
          },
          [=](const caf::error& error) {
            if (self->state.following) lose(self, text_of(error));
          });
}

void look_for_head(self_pointer self) {
  auto& state = self->state;
  if (state.shipper || state.promoted) return;
  if (state.options.connect) {
    auto shipper = state.options.connect();
    if (!shipper) return lose(self, text_of(shipper.error()));
    state.shipper = std::move(*shipper);
  } else if (state.attached) {
    state.shipper = caf::actor_cast<catalogue_shipper_actor>(state.attached);
  } else {
    return;
  }
  self->monitor(state.shipper);
  follow(self);
}

/// The head says how it is reached.
void attach(self_pointer self, const caf::strong_actor_ptr& to) {
  auto& state = self->state;
  if (state.promoted) {
    if (to)
      self->send(caf::actor_cast<catalogue_shipper_actor>(to), fence_atom_v, state.epochs->known());
    return;
  }
  state.attached = to;
  if (state.shipper) lose(self, to ? "the head has another link" : "the head has lost the link");
  look_for_head(self);
}

/// Puts a complete checkpoint into place. What was there and is no copy is kept aside.
caf::error install(self_pointer self) {
  auto& state = self->state;
  auto& folder = state.options.state;
  auto role = read_role(folder);
  if (!role) return role.error();
  std::string aside;
  std::error_code ignored;
  if (*role != node_role::standby && std::filesystem::exists(folder / "catalogue", ignored)) {
    aside = kept_catalogue(folder, state.options.catalogue.clock->now_ns()).string();
    spdlog::warn("standby: the former catalogue of this node is kept in {}", aside);
  }
  state.copy.reset();
  if (auto error = state.receiver->install(aside)) return error;
  if (auto error = write_role(folder, node_role::standby)) return error;
  auto bytes_received = state.receiver->received_bytes();
  open_copy(self);
  if (!state.copy) return fail(errc::corrupt, "a checkpoint of the catalogue cannot be opened");
  spdlog::info("standby: a checkpoint of {} bytes is in place, at write {}", bytes_received,
               state.copy->sequence());
  return {};
}

void acknowledge(self_pointer self, uint64_t sequence) {
  auto& state = self->state;
  self->send(state.shipper, ack_atom_v, standby_ack{*state.session, state.received, sequence});
}

/// Once for all chunks that came before.
void sync(self_pointer self) {
  auto& state = self->state;
  if (!std::exchange(state.unsynced, false) || !state.copy) return;
  if (auto error = state.copy->sync()) return lose(self, text_of(error));
  if (!state.session || state.receiver) return;
  if (auto epoch = state.copy->epoch(); epoch) {
    if (auto error = state.epochs->remember(*epoch)) spdlog::error("{}", text_of(error));
  }
  acknowledge(self, state.copy->sequence());
}

void take_chunk(self_pointer self, const standby_chunk& chunk) {
  auto& state = self->state;
  if (!state.session || chunk.session != *state.session) return;
  if (chunk.number != state.received + 1)
    return lose(self, "chunk " + std::to_string(chunk.number) + " came behind chunk " +
                          std::to_string(state.received));
  ++state.received;
  state.received_bytes += chunk.data.size();
  state.heard_ns = state.options.catalogue.clock->now_ns();
  std::string_view data{reinterpret_cast<const char*>(chunk.data.data()), chunk.data.size()};
  if (!state.receiver) {
    if (auto error = state.copy->apply(data)) return lose(self, text_of(error));
    if (!std::exchange(state.unsynced, true))
      caf::anon_send(catalogue_follower_actor{self}, sync_atom_v);
    return;
  }
  if (auto error = state.receiver->add(data)) return lose(self, text_of(error));
  acknowledge(self, 0);
  if (!state.receiver->complete()) return;
  if (auto error = install(self)) {
    state.receiver.reset();
    if (!state.copy) open_copy(self);
    return lose(self, text_of(error));
  }
  forget_session(self);
  follow(self);
}

caf::error check_promotable(self_pointer self, bool force) {
  auto& state = self->state;
  if (state.promoted)
    return fail(errc::already_exists, "node " + state.options.node + " is the head already");
  if (!state.copy)
    return fail(errc::not_found, "this standby has no copy of the head's catalogue yet");
  if (force) return {};
  if (state.shipper)
    return fail(errc::unavailable, "the head " + state.head +
                                       " is connected: stop it first, or use --force, which "
                                       "fences it");
  if (!state.counted)
    return fail(errc::unavailable,
                "this standby may lack what the head acknowledged: the head did not wait for it "
                "when it was heard last" +
                    (state.heard_ns ? ", at " + local_time(state.heard_ns) : std::string{}) +
                    "; --force promotes it nevertheless");
  return {};
}

caf::result<epoch_record> promote(self_pointer self, bool force) {
  auto& state = self->state;
  if (auto error = check_promotable(self, force)) return error;
  // From here on nothing is acknowledged: a head that waits for this standby cannot go on.
  state.promoted = true;
  if (auto error = state.copy->sync()) {
    state.promoted = false;
    return error;
  }
  state.copy.reset();
  auto next =
      promote_copy(state.options.state, state.options.catalogue, state.options.node, *state.epochs);
  if (!next) {
    state.promoted = false;
    open_copy(self);
    lose(self, "the promotion failed: " + text_of(next.error()));
    return next.error();
  }
  spdlog::warn("promoted: this node is the head now, in epoch {}", next->epoch);
  if (state.shipper) self->send(state.shipper, fence_atom_v, *next);
  forget_session(self);
  return *next;
}

caf::result<std::vector<report>> reports(self_pointer self) {
  auto& state = self->state;
  std::vector<fact> facts{{"head", state.head.empty() ? "not heard of yet" : state.head},
                          {"link", state.shipper ? "up" : "down: " + state.trouble},
                          {"state", state.promoted   ? "promoted"
                                    : state.receiver ? "receives a checkpoint"
                                    : !state.copy    ? "has no copy yet"
                                    : !state.session ? "waits for the head"
                                    : state.counted  ? "has everything"
                                                     : "catches up"},
                          {"heard", state.heard_ns ? local_time(state.heard_ns) : "never"},
                          {"received bytes", std::to_string(state.received_bytes)},
                          {"epoch", std::to_string(state.epochs->known().epoch)}};
  if (state.copy) facts.push_back({"last write", std::to_string(state.copy->sequence())});
  if (state.receiver)
    facts.push_back({"checkpoint bytes", std::to_string(state.receiver->received_bytes())});
  return std::vector<report>{report_of(self, "catalogue_follower", std::move(facts))};
}

}  // namespace

catalogue_follower_actor::behavior_type catalogue_follower(self_pointer self,
                                                           follower_options options) {
  guard(self);
  auto& state = self->state;
  state.options = std::move(options);
  auto epochs = epoch_file::open(state.options.state / "epoch");
  if (!epochs) {
    spdlog::critical("standby: {}", text_of(epochs.error()));
    self->quit(epochs.error());
    return catalogue_follower_actor::behavior_type::make_empty_behavior();
  }
  state.epochs = std::move(*epochs);
  open_copy(self);
  self->set_down_handler([=](caf::down_msg& down) {
    auto& mine = self->state;
    if (mine.attached && mine.attached->get()->address() == down.source) mine.attached = nullptr;
    if (mine.shipper && mine.shipper.address() == down.source)
      lose(self, "the link is down: " + text_of(down.reason));
  });
  // A head of another version may not know a message.
  self->set_error_handler([](caf::error& error) { spdlog::warn("standby: {}", text_of(error)); });
  caf::anon_send(catalogue_follower_actor{self}, tick_atom_v);
  state.ticking = true;
  return {
      [=](report_atom) { return reports(self); },
      [=](chunk_atom, const standby_chunk& chunk) {
        if (!self->state.promoted) take_chunk(self, chunk);
      },
      [=](counted_atom, uint64_t session, bool counts) {
        if (self->state.session && *self->state.session == session) self->state.counted = counts;
      },
      [=](anew_atom, uint64_t session, const std::string& why) {
        if (!self->state.session || *self->state.session != session) return;
        spdlog::warn("standby: the head cannot go on: {}", why);
        forget_session(self);
        follow(self);
      },
      [=](sync_atom) {
        if (!self->state.promoted) sync(self);
      },
      [=](tick_atom) {
        self->state.ticking = false;
        look_for_head(self);
      },
      [=](attach_atom, const caf::strong_actor_ptr& to) { attach(self, to); },
      [=](fence_atom) -> caf::result<epoch_record> {
        auto& mine = self->state;
        if (!mine.copy) return mine.epochs->known();
        auto in_copy = mine.copy->epoch();
        bool higher = in_copy && in_copy->epoch > mine.epochs->known().epoch;
        return higher ? *in_copy : mine.epochs->known();
      },
      [=](promote_atom, bool force) { return promote(self, force); },
      [=](nodes_atom) { return self->state.head; },
  };
}

}  // namespace et
