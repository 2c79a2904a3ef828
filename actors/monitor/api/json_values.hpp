// Records and the live picture as JSON. Names of fields are those of the records; times are
// RFC 3339 in UTC with milliseconds and without the suffix of the record's field, null while there
// is none; sizes are integers. What the reader may see is decided before.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "actors/monitor/live.hpp"

namespace et::monitor {

using json = nlohmann::ordered_json;

/// `2026-11-25T18:29:27.125Z`, or null for 0.
json json_time(int64_t time_ns);
/// Any bytes as text: those that JSON cannot hold are shown as on the pages (xml_name).
json json_text(std::string_view raw);
/// Null for nothing.
json json_or_null(const std::string& raw);
/// Sets `NAME` to the text of a path, and `NAME_base64` to its bytes when the text is not these.
void set_path(json& to, const std::string& name, const std::string& path);

json json_of(const workspace_record& workspace);
/// With `progress`, from 0 to 1.
json json_of(const batch_record& batch);
json json_of(const aggregation_record& aggregation);
json json_of(const file_row& file);
json json_of(const alert_record& alert);
json json_of(const retrieval_status& retrieval);
json json_of(const live_drive& drive);
json json_of(const live_volume& volume);
json json_of(const live_cache& cache);
json json_of(const live_queue& queue);
json json_of(const live_node& node);
json json_of(const throughput_sample& sample);

/// How far a batch is: an aggregation in the cache counts half.
double progress_of(const batch_record& batch);

template <class Range>
json json_list(const Range& all) {
  auto list = json::array();
  for (const auto& one : all) list.push_back(json_of(one));
  return list;
}

/// `value` as text; never throws.
std::string dumped(const json& value);

}  // namespace et::monitor
