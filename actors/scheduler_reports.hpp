// What the mount scheduler's queues look like to people.
#pragma once

#include "actors/mount_plan.hpp"

namespace et {

/// A report for each drive, volume and queue.
std::vector<report> scheduler_reports(const mount_plan& plan, int64_t now_ms);

/// What the writing or the recall of an aggregation waits for, in words.
std::string waiting_for(const mount_plan& plan, aggregation_id id);

}  // namespace et
