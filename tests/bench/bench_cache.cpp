// Measures filling the disk cache beside the plain tools, in one run:
//
//   bench_cache [FOLDER [THREADS PORTIONS]]      default /work/benchdata and the reader's own
//
// 100,000 files of 4 KiB, packed into aggregations of 64 MiB by two builders, beside `tar -cf` and
// `sync`; 2 files of 512 MiB beside `cp` and `sync`. The source trees are made once and kept:
// creating many files soon after deleting many is slow on ext4.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "storage/cache/aggregation_builder.hpp"
#include "storage/cache/read_ahead.hpp"

namespace fs = std::filesystem;

namespace {

using steady = std::chrono::steady_clock;
constexpr uint64_t aggregation_bytes = 64 * 1024 * 1024;

et::aggregation_builder::options builder_options;

[[noreturn]] void die(const std::string& text) {
  std::fprintf(stderr, "bench_cache: %s\n", text.c_str());
  std::exit(1);
}

double cpu_seconds(int who) {
  rusage usage{};
  ::getrusage(who, &usage);
  auto seconds = [](const timeval& t) { return double(t.tv_sec) + double(t.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double seconds_since(steady::time_point start) {
  return std::chrono::duration<double>(steady::now() - start).count();
}

void make_file(const fs::path& path, size_t size_bytes, uint64_t seed) {
  if (fs::exists(path)) return;
  std::vector<uint64_t> words(std::min<size_t>(size_bytes, 1 << 20) / 8);
  et::unique_fd fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644)};
  if (!fd) die("cannot create " + path.string());
  for (size_t done = 0; done < size_bytes; done += words.size() * 8) {
    for (auto& word : words) word = seed = seed * 6364136223846793005u + 1442695040888963407u;
    if (et::write_all(fd.get(), words.data(), words.size() * 8))
      die("cannot write " + path.string());
  }
}

void make_trees(const fs::path& base) {
  char name[40];
  for (unsigned folder = 0; folder < 100; ++folder) {
    std::snprintf(name, sizeof name, "small/folder%03u", folder);
    fs::create_directories(base / name);
    for (unsigned i = 0; i < 1000; ++i) {
      std::snprintf(name, sizeof name, "small/folder%03u/file%04u", folder, i);
      make_file(base / name, 4096, folder * 1000 + i);
    }
  }
  fs::create_directories(base / "large");
  for (unsigned i = 0; i < 2; ++i)
    make_file(base / "large" / ("file" + std::to_string(i)), 512u << 20, 77 + i);
  ::sync();
}

std::vector<et::file_entry> list(const fs::path& folder) {
  std::vector<et::file_entry> entries;
  for (auto& item : fs::recursive_directory_iterator{folder}) {
    if (!item.is_regular_file()) continue;
    struct stat status {};
    if (::stat(item.path().c_str(), &status) != 0) die("cannot examine " + item.path().string());
    entries.push_back({item.path().string(), static_cast<uint64_t>(status.st_size),
                       status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec,
                       status.st_mode & 07777, status.st_uid, status.st_gid});
  }
  std::ranges::sort(entries, {}, &et::file_entry::path);
  return entries;
}

std::vector<et::build_job> plan(const std::vector<et::file_entry>& entries, const fs::path& root) {
  std::vector<et::build_job> jobs;
  uint64_t room_bytes = 0;
  for (auto& entry : entries) {
    if (jobs.empty() || room_bytes < entry.size_bytes) {
      et::build_job job;
      job.aggregation.id = {et::batch_id{1}, static_cast<uint32_t>(jobs.size() + 1)};
      job.batch.workspace_name = "bench";
      job.roots = {root.string()};
      job.credentials = {::getuid(), ::getgid(), {}, "bench"};
      jobs.push_back(std::move(job));
      room_bytes = aggregation_bytes;
    }
    room_bytes -= std::min(room_bytes, entry.size_bytes);
    jobs.back().entries.push_back(entry);
    ++jobs.back().aggregation.files;
  }
  return jobs;
}

double build_all(et::cache_store& store, const std::vector<et::build_job>& jobs) {
  auto start = steady::now();
  std::atomic<size_t> next{0};
  std::atomic<bool> cancel{false};
  auto work = [&] {
    et::aggregation_builder builder{store, builder_options};
    for (size_t i = next++; i < jobs.size(); i = next++) {
      auto built = builder.build(jobs[i], cancel);
      if (!built) die("build: " + et::text_of(built.error()));
      if (!built->failures.empty()) die("build: " + built->failures[0].reason);
    }
  };
  std::thread other{work};
  work();
  other.join();
  return seconds_since(start);
}

double read_all(et::cache_store& store, const std::vector<et::build_job>& jobs) {
  auto start = steady::now();
  for (auto& job : jobs) {
    auto fd = store.open_read(job.aggregation.id);
    if (!fd) die(et::text_of(fd.error()));
    auto reader = et::read_ahead::start(std::move(*fd));
    if (!reader) die(et::text_of(reader.error()));
    for (;;) {
      auto piece = (*reader)->next();
      if (!piece) die(et::text_of(piece.error()));
      if (piece->empty()) break;
    }
  }
  return seconds_since(start);
}

double shell(const std::string& command) {
  auto start = steady::now();
  if (std::system(command.c_str()) != 0) die("failed: " + command);
  return seconds_since(start);
}

void compare(const char* what, const fs::path& base, const std::vector<et::build_job>& jobs,
             const std::string& command) {
  auto folder = base / "cache";
  for (int round = 1; round <= 3; ++round) {
    fs::remove_all(folder);
    auto store = et::cache_store::open(folder);
    if (!store) die(et::text_of(store.error()));
    auto plain_cpu = cpu_seconds(RUSAGE_CHILDREN);
    auto plain = shell(command + " && sync");
    plain_cpu = cpu_seconds(RUSAGE_CHILDREN) - plain_cpu;
    fs::remove_all(base / "plain");
    ::sync();
    auto cpu = cpu_seconds(RUSAGE_SELF);
    auto ours = build_all(*store, jobs);
    cpu = cpu_seconds(RUSAGE_SELF) - cpu;
    auto reading = read_all(*store, jobs);
    std::printf(
        "%s, round %d: build %.2f s (cpu %.2f), plain %.2f s (cpu %.2f), ratio %.2f; "
        "reading ahead %.2f s\n",
        what, round, ours, cpu, plain, plain_cpu, ours / plain, reading);
  }
  fs::remove_all(folder);
}

}  // namespace

int main(int argc, char** argv) {
  fs::path base = argc > 1 ? argv[1] : "/work/benchdata";
  if (argc > 3) builder_options.reader = {std::stoul(argv[2]), std::stoul(argv[3])};
  make_trees(base);
  auto small = list(base / "small");
  auto large = list(base / "large");
  auto from = base.string();
  compare("100,000 x 4 KiB", base, plan(small, base),
          "mkdir " + from + "/plain && tar -cf " + from + "/plain/t.tar -C " + from + " small");
  compare("2 x 512 MiB", base, plan(large, base), "cp -r " + from + "/large " + from + "/plain");
}
