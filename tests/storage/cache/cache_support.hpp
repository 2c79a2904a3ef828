// What the tests of the cache share: a folder that goes with the test, source files, jobs.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>

#include "storage/cache/aggregation_builder.hpp"

namespace et::test {

/// A folder that any user can reach; removed with everything in it.
class temporary_folder {
 public:
  temporary_folder() {
    std::string name = "/tmp/et_cache_XXXXXX";
    if (!::mkdtemp(name.data())) std::abort();
    ::chmod(name.c_str(), 0755);
    path_ = name;
  }
  ~temporary_folder() {
    auto command = "rm -rf " + path_.string();
    if (std::system(command.c_str()) != 0) std::abort();
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Bytes that differ by `seed` and by position.
inline std::string pattern(size_t size_bytes, uint64_t seed) {
  std::string text(size_bytes, '\0');
  for (auto& c : text) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    c = static_cast<char>(seed >> 56);
  }
  return text;
}

inline void write_file(const std::filesystem::path& path, std::string_view content) {
  std::filesystem::create_directories(path.parent_path());
  unique_fd fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  REQUIRE(fd);
  REQUIRE_FALSE(write_all(fd.get(), content.data(), content.size()));
}

inline std::string read_file(const std::filesystem::path& path) {
  auto text = read_small_file(path, std::filesystem::file_size(path));
  REQUIRE(text);
  return *text;
}

/// What a client would register for `path` now.
inline file_entry entry_of(const std::filesystem::path& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return {path.string(),
          static_cast<uint64_t>(status.st_size),
          status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec,
          status.st_mode & 07777,
          status.st_uid,
          status.st_gid};
}

inline file_entry source(const std::filesystem::path& path, std::string_view content) {
  write_file(path, content);
  return entry_of(path);
}

inline source_credentials own_credentials() {
  return {::geteuid(), ::getegid(), {}, "me"};
}

inline build_job job_of(const std::filesystem::path& root, std::vector<file_entry> entries,
                        uint32_t number = 1) {
  build_job job;
  job.aggregation.id = {batch_id{300}, number};
  job.aggregation.files = entries.size();
  job.batch.id = batch_id{300};
  job.batch.workspace_name = "alpha";
  job.batch.tag = "run1";
  job.batch.requester = "me";
  job.roots = {root.string()};
  job.entries = std::move(entries);
  job.credentials = own_credentials();
  return job;
}

/// Opens with the real reader; `meddle` may do something to the file just behind it, or fail.
class meddling_opener final : public source_opener {
 public:
  using meddler = std::function<caf::error(const file_entry&)>;

  meddling_opener(const build_job& job, meddler meddle)
      : real_(job.credentials, job.roots), meddle_(std::move(meddle)) {}

  caf::error enter_thread() override { return real_.enter_thread(); }
  caf::expected<open_source> open(const file_entry& file) override {
    auto opened = real_.open(file);
    if (auto error = meddle_(file)) return error;
    return opened;
  }

 private:
  source_reader real_;
  meddler meddle_;
};

/// Every file below `folder`, as a relative path.
inline std::vector<std::string> files_below(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (auto& item : std::filesystem::recursive_directory_iterator{folder})
    if (item.is_regular_file()) names.push_back(item.path().lexically_relative(folder).string());
  std::ranges::sort(names);
  return names;
}

}  // namespace et::test
