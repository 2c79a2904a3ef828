// What the mount scheduler's queues look like to people.
#pragma once

#include "actors/mount_plan.hpp"

namespace et {

/// A report for each drive, volume and queue.
std::vector<report> scheduler_reports(const mount_plan& plan, int64_t now_ms);

/// Drives, queues (one for each of `pools`, and for others that are written), and the volumes that
/// changed behind `revision`; the plan does not know the rest.
scheduler_facts facts_of(const mount_plan& plan, const std::vector<std::string>& pools,
                         int64_t now_ms, uint64_t revision);

/// What the writing or the recall of an aggregation waits for, in words.
std::string waiting_for(const mount_plan& plan, aggregation_id id);

}  // namespace et
