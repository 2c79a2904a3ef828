// The state folder of a node: one process at a time has it, of one version, under one name.
#pragma once

#include <filesystem>
#include <string>

#include "storage/error.hpp"
#include "storage/os/file.hpp"

namespace et {

/// Version of the state folder as a whole; a folder of a newer one is refused.
constexpr uint32_t state_version = 1;

class state_folder {
 public:
  /// Makes the folder when it is missing, and holds its lock until the object goes. `node` is the
  /// name that the configuration gives; empty: the one of the first start, which is the host's and
  /// stays, also when the host is called otherwise one day, since the catalogue knows nodes by it.
  /// Errors: locked (another service has it), newer_version, corrupt, io_error, no_space.
  static caf::expected<state_folder> open(const std::filesystem::path& path,
                                          const std::string& node);

  const std::filesystem::path& path() const { return path_; }
  const std::string& node() const { return node_; }

 private:
  caf::error check_version();
  caf::error take_name(const std::string& node);

  std::filesystem::path path_;
  std::string node_;
  unique_fd lock_;
};

}  // namespace et
