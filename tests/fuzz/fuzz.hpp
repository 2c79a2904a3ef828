// What the fuzz targets share. Each target is one source with LLVMFuzzerTestOneInput(): it gives
// any bytes to one parser, which must end without a crash, within its bounds, and keep the target's
// properties. docs/fuzzing.md tells how to run them.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace et::fuzz {

/// A property of the parser; libFuzzer keeps the input that breaks it.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "property broken: %s\n", what);
  std::abort();
}

inline std::string_view text_of_input(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Takes an input apart: the front is used for choices, what is left is for the parser.
class choices {
 public:
  choices(const uint8_t* data, size_t size) : left_(data, size) {}

  uint8_t byte() {
    if (left_.empty()) return 0;
    auto first = left_.front();
    left_ = left_.subspan(1);
    return first;
  }
  std::span<const uint8_t> rest() const { return left_; }
  std::string_view text() const { return text_of_input(left_.data(), left_.size()); }
  /// The next `size` bytes, or what is left.
  std::span<const uint8_t> take(size_t size) {
    auto taken = left_.first(std::min(size, left_.size()));
    left_ = left_.subspan(taken.size());
    return taken;
  }
  /// The next piece: as long as its first byte says, or what is left.
  std::span<const uint8_t> piece() { return take(byte()); }

 private:
  std::span<const uint8_t> left_;
};

/// An empty folder in memory, gone at the end, for what wants one.
class own_folder {
 public:
  own_folder() {
    char name[] = "/dev/shm/et-fuzz-XXXXXX";
    require(::mkdtemp(name) != nullptr, "a folder in memory");
    path_ = name;
  }
  ~own_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  own_folder(const own_folder&) = delete;
  own_folder& operator=(const own_folder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A file with the input in it that nobody else sees, for parsers that want a path.
class input_file {
 public:
  input_file(const uint8_t* data, size_t size) : fd_(memfd_create("input", MFD_CLOEXEC)) {
    require(fd_ >= 0 && ::write(fd_, data, size) == static_cast<ssize_t>(size), "a file in memory");
    ::lseek(fd_, 0, SEEK_SET);
  }
  ~input_file() { ::close(fd_); }
  input_file(const input_file&) = delete;
  input_file& operator=(const input_file&) = delete;

  int fd() const { return fd_; }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

}  // namespace et::fuzz
