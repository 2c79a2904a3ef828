#include "storage/catalogue/placing.hpp"

#include <map>
#include <utility>

#include "storage/catalogue/values.hpp"

namespace et {

using keys::family;

namespace {

/// One walk through the files of an aggregation, file by file beside `cached.placed`.
class placer {
 public:
  placer(const database& db, change_set& changes, const aggregation_record& aggregation,
         const cached_aggregation& cached)
      : changes_(changes),
        aggregation_(aggregation),
        cached_(cached),
        id_(aggregation.id),
        files_(db, nullptr,
               {keys::file(id_.batch, aggregation.first_path),
                keys::file(id_.batch, keys::path_behind(aggregation.last_path))},
               scan::listing),
        earlier_(db, nullptr,
                 {keys::failure(id_.batch, aggregation.first_path),
                  keys::failure(id_.batch, keys::path_behind(aggregation.last_path))}) {
    for (const auto& failure : cached.failures) reported_.emplace(failure.path, &failure);
  }

  caf::expected<placement_result> run() {
    if (cached_.placed.size() != aggregation_.files)
      return cached_mismatch(id_, std::to_string(cached_.placed.size()) +
                                      " files are placed, it has " +
                                      std::to_string(aggregation_.files));
    if (cached_.failures.size() != reported_.size())
      return cached_mismatch(id_, "a file is reported as failed twice");
    if (aggregation_.failed_files > 0) earlier_.seek_first();
    size_t index = 0;
    for (files_.seek_first(); files_.valid(); files_.next(), ++index) {
      auto path = keys::path_of_file_key(files_.key());
      if (!path || index == cached_.placed.size()) break;
      if (auto error = place(*path, cached_.placed[index])) return error;
    }
    if (auto error = files_.error()) return error;
    if (auto error = earlier_.error()) return error;
    if (files_.valid() || index != cached_.placed.size() || !reported_.empty())
      return cached_mismatch(id_, "its files are not those that are registered");
    end_run();
    if (result_.failures < aggregation_.files)
      for (const auto& [key, value] : runs_) changes_.put(key, value);
    return std::move(result_);
  }

 private:
  caf::error place(std::string_view path, placed_file placed) {
    auto report = reported_.find(path);
    if (placed.failed != (report != reported_.end()))
      return cached_mismatch(id_, "failures do not name the files that failed");
    if (!placed.failed && placed.offset_bytes >= values::offset_limit_bytes)
      return cached_mismatch(id_, "an offset is out of range");
    bool before = failed_before(path);
    if (placed.failed && !before) {
      if (auto error = add_failure(path, *report->second)) return error;
    }
    if (placed.failed) reported_.erase(report);
    placed.failed = placed.failed || before;
    result_.failures += placed.failed;
    if (run_.empty()) run_path_ = path;
    run_.push_back(placed);
    if (run_.size() == values::placement_run_files) end_run();
    return {};
  }

  bool failed_before(std::string_view path) {
    while (earlier_.valid() && keys::path_of_failure_key(earlier_.key()) < path) earlier_.next();
    return earlier_.valid() && keys::path_of_failure_key(earlier_.key()) == path;
  }

  caf::error add_failure(std::string_view path, const file_failure& failure) {
    file_entry entry;
    if (!values::decode(files_.value(), entry))
      return values::undecodable(files_.value(), "a file of aggregation " + to_string(id_));
    if (result_.new_failures++ == 0) result_.first = failure;
    result_.new_failed_bytes += entry.size_bytes;
    changes_.put(keys::failure(id_.batch, path), values::encode(failure));
    return {};
  }

  void end_run() {
    if (run_.empty()) return;
    runs_.emplace_back(keys::placement(id_, run_path_), values::encode(run_));
    run_.clear();
  }

  change_set& changes_;
  const aggregation_record& aggregation_;
  const cached_aggregation& cached_;
  aggregation_id id_;
  cursor<family::file> files_;
  cursor<family::failure> earlier_;
  std::map<std::string_view, const file_failure*> reported_;
  std::vector<std::pair<keys::key<family::placement>, std::string>> runs_;
  std::vector<placed_file> run_;
  std::string run_path_;
  placement_result result_;
};

}  // namespace

caf::error cached_mismatch(aggregation_id id, const std::string& why) {
  return fail(errc::invalid_argument,
              "what was cached of aggregation " + to_string(id) + " does not fit it: " + why);
}

caf::expected<placement_result> place_files(const database& db, change_set& changes,
                                            const aggregation_record& aggregation,
                                            const cached_aggregation& cached) {
  return placer{db, changes, aggregation, cached}.run();
}

}  // namespace et
