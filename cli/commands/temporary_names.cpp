#include "cli/commands/temporary_names.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <ctime>
#include <memory>
#include <random>

#include "storage/os/file.hpp"

namespace et {

namespace {

constexpr std::string_view prefix = ".et-part-";
constexpr time_t foreign_age_s = 24 * 3600;
// While a file is written its times of change and of modification go together.
constexpr time_t unfinished_age_s = 60;

std::string hex(uint32_t number) {
  char text[8];
  for (int i = 7; i >= 0; --i, number >>= 4) text[i] = "0123456789abcdef"[number & 15];
  return {text, sizeof text};
}

std::string this_machine() {
  std::string text;
  if (auto boot = read_small_file("/proc/sys/kernel/random/boot_id", 128)) text = *boot;
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) == 0) text += host;
  struct stat numbering {};
  if (::stat("/proc/self/ns/pid", &numbering) == 0) text += std::to_string(numbering.st_ino);
  return hex(static_cast<uint32_t>(XXH3_64bits(text.data(), text.size())));
}

}  // namespace

temporary_names::temporary_names() : machine_(this_machine()) {
  // One for the whole process: its files must not be taken for those of a dead one.
  static const uint32_t random = std::random_device{}();
  own_ =
      std::string{prefix} + machine_ + '-' + std::to_string(::getpid()) + '-' + hex(random) + '-';
}

std::string temporary_names::name(unsigned number) const {
  return own_ + std::to_string(number);
}

// `known`: the writer is known to be dead. False when it may be alive or the name is not ours.
bool temporary_names::may_be_dead(std::string_view name, bool& known) const {
  if (!name.starts_with(prefix) || name.starts_with(own_)) return false;
  name.remove_prefix(prefix.size());
  if (name.size() <= machine_.size() || name[machine_.size()] != '-') return false;
  bool here = name.starts_with(machine_);
  name.remove_prefix(machine_.size() + 1);
  pid_t pid = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  if (error != std::errc{} || pid <= 0 || end == name.data() + name.size() || *end != '-') {
    return false;
  }
  // Our own number with another random part: it was given to another process before.
  known = here && (pid == ::getpid() || (::kill(pid, 0) != 0 && errno == ESRCH));
  return known || !here;
}

void temporary_names::remove_dead(int folder_fd) const {
  int fd = ::openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  std::unique_ptr<DIR, int (*)(DIR*)> folder{::fdopendir(fd), &::closedir};
  if (!folder) {
    ::close(fd);
    return;
  }
  while (const dirent* entry = ::readdir(folder.get())) {
    bool known = false;
    if (!may_be_dead(entry->d_name, known)) continue;
    struct stat found {};
    if (::fstatat(fd, entry->d_name, &found, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (!S_ISREG(found.st_mode) || found.st_nlink != 1) continue;
    if (found.st_ctim.tv_sec - found.st_mtim.tv_sec > unfinished_age_s) continue;
    if (!known && ::time(nullptr) - found.st_ctim.tv_sec < foreign_age_s) continue;
    ::unlinkat(fd, entry->d_name, 0);
  }
}

}  // namespace et
