#include "actors/scheduler_reports.hpp"

#include "actors/defaults.hpp"
#include "actors/mount_scheduler.hpp"

namespace et {

namespace {

report drive_report(uint32_t number, const drive_slot& slot, int64_t now_ms) {
  report drive{"drive", std::to_string(number), {}};
  drive.facts.push_back({"activity", to_string(slot.activity)});
  drive.facts.push_back({"volume", slot.mounted ? slot.mounted->value : "none"});
  if (!slot.pool.empty()) drive.facts.push_back({"pool", slot.pool});
  if (slot.rest_until_ms > now_ms)
    drive.facts.push_back(
        {"rests after a failure for ms", std::to_string(slot.rest_until_ms - now_ms)});
  return drive;
}

report volume_report(const volume_record& volume) {
  return {"volume",
          volume.id.value,
          {{"status", to_string(volume.status)},
           {"pool", volume.pool.empty() ? "none" : volume.pool},
           {"aggregations", std::to_string(volume.aggregations)},
           {"written bytes", std::to_string(volume.written_bytes)},
           {"capacity bytes", std::to_string(volume.capacity_bytes)},
           {"next block", std::to_string(volume.next_header.value)}}};
}

}  // namespace

std::vector<report> scheduler_reports(const mount_plan& plan, int64_t now_ms) {
  std::vector<report> all;
  for (uint32_t i = 0; i < plan.drives().size(); ++i)
    all.push_back(drive_report(i, plan.drives()[i], now_ms));
  for (auto& [id, volume] : plan.volumes())
    if (volume.status != volume_status::blank) all.push_back(volume_report(volume));
  uint64_t waiting_bytes = 0;
  for (auto& write : plan.writes()) waiting_bytes += write.item.aggregation.size_bytes;
  report writes{
      "queue",
      "writes",
      {{"length", std::to_string(plan.writes().size())}, {"bytes", std::to_string(waiting_bytes)}}};
  if (!plan.writes().empty()) {
    auto& oldest = plan.writes().front();
    writes.facts.push_back({"oldest waits ms", std::to_string(now_ms - oldest.since_ms)});
    auto obstacle = plan.write_obstacle(oldest.pool);
    if (!obstacle.empty()) writes.facts.push_back({"obstacle", obstacle});
  }
  all.push_back(std::move(writes));
  all.push_back({"queue", "recalls", {{"length", std::to_string(plan.recalls().size())}}});
  return all;
}

scheduler_facts facts_of(const mount_plan& plan, const std::vector<std::string>& names,
                         int64_t now_ms, uint64_t revision) {
  scheduler_facts facts;
  for (auto& slot : plan.drives()) {
    bool idle = slot.activity == drive_activity::idle;
    bool reads = slot.activity == drive_activity::reading;
    facts.drives.push_back(
        {slot.node, idle && slot.rest_until_ms > now_ms ? "resting" : to_string(slot.activity),
         slot.mounted.value_or(barcode{}), slot.pool, reads ? slot.recalled : aggregation_id{}});
  }
  std::map<std::string, queue_facts> pools;
  for (auto& name : names) pools[name];
  for (auto& write : plan.writes()) {
    auto& queue = pools[write.pool];
    if (queue.waiting++ == 0) queue.oldest_ms = now_ms - write.since_ms;
    queue.waiting_bytes += write.item.aggregation.size_bytes;
  }
  for (auto& [pool, queue] : pools) {
    queue.name = "write " + pool;
    facts.queues.push_back(queue);
  }
  queue_facts recalls{"recall", plan.recalls().size()};
  for (auto& recall : plan.recalls())
    for (auto& range : recall.job.ranges)
      recalls.waiting_bytes += range.end_bytes - range.begin_bytes;
  for (auto& recall : plan.recalls())
    if (recall.job.whole) recalls.waiting_bytes += recall.job.aggregation.size_bytes;
  if (recalls.waiting > 0) recalls.oldest_ms = now_ms - plan.recalls().front().since_ms;
  facts.queues.push_back(std::move(recalls));
  auto page = plan.changed_volumes(revision, defaults::live_volumes_page, facts.revision);
  for (auto& id : page) facts.volumes.push_back({plan.volumes().at(id), plan.present(id)});
  facts.more = page.size() == defaults::live_volumes_page;
  return facts;
}

scheduler_facts mount_scheduler_state::facts(uint64_t revision) const {
  std::vector<std::string> pools;
  for (uint32_t number = 1; number <= options.copies; ++number)
    pools.push_back(pool_of_copy(number));
  auto all = facts_of(*plan, pools, now_ms(), revision);
  all.ready = ready;
  for (auto& [node, count] : slots) all.slots += count;
  return all;
}

std::string waiting_for(const mount_plan& plan, aggregation_id id) {
  for (uint32_t i = 0; i < plan.drives().size(); ++i) {
    auto& slot = plan.drives()[i];
    if (slot.activity != drive_activity::reading || slot.recalled != id) continue;
    return "volume " + (slot.mounted ? slot.mounted->value + ", being read" : "being mounted") +
           " in drive " + std::to_string(i);
  }
  size_t place = 0;
  for (auto& recall : plan.recalls()) {
    ++place;
    if (recall.job.aggregation.id == id)
      return "volume " + recall.job.copy.volume.value + ", place " + std::to_string(place) +
             " in the queue of recalls";
  }
  place = 0;
  for (auto& write : plan.writes()) {
    ++place;
    if (write.item.aggregation.id != id) continue;
    auto obstacle = plan.write_obstacle(write.pool);
    if (!obstacle.empty()) return obstacle;
    return "a drive for pool " + write.pool + ", place " + std::to_string(place);
  }
  return {};
}

}  // namespace et
