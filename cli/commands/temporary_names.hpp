// Names under which a get writes files before they are whole, and what dead gets left under them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace et {

/// `.et-part-MACHINE-PID-RANDOM-NUMBER`: no two running processes, on whatever machines, make the
/// same name; and a process of the same machine can tell that the writer of one is dead. MACHINE
/// stands for this boot of this machine and the numbering of its processes.
class temporary_names {
 public:
  temporary_names();

  /// The name number `number` of this process.
  std::string name(unsigned number) const;

  /// Removes from a folder what dead gets have left there: files with such names whose process has
  /// ended or, when another machine made them, that have not changed for a day. A file that was
  /// delivered under such a name (it keeps its old time) stays. Failures are passed over: the next
  /// get tries again. `folder_fd` may be one of O_PATH.
  void remove_dead(int folder_fd) const;

 private:
  bool may_be_dead(std::string_view name, bool& known) const;

  std::string machine_;
  std::string own_;  // what all names of this process begin with
};

}  // namespace et
