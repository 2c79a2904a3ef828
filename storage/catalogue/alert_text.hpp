// The texts of the alerts that the catalogue raises itself.
#pragma once

#include <string>
#include <string_view>

#include "storage/catalogue/records.hpp"
#include "storage/printable.hpp"

namespace et {

/// `YYYY-MM-DD HH:MM:SS`, local time.
std::string local_time(int64_t time_ns);

namespace alert_text {

std::string registered(const batch_record& batch);
/// When all of it that did not fail is in the cache.
std::string cached(const batch_record& batch);
/// When all of it is safe or given up; `batch.safe_ns` is set.
std::string finished(const batch_record& batch);
/// `count` files failed at once, `first` among them.
std::string failed(batch_id batch, uint64_t count, const file_failure& first);
/// `percent` of the quota are reached; `workspace` as it is then.
std::string quota(const workspace_record& workspace, uint32_t percent);
/// `why` may be empty.
std::string volume(const volume_record& volume, const std::string& why);
std::string removed(batch_id batch);
/// `files` of it were given up.
std::string cancelled(batch_id batch, const std::string& by, uint64_t files);
std::string retrieval_begun(const retrieval_record& retrieval);
std::string retrieval_ended(const retrieval_record& retrieval);

}  // namespace alert_text

}  // namespace et
