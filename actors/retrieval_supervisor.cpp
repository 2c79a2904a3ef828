#include "actors/actor_base.hpp"
#include "actors/defaults.hpp"
#include "actors/node_roster.hpp"
#include "actors/retrieval_parts.hpp"
#include "actors/watch.hpp"

namespace et {

using namespace retrieving;

namespace {

/// Recalls of one retrieval that are in the scheduler's hands at once.
constexpr size_t max_recalls = 32;
/// Parts that are ready but not fetched yet; more are not begun, so that pins stay few.
constexpr size_t max_ready = 64;

void answer_waiting(self_pointer self);

/// Whether the node that has a ready part was up all the time since then.
bool is_there(const retrieval_supervisor_state& state, const part& one) {
  if (one.node == state.actors->node) return true;
  auto node = state.actors->nodes->find(one.node);
  return node && node->up && node->since_ns == one.node_since_ns;
}

/// The node of a ready part is lost, and with it what the part held there.
void begin_again(self_pointer self, uint64_t number, part& one, const std::string& why) {
  one.pinned = false;
  one.room = one.recall = 0;
  wait_for_node(self, number, why);
}

/// Bytes of a range that was told as ready. When its node was lost since, they are brought to where
/// they can be read; until then the answer is node_lost, and the client asks again.
caf::result<bytes> data_of(self_pointer self, aggregation_id id, uint64_t offset_bytes,
                           uint32_t length_bytes) {
  auto& state = self->state;
  auto number = state.told(id, offset_bytes);
  auto one = find_part(self, number);
  if (!one) return fail(errc::invalid_argument, "that range is not ready");
  auto lost = fail(errc::node_lost, "node " + one->node + " is lost");
  if (one->state != part_state::ready) return lost;
  if (!is_there(state, *one)) {
    begin_again(self, number, *one, text_of(lost));
    return lost;
  }
  auto node = state.actors->nodes->find(one->node);
  if (!node || node->cache_readers.empty()) return lost;
  auto& readers = node->cache_readers;
  return self->delegate(readers[id.number % readers.size()], read_atom_v, id, one->recall,
                        offset_bytes, length_bytes);
}

/// A range that was about to be told as ready, but whose node is lost: its part waits for that
/// node, or for another copy, and the client for the part.
void take_back(self_pointer self, caf::typed_response_promise<delivery> promise,
               const wanted_range& range, const std::string& why) {
  auto& state = self->state;
  if (state.ended) {
    promise.deliver(fail(errc::cancelled, "the retrieval has ended"));
    return;
  }
  for (auto& [number, one] : state.parts) {
    if (!one.take_back(range)) continue;
    if (one.state == part_state::ready) begin_again(self, number, one, why);
    break;
  }
  state.waiting.push_back(std::move(promise));
  answer_waiting(self);
  self->delayed_send(self, defaults::delivery_wait, tick_atom_v, uint64_t{0});
}

/// Tells the client of a ready range that another node has, with how to read it there.
void deliver_ticket(self_pointer self, caf::typed_response_promise<delivery> promise,
                    const delivery& next, const part& one) {
  auto node = self->state.actors->nodes->find(one.node);
  if (!node || !node->tickets || node->clients.empty()) {
    auto failed = next;
    failed.kind = delivery_kind::failed;
    failed.code = errc::unavailable;
    failed.text = "node " + one.node + " does not give data to clients";
    promise.deliver(std::move(failed));
    caf::anon_send(self, get_done_atom_v, next.range);
    return;
  }
  auto failed = [=](const caf::error& error) mutable {
    if (code_of(error) == errc::node_lost) {
      take_back(self, std::move(promise), next.range, text_of(error));
      return;
    }
    auto not_now = next;
    not_now.kind = delivery_kind::failed;
    not_now.code = code_of(error);
    not_now.text = text_of(error);
    promise.deliver(std::move(not_now));
    // Nothing more is heard of a failed range.
    caf::anon_send(self, get_done_atom_v, next.range);
  };
  self->request(node->tickets, defaults::request_timeout, permit_atom_v, self->state.record.id,
                one.aggregation, one.recall)
      .then(
          [=](const std::string& ticket) mutable {
            auto with = next;
            with.address = node->clients;
            with.fingerprint = node->fingerprint;
            with.ticket = ticket;
            promise.deliver(std::move(with));
          },
          failed);
}

/// Tells the client of a ready range, with a descriptor of the file if it can have one.
void deliver_ready(self_pointer self, caf::typed_response_promise<delivery> promise,
                   const delivery& next) {
  auto& state = self->state;
  auto one = state.readable(next.range.aggregation, next.range.begin_bytes);
  if (one && one->node != state.actors->node) {
    deliver_ticket(self, std::move(promise), next, *one);
    return;
  }
  if (!state.lends || !one) {
    promise.deliver(next);
    return;
  }
  auto& readers = state.actors->cache_readers;
  auto id = next.range.aggregation;
  self->request(readers[id.number % readers.size()], defaults::request_timeout, lend_atom_v, id,
                one->recall, state.session)
      .then(
          [=](uint64_t number) mutable {
            // Without a channel it need not be tried again.
            if (number == 0) self->state.lends = false;
            auto with = next;
            with.descriptor = number;
            promise.deliver(std::move(with));
          },
          [=](const caf::error&) mutable { promise.deliver(next); });
}

void answer_waiting(self_pointer self) {
  auto& state = self->state;
  while (!state.waiting.empty()) {
    auto next = state.next_delivery();
    if (!next) return;
    auto promise = std::move(state.waiting.front());
    state.waiting.pop_front();
    if (next->kind == delivery_kind::ready) {
      deliver_ready(self, std::move(promise), *next);
      continue;
    }
    bool failed = next->kind == delivery_kind::failed;
    auto range = next->range;
    promise.deliver(std::move(*next));
    // Nothing more is heard of a failed range.
    if (failed) caf::anon_send(self, get_done_atom_v, range);
  }
}

}  // namespace

part* retrieving::find_part(self_pointer self, uint64_t number) {
  auto found = self->state.parts.find(number);
  return found == self->state.parts.end() ? nullptr : &found->second;
}

void retrieving::part_failed(self_pointer self, uint64_t number, errc code,
                             const std::string& text) {
  if (auto one = find_part(self, number)) {
    one->state = part_state::failed;
    one->code = code;
    one->text = text;
    spdlog::warn("retrieval {}: aggregation {}: {}", self->state.record.id.value,
                 to_string(one->aggregation), text);
  }
  answer_waiting(self);
  go_on(self);
}

void retrieving::part_ready(self_pointer self, uint64_t number) {
  if (auto one = find_part(self, number)) {
    auto node = self->state.actors->nodes->find(one->node);
    one->node_since_ns = node ? node->since_ns : 0;
    one->state = part_state::ready;
  }
  answer_waiting(self);
  go_on(self);
}

void retrieving::go_on(self_pointer self) {
  auto& state = self->state;
  size_t recalling = 0;
  size_t ready = 0;
  std::vector<uint64_t> next;
  for (auto& [number, one] : state.parts) {
    if (one.state == part_state::recalling || one.state == part_state::resolving ||
        one.state == part_state::away)
      ++recalling;
    if (one.state == part_state::ready) ++ready;
    if (one.state == part_state::queued && number != state.open_part) next.push_back(number);
    if (recalling + next.size() >= max_recalls || ready >= max_ready) break;
  }
  if (ready >= max_ready) return;
  for (auto number : next) {
    if (recalling++ >= max_recalls) return;
    resolve(self, number);
  }
}

namespace {

/// Gives back what a part holds.
void let_go(self_pointer self, const part& one) {
  auto& actors = *self->state.actors;
  auto node = actors.nodes->find(one.node);
  if (!node || !node->keeper) return;
  if (one.pinned) self->send(node->keeper, unpin_atom_v, one.aggregation);
  if (node->tickets && one.node != actors.node)
    self->send(node->tickets, forget_atom_v, self->state.record.id, one.aggregation, one.recall);
  if (one.recall != 0)
    for (auto& reader : node->cache_readers)
      self->request(reader, defaults::catalogue_timeout, forget_atom_v, one.aggregation, one.recall)
          .then([](bool) {}, log_error("deleting a part recall"));
  if (one.room != 0) self->send(node->keeper, release_atom_v, one.room);
}

caf::result<bool> want(self_pointer self, const std::vector<wanted_range>& ranges, bool last) {
  auto& state = self->state;
  if (state.all_wanted) return fail(errc::protocol, "the retrieval has all its ranges already");
  if (state.ranges + ranges.size() > defaults::max_ranges_per_retrieval)
    return fail(errc::limit_reached, "more than " +
                                         std::to_string(defaults::max_ranges_per_retrieval) +
                                         " ranges in one retrieval; get fewer files at once");
  for (auto& range : ranges) {
    if (range.end_bytes < range.begin_bytes)
      return fail(errc::protocol, "a range that ends before it begins");
    auto open = find_part(self, state.open_part);
    if (!open || open->aggregation != range.aggregation) {
      state.open_part = state.next_part++;
      open = &state.parts[state.open_part];
      open->aggregation = range.aggregation;
    }
    open->ranges.push_back(range);
    ++state.ranges;
    state.wanted_bytes += range.end_bytes - range.begin_bytes;
  }
  if (last) {
    state.all_wanted = true;
    state.open_part = 0;
  }
  go_on(self);
  answer_waiting(self);
  return true;
}

void range_done(self_pointer self, const wanted_range& range) {
  auto& parts = self->state.parts;
  for (auto i = parts.begin(); i != parts.end(); ++i) {
    auto& one = i->second;
    if (one.aggregation != range.aggregation || one.delivered <= one.finished) continue;
    self->state.count_finished(one, range);
    if (++one.finished < one.ranges.size()) return;
    let_go(self, one);
    self->state.remember(one);
    parts.erase(i);
    break;
  }
  go_on(self);
  answer_waiting(self);
}

/// Finds out what the retrieval waits for, in words; nothing when something is ready.
template <class Answer>
void ask_wait(self_pointer self, Answer answer) {
  auto& state = self->state;
  aggregation_id first;
  for (auto& [number, one] : state.parts) {
    if (one.state == part_state::failed) continue;
    if (one.state == part_state::ready) return answer(std::string{});
    if (one.state == part_state::away) return answer(one.text);
    first = one.aggregation;
    break;
  }
  if (first.number == 0) return answer(std::string{});
  self->request(state.actors->scheduler, defaults::request_timeout, status_atom_v, first)
      .then([=](const std::string& text) mutable { answer(text); },
            [=](const caf::error&) mutable { answer(std::string{}); });
}

/// What a client without anything ready is told.
void answer_waiting_text(self_pointer self) {
  auto& state = self->state;
  if (state.waiting.empty()) return;
  auto promise = state.waiting.front();
  state.waiting.pop_front();
  ask_wait(self, [promise](const std::string& text) mutable {
    delivery wait;
    wait.text = text;
    promise.deliver(std::move(wait));
  });
}

caf::error cancelled(const retrieval_supervisor_state& state) {
  return fail(errc::cancelled, "retrieval " + std::to_string(state.record.id.value) +
                                   " was cancelled by " + state.cancelled_by);
}

/// Calls `then` when the end has been recorded, or could not be. The end must have begun.
void after_recording(self_pointer self, std::function<void()> then) {
  if (self->state.recorded) return then();
  self->state.when_recorded.push_back(std::move(then));
}

void set_recorded(self_pointer self) {
  self->state.recorded = true;
  for (auto& then : std::exchange(self->state.when_recorded, {})) then();
}

/// Gives everything back and records the end.
void record_end(self_pointer self, const retrieval_outcome& outcome) {
  auto& state = self->state;
  state.ended = true;
  for (auto& [number, one] : state.parts) {
    if (one.recall != 0 || one.state == part_state::recalling)
      self->send(state.actors->scheduler, cancel_atom_v, one.recall);
    let_go(self, one);
  }
  for (auto& node : state.actors->nodes->all())
    if (node->tickets && node->name != state.actors->node)
      self->send(node->tickets, get_end_atom_v, state.record.id);
  state.parts.clear();
  state.record.state = outcome.state;
  state.record.files = outcome.files;
  state.record.size_bytes = outcome.size_bytes;
  state.record.bad_files = outcome.bad_files;
  spdlog::info("retrieval {} {}: {} files, {} bytes, {} bad files", state.record.id.value,
               to_string(outcome.state), outcome.files, outcome.size_bytes, outcome.bad_files);
  self->request(state.actors->registrar, defaults::catalogue_timeout, get_end_atom_v, state.record)
      .then([=](bool) { set_recorded(self); },
            [=](const caf::error& error) {
              spdlog::error("retrieval {}: its end could not be recorded: {}",
                            self->state.record.id.value, text_of(error));
              set_recorded(self);
            });
}

/// Ends the retrieval and the actor, after the end is recorded, be it another's (a cancel), and
/// `recorded` was called.
template <class Recorded>
void end(self_pointer self, const retrieval_outcome& outcome, Recorded recorded) {
  auto& state = self->state;
  if (!state.ended) {
    if (outcome.bad_files > 0 && !state.served.empty())
      self->spawn(copy_examiner, state.actors, std::exchange(state.served, {}));
    record_end(self, outcome);
  }
  after_recording(self, [=]() mutable {
    recorded();
    self->quit(caf::exit_reason::user_shutdown);
  });
}

/// Ends the retrieval; the actor goes on telling its client why.
caf::typed_response_promise<retrieval_record> cancel(self_pointer self, const std::string& by) {
  auto promise = self->make_response_promise<retrieval_record>();
  auto& state = self->state;
  if (!state.ended) {
    state.cancelled_by = by;
    retrieval_outcome outcome;
    outcome.state = retrieval_state::cancelled;
    outcome.size_bytes = state.finished_bytes;
    spdlog::info("retrieval {}: cancelled by {}", state.record.id.value, by);
    for (auto& waiting : state.waiting) waiting.deliver(cancelled(state));
    state.waiting.clear();
    record_end(self, outcome);
  }
  after_recording(self, [=]() mutable { promise.deliver(self->state.record); });
  return promise;
}

caf::typed_response_promise<retrieval_status> status(self_pointer self) {
  auto promise = self->make_response_promise<retrieval_status>();
  auto& state = self->state;
  retrieval_status now{state.record,       state.ranges,         state.finished_ranges,
                       state.wanted_bytes, state.finished_bytes, {}};
  ask_wait(self, [promise, now](const std::string& text) mutable {
    now.wait = text;
    promise.deliver(std::move(now));
  });
  return promise;
}

}  // namespace

retrieval_supervisor_actor::behavior_type retrieval_supervisor(self_pointer self, actors_ptr actors,
                                                               retrieval_record record,
                                                               caf::actor_addr owner,
                                                               uint64_t session) {
  guard(self);
  self->state.actors = std::move(actors);
  self->state.record = std::move(record);
  self->state.session = session;
  auto owner_ended = [=] {
    retrieval_outcome cancelled;
    cancelled.state = retrieval_state::cancelled;
    end(self, cancelled, [] {});
  };
  self->set_down_handler([=](caf::down_msg&) { owner_ended(); });
  // A client may have left before this actor's first turn.
  if (!watch(self, owner)) owner_ended();
  return {
      [=](report_atom) -> caf::result<std::vector<report>> {
        return std::vector<report>{report_of(self, "retrieval_supervisor")};
      },
      [=](get_want_atom, const std::vector<wanted_range>& ranges, bool last) {
        if (self->state.ended) return caf::result<bool>{cancelled(self->state)};
        return want(self, ranges, last);
      },
      [=](get_next_atom) -> caf::result<delivery> {
        if (self->state.ended) return cancelled(self->state);
        auto promise = self->make_response_promise<delivery>();
        if (self->state.waiting.size() >= defaults::max_requests_per_session) {
          promise.deliver(fail(errc::limit_reached, "too many requests for the next range"));
          return promise;
        }
        self->state.waiting.push_back(promise);
        answer_waiting(self);
        if (!self->state.waiting.empty())
          self->delayed_send(self, defaults::delivery_wait, tick_atom_v, uint64_t{0});
        return promise;
      },
      [=](get_data_atom, aggregation_id id, uint64_t offset_bytes,
          uint32_t length_bytes) -> caf::result<bytes> {
        if (self->state.ended) return cancelled(self->state);
        // Without the head between where the client can reach the node; this is for where not.
        return data_of(self, id, offset_bytes, length_bytes);
      },
      [=](get_done_atom, const wanted_range& range) -> caf::result<bool> {
        range_done(self, range);
        return true;
      },
      [=](get_end_atom, const retrieval_outcome& outcome) -> caf::result<bool> {
        auto promise = self->make_response_promise<bool>();
        end(self, outcome, [promise]() mutable { promise.deliver(true); });
        return promise;
      },
      [=](tick_atom, uint64_t number) {
        if (number == 0) return answer_waiting_text(self);
        auto one = find_part(self, number);
        if (!one || one->state != part_state::away) return;
        one->state = part_state::queued;
        go_on(self);
      },
      [=](status_atom) -> caf::result<retrieval_status> { return status(self); },
      [=](cancel_atom, const std::string& by) -> caf::result<retrieval_record> {
        return cancel(self, by);
      },
  };
}

}  // namespace et
