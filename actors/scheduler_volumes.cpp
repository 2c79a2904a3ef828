#include "actors/actor_base.hpp"
#include "actors/defaults.hpp"
#include "actors/metrics.hpp"
#include "actors/scheduler_parts.hpp"

namespace et::scheduling {

void alert(self_pointer self, severity level, std::string text) {
  alert_record draft;
  draft.level = level;
  draft.text = std::move(text);
  self->send(self->state.actors->alerts, alert_atom_v, std::move(draft));
}

void trouble(self_pointer self, const std::string& subject, const std::string& what) {
  if (self->state.troubles.begins(subject))
    alert(self, severity::error, what);
  else
    spdlog::warn("{} (seen {} times now)", what, self->state.troubles.times(subject));
}

void trouble_over(self_pointer self, const std::string& subject) {
  if (self->state.troubles.over(subject)) alert(self, severity::info, subject + " works again");
}

std::string subject_of(uint32_t drive, const char* doing) {
  return "drive " + std::to_string(drive) + ": " + doing;
}

void drive_failed(self_pointer self, uint32_t drive, const char* doing, const std::string& what) {
  auto& slot = self->state.plan->drive(drive);
  // The loss of its node is told elsewhere, and it can work as soon as that is back.
  if (slot.away) {
    spdlog::warn("drive {}: {}", drive, what);
    return;
  }
  slot.rest_until_ms = self->state.now_ms() + self->state.options.policy.drive_rest_ms;
  self->state.actors->measures->drive_failed(drive);
  trouble(self, subject_of(drive, doing), "drive " + std::to_string(drive) + ": " + what);
}

void recall_ended(self_pointer self, const recall_outcome& outcome) {
  auto& recalls = self->state.recalls;
  auto found = recalls.find(outcome.number);
  if (found == recalls.end()) return;
  if (outcome.code != errc::cancelled)
    self->state.actors->measures->recalled(outcome.code == errc::none);
  found->second.deliver(outcome);
  recalls.erase(found);
}

namespace {

errc code_of_obstacle(const mount_plan& plan, const barcode& volume) {
  if (plan.present(volume)) return errc::unavailable;
  return plan.lost_place_of(volume).empty() ? errc::no_medium : errc::node_lost;
}

}  // namespace

void fail_hopeless_recalls(self_pointer self) {
  auto& plan = *self->state.plan;
  std::vector<uint64_t> hopeless;
  for (auto& recall : plan.recalls())
    if (plan.read_obstacle(recall.job.copy.volume)) hopeless.push_back(recall.job.number);
  for (auto number : hopeless) {
    auto job = plan.take_recall(number)->job;
    auto& volume = job.copy.volume;
    recall_ended(self, {number, job.aggregation.id, job.whole, code_of_obstacle(plan, volume),
                        *plan.read_obstacle(volume)});
  }
}

void keep_out(self_pointer self, const barcode& id, volume_status status, const std::string& why) {
  auto found = self->state.plan->volumes().find(id);
  if (found == self->state.plan->volumes().end()) return;
  auto volume = found->second;
  volume.status = status;
  self->state.plan->set_volume(volume);
  spdlog::warn("volume {} is {}: {}", id.value, to_string(status), why);
  self->request(self->state.actors->registrar, defaults::catalogue_timeout, volume_atom_v, volume,
                why)
      .then([](bool) {}, log_error("volume " + id.value));
  fail_hopeless_recalls(self);
}

namespace {

/// Why a volume cannot have a status; empty: it can.
std::string status_fault(const volume_record& volume, volume_status status) {
  switch (status) {
    case volume_status::blank:
      if (volume.aggregations == 0) return {};
      return "it holds " + std::to_string(volume.aggregations) + " aggregations";
    case volume_status::appendable:
    case volume_status::full:
    case volume_status::suspect:
      return volume.next_header.value > 0 ? "" : "it has no label yet; only blank or quarantined";
    case volume_status::quarantined:
      return {};
  }
  return "there is no such status";
}

}  // namespace

caf::result<volume_record> set_status(self_pointer self, const barcode& id, volume_status status,
                                      const std::string& by) {
  auto& plan = *self->state.plan;
  auto found = plan.volumes().find(id);
  if (found == plan.volumes().end()) return fail(errc::not_found, "there is no volume " + id.value);
  auto name = "volume " + id.value;
  if (auto fault = status_fault(found->second, status); !fault.empty())
    return fail(errc::invalid_argument, name + " cannot have this status: " + fault);
  if (plan.in_use(id))
    return fail(errc::unavailable, name + " is at work in a drive; try again when that is done");
  auto volume = found->second;
  volume.status = status;
  auto promise = self->make_response_promise<volume_record>();
  // Nothing is begun with it while the catalogue does not know.
  auto before = found->second;
  auto closed = volume;
  closed.status = volume_status::quarantined;
  plan.set_volume(closed);
  self->request(self->state.actors->registrar, defaults::catalogue_timeout, volume_atom_v, volume,
                "set by " + by)
      .then(
          [=](bool) mutable {
            self->state.plan->set_volume(volume);
            spdlog::info("{} is {}, as {} says", name, to_string(status), by);
            fail_hopeless_recalls(self);
            promise.deliver(volume);
            go_on(self);
          },
          [=](caf::error& error) mutable {
            self->state.plan->set_volume(before);
            promise.deliver(std::move(error));
          });
  return promise;
}

}  // namespace et::scheduling
