#include "cli/walker.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>

#include "cli/list_file.hpp"

namespace et {

namespace {

// Names of one folder that are read and sorted at a time.
constexpr size_t max_run = 65'536;
// Names that may be held before the threads stop to read ahead.
constexpr size_t max_ahead = 200'000;

struct folder;
using folder_ptr = std::shared_ptr<folder>;

enum class item_kind : uint8_t { file, folder, left_out, error };

struct item {
  std::string name;  // of a folder with its slash: then byte order of names is order of paths
  item_kind kind = item_kind::file;
  uint32_t mode = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint64_t size_bytes = 0;
  int64_t mtime_ns = 0;
  int error = 0;
  folder_ptr child;
};

enum class progress : uint8_t { queued, reading, ready };

struct folder {
  explicit folder(std::string relative) : path(std::move(relative)) {}
  ~folder() {
    if (handle != nullptr) closedir(handle);
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;

  const std::string path;  // relative to the root, with a slash at the end; empty: the root
  progress state = progress::queued;
  std::vector<item> run;
  DIR* handle = nullptr;  // open while there are more runs to come
  int error = 0;
};

// Where the caller is in a folder.
struct frame {
  folder_ptr in;
  size_t at = 0;
};

struct raw_name {
  ino_t inode;
  unsigned char type;
  std::string name;
};

bool is_dots(const char* name) {
  return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
}

}  // namespace

caf::expected<walk_root> open_walk_root(const std::string& given) {
  auto bad = [&](const std::string& why) {
    return fail(errc::invalid_argument, given + ": " + why);
  };
  if (given.empty() || given.front() != '/') return bad("DIR must be an absolute path");
  walk_root root{given, {}};
  bool plain = make_plain(root.path);
  if (plain) root.fd.reset(open_without_links(AT_FDCWD, root.path.c_str(), O_RDONLY | O_DIRECTORY));
  if (root.fd) return root;
  int error = plain ? errno : ELOOP;
  if (error == ELOOP || error == ENOTDIR) {
    std::unique_ptr<char, decltype(&std::free)> real{realpath(given.c_str(), nullptr), &std::free};
    if (real && root.path != real.get()) {
      return bad(std::string{plain ? "a link is in the path" : "'..' is in the path"} +
                 "; the real path is " + real.get());
    }
  }
  return bad(std::strerror(error));
}

struct walker::impl {
  walk_root root;
  std::string prefix;  // the root's path with a slash at the end
  const bool all_readable = geteuid() == 0;

  std::mutex mutex;
  std::condition_variable work;   // something to read ahead, and room for it
  std::condition_variable ready;  // a folder was read
  std::map<std::string, folder_ptr> queue;
  size_t ahead = 0;  // items in all runs
  bool stopping = false;
  std::vector<std::thread> threads;

  std::vector<frame> stack;

  impl(walk_root opened, unsigned count) : root(std::move(opened)) {
    prefix = root.path == "/" ? "/" : root.path + "/";
    auto top = std::make_shared<folder>("");
    queue.emplace(top->path, top);
    stack.push_back({top, 0});
    for (unsigned i = 0; i < count; ++i) threads.emplace_back([this] { read_ahead(); });
  }

  ~impl() {
    {
      std::lock_guard lock{mutex};
      stopping = true;
    }
    work.notify_all();
    for (auto& thread : threads) thread.join();
  }

  void read_ahead() {
    std::unique_lock lock{mutex};
    for (;;) {
      work.wait(lock, [&] { return stopping || (!queue.empty() && ahead < max_ahead); });
      if (stopping) return;
      auto next = queue.begin()->second;
      queue.erase(queue.begin());
      read_run(*next, lock);
    }
  }

  // Reads the next run of a folder; `lock` is held before and after, not while reading.
  void read_run(folder& in, std::unique_lock<std::mutex>& lock) {
    in.state = progress::reading;
    lock.unlock();
    std::vector<item> run;
    if (in.handle == nullptr) open_folder(in);
    if (in.handle != nullptr) run = read_names(in);
    lock.lock();
    in.run = std::move(run);
    ahead += in.run.size();
    for (auto& found : in.run) {
      if (found.child) queue.emplace(found.child->path, found.child);
    }
    in.state = progress::ready;
    ready.notify_all();
    if (!queue.empty()) work.notify_all();
  }

  void open_folder(folder& in) {
    int fd = in.path.empty()
                 ? ::openat(root.fd.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                 : open_without_links(root.fd.get(), in.path.c_str(), O_RDONLY | O_DIRECTORY);
    in.handle = fd >= 0 ? fdopendir(fd) : nullptr;
    if (in.handle != nullptr) return;
    in.error = errno;
    if (fd >= 0) ::close(fd);
  }

  std::vector<item> read_names(folder& in) {
    std::vector<raw_name> names;
    errno = 0;
    while (names.size() < max_run) {
      errno = 0;
      const dirent* found = readdir(in.handle);
      if (found == nullptr) break;
      if (!is_dots(found->d_name)) names.push_back({found->d_ino, found->d_type, found->d_name});
    }
    int error = names.size() < max_run ? errno : 0;
    // Inodes in their order on disk: one pass over the tables of a cold file system.
    std::sort(names.begin(), names.end(),
              [](const raw_name& a, const raw_name& b) { return a.inode < b.inode; });
    std::vector<item> run;
    run.reserve(names.size());
    for (auto& name : names) run.push_back(look(in, name));
    std::sort(run.begin(), run.end(), [](const item& a, const item& b) { return a.name < b.name; });
    if (names.size() < max_run) {
      closedir(in.handle);
      in.handle = nullptr;
      in.error = error;
    }
    return run;
  }

  item look(const folder& in, raw_name& name) {
    item found;
    struct stat info {};
    int fd = dirfd(in.handle);
    bool known_folder = name.type == DT_DIR;
    if (known_folder) {
      info.st_mode = S_IFDIR;
    } else if (::fstatat(fd, name.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      found.kind = item_kind::error;
      found.error = errno;
    } else if (S_ISREG(info.st_mode) && !all_readable &&
               ::faccessat(fd, name.name.c_str(), R_OK, AT_EACCESS) != 0) {
      found.kind = item_kind::error;
      found.error = errno;
    }
    found.name = std::move(name.name);
    if (prefix.size() + in.path.size() + found.name.size() >= PATH_MAX) {
      found.kind = item_kind::error;
      found.error = ENAMETOOLONG;
    }
    if (found.kind == item_kind::error) return found;
    if (S_ISDIR(info.st_mode)) {
      found.kind = item_kind::folder;
      found.name += '/';
      found.child = std::make_shared<folder>(in.path + found.name);
      return found;
    }
    found.mode = info.st_mode;
    if (!S_ISREG(info.st_mode)) found.kind = item_kind::left_out;
    found.uid = info.st_uid;
    found.gid = info.st_gid;
    found.size_bytes = static_cast<uint64_t>(info.st_size);
    found.mtime_ns = info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec;
    return found;
  }

  // The folder on top of the stack, read: by a thread, or here when none has begun.
  void await(folder& in) {
    std::unique_lock lock{mutex};
    if (in.state == progress::queued) {
      queue.erase(in.path);
      read_run(in, lock);
    }
    ready.wait(lock, [&] { return in.state == progress::ready; });
  }

  // The run of `in` is used up: true when there was another one.
  bool next_run(folder& in) {
    std::unique_lock lock{mutex};
    ahead -= in.run.size();
    in.run.clear();
    work.notify_all();
    if (in.handle == nullptr) return false;
    read_run(in, lock);
    return true;
  }

  void take(item& found, const folder& in, walk_page& page) {
    std::string path;
    path.reserve(prefix.size() + in.path.size() + found.name.size());
    path.append(prefix).append(in.path).append(found.name);
    if (found.kind == item_kind::file) {
      page.files.push_back({std::move(path), found.size_bytes, found.mtime_ns, found.mode & 07777,
                            found.uid, found.gid});
    } else if (found.kind == item_kind::left_out) {
      page.left_out.push_back({std::move(path), kind_of(found.mode)});
    } else {
      page.errors.push_back({std::move(path), found.error == ENAMETOOLONG
                                                  ? "path longer than 4095 bytes"
                                                  : std::strerror(found.error)});
    }
  }

  void step(walk_page& page) {
    frame& top = stack.back();
    folder& in = *top.in;
    if (top.at < in.run.size()) {
      item& found = in.run[top.at++];
      if (found.kind != item_kind::folder) return take(found, in, page);
      auto child = std::move(found.child);
      await(*child);
      stack.push_back({std::move(child), 0});
    } else if (next_run(in)) {
      top.at = 0;
    } else {
      if (in.error != 0) page.errors.push_back({prefix + in.path, std::strerror(in.error)});
      stack.pop_back();
    }
  }
};

walker::walker(walk_root root, unsigned threads)
    : impl_(std::make_unique<impl>(std::move(root), threads)) {}

walker::~walker() = default;

bool walker::next(walk_page& page, size_t limit) {
  page.files.clear();
  page.left_out.clear();
  page.errors.clear();
  if (impl_->stack.size() == 1 && impl_->stack.back().at == 0) impl_->await(*impl_->stack[0].in);
  while (!impl_->stack.empty() && page.files.size() < limit &&
         page.left_out.size() + page.errors.size() < limit) {
    impl_->step(page);
  }
  return !page.files.empty() || !page.left_out.empty() || !page.errors.empty();
}

}  // namespace et
