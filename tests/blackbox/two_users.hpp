// Two users who must not get at each other's files, each manager of a workspace.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/blackbox/harness.hpp"

namespace et::blackbox {

/// Users without an entry in the password file: known by their numbers.
constexpr user ann{64'001, 64'001};
constexpr user bob{64'002, 64'002};

/// The service runs as root. Ann's workspace `ann` has the root `FOLDER/ann`. Bob's workspace `bob`
/// has the root FOLDER, with Ann's folder in it, so that rights alone keep him out.
struct two_users {
  explicit two_users(const std::string& config = {}) : node(folder / "state", config) {
    for (auto& [name, who] : std::map<std::string, user>{{"ann", ann}, {"bob", bob}}) {
      make_folder(folder / name, who, 0755);
      make_folder(folder / name / "open", who, 0755);
      make_folder(folder / name / "closed", who, 0700);
    }
    node.start();
    add("ann", folder / "ann", ann);
    add("bob", folder.path(), bob);
  }

  static void make_folder(const fs::path& path, const user& owner, mode_t mode) {
    REQUIRE(mkdir(path.c_str(), mode) == 0);
    REQUIRE(chmod(path.c_str(), mode) == 0);
    REQUIRE(chown(path.c_str(), owner.uid, owner.gid) == 0);
  }
  static void make_file(const fs::path& path, const user& owner, mode_t mode,
                        const std::string& content) {
    write_file(path, content);
    REQUIRE(chown(path.c_str(), owner.uid, owner.gid) == 0);
    REQUIRE(chmod(path.c_str(), mode) == 0);
    // All of one time, so that size and time tell none from another.
    timespec times[2] = {{1'600'000'000, 5}, {1'600'000'000, 5}};
    REQUIRE(utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
  }
  void add(const std::string& name, const fs::path& root, const user& manager) const {
    auto added =
        node.call({"elastictape", "admin", "workspace", "add", name, "--root", root.string(),
                   "--manager", std::to_string(manager.uid), "--quota", "1G"});
    INFO(added.err);
    REQUIRE(added.code == 0);
  }
  outcome by(const user& who, const std::vector<std::string>& words,
             const std::string& input = {}) const {
    return node.call_as(who, words, input);
  }

  temp_folder folder;
  service node;
};

/// Whether the tests of this file can be run; says so when not.
inline bool can_be_others() {
  if (geteuid() == 0) return true;
  WARN("not root: what other users may do is not tested");
  return false;
}

/// The files below `folder` that hold `text`, one a line.
std::string files_with(const fs::path& folder, const std::string& text);

}  // namespace et::blackbox
