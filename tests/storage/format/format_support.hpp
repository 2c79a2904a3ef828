// What the tests of this folder share.
#pragma once

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "storage/format/aggregation_writer.hpp"
#include "storage/format/byte_io.hpp"

namespace et::test {

/// A folder that goes with the test.
class temp_folder {
 public:
  temp_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "et-format-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error{"no temporary folder"};
    path_ = name;
  }
  ~temp_folder() { std::filesystem::remove_all(path_); }
  temp_folder(const temp_folder&) = delete;
  temp_folder& operator=(const temp_folder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct memory_sink : byte_sink {
  bytes data;
  caf::error write(std::span<const uint8_t> piece) override {
    data.insert(data.end(), piece.begin(), piece.end());
    return {};
  }
};

/// Gives `data`, which must outlive it, in pieces.
inline byte_source source_of(std::span<const uint8_t> data, size_t piece_bytes = 64 * 1024) {
  return [data, piece_bytes]() mutable -> caf::expected<std::span<const uint8_t>> {
    auto piece = data.first(std::min(piece_bytes, data.size()));
    data = data.subspan(piece.size());
    return piece;
  };
}

inline bytes to_bytes(std::string_view text) {
  return {text.begin(), text.end()};
}

inline std::string to_text(std::span<const uint8_t> data) {
  return {data.begin(), data.end()};
}

/// Bytes that differ everywhere and are the same in every run.
inline bytes noise(size_t size_bytes, uint64_t seed) {
  bytes data(size_bytes);
  uint64_t x = seed * 2685821657736338717u + 88172645463325252u;
  for (auto& byte : data) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    byte = static_cast<uint8_t>(x >> 32);
  }
  return data;
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  REQUIRE(in.good());
  return {std::istreambuf_iterator<char>{in}, {}};
}

inline void write_file(const std::filesystem::path& path, std::span<const uint8_t> data) {
  std::ofstream out{path, std::ios::binary};
  out.write(reinterpret_cast<const char*>(data.data()), static_cast<std::streamsize>(data.size()));
  REQUIRE(out.good());
}

/// A file to be packed.
struct source_file {
  file_entry entry;
  bytes content;
};

inline source_file make_file(std::string path, bytes content) {
  source_file file;
  file.entry = {std::move(path), content.size(), 1'700'000'000'123'456'789, 0640, 1000, 100};
  file.content = std::move(content);
  return file;
}

inline aggregation_about example_about() {
  return {{batch_id{7}, 2}, "climate", "run1", "ada", 1'700'000'000'000'000'000};
}

struct packed {
  bytes tar;
  std::vector<placed_file> placed;
  aggregation_checksum checksum;
};

/// An aggregation of `files`.
inline packed pack(const std::vector<source_file>& files, uint32_t padding_bytes = 512,
                   const aggregation_about& about = example_about()) {
  memory_sink sink;
  aggregation_writer writer{sink, about, {"/tmp", padding_bytes}};
  packed result;
  REQUIRE(!writer.begin());
  for (auto& file : files) {
    auto placed = writer.add_file(file.entry, file.content);
    REQUIRE(placed);
    result.placed.push_back(*placed);
  }
  REQUIRE(!writer.finish());
  REQUIRE(writer.size_bytes() == sink.data.size());
  result.tar = std::move(sink.data);
  result.checksum = writer.checksum();
  return result;
}

/// Names and contents that have broken archives before.
inline std::vector<source_file> hostile_files() {
  std::string deep;
  for (int i = 0; i < 12; ++i) deep += "/" + std::string(100, static_cast<char>('a' + i));
  std::string split = "/" + std::string(120, 'p') + "/" + std::string(80, 'n');
  return {
      make_file("/data/space and  more ", to_bytes("1")),
      make_file("/data/new\nline", noise(511, 1)),
      make_file("/data/ta\tb", noise(512, 2)),
      make_file("/data/back\\slash", noise(513, 3)),
      make_file("/data/\xc3\xbcmlaut-\xe6\xbc\xa2", noise(1000, 4)),
      make_file("/data/not-utf8-\xff\xfe\x80", noise(70'000, 5)),
      make_file("/data/empty", {}),
      make_file("/data/-rf", to_bytes("dash")),
      make_file("/data/*?[x]'\"$(id)", to_bytes("shell")),
      make_file("/data/.hidden/..double", to_bytes("dots")),
      make_file(deep + "/file", noise(4096, 6)),
      make_file(split, noise(4096, 7)),
      make_file("/" + std::string(255, 'w'), noise(4096, 8)),
      make_file("/top", noise(300'000, 9)),
  };
}

}  // namespace et::test
