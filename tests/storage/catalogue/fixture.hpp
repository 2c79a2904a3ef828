// A catalogue in a temporary folder, and short ways to drive it.
#pragma once

#include <catch2/catch.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/catalogue/keys.hpp"
#include "storage/catalogue/store.hpp"

namespace et::test {

/// A new folder that goes with the object.
class temporary_folder {
 public:
  temporary_folder();
  ~temporary_folder();
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The value, or the test fails with the error's text.
template <class T>
T need(caf::expected<T> result) {
  if (!result) FAIL(text_of(result.error()));
  return std::move(*result);
}

inline void need(const caf::error& error) {
  if (error) FAIL(text_of(error));
}

inline errc errc_of(const caf::error& error) {
  return code_of(error);
}
inline std::string message_of(const caf::error& error) {
  return text_of(error);
}

template <class T>
errc errc_of(const caf::expected<T>& result) {
  return result ? errc::none : code_of(result.error());
}

template <class T>
std::string message_of(const caf::expected<T>& result) {
  return result ? std::string{} : text_of(result.error());
}

/// An entry whose other fields follow from the path, so that a mix-up shows.
file_entry entry(const std::string& path, uint64_t size_bytes = 4096);
/// `/data/f00000` and so on.
std::vector<file_entry> numbered_entries(size_t count, const std::string& root = "/data");
std::vector<std::string> paths_of(const std::vector<file_row>& rows);
/// Where file number `index` of an aggregation lies, for tests.
placed_file placed(size_t index);

/// Puts `value` into the catalogue in `folder` behind the store's back; the store must be closed.
void overwrite(const std::string& folder, keys::family f, const std::string& key,
               const std::string& value);

/// The value of a key of the family meta; the store must be closed.
std::string stored(const std::string& folder, const std::string& key);

/// Copies the files of an open catalogue, as a kill would leave them. RocksDB deletes files in the
/// background: the copy is repeated until none came or went meanwhile.
void copy_catalogue(const std::filesystem::path& from, const std::filesystem::path& to);

/// An open catalogue with the workspace `w` of 1 TiB.
class fixture {
 public:
  explicit fixture(catalogue_store::options opts = {}, bool with_workspace = true);

  catalogue_store& store() { return *store_; }
  catalogue_store* operator->() { return store_.get(); }
  std::unique_ptr<catalogue_view> view() { return store_->view(); }
  manual_clock& clock() { return clock_; }
  const std::string& path() const { return current_; }
  workspace_id workspace() { return need(view()->workspace("w"))->id; }

  void close() { store_.reset(); }
  void reopen();
  /// Continues on a copy of the files as they are now, as after a kill.
  void crash();

  batch_id begin(const std::string& requester = "ann");
  batch_id commit(const std::vector<file_entry>& entries);
  /// Plans aggregations of `files` files each over the whole batch; returns their ids.
  std::vector<aggregation_id> plan(batch_id id, size_t files);
  /// What a cache writer would send; files with the indices `failed` fail with a reason.
  cached_aggregation cached(aggregation_id id, const std::vector<size_t>& failed = {});
  void cache(aggregation_id id, const std::vector<size_t>& failed = {});
  std::vector<aggregation_record> write(const std::vector<aggregation_id>& ids,
                                        const std::string& volume = "VOL001L8");
  batch_record batch(batch_id id) { return need(view()->batch(id)).value(); }
  aggregation_record aggregation(aggregation_id id) {
    return need(view()->aggregation(id)).value();
  }
  std::vector<file_row> rows(batch_id id, size_t page = 4096);
  std::vector<std::string> alert_texts();
  void purge(batch_id id);

 private:
  temporary_folder folder_;
  std::unique_ptr<temporary_folder> crashed_;
  std::string current_;
  manual_clock clock_;
  catalogue_store::options opts_;
  std::unique_ptr<catalogue_store> store_;
};

}  // namespace et::test
