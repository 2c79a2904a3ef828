#include "actors/standby/catalogue_shipper.hpp"

#include "actors/actor_base.hpp"
#include "actors/blocking.hpp"

namespace et {

namespace fs = std::filesystem;

namespace {

using self_pointer = catalogue_shipper_actor::stateful_pointer<shipper_state>;
using clock = std::chrono::steady_clock;
using report_kind = standby_report::kind_type;

constexpr const char* checkpoint_prefix = "checkpoint.";

checkpoint_maker_actor::behavior_type checkpoint_maker(checkpoint_maker_actor::pointer self,
                                                       catalogue_log* log) {
  guard(self);
  return {
      [=](checkpoint_atom, const std::string& folder) -> caf::result<std::vector<checkpoint_file>> {
        auto files = log->checkpoint(folder);
        if (!files) return files.error();
        return std::move(*files);
      },
  };
}

void remove_leftovers(const fs::path& folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  std::vector<fs::path> left;
  for (fs::directory_iterator it{folder, code}, end; !code && it != end; it.increment(code))
    if (it->path().filename().string().rfind(checkpoint_prefix, 0) == 0) left.push_back(it->path());
  for (auto& path : left) fs::remove_all(path, code);
}

std::string standby_name(self_pointer self) {
  auto& state = self->state;
  if (state.session) return state.session->node;
  return state.options.standby.empty() ? "the standby" : state.options.standby;
}

void report(self_pointer self, report_kind kind, uint64_t sequence = 0,
            severity level = severity::info, std::string text = {}) {
  self->send(self->state.registrar, gate_atom_v,
             standby_report{kind, sequence, level, std::move(text)});
}

/// Has a tick come when the watch needs one.
void keep_time(self_pointer self) {
  auto& state = self->state;
  auto deadline = state.watch->deadline();
  if (!deadline || state.ticking) return;
  state.ticking = true;
  auto left = std::max<clock::duration>(*deadline - clock::now(), std::chrono::milliseconds{1});
  caf::delayed_anon_send(catalogue_shipper_actor{self},
                         std::chrono::ceil<std::chrono::milliseconds>(left), tick_atom_v);
}

void take_step(self_pointer self, standby_watch::step step) {
  auto& state = self->state;
  auto seconds = std::to_string(static_cast<double>(state.options.timeout.count()) / 1000);
  seconds.erase(seconds.find_last_not_of('0') + 1);
  if (seconds.back() == '.') seconds.pop_back();
  auto silence = "standby " + standby_name(self) + " has not confirmed for " + seconds + " s: ";
  switch (step) {
    case standby_watch::step::none:
      break;
    case standby_watch::step::begin: {
      auto text = state.watch->missed()
                      ? "standby " + standby_name(self) + " has caught up and counts again"
                      : std::string{};
      state.watch->welcome();
      spdlog::info("standby {} follows: answers wait for it from now on", standby_name(self));
      report(self, report_kind::hold, 0, severity::info, text);
      report(self, report_kind::acknowledged, state.session->acknowledged_sequence);
      self->send(state.session->follower, counted_atom_v, state.session->number, true);
      break;
    }
    case standby_watch::step::drop:
      report(self, report_kind::let_go, 0, severity::error,
             silence + "node " + state.options.node +
                 " goes on alone; what it acknowledges from now on is lost if it is lost");
      if (state.session)
        self->send(state.session->follower, counted_atom_v, state.session->number, false);
      break;
    case standby_watch::step::complain:
      report(self, report_kind::told, 0, severity::error,
             silence + "nothing is acknowledged until it is back");
      break;
  }
  keep_time(self);
}

void end_session(self_pointer self, const std::string& why) {
  auto& state = self->state;
  if (!state.session) return;
  spdlog::warn("standby {}: {}", state.session->node, why);
  state.session.reset();
  state.watch->lost(clock::now());
  keep_time(self);
}

void begin_anew(self_pointer self, const std::string& why) {
  auto& session = *self->state.session;
  self->send(session.follower, anew_atom_v, session.number, why);
  end_session(self, why);
}

/// The next bytes of the session; empty: there are none now.
caf::expected<bytes> next_bytes(self_pointer self) {
  auto& session = *self->state.session;
  auto limit = self->state.options.chunk_bytes;
  if (session.checkpoint) return session.checkpoint->read(limit);
  if (session.read_sent == session.read.size()) {
    auto frames = session.reader->read(limit);
    if (!frames) return frames.error();
    session.read = std::move(*frames);
    session.read_sent = 0;
    if (session.read.empty()) session.end = session.reader->reached();
  }
  auto size = std::min(limit, session.read.size() - session.read_sent);
  auto* from = reinterpret_cast<const uint8_t*>(session.read.data()) + session.read_sent;
  session.read_sent += size;
  return bytes{from, from + size};
}

/// The standby has what there was when the log's end was seen last.
void look_whether_caught_up(self_pointer self) {
  auto& state = self->state;
  auto& session = *state.session;
  bool caught_up = session.end && session.acknowledged_sequence >= *session.end;
  auto before = state.watch->now_in();
  take_step(self,
            state.watch->acknowledged(session.acknowledged_sequence, caught_up, clock::now()));
  if (before == standby_watch::mode::following)
    report(self, report_kind::acknowledged, session.acknowledged_sequence);
}

/// Sends as far as the window is open.
void pump(self_pointer self) {
  auto& state = self->state;
  while (state.session &&
         state.session->sent - state.session->acknowledged < defaults::standby_window) {
    auto& session = *state.session;
    auto data = next_bytes(self);
    if (!data) return begin_anew(self, text_of(data.error()));
    if (data->empty()) break;
    state.sent_bytes += data->size();
    self->send(session.follower, chunk_atom_v,
               standby_chunk{session.number, ++session.sent, std::move(*data)});
  }
}

/// The session's end was seen, or there is more to send.
void go_on(self_pointer self) {
  pump(self);
  auto& state = self->state;
  if (state.session && !state.session->checkpoint &&
      state.watch->now_in() != standby_watch::mode::following)
    look_whether_caught_up(self);
}

void fence(self_pointer self, const epoch_record& now) {
  auto& state = self->state;
  if (std::exchange(state.fenced, true)) return;
  spdlog::critical("fenced: node {} is the head since epoch {}", now.node, now.epoch);
  if (state.options.on_fenced) state.options.on_fenced(now);
}

caf::error check_epoch(self_pointer self, const epoch_record& known) {
  auto mine = self->state.log->epoch();
  if (!mine) return mine.error();
  if (known.epoch <= mine->epoch) return {};
  fence(self, known);
  return fail(errc::unavailable, "node " + self->state.options.node +
                                     " is not the head any more: node " + known.node + " is");
}

standby_grant grant_of(self_pointer self, std::string why) {
  auto& state = self->state;
  standby_grant grant;
  grant.session = state.session->number;
  grant.head = state.options.node;
  grant.anew = state.session->checkpoint != nullptr;
  grant.why = std::move(why);
  if (grant.anew) grant.files = state.session->checkpoint->files();
  return grant;
}

/// With a checkpoint, when it has been made.
caf::result<standby_grant> follow_anew(self_pointer self, shipper_state::session_state draft,
                                       std::string why) {
  auto promise = self->make_response_promise<standby_grant>();
  auto folder = self->state.options.folder / (checkpoint_prefix + std::to_string(draft.number));
  spdlog::info("standby {}: a checkpoint is made: {}", draft.node, why);
  auto number = draft.number;
  auto kept = std::make_shared<shipper_state::session_state>(std::move(draft));
  self->request(self->state.maker, defaults::checkpoint_timeout, checkpoint_atom_v, folder.string())
      .then(
          [=](std::vector<checkpoint_file>& files) mutable {
            auto made = std::make_unique<checkpoint_stream>(folder, std::move(files));
            if (number != self->state.sessions) {
              promise.deliver(fail(errc::cancelled, "another session has begun"));
              return;
            }
            kept->checkpoint = std::move(made);
            self->monitor(kept->follower);
            self->state.session = std::move(*kept);
            promise.deliver(grant_of(self, why));
            pump(self);
          },
          [=](const caf::error& error) mutable { (void)promise.deliver(error); });
  return promise;
}

caf::result<standby_grant> follow(self_pointer self, const standby_position& position) {
  auto& state = self->state;
  if (!state.options.standby.empty() && position.node != state.options.standby)
    return fail(errc::not_authorised,
                "node " + position.node + " is not the standby, " + state.options.standby + " is");
  if (auto error = check_epoch(self, position.epoch)) return error;
  end_session(self, "it begins again");
  shipper_state::session_state draft;
  draft.number = ++state.sessions;
  draft.node = position.node;
  draft.follower = caf::actor_cast<catalogue_follower_actor>(self->current_sender());
  auto error = state.log->can_follow(position.copy);
  if (!error) {
    draft.reader = std::make_unique<log_reader>(*state.log, position.copy.sequence);
    draft.acknowledged_sequence = position.copy.sequence;
    // Whether the log still reaches back so far shows when it is read.
    auto frames = draft.reader->read(state.options.chunk_bytes);
    if (frames)
      draft.read = std::move(*frames);
    else
      error = frames.error();
  }
  if (error && code_of(error) != errc::not_found) return error;
  if (error) return follow_anew(self, std::move(draft), text_of(error));
  spdlog::info("standby {}: follows from write {}", position.node, position.copy.sequence);
  self->monitor(draft.follower);
  state.session = std::move(draft);
  // Behind the answer.
  caf::anon_send(catalogue_shipper_actor{self}, wake_atom_v);
  return grant_of(self, {});
}

void acknowledged(self_pointer self, const standby_ack& ack) {
  auto& state = self->state;
  if (!state.session || ack.session != state.session->number) return;
  auto& session = *state.session;
  if (ack.number > session.sent || ack.number < session.acknowledged) {
    end_session(self, "acknowledged what was not sent");
    return;
  }
  session.acknowledged = ack.number;
  session.acknowledged_sequence = std::max(session.acknowledged_sequence, ack.sequence);
  if (!session.checkpoint) look_whether_caught_up(self);
  go_on(self);
}

caf::result<std::vector<et::report>> reports(self_pointer self) {
  auto& state = self->state;
  std::vector<fact> facts{{"standby", standby_name(self)},
                          {"state", to_string(state.status->get())},
                          {"sent bytes", std::to_string(state.sent_bytes)}};
  if (state.session) {
    auto& session = *state.session;
    facts.push_back({"sends", session.checkpoint ? "a checkpoint" : "the log"});
    facts.push_back({"last write", std::to_string(state.status->bell.sequence.load())});
    facts.push_back({"acknowledged", std::to_string(session.acknowledged_sequence)});
    facts.push_back({"messages under way", std::to_string(session.sent - session.acknowledged)});
  }
  return std::vector<et::report>{report_of(self, "catalogue_shipper", std::move(facts))};
}

}  // namespace

catalogue_shipper_actor::behavior_type catalogue_shipper(self_pointer self, catalogue_log* log,
                                                         gated_registrar_actor registrar,
                                                         std::shared_ptr<standby_status> status,
                                                         shipper_options options) {
  guard(self);
  auto& state = self->state;
  state.log = log;
  state.registrar = std::move(registrar);
  state.status = std::move(status);
  state.options = std::move(options);
  state.maker = spawn_blocking<caf::linked>(*self, checkpoint_maker, log);
  state.watch.emplace(state.options.timeout, state.options.policy, clock::now());
  remove_leftovers(state.options.folder);
  self->set_down_handler([=](caf::down_msg& down) {
    if (self->state.session && self->state.session->follower.address() == down.source)
      end_session(self, "the link is down: " + text_of(down.reason));
  });
  // A standby of another version may not know a message; that must not end the head's shipper.
  self->set_error_handler([](caf::error& error) { spdlog::warn("standby: {}", text_of(error)); });
  self->send(state.registrar, attach_atom_v, caf::actor_cast<caf::strong_actor_ptr>(self));
  keep_time(self);
  return {
      [=](report_atom) { return reports(self); },
      [=](follow_atom, const standby_position& position) { return follow(self, position); },
      [=](ack_atom, const standby_ack& ack) {
        auto sender = caf::actor_cast<caf::actor_addr>(self->current_sender());
        if (self->state.session && self->state.session->follower.address() == sender)
          acknowledged(self, ack);
      },
      [=](wake_atom) {
        auto& bell = self->state.status->bell;
        // Before the log is read: a write behind the reading rings again.
        bell.rung.store(false);
        self->state.watch->written(bell.sequence.load(), clock::now());
        go_on(self);
        keep_time(self);
      },
      [=](tick_atom) {
        self->state.ticking = false;
        take_step(self, self->state.watch->passed(clock::now()));
      },
      [=](fence_atom, const epoch_record& now) {
        if (auto error = check_epoch(self, now)) spdlog::error("{}", text_of(error));
      },
  };
}

}  // namespace et
