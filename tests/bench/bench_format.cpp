// Measures packing: many small files, few large ones, and the checksums alone. Prints figures.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <vector>

#include "storage/format/aggregation_writer.hpp"
#include "storage/format/hashes.hpp"

namespace {

struct null_sink : et::byte_sink {
  uint64_t size_bytes = 0;
  caf::error write(std::span<const uint8_t> data) override {
    size_bytes += data.size();
    return {};
  }
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](const timeval& t) { return double(t.tv_sec) + double(t.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct stopwatch {
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  double cpu_start = cpu_seconds();
  double wall() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  double cpu() const { return cpu_seconds() - cpu_start; }
};

[[noreturn]] void give_up(const caf::error& error) {
  std::fprintf(stderr, "bench_format: %s\n", et::text_of(error).c_str());
  std::exit(1);
}

void check(const caf::error& error) {
  if (error) give_up(error);
}

std::vector<uint8_t> noise(size_t size_bytes) {
  std::vector<uint8_t> data(size_bytes);
  uint64_t x = 88172645463325252u;
  for (auto& byte : data) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    byte = static_cast<uint8_t>(x);
  }
  return data;
}

et::aggregation_writer writer_to(null_sink& sink) {
  return {sink, {{et::batch_id{1}, 1}, "bench", "", "bench", 0}, {}};
}

void small_files(size_t count, size_t file_bytes) {
  null_sink sink;
  auto content = noise(file_bytes);
  et::file_entry file{"", content.size(), 1'700'000'000'123'456'789, 0644, 1000, 1000};
  stopwatch watch;
  auto writer = writer_to(sink);
  check(writer.begin());
  char path[64];
  for (size_t i = 0; i < count; ++i) {
    std::snprintf(path, sizeof path, "/data/project/run%03zu/file%06zu.dat", i / 1000, i);
    file.path = path;
    if (auto placed = writer.add_file(file, content); !placed) give_up(placed.error());
  }
  check(writer.finish());
  std::printf("small: %zu files of %zu B: %.3f s wall, %.3f s CPU, %.2f us a file, %lu MiB\n",
              count, file_bytes, watch.wall(), watch.cpu(), watch.cpu() / double(count) * 1e6,
              (unsigned long)(sink.size_bytes >> 20));
}

void large_file(uint64_t size_bytes, size_t piece_bytes) {
  null_sink sink;
  auto piece = noise(piece_bytes);
  et::file_entry file{"/data/large", size_bytes, 0, 0644, 1000, 1000};
  stopwatch watch;
  auto writer = writer_to(sink);
  check(writer.begin());
  check(writer.begin_file(file));
  for (uint64_t done = 0; done < size_bytes; done += piece.size()) check(writer.write_data(piece));
  if (auto placed = writer.end_file(); !placed) give_up(placed.error());
  check(writer.finish());
  std::printf("large: %lu MiB in pieces of %zu KiB: %.2f GB/s\n", (unsigned long)(size_bytes >> 20),
              piece_bytes >> 10, double(size_bytes) / watch.wall() / 1e9);
}

template <class Update>
void rate(const char* name, Update update) {
  auto data = noise(1024 * 1024);
  stopwatch watch;
  for (int i = 0; i < 1024; ++i) update(data);
  std::printf("%s: %.2f GB/s\n", name, 1024.0 * double(data.size()) / watch.wall() / 1e9);
}

}  // namespace

int main() {
  small_files(100'000, 4096);
  small_files(100'000, 0);
  large_file(uint64_t{2} << 30, 1024 * 1024);
  large_file(uint64_t{1} << 30, 64 * 1024);
  et::file_hasher file;
  rate("file_hasher", [&](auto& data) { file.update(data); });
  et::aggregation_hasher aggregation;
  rate("aggregation_hasher", [&](auto& data) { aggregation.update(data); });
  std::printf("(%s %08x)\n", et::to_string(file.checksum()).c_str(), aggregation.checksum().crc32c);
}
