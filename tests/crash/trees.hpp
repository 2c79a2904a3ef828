// Folders that the crash tests put: made from their number, so that any copy can be checked.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace et::crash {

namespace fs = std::filesystem;

class trees {
 public:
  /// They stand in `folder`/trees, and while they are hidden in `folder`/hidden.
  explicit trees(fs::path folder);

  /// Makes tree `number` unless it is there; where it stands. A few small files, now and then a
  /// larger one: up to 6 MB.
  fs::path make(size_t number);
  fs::path path(size_t number) const;
  uint64_t bytes(size_t number) const;
  /// The tree of which `file` is a part; throws std::runtime_error when it is of none.
  size_t tree_of(const std::string& file) const;

  /// Away from where the service knows it: nothing can be read again from the source.
  void hide(size_t number);
  void show_all();

  /// What differs between a tree and its copy below `back` + its path; empty: nothing.
  std::string difference(size_t number, const fs::path& back) const;

 private:
  fs::path standing(size_t number) const;
  fs::path folder_;
};

/// The whole of a file; throws std::runtime_error.
std::string whole_file(const fs::path& file);

}  // namespace et::crash
