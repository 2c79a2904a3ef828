// Prints what the catalogue costs for 100,000 files of 4 KiB: times of registration, planning,
// caching, listing and finding, bytes a file on disk, and packing for messages.
//
// Usage: bench_catalogue [FOLDER]   (an empty or new one; default: a temporary folder)
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "storage/catalogue/store.hpp"

namespace {

using namespace et;

constexpr size_t file_count = 100'000;
constexpr size_t chunk_files = 4096;
constexpr uint32_t aggregation_count = 40;

class stopwatch {
 public:
  double ms() const {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start_)
        .count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

[[noreturn]] void stop(const caf::error& error) {
  std::fprintf(stderr, "bench_catalogue: %s\n", text_of(error).c_str());
  std::exit(1);
}

template <class T>
T need(caf::expected<T> result) {
  if (!result) stop(result.error());
  return std::move(*result);
}

void need(const caf::error& error) {
  if (error) stop(error);
}

/// Paths of about 60 characters, ten files a folder, in path order.
std::vector<file_entry> make_entries(const std::string& root) {
  std::vector<file_entry> entries;
  entries.reserve(file_count);
  std::mt19937_64 random{1};
  char name[128];
  for (size_t i = 0; i < file_count; ++i) {
    std::snprintf(name, sizeof name, "%s/run%03zu/day%04zu/temperature_%08zx_%02zu.nc",
                  root.c_str(), i / 1000, i / 10, static_cast<size_t>(random() & 0xffffffff),
                  i % 10);
    auto mtime_ns =
        1'700'000'000'000'000'000 + static_cast<int64_t>(random() % 10'000'000'000'000'000);
    entries.push_back({name, 4096, mtime_ns, 0644, 12345, 678});
  }
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  return entries;
}

batch_id registration(catalogue_store& store, const std::vector<file_entry>& entries) {
  std::vector<std::vector<file_entry>> chunks;
  for (size_t i = 0; i < entries.size(); i += chunk_files)
    chunks.emplace_back(
        entries.begin() + static_cast<ptrdiff_t>(i),
        entries.begin() + static_cast<ptrdiff_t>(std::min(i + chunk_files, entries.size())));
  stopwatch watch;
  batch_record draft;
  draft.workspace_name = "bench";
  draft.requester = "user";
  auto id = need(store.begin_batch(draft));
  for (const auto& chunk : chunks)
    if (!need(store.add_files(id, chunk)).empty()) std::exit(1);
  auto added_ms = watch.ms();
  need(store.commit_batch(id));
  std::printf("registration        %8.1f ms (adding %.1f ms)\n", watch.ms(), added_ms);
  return id;
}

void plan_and_cache(catalogue_store& store, batch_id id, const std::vector<file_entry>& entries) {
  std::vector<aggregation_record> planned;
  constexpr size_t files = file_count / aggregation_count;
  for (uint32_t i = 0; i < aggregation_count; ++i) {
    aggregation_record record;
    record.id = {id, i + 1};
    record.first_path = entries[i * files].path;
    record.last_path = entries[(i + 1) * files - 1].path;
    record.files = files;
    record.content_bytes = files * 4096;
    planned.push_back(record);
  }
  stopwatch planning;
  need(store.add_aggregations(id, planned, true));
  std::printf("plan                %8.1f ms (%u aggregations)\n", planning.ms(), aggregation_count);

  std::mt19937_64 random{2};
  std::vector<cached_aggregation> cached;
  for (const auto& record : planned) {
    auto& item = cached.emplace_back();
    item.id = record.id;
    item.size_bytes = files * 5632;
    for (size_t i = 0; i < files; ++i)
      item.placed.push_back({i * 5632 + 1536, {random(), random()}, false});
  }
  stopwatch caching;
  for (const auto& item : cached) need(store.record_cached(item));
  std::printf("record_cached       %8.1f ms (all, each durable)\n", caching.ms());

  stopwatch writing;
  std::vector<written_aggregation> written;
  for (const auto& record : planned)
    written.push_back({record.id,
                       {barcode{"BENCH01L8"}, block_address{record.id.number * 100},
                        block_address{record.id.number * 100 + 3}, 54},
                       {}});
  volume_record volume;
  volume.id = barcode{"BENCH01L8"};
  need(store.record_written(written, volume));
  std::printf("record_written      %8.1f ms (one session)\n", writing.ms());
}

void listing(catalogue_store& store, batch_id id, const char* when) {
  stopwatch watch;
  std::string after;
  size_t rows = 0;
  for (;;) {
    auto page = need(store.view()->rows(id, after, chunk_files, max_packed_bytes));
    if (page.empty()) break;
    rows += page.size();
    after = page.back().entry.path;
  }
  std::printf("listing             %8.1f ms (%zu rows, %s)\n", watch.ms(), rows, when);
}

void finding(catalogue_store& store, workspace_id workspace,
             const std::vector<file_entry>& entries) {
  constexpr size_t times = 1000;
  std::mt19937_64 random{3};
  stopwatch watch;
  for (size_t i = 0; i < times; ++i) {
    const auto& path = entries[random() % entries.size()].path;
    if (!need(store.view()->find_path(workspace, path, {}))) std::exit(1);
  }
  std::printf("find_path           %8.3f ms each\n", watch.ms() / times);
}

void held(catalogue_store& store, const std::vector<file_entry>& entries) {
  stopwatch watch;
  batch_record draft;
  draft.workspace_name = "bench";
  auto id = need(store.begin_batch(draft));
  std::vector<file_entry> chunk{entries.begin(), entries.begin() + chunk_files};
  if (need(store.add_files(id, chunk)).size() != chunk.size()) std::exit(1);
  std::printf("refusing a chunk    %8.1f ms (%zu files held already)\n", watch.ms(), chunk_files);
  need(store.purge_batch(id, chunk_files));
}

void packing(const std::vector<file_entry>& entries) {
  size_t bytes_packed = 0;
  std::vector<std::vector<file_entry>> chunks;
  for (size_t i = 0; i < entries.size(); i += chunk_files)
    chunks.emplace_back(
        entries.begin() + static_cast<ptrdiff_t>(i),
        entries.begin() + static_cast<ptrdiff_t>(std::min(i + chunk_files, entries.size())));
  stopwatch watch;
  for (const auto& chunk : chunks) {
    auto page = pack_entries(chunk);
    bytes_packed += page.data.size();
    if (need(unpack_entries(page)).size() != chunk.size()) std::exit(1);
  }
  std::printf("pack and unpack     %8.1f ms (%.1f bytes an entry)\n", watch.ms(),
              static_cast<double>(bytes_packed) / static_cast<double>(entries.size()));
}

void removal(catalogue_store& store, batch_id id) {
  stopwatch watch;
  need(store.remove_batch(id));
  auto removed_ms = watch.ms();
  while (!need(store.purge_batch(id, chunk_files))) {
  }
  std::printf("removal             %8.1f ms, then purge %.1f ms\n", removed_ms,
              watch.ms() - removed_ms);
}

}  // namespace

int main(int argc, char** argv) {
  auto folder = argc > 1 ? std::filesystem::path{argv[1]}
                         : std::filesystem::temp_directory_path() /
                               ("bench_catalogue." + std::to_string(getpid()));
  auto store = need(catalogue_store::open(folder, {}));
  workspace_record workspace;
  workspace.name = "bench";
  workspace.roots = {"/"};
  workspace.quota_bytes = uint64_t{1} << 50;
  workspace = need(store->add_workspace(workspace));
  auto entries = make_entries("/gws/nopw/j04/project");
  size_t path_bytes = 0;
  for (const auto& entry : entries) path_bytes += entry.path.size();
  std::printf("files               %8zu (paths of %zu bytes on average)\n", entries.size(),
              path_bytes / entries.size());

  auto id = registration(*store, entries);
  plan_and_cache(*store, id, entries);
  listing(*store, id, "as written");
  need(store->compact());
  std::printf("on disk             %8.1f bytes a file, compacted\n",
              static_cast<double>(store->disk_bytes()) / file_count);
  listing(*store, id, "compacted");
  finding(*store, workspace.id, entries);
  held(*store, entries);
  store.reset();
  stopwatch opening;
  store = need(catalogue_store::open(folder, {}));
  std::printf("opening             %8.1f ms\n", opening.ms());
  listing(*store, id, "after opening");
  removal(*store, id);
  packing(entries);
  store.reset();
  if (argc <= 1) std::filesystem::remove_all(folder);
  return 0;
}
