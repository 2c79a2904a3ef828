// A folder that goes with the object.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace et::test {

class scratch_folder {
 public:
  scratch_folder() {
    char name[] = "/tmp/et-auth-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~scratch_folder() { std::filesystem::remove_all(path_); }
  scratch_folder(const scratch_folder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace et::test
