#include "actors/monitor/api/json_values.hpp"

#include <openssl/evp.h>

#include <cstdio>
#include <ctime>

#include "storage/format/xml_name.hpp"

namespace et::monitor {

namespace {

std::string base64(std::string_view raw) {
  std::string text(4 * ((raw.size() + 2) / 3) + 1, '\0');
  auto length = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                  reinterpret_cast<const unsigned char*>(raw.data()),
                                  static_cast<int>(raw.size()));
  text.resize(static_cast<size_t>(length));
  return text;
}

std::string hex(uint32_t number) {
  char text[16];
  std::snprintf(text, sizeof text, "%08x", number);
  return text;
}

std::string hex(const file_checksum& checksum) {
  char text[40];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(checksum.high),
                static_cast<unsigned long long>(checksum.low));
  return text;
}

json id_or_null(uint64_t id) {
  return id == 0 ? json{} : json(id);
}

json json_of(const copy_record& copy) {
  return {{"volume", copy.volume.value},     {"header", copy.header.value},
          {"data", copy.data.value},         {"blocks", copy.blocks},
          {"block_bytes", copy.block_bytes}, {"written", json_time(copy.written_ns)}};
}

}  // namespace

json json_time(int64_t time_ns) {
  if (time_ns == 0) return {};
  auto milliseconds = time_ns / 1'000'000;
  auto seconds = static_cast<time_t>(milliseconds / 1000);
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[64];
  auto length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + length, sizeof text - length, ".%03dZ",
                static_cast<int>(milliseconds % 1000));
  return text;
}

json json_text(std::string_view raw) {
  return xml_name(raw);
}

json json_or_null(const std::string& raw) {
  return raw.empty() ? json{} : json_text(raw);
}

void set_path(json& to, const std::string& name, const std::string& path) {
  auto shown = xml_name(path);
  bool same = shown == path;
  to[name] = std::move(shown);
  if (!same) to[name + "_base64"] = base64(path);
}

double progress_of(const batch_record& batch) {
  if (batch.safe_ns != 0) return 1;
  auto count = [&](state s) {
    return static_cast<double>(batch.in_state.at(static_cast<size_t>(s)));
  };
  auto done = count(state::cached) / 2 + count(state::cached_synced) + count(state::synced) +
              count(state::failed);
  // At least one more will come while planning goes on.
  auto all = static_cast<double>(batch.aggregations) + (batch.planned ? 0 : 1);
  return all == 0 ? 0 : done / all;
}

json json_of(const workspace_record& workspace) {
  auto roots = json::array();
  for (const auto& root : workspace.roots) roots.push_back(json_text(root));
  auto managers = json::array();
  for (const auto& manager : workspace.managers) managers.push_back(json_text(manager));
  return {{"name", workspace.name},
          {"roots", std::move(roots)},
          {"managers", std::move(managers)},
          {"quota_bytes", workspace.quota_bytes},
          {"used_bytes", workspace.used_bytes},
          {"used_files", workspace.used_files},
          {"batches", workspace.batches}};
}

json json_of(const batch_record& batch) {
  auto in_state = json::object();
  for (auto s :
       {state::registered, state::cached, state::cached_synced, state::synced, state::failed})
    in_state[to_string(s)] = batch.in_state.at(static_cast<size_t>(s));
  return {{"id", batch.id.value},
          {"workspace_name", batch.workspace_name},
          {"tag", json_text(batch.tag)},
          {"requester", json_text(batch.requester)},
          {"state", to_string(batch.state)},
          {"created", json_time(batch.created_ns)},
          {"safe", json_time(batch.safe_ns)},
          {"files", batch.files},
          {"size_bytes", batch.size_bytes},
          {"failed_files", batch.failed_files},
          {"failed_bytes", batch.failed_bytes},
          {"planned", batch.planned},
          {"aggregations", batch.aggregations},
          {"in_state", std::move(in_state)},
          {"progress", progress_of(batch)}};
}

json json_of(const aggregation_record& aggregation) {
  json result{{"id", to_string(aggregation.id)},
              {"batch", aggregation.id.batch.value},
              {"number", aggregation.id.number},
              {"state", to_string(aggregation.state)}};
  set_path(result, "first_path", aggregation.first_path);
  set_path(result, "last_path", aggregation.last_path);
  result["files"] = aggregation.files;
  result["content_bytes"] = aggregation.content_bytes;
  result["failed_files"] = aggregation.failed_files;
  result["size_bytes"] = aggregation.size_bytes;
  bool cached = aggregation.size_bytes > 0;
  result["checksum"] = cached ? json{{"adler32", hex(aggregation.checksum.adler32)},
                                     {"crc32c", hex(aggregation.checksum.crc32c)}}
                              : json{};
  auto copies = json::array();
  for (const auto& copy : aggregation.copies) copies.push_back(json_of(copy));
  result["copies"] = std::move(copies);
  auto history = json::array();
  for (const auto& change : aggregation.history)
    history.push_back({{"to", to_string(change.to)}, {"time", json_time(change.time_ns)}});
  result["history"] = std::move(history);
  return result;
}

json json_of(const file_row& file) {
  auto result = json::object();
  set_path(result, "path", file.entry.path);
  result["batch"] = file.batch.value;
  result["size_bytes"] = file.entry.size_bytes;
  result["mtime"] = json_time(file.entry.mtime_ns);
  result["mode"] = file.entry.mode;
  result["uid"] = file.entry.uid;
  result["gid"] = file.entry.gid;
  result["state"] = to_string(file.state);
  result["aggregation"] = file.aggregation == 0
                              ? json{}
                              : json(to_string(aggregation_id{file.batch, file.aggregation}));
  result["checksum"] = file.has_checksum ? json(hex(file.checksum)) : json{};
  result["reason"] = json_or_null(file.reason);
  return result;
}

json json_of(const alert_record& alert) {
  return {{"number", alert.number},
          {"time", json_time(alert.time_ns)},
          {"level", to_string(alert.level)},
          {"workspace", json_or_null(alert.workspace)},
          {"batch", id_or_null(alert.batch.value)},
          {"text", json_text(alert.text)}};
}

json json_of(const retrieval_status& retrieval) {
  const auto& record = retrieval.record;
  return {{"id", record.id.value},
          {"workspace_name", record.workspace_name},
          {"batch", id_or_null(record.batch.value)},
          {"requester", json_text(record.requester)},
          {"state", to_string(record.state)},
          {"started", json_time(record.started_ns)},
          {"ended", json_time(record.ended_ns)},
          {"files", record.files},
          {"size_bytes", record.size_bytes},
          {"bad_files", record.bad_files},
          {"wanted_ranges", retrieval.wanted_ranges},
          {"finished_ranges", retrieval.finished_ranges},
          {"wanted_bytes", retrieval.wanted_bytes},
          {"finished_bytes", retrieval.finished_bytes},
          {"wait", json_or_null(retrieval.wait)}};
}

json json_of(const live_drive& drive) {
  bool reads = drive.aggregation.number != 0;
  return {{"number", drive.number},
          {"activity", drive.activity},
          {"volume", json_or_null(drive.volume.value)},
          {"pool", json_or_null(drive.pool)},
          {"aggregation", reads ? json(to_string(drive.aggregation)) : json{}},
          {"workspace_name", json_or_null(drive.workspace_name)},
          {"written_bytes", drive.written_bytes},
          {"read_bytes", drive.read_bytes}};
}

json json_of(const live_volume& volume) {
  const auto& record = volume.record;
  return {{"id", record.id.value},
          {"pool", json_or_null(record.pool)},
          {"status", to_string(record.status)},
          {"next_header", record.next_header.value},
          {"next_sequence", record.next_sequence},
          {"written_bytes", record.written_bytes},
          {"aggregations", record.aggregations},
          {"capacity_bytes", record.capacity_bytes},
          {"present", volume.present || volume.drive >= 0},
          {"drive", volume.drive < 0 ? json{} : json(volume.drive)}};
}

json json_of(const live_cache& cache) {
  return {{"capacity_bytes", cache.capacity_bytes},
          {"used_bytes", cache.used_bytes},
          {"unsafe_bytes", cache.unsafe_bytes},
          {"high_bytes", cache.high_bytes},
          {"low_bytes", cache.low_bytes},
          {"aggregations", cache.aggregations},
          {"full", cache.full}};
}

json json_of(const live_queue& queue) {
  return {{"name", queue.name},
          {"waiting", queue.waiting},
          {"waiting_bytes", queue.waiting_bytes},
          {"oldest_ms", queue.oldest_ms}};
}

json json_of(const live_node& node) {
  return {{"name", node.name},
          {"state", node.state},
          {"version", node.version},
          {"roles", node.roles},
          {"started", json_time(node.started_ns)}};
}

json json_of(const throughput_sample& sample) {
  return {{"time", json_time(sample.time_s * 1'000'000'000)},
          {"put_bytes", sample.put_bytes},
          {"tape_write_bytes", sample.tape_write_bytes},
          {"tape_read_bytes", sample.tape_read_bytes},
          {"get_bytes", sample.get_bytes}};
}

std::string dumped(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace et::monitor
