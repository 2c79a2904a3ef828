// Goes through the files of one batch in path order and joins each with its aggregation, placement
// and failure, by walking all four in step.
#pragma once

#include "storage/catalogue/database.hpp"
#include "storage/catalogue/record_reader.hpp"

namespace et {

class row_walker {
 public:
  /// `batch` and `records` must live as long as this.
  row_walker(const database& db, const rocksdb::Snapshot* snapshot, const record_reader& records,
             const batch_record& batch, scan how);

  /// To the first file at or behind `path`. Before any take() or skip().
  caf::error seek(const std::string& path);

  bool valid() const { return files_.valid(); }
  caf::error error() const { return files_.error(); }
  /// Empty for a malformed key. Precondition: valid().
  std::string_view path() const {
    return keys::path_of_file_key(files_.key()).value_or(std::string_view{});
  }

  /// Fills `row` with the current file and goes to the next.
  caf::error take(file_row& row);
  /// Goes to the next, cheaper than take().
  caf::error skip();

 private:
  caf::error seek_in_run(const std::string& path);
  caf::error load_run();
  caf::error enter_aggregation(std::string_view path);
  caf::error enter_run(std::string_view path);
  caf::error join_failure(std::string_view path, file_row& row);

  const batch_record& batch_;
  const record_reader& records_;
  cursor<keys::family::file> files_;
  cursor<keys::family::aggregation> aggregations_;
  cursor<keys::family::placement> placements_;
  cursor<keys::family::failure> failures_;
  aggregation_record aggregation_;
  bool in_aggregation_ = false;
  std::vector<placed_file> run_;
  size_t in_run_ = 0;
};

}  // namespace et
