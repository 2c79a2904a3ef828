// Programs that run with a journal of what they change, and the folder that a loss of power leaves.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace et::crash {

namespace fs = std::filesystem;

/// Calls `start` so that programs which it starts write what they change below `folder` to
/// `journal`.
void with_journal(const fs::path& folder, const fs::path& journal,
                  const std::function<void()>& start);

/// A folder with all in it, modes included; `to` is replaced.
void copy_folder(const fs::path& from, const fs::path& to);

/// The folder of a program that is started, killed, and loses its power, again and again.
class powered_folder {
 public:
  /// `folder` is what the program works on; nothing runs. Copies and journals go beside it.
  explicit powered_folder(fs::path folder);

  /// Starts the program with a new journal.
  void start(const std::function<void()>& start) const;
  /// The program has been killed: its folder becomes what a disk may hold without power.
  void lose_power(uint64_t seed) const;

 private:
  fs::path folder_;
  fs::path base_;
  fs::path journal_;
};

}  // namespace et::crash
