#include "tests/storage/catalogue/fixture.hpp"

#include <rocksdb/db.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>

namespace et::test {

temporary_folder::temporary_folder() {
  // In memory where there is enough: some hundred catalogues are made, with fifty syncs each.
  std::filesystem::path parent = "/dev/shm";
  std::error_code ec;
  auto space = std::filesystem::space(parent, ec);
  if (ec || space.available < (uint64_t{1} << 30) || access(parent.c_str(), W_OK) != 0)
    parent = std::filesystem::temp_directory_path();
  auto pattern = (parent / "et_catalogue_XXXXXX").string();
  if (!mkdtemp(pattern.data())) FAIL("no temporary folder");
  path_ = pattern;
}

temporary_folder::~temporary_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

file_entry entry(const std::string& path, uint64_t size_bytes) {
  auto salt = static_cast<uint32_t>(std::hash<std::string>{}(path)&0xfff);
  return {path, size_bytes, 1'700'000'000'000'000'000 + salt, 0600 + (salt & 077), salt, salt + 1};
}

std::vector<file_entry> numbered_entries(size_t count, const std::string& root) {
  std::vector<file_entry> result;
  char name[32];
  for (size_t i = 0; i < count; ++i) {
    std::snprintf(name, sizeof name, "/f%05zu", i);
    result.push_back(entry(root + name, 100 + i));
  }
  return result;
}

std::vector<std::string> paths_of(const std::vector<file_row>& rows) {
  std::vector<std::string> result;
  for (const auto& row : rows) result.push_back(row.entry.path);
  return result;
}

placed_file placed(size_t index) {
  return {1536 + index * 2048, {index * 0x9e3779b97f4a7c15u, ~uint64_t{index}}, false};
}

void overwrite(const std::string& folder, keys::family f, const std::string& key,
               const std::string& value) {
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (size_t i = 0; i < keys::family_count; ++i)
    families.emplace_back(keys::name_of(static_cast<keys::family>(i)),
                          rocksdb::ColumnFamilyOptions{});
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  REQUIRE(rocksdb::DB::Open({}, folder, families, &handles, &db).ok());
  CHECK(db->Put({}, handles[static_cast<size_t>(f)], key, value).ok());
  for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
  delete db;
}

std::string stored(const std::string& folder, const std::string& key) {
  rocksdb::DB* db = nullptr;
  std::string value;
  REQUIRE(rocksdb::DB::OpenForReadOnly({}, folder, &db).ok());
  CHECK(db->Get({}, key, &value).ok());
  delete db;
  return value;
}

fixture::fixture(catalogue_store::options opts, bool with_workspace)
    : current_((folder_.path() / "catalogue").string()), opts_(opts) {
  opts_.clock = &clock_;
  reopen();
  if (!with_workspace) return;
  workspace_record record;
  record.name = "w";
  record.roots = {"/"};
  record.managers = {"ann"};
  record.quota_bytes = uint64_t{1} << 40;
  need(store_->add_workspace(record));
}

void fixture::reopen() {
  store_.reset();
  store_ = need(catalogue_store::open(current_, opts_));
}

void copy_catalogue(const std::filesystem::path& from, const std::filesystem::path& to) {
  auto names = [&] {
    std::set<std::filesystem::path> result;
    for (const auto& item : std::filesystem::directory_iterator{from}) result.insert(item.path());
    return result;
  };
  for (int attempt = 0; attempt < 100; ++attempt) {
    auto before = names();
    std::error_code ec;
    std::filesystem::remove_all(to);
    std::filesystem::copy(from, to, ec);
    if (!ec && names() == before) return;
  }
  FAIL("the catalogue's files do not come to rest");
}

void fixture::crash() {
  auto copy = std::make_unique<temporary_folder>();
  auto target = copy->path() / "catalogue";
  copy_catalogue(current_, target);
  store_.reset();
  crashed_ = std::move(copy);
  current_ = target.string();
  reopen();
}

batch_id fixture::begin(const std::string& requester) {
  batch_record draft;
  draft.workspace_name = "w";
  draft.tag = "tag";
  draft.requester = requester;
  draft.uid = 7;
  draft.gid = 8;
  return need(store_->begin_batch(draft));
}

batch_id fixture::commit(const std::vector<file_entry>& entries) {
  auto id = begin();
  for (const auto& error : need(store_->add_files(id, entries))) FAIL(error.reason);
  need(store_->commit_batch(id));
  return id;
}

std::vector<aggregation_id> fixture::plan(batch_id id, size_t files) {
  auto entries = need(view()->entries(id, "", SIZE_MAX));
  std::vector<aggregation_record> planned;
  for (size_t i = 0; i < entries.size(); i += files) {
    auto& record = planned.emplace_back();
    auto end = std::min(i + files, entries.size());
    record.id = {id, static_cast<uint32_t>(planned.size())};
    record.first_path = entries[i].path;
    record.last_path = entries[end - 1].path;
    record.files = end - i;
    for (size_t k = i; k < end; ++k) record.content_bytes += entries[k].size_bytes;
  }
  need(store_->add_aggregations(id, planned, true));
  std::vector<aggregation_id> ids;
  for (const auto& record : planned) ids.push_back(record.id);
  return ids;
}

cached_aggregation fixture::cached(aggregation_id id, const std::vector<size_t>& failed) {
  auto record = aggregation(id);
  auto entries =
      need(view()->entries_between(id.batch, record.first_path, record.last_path, SIZE_MAX));
  cached_aggregation result;
  result.id = id;
  result.size_bytes = 10240 + record.content_bytes;
  result.checksum = {id.number, id.number + 1};
  for (size_t i = 0; i < entries.size(); ++i) {
    result.placed.push_back(placed(i));
    if (std::find(failed.begin(), failed.end(), i) == failed.end()) continue;
    result.placed.back() = {0, {}, true};
    result.failures.push_back({entries[i].path, errc::source_changed, "size changed"});
  }
  return result;
}

void fixture::cache(aggregation_id id, const std::vector<size_t>& failed) {
  need(store_->record_cached(cached(id, failed)));
}

std::vector<aggregation_record> fixture::write(const std::vector<aggregation_id>& ids,
                                               const std::string& volume) {
  volume_record record;
  record.id = barcode{volume};
  record.pool = "p";
  record.status = volume_status::appendable;
  record.next_header = block_address{ids.size() * 100};
  std::vector<written_aggregation> written;
  for (const auto& id : ids) {
    // Of a removed batch there is none to ask.
    auto known = need(view()->aggregation(id));
    written.push_back({id,
                       {record.id, block_address{id.number * 10}, block_address{id.number * 10 + 4},
                        3, default_block_bytes, clock_.now_ns()},
                       known ? known->checksum : aggregation_checksum{}});
  }
  return need(store_->record_written(written, record));
}

std::vector<file_row> fixture::rows(batch_id id, size_t page) {
  std::vector<file_row> result;
  auto snapshot = view();
  for (;;) {
    auto next =
        need(snapshot->rows(id, result.empty() ? "" : result.back().entry.path, page, SIZE_MAX));
    if (next.empty()) return result;
    for (auto& row : next) result.push_back(std::move(row));
  }
}

std::vector<std::string> fixture::alert_texts() {
  std::vector<std::string> result;
  for (const auto& alert : need(view()->alerts(0, SIZE_MAX))) result.push_back(alert.text);
  return result;
}

void fixture::purge(batch_id id) {
  while (!need(store_->purge_batch(id, 7))) {
  }
}

}  // namespace et::test
