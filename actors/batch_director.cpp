#include "actors/batch_director.hpp"

#include <algorithm>

#include "actors/actor_base.hpp"
#include "actors/defaults.hpp"
#include "actors/metrics.hpp"
#include "actors/node_roster.hpp"

namespace et {

director_facts batch_director_state::facts() const {
  director_facts all;
  for (auto& [id, supervisor] : running) all.first.push_back(id);
  all.first.insert(all.first.end(), waiting.begin(), waiting.end());
  all.in_motion = all.first.size();
  all.waiting = waiting.size();
  if (!waiting.empty()) all.longest = waiting.front();
  if (all.first.size() > defaults::live_batches) {
    auto end = all.first.begin() + static_cast<std::ptrdiff_t>(defaults::live_batches);
    std::nth_element(all.first.begin(), end, all.first.end());
    all.first.erase(end, all.first.end());
  }
  std::sort(all.first.begin(), all.first.end());
  return all;
}

namespace {

using self_pointer = batch_director_actor::stateful_pointer<batch_director_state>;

void start_waiting(self_pointer self) {
  auto& state = self->state;
  while (!state.waiting.empty() && state.running.size() < defaults::max_batches_in_motion) {
    auto id = state.waiting.front();
    state.waiting.pop_front();
    if (state.running.count(id)) continue;
    auto supervisor = self->spawn(batch_supervisor, id, state.actors, state.packing,
                                  caf::actor_cast<caf::actor_addr>(self));
    self->monitor(supervisor);
    state.running.emplace(id, supervisor);
    self->send(supervisor, tick_atom_v);
  }
}

void start(self_pointer self, batch_id id) {
  auto& waiting = self->state.waiting;
  if (self->state.running.count(id)) return;
  if (std::find(waiting.begin(), waiting.end(), id) == waiting.end()) waiting.push_back(id);
  start_waiting(self);
}

/// A supervisor that ended with an error is replaced: the catalogue says where it was.
void supervisor_down(self_pointer self, const caf::down_msg& down) {
  auto& running = self->state.running;
  auto found = std::find_if(running.begin(), running.end(), [&](const auto& entry) {
    return caf::actor_cast<caf::actor_addr>(entry.second) == down.source;
  });
  if (found == running.end()) return;
  auto id = found->first;
  running.erase(found);
  self->state.finished.erase(id);
  if (down.reason && down.reason != caf::exit_reason::user_shutdown) {
    spdlog::error("batch {}: its supervisor ended ({}), started again", id.value,
                  text_of(down.reason));
    self->delayed_send(self, defaults::retry_delay, start_atom_v, id);
  }
  start_waiting(self);
}

void go_on_after_restart(self_pointer self) {
  auto& reader = self->state.actors->reader(0);
  self->request(reader, defaults::catalogue_timeout, motion_atom_v)
      .then(
          [=](const std::vector<batch_id>& batches) {
            if (!batches.empty())
              spdlog::info("restart: {} batches are not finished, going on with them",
                           batches.size());
            for (auto id : batches) start(self, id);
          },
          log_error("restart: reading the batches in motion"));
}

std::vector<report> reports(self_pointer self) {
  auto& state = self->state;
  std::vector<report> all{report_of(self, "batch_director",
                                    {{"in motion", std::to_string(state.running.size())},
                                     {"waiting", std::to_string(state.waiting.size())}})};
  all.push_back({"queue",
                 "batches",
                 {{"length", std::to_string(state.waiting.size())},
                  {"bound in motion", std::to_string(defaults::max_batches_in_motion)}}});
  return all;
}

void count_finished(self_pointer self, batch_id id) {
  auto& actors = *self->state.actors;
  self->request(actors.reader(id.value), defaults::catalogue_timeout, batch_atom_v, id)
      .then(
          [measures = actors.measures](const batch_record& batch) {
            measures->batch_event(batch.state == state::failed ? "failed" : "safe");
          },
          [](const caf::error&) {});
}

/// Reports of the director itself and of every supervisor, as one answer.
caf::typed_response_promise<std::vector<report>> report_all(self_pointer self) {
  auto promise = self->make_response_promise<std::vector<report>>();
  auto all = std::make_shared<std::vector<report>>(reports(self));
  auto open = std::make_shared<size_t>(self->state.running.size());
  if (*open == 0) promise.deliver(*all);
  auto finish = [=]() mutable {
    if (--*open == 0) promise.deliver(*all);
  };
  for (auto& [id, supervisor] : self->state.running) {
    self->request(supervisor, std::chrono::seconds{2}, report_atom_v)
        .then(
            [=](std::vector<report>& some) mutable {
              std::move(some.begin(), some.end(), std::back_inserter(*all));
              finish();
            },
            [=](const caf::error&) mutable { finish(); });
  }
  return promise;
}

}  // namespace

batch_director_actor::behavior_type batch_director(self_pointer self, actors_ptr actors,
                                                   packing_options packing) {
  guard(self);
  self->state.actors = std::move(actors);
  self->state.packing = packing;
  self->set_down_handler([=](caf::down_msg& down) { supervisor_down(self, down); });
  go_on_after_restart(self);
  return {
      [=](report_atom) -> caf::result<std::vector<report>> { return report_all(self); },
      [=](observe_atom) -> caf::result<director_facts> { return self->state.facts(); },
      [=](start_atom, batch_id id) { start(self, id); },
      [=](cancel_atom, batch_id id, bool removed) -> caf::result<bool> {
        auto& state = self->state;
        std::erase(state.waiting, id);
        for (auto& node : state.actors->nodes->all())
          if (node->keeper) self->send(node->keeper, forget_atom_v, id, removed);
        self->send(state.actors->scheduler, cancel_atom_v, id);
        auto found = state.running.find(id);
        if (found == state.running.end()) return false;
        self->send_exit(found->second, caf::exit_reason::user_shutdown);
        return true;
      },
      [=](finished_atom, batch_id id) {
        auto found = self->state.running.find(id);
        if (found == self->state.running.end() || !self->state.finished.insert(id).second) return;
        count_finished(self, id);
        self->send_exit(found->second, caf::exit_reason::user_shutdown);
      },
      [=](safe_atom, const std::vector<aggregation_record>& records) {
        std::map<batch_id, std::vector<aggregation_record>> by_batch;
        for (auto& record : records) by_batch[record.id.batch].push_back(record);
        for (auto& [id, some] : by_batch) {
          auto found = self->state.running.find(id);
          if (found != self->state.running.end())
            self->send(found->second, safe_atom_v, std::move(some));
        }
      },
      [=](lost_atom, aggregation_id id, const std::string& text) {
        auto found = self->state.running.find(id.batch);
        if (found != self->state.running.end()) self->send(found->second, lost_atom_v, id, text);
      },
      [=](status_atom, batch_id id) -> caf::result<std::vector<std::string>> {
        auto& state = self->state;
        if (std::find(state.waiting.begin(), state.waiting.end(), id) != state.waiting.end())
          return std::vector<std::string>{"waiting for its turn behind other batches"};
        auto found = state.running.find(id);
        if (found == state.running.end()) return std::vector<std::string>{};
        auto promise = self->make_response_promise<std::vector<std::string>>();
        self->request(found->second, defaults::request_timeout, status_atom_v)
            .then(
                [=](std::vector<std::string>& texts) mutable { promise.deliver(std::move(texts)); },
                [=](const caf::error&) mutable { promise.deliver(std::vector<std::string>{}); });
        return promise;
      },
  };
}

}  // namespace et
