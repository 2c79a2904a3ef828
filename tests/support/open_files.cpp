#include "tests/support/open_files.hpp"

#include <pthread.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <utility>
#include <vector>

#include "tests/support/raw_calls.hpp"

namespace et::test::open_files {

namespace {

constexpr size_t most = 65536;

struct table {
  table() : files(most) {
    // Between fork and exec a child closes descriptors: it must not wait for a lock that a thread
    // of its parent holds, and nothing that it does is noted.
    ::pthread_atfork(nullptr, nullptr, [] { disk_count = 0; });
  }
  /// Never destroyed: calls come until the very end of the program.
  static table& get() {
    static auto* one = new table;
    return *one;
  }
  std::mutex mutex;
  std::array<std::atomic<bool>, most> noted{};
  std::vector<open_file> files;
};

bool known(int fd) {
  return fd >= 0 && static_cast<size_t>(fd) < most &&
         table::get().noted[static_cast<size_t>(fd)].load(std::memory_order_acquire);
}

open_file take(int fd) {
  auto& all = table::get();
  std::lock_guard lock{all.mutex};
  auto& file = all.files[static_cast<size_t>(fd)];
  all.noted[static_cast<size_t>(fd)] = false;
  return std::exchange(file, {});
}

}  // namespace

open_file find(int fd) {
  if (disk_count == 0 || !known(fd)) return {};
  open_file file;
  {
    auto& all = table::get();
    std::lock_guard lock{all.mutex};
    file = all.files[static_cast<size_t>(fd)];
  }
  struct stat status {};
  // The C library closes some descriptors by itself; the number may be another file's by now.
  if (file.disk && (::fstat(fd, &status) != 0 || status.st_ino != file.node->inode)) {
    forget(fd);
    return {};
  }
  return file;
}

void add(int fd, open_file file) {
  if (fd < 0 || static_cast<size_t>(fd) >= most) return;
  forget(fd);
  auto& all = table::get();
  std::lock_guard lock{all.mutex};
  all.files[static_cast<size_t>(fd)] = std::move(file);
  all.noted[static_cast<size_t>(fd)].store(true, std::memory_order_release);
}

void forget(int fd) {
  if (disk_count == 0 || !known(fd)) return;
  int code = errno;
  auto file = take(fd);
  if (file.disk && !file.node->dead) file.disk->closed(file.node);
  errno = code;
}

void copied(int fd, int copy) {
  if (copy < 0 || copy == fd) return;
  forget(copy);
  auto file = find(fd);
  if (!file.disk) return;
  file.disk->opened_again(file.node);
  add(copy, std::move(file));
}

void forget_disk(recorded_disk* disk) {
  auto& all = table::get();
  std::lock_guard lock{all.mutex};
  for (size_t fd = 0; fd < most; ++fd) {
    if (all.files[fd].disk != disk) continue;
    all.noted[fd] = false;
    all.files[fd] = {};
  }
}

std::string absolute(int folder, const char* path) {
  std::string text = path;
  if (text.empty()) return text;
  if (text[0] != '/') {
    if (folder == AT_FDCWD) {
      char here[4096];
      if (::syscall(SYS_getcwd, here, sizeof here) <= 0) return {};
      text = std::string{here} + "/" + text;
    } else {
      text = raw::path_of(folder) + "/" + text;
    }
  }
  if (text.find("/.") != std::string::npos || text.find("//") != std::string::npos)
    text = std::filesystem::path{text}.lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

}  // namespace et::test::open_files
