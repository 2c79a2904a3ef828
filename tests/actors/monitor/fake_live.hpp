// A live picture as a test wants it.
#pragma once

#include <memory>

#include "actors/monitor/live.hpp"

namespace et::test {

class fake_live final : public monitor::live_source {
 public:
  std::shared_ptr<const monitor::live_state> now() override {
    return std::make_shared<const monitor::live_state>(state);
  }
  std::vector<monitor::throughput_sample> throughput(bool minutes, size_t at_most) override {
    const auto& all = minutes ? by_minute : by_second;
    auto n = static_cast<std::ptrdiff_t>(std::min(all.size(), at_most));
    return {all.end() - n, all.end()};
  }

  monitor::live_state state;
  std::vector<monitor::throughput_sample> by_second;
  std::vector<monitor::throughput_sample> by_minute;
};

/// A service in full swing, at `now_ns`: two workspaces, `w` and `other`, three batches, a
/// retrieval, four drives, `volumes` volumes.
inline fake_live busy_service(int64_t now_ns, size_t volumes = 60) {
  using namespace monitor;
  constexpr uint64_t giga = 1'000'000'000;
  constexpr int64_t second_ns = 1'000'000'000;
  fake_live live;
  auto& state = live.state;
  state.time_ns = now_ns;
  state.node = "node1";
  state.version = "0.1.0";
  state.started_ns = now_ns - 93'784 * second_ns;
  state.sessions = 3;
  for (uint32_t i = 1; i <= 3; ++i) {
    batch_record batch;
    batch.id = batch_id{40 + i};
    batch.workspace_name = i == 2 ? "other" : "w";
    batch.tag = i == 1 ? "" : "run " + std::to_string(i);
    batch.requester = i == 2 ? "bob" : "ann";
    batch.created_ns = now_ns - int64_t{i} * 400 * second_ns;
    batch.files = 1234 * i;
    batch.size_bytes = 77 * giga * i;
    batch.planned = i != 1;
    batch.aggregations = 40 * i;
    batch.in_state = {0, 10 * i, 12 * i, 8 * i, 9 * i, i};
    batch.state = state::registered;
    state.batches.push_back(batch);
    workspace_record workspace;
    workspace.id = workspace_id{i};
    workspace.name = i == 1 ? "w" : i == 2 ? "other" : "third";
    workspace.managers = {i == 2 ? "bob" : "ann"};
    workspace.roots = {"/data/" + workspace.name};
    workspace.quota_bytes = 1000 * giga;
    workspace.used_bytes = (i == 1 ? 420 : i == 2 ? 870 : 960) * giga;
    workspace.used_files = 98'765 * i;
    workspace.batches = 12 * i;
    state.workspaces.push_back(workspace);
  }
  state.batches_in_motion = 3;
  retrieval_status retrieval;
  retrieval.record.id = retrieval_id{7};
  retrieval.record.workspace_name = "w";
  retrieval.record.batch = batch_id{12};
  retrieval.record.requester = "ann";
  retrieval.record.started_ns = now_ns - 65 * second_ns;
  retrieval.wanted_ranges = 20;
  retrieval.finished_ranges = 7;
  retrieval.wanted_bytes = 50 * giga;
  retrieval.finished_bytes = 17 * giga;
  retrieval.wait = "recall of aggregation 12.4 from volume VOL003L8";
  state.retrievals.push_back(retrieval);
  const char* activities[] = {"writing", "reading", "mounting", "idle"};
  for (uint32_t i = 0; i < 4; ++i) {
    live_drive drive;
    drive.number = i;
    drive.activity = activities[i];
    if (i < 3) drive.volume = barcode{"VOL00" + std::to_string(i) + "L8"};
    if (i == 0) drive.pool = "archive";
    if (i == 1) {
      drive.aggregation = {batch_id{12}, 4};
      drive.workspace_name = "w";
    }
    drive.written_bytes = 812 * giga / (i + 1);
    drive.read_bytes = 97 * giga * i;
    state.drives.push_back(drive);
  }
  for (size_t i = 0; i < volumes; ++i) {
    live_volume volume;
    auto number = std::to_string(i);
    volume.record.id = barcode{"VOL" + std::string(number.size() < 3 ? 3 - number.size() : 0, '0') +
                               number + "L8"};
    volume.record.status = i % 17 == 16 ? volume_status::suspect
                           : i < 20     ? volume_status::full
                           : i < 26     ? volume_status::appendable
                                        : volume_status::blank;
    if (i < 3) volume.record.status = volume_status::appendable;
    if (i == 40) volume.record.status = volume_status::quarantined;
    if (volume.record.status != volume_status::blank) volume.record.pool = "archive";
    volume.record.capacity_bytes = 12'000 * giga;
    volume.record.written_bytes = volume.record.status == volume_status::full ? 11'990 * giga
                                  : volume.record.status == volume_status::blank
                                      ? 0
                                      : (1 + i * 37 % 11) * 1000 * giga;
    volume.record.aggregations = volume.record.written_bytes / giga;
    volume.present = i % 29 != 28;
    volume.drive = i < 3 ? static_cast<int32_t>(i) : -1;
    state.volumes.push_back(volume);
  }
  state.slots = 80;
  state.library_known = true;
  state.cache.capacity_bytes = 2000 * giga;
  state.cache.used_bytes = 1240 * giga;
  state.cache.unsafe_bytes = 310 * giga;
  state.cache.high_bytes = 1800 * giga;
  state.cache.low_bytes = 1500 * giga;
  state.cache.aggregations = 18'900;
  state.queues = {{"cache", 30, 1'900'000'000, 42'000},
                  {"recall room", 0, 0, 0},
                  {"write archive", 36, 2'300'000'000, 7'000},
                  {"recall", 2, 128'000'000, 31'000},
                  {"batches", 0, 0, 0}};
  const char* texts[] = {"Batch 41 registered", "Volume VOL016L8 is suspect",
                         "3 files of batch 42 failed"};
  for (uint32_t i = 0; i < 3; ++i) {
    alert_record alert;
    alert.number = 90 - i;
    alert.time_ns = now_ns - int64_t{i + 1} * 70 * second_ns;
    alert.level = i == 0 ? severity::info : i == 1 ? severity::warning : severity::error;
    alert.workspace = i == 0 ? "w" : i == 1 ? "" : "other";
    alert.batch = batch_id{i == 1 ? 0u : 41u + i / 2};
    alert.text = texts[i];
    state.alerts.push_back(alert);
  }
  state.nodes.push_back({"node1", "up", "0.1.0", {"head", "drives"}, state.started_ns});
  for (int64_t i = 0; i < 600; ++i) {
    auto wave = static_cast<uint64_t>((i * 7919) % 97) * 1'000'000;
    throughput_sample sample;
    sample.time_s = now_ns / second_ns - 600 + i;
    sample.put_bytes = i % 200 < 120 ? 180'000'000 + wave : 0;
    sample.tape_write_bytes = i % 200 > 30 && i % 200 < 150 ? 240'000'000 + wave / 2 : 0;
    sample.tape_read_bytes = i > 350 ? 120'000'000 + wave / 3 : 0;
    sample.get_bytes = i > 380 ? 90'000'000 + wave / 2 : 0;
    live.by_second.push_back(sample);
  }
  live.by_minute = {live.by_second.begin(), live.by_second.begin() + 400};
  for (size_t i = 0; i < live.by_minute.size(); ++i)
    live.by_minute[i].time_s = now_ns / second_ns / 60 * 60 - 60 * static_cast<int64_t>(400 - i);
  return live;
}

}  // namespace et::test
