// What the tests of the virtual tape library share.
#pragma once

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "storage/tape/virtual_library.hpp"

namespace et::test {

/// A folder of its own, removed at the end.
class temporary_folder {
 public:
  temporary_folder() {
    auto name = (std::filesystem::temp_directory_path() / "et-tape-XXXXXX").string();
    if (!::mkdtemp(name.data())) std::abort();
    path_ = name;
  }
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline bytes block_of(size_t size_bytes, uint8_t seed) {
  bytes out(size_bytes);
  for (size_t i = 0; i < size_bytes; ++i) out[i] = static_cast<uint8_t>(i * 7 + seed);
  return out;
}

inline bytes file_bytes(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

inline void write_file(const std::filesystem::path& path, const bytes& data) {
  std::ofstream out{path, std::ios::binary | std::ios::trunc};
  out.write(reinterpret_cast<const char*>(data.data()), static_cast<std::streamsize>(data.size()));
  REQUIRE(out.flush());
}

inline void flip_byte(const std::filesystem::path& path, uint64_t offset) {
  auto data = file_bytes(path);
  REQUIRE(offset < data.size());
  data[offset] ^= 0x40;
  write_file(path, data);
}

/// Reads the record at the position as text: `block N` with its size, `filemark`, `end of data`, or
/// the name of the error.
inline std::string read_text(tape::drive& drive, bytes& buffer) {
  auto result = drive.read(buffer);
  if (!result) return to_string(code_of(result.error()));
  switch (result->kind) {
    case tape::read_kind::block:
      return "block " + std::to_string(result->size_bytes);
    case tape::read_kind::filemark:
      return "filemark";
    default:
      return "end of data";
  }
}

inline std::string code_text(const caf::error& err) {
  return to_string(code_of(err));
}

/// A library as small as tests want it.
inline tape::virtual_library_options small_library() {
  tape::virtual_library_options options;
  options.cartridges = 3;
  options.slots = 5;
  options.capacity_bytes = 1024 * 1024;
  return options;
}

inline std::unique_ptr<tape::virtual_library> open_library(
    const std::filesystem::path& folder,
    const tape::virtual_library_options& options = small_library()) {
  auto library = tape::virtual_library::open(folder, options);
  if (!library) FAIL(text_of(library.error()));
  return std::move(*library);
}

}  // namespace et::test
