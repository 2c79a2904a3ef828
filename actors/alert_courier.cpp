#include "actors/alert_courier.hpp"

#include <algorithm>

#include "actors/actor_base.hpp"
#include "actors/metrics.hpp"

namespace et {

namespace {

using self_pointer = alert_courier_actor::stateful_pointer<alert_courier_state>;

void go_on(self_pointer self);

const std::string& name_of(self_pointer self) {
  return self->state.options.target.name;
}

/// Everything up to `number` is done with.
void record(self_pointer self, uint64_t number) {
  self->send(self->state.actors->registrar, delivered_atom_v, name_of(self), number);
}

/// The first `count` of the queue are done with, and with the last of them all that was read.
void drop(self_pointer self, size_t count) {
  auto& state = self->state;
  auto last = state.queue[count - 1].number;
  state.queue.erase(state.queue.begin(), state.queue.begin() + static_cast<std::ptrdiff_t>(count));
  record(self, state.queue.empty() ? state.read_to : last);
}

void wait(self_pointer self, std::chrono::milliseconds time) {
  self->state.waiting = true;
  self->delayed_send(self, time, tick_atom_v);
}

void give_up_old(self_pointer self) {
  auto& state = self->state;
  auto now_ns = state.options.clock->now_ns();
  size_t count = 0;
  for (; count < state.queue.size(); ++count) {
    auto& alert = state.queue[count];
    if (now_ns - alert.time_ns < state.options.target.give_up_ns) break;
    spdlog::error("alerts to {}: alert {} is too old and given up: {}", name_of(self), alert.number,
                  alert.text);
  }
  if (count == 0) return;
  state.given_up += count;
  drop(self, count);
}

void deliver(self_pointer self) {
  auto& state = self->state;
  auto count = std::min(state.queue.size(), state.transport->most());
  std::vector<alert_record> batch{state.queue.begin(),
                                  state.queue.begin() + static_cast<std::ptrdiff_t>(count)};
  auto result = state.transport->deliver(batch);
  state.actors->measures->delivered(name_of(self),
                                    result.kind == delivery_result::kind_type::delivered);
  switch (result.kind) {
    case delivery_result::kind_type::delivered:
      if (state.schedule->failures() > 0)
        spdlog::info("alerts to {}: delivered again", name_of(self));
      state.schedule->succeeded();
      state.trouble = result.why;
      state.delivered += count;
      drop(self, count);
      // Through the mailbox, where a request to end may wait.
      state.waiting = true;
      self->send(self, tick_atom_v);
      break;
    case delivery_result::kind_type::gone:
      spdlog::error("alerts to {}: {}: nothing is sent there until the next start", name_of(self),
                    result.why);
      state.gone = true;
      state.trouble = result.why;
      state.queue.clear();
      break;
    case delivery_result::kind_type::failed:
      auto time = state.schedule->failed();
      spdlog::warn("alerts to {}: alert {} not delivered, again in {} ms: {}", name_of(self),
                   batch.front().number, time.count(), result.why);
      state.trouble = result.why;
      give_up_old(self);
      wait(self, time);
  }
}

void take(self_pointer self, const std::vector<alert_record>& page) {
  auto& state = self->state;
  state.reading = false;
  for (auto& alert : page) {
    state.read_to = alert.number;
    if (state.options.target.wants(alert)) state.queue.push_back(alert);
  }
  if (page.empty()) {
    if (!std::exchange(state.again, false)) return;
  } else if (state.queue.empty()) {
    record(self, state.read_to);
  }
  go_on(self);
}

void read(self_pointer self) {
  auto& state = self->state;
  state.reading = true;
  self->request(state.actors->reader(0), defaults::catalogue_timeout, admin_alerts_atom_v,
                state.read_to)
      .then([=](const std::vector<alert_record>& page) { take(self, page); },
            [=](const caf::error& error) {
              self->state.reading = false;
              spdlog::error("alerts to {}: cannot be read: {}", name_of(self), text_of(error));
              wait(self, self->state.schedule->failed());
            });
}

void go_on(self_pointer self) {
  auto& state = self->state;
  if (state.gone || state.reading || state.waiting) return;
  if (state.queue.empty())
    read(self);
  else
    deliver(self);
}

}  // namespace

alert_courier_actor::behavior_type alert_courier(self_pointer self, actors_ptr actors,
                                                 courier_options options) {
  guard(self);
  auto& state = self->state;
  state.actors = std::move(actors);
  state.read_to = options.delivered;
  state.transport = make_transport(options.target, options.limits);
  state.schedule =
      std::make_unique<retry_schedule>(options.first_retry, options.last_retry, options.random);
  state.options = std::move(options);
  state.waiting = true;
  self->send(self, tick_atom_v);
  return {
      [=](report_atom) -> caf::result<std::vector<report>> {
        auto& mine = self->state;
        return std::vector<report>{
            report_of(self, "alert_courier " + name_of(self),
                      {{"delivered", std::to_string(mine.delivered)},
                       {"given up", std::to_string(mine.given_up)},
                       {"waiting", std::to_string(mine.queue.size())},
                       {"state", mine.gone              ? "gone: " + mine.trouble
                                 : mine.trouble.empty() ? "good"
                                                        : "failing: " + mine.trouble}})};
      },
      [=](alert_atom) {
        self->state.options.rung->store(false);
        self->state.again = self->state.reading;
        go_on(self);
      },
      [=](tick_atom) {
        self->state.waiting = false;
        go_on(self);
      },
  };
}

}  // namespace et
