#include "storage/catalogue/alert_text.hpp"

#include <algorithm>
#include <ctime>

namespace et {

namespace {

std::string batch_name(batch_id id) {
  return "Batch " + std::to_string(id.value);
}

std::string request_by(const retrieval_record& retrieval) {
  return "Retrieval request " + std::to_string(retrieval.id.value) + " by " +
         printable(retrieval.requester);
}

}  // namespace

std::string local_time(int64_t time_ns) {
  auto seconds = static_cast<time_t>(time_ns / 1'000'000'000);
  tm parts{};
  localtime_r(&seconds, &parts);
  char text[32];
  auto size = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return {text, size};
}

namespace alert_text {

std::string registered(const batch_record& batch) {
  return batch_name(batch.id) + " registered: " + std::to_string(batch.files) + " files, " +
         std::to_string(batch.size_bytes) + " bytes";
}

std::string cached(const batch_record& batch) {
  auto text = batch_name(batch.id) + " cached: " +
              std::to_string(batch.files - std::min(batch.files, batch.failed_files)) + " files";
  if (batch.failed_files > 0) text += ", " + std::to_string(batch.failed_files) + " failed";
  return text;
}

std::string quota(const workspace_record& workspace, uint32_t percent) {
  return "Workspace " + workspace.name + " has reached " + std::to_string(percent) +
         " % of its quota: " + std::to_string(workspace.used_bytes) + " of " +
         std::to_string(workspace.quota_bytes) + " bytes used";
}

std::string volume(const volume_record& volume, const std::string& why) {
  auto text = "Volume " + printable(volume.id.value) + " is " + to_string(volume.status);
  if (!why.empty()) return text + ": " + printable(why);
  return text + ": " + std::to_string(volume.aggregations) + " aggregations, " +
         std::to_string(volume.written_bytes) + " bytes written";
}

std::string finished(const batch_record& batch) {
  if (batch.failed_files == 0)
    return batch_name(batch.id) + " successfully sent to storage at " + local_time(batch.safe_ns);
  return batch_name(batch.id) + " sent to storage at " + local_time(batch.safe_ns) + " except " +
         std::to_string(batch.failed_files) + " failed files";
}

std::string failed(batch_id batch, uint64_t count, const file_failure& first) {
  return batch_name(batch) + ": " + std::to_string(count) +
         " files failed, the first: " + printable(first.path) + ": " + printable(first.reason);
}

std::string removed(batch_id batch) {
  return batch_name(batch) + " removed";
}

std::string cancelled(batch_id batch, const std::string& by, uint64_t files) {
  return batch_name(batch) + " cancelled by " + printable(by) + ": " + std::to_string(files) +
         " files were not safe and are given up";
}

std::string retrieval_begun(const retrieval_record& retrieval) {
  auto what = retrieval.batch.value != 0 ? "batch " + std::to_string(retrieval.batch.value)
                                         : std::string{"a list of files"};
  return request_by(retrieval) + " for " + what + " at " + local_time(retrieval.started_ns);
}

std::string retrieval_ended(const retrieval_record& retrieval) {
  return request_by(retrieval) + " " + to_string(retrieval.state) + " at " +
         local_time(retrieval.ended_ns) + " with " + std::to_string(retrieval.bad_files) +
         " bad files";
}

}  // namespace alert_text
}  // namespace et
