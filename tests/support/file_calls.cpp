// The file functions of the C library, replaced for the whole program: those that change something
// below the folder of a recorded_disk pass there, all others go to the kernel. An executable that
// links this file has these functions for its shared libraries too, RocksDB and libstdc++ among
// them; as part of a preloaded library they serve programs that know nothing of it.
//
// Not seen: what is written through stdio (FILE) or a shared mapping. A shared mapping for writing
// of such a file ends the program, since nothing true could be said about its data.

// The names below are those of the C library's symbols, so none may stand for another one.
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dirent.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "tests/support/open_files.hpp"
#include "tests/support/raw_calls.hpp"

using namespace et::test;

namespace {

bool passes_by() {
  return disk_count == 0 || unnoted::now();
}

recorded_disk* disk_of(const std::string& path) {
  return path.empty() ? nullptr : find_disk(path);
}

int open_noted(int folder, const char* path, int flags, mode_t mode) {
  if (passes_by() || !path || (flags & O_TMPFILE) == O_TMPFILE)
    return raw::open_at(folder, path, flags, mode);
  auto full = open_files::absolute(folder, path);
  auto* disk = disk_of(full);
  if (!disk) return raw::open_at(folder, path, flags, mode);
  node_ptr node;
  int fd = disk->open(full, flags, mode, node);
  if (fd >= 0 && node) open_files::add(fd, {disk, node});
  return fd;
}

ssize_t write_noted(int fd, const iovec* parts, int count, off_t offset) {
  auto file = passes_by() ? open_file{} : open_files::find(fd);
  if (file.disk && !file.node->is_folder)
    return file.disk->write(file.node, fd, parts, count, offset);
  return offset < 0 ? raw::write_parts(fd, parts, count)
                    : raw::write_parts_at(fd, parts, count, offset);
}

int sync_noted(int fd, long call) {
  auto file = passes_by() ? open_file{} : open_files::find(fd);
  return file.disk ? file.disk->sync(file.node) : static_cast<int>(::syscall(call, fd));
}

int truncate_noted(int fd, off_t size) {
  auto file = passes_by() ? open_file{} : open_files::find(fd);
  return file.disk ? file.disk->truncate(file.node, fd, size) : raw::truncate(fd, size);
}

int allocate_noted(int fd, int mode, off_t offset, off_t size) {
  auto file = passes_by() ? open_file{} : open_files::find(fd);
  if (file.disk) return file.disk->allocate(file.node, fd, mode, offset, size);
  return static_cast<int>(::syscall(SYS_fallocate, fd, mode, offset, size));
}

int rename_noted(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  if (!passes_by()) {
    auto full_from = open_files::absolute(from_folder, from);
    auto full_to = open_files::absolute(to_folder, to);
    auto* disk = disk_of(full_to);
    auto* other = disk_of(full_from);
    if (disk != other) return errno = EXDEV, -1;
    if (disk) return disk->rename(full_from, full_to, flags);
  }
  return raw::rename_at(from_folder, from, to_folder, to, flags);
}

int unlink_noted(int folder, const char* path, int flags) {
  if (!passes_by()) {
    auto full = open_files::absolute(folder, path);
    if (auto* disk = disk_of(full))
      return (flags & AT_REMOVEDIR) ? disk->remove_folder(full) : disk->unlink(full);
  }
  return raw::unlink_at(folder, path, flags);
}

int link_noted(int from_folder, const char* from, int to_folder, const char* to, int flags) {
  if (!passes_by()) {
    auto full_from = open_files::absolute(from_folder, from);
    auto full_to = open_files::absolute(to_folder, to);
    auto* disk = disk_of(full_to);
    if (disk != disk_of(full_from)) return errno = EXDEV, -1;
    if (disk) return disk->link(full_from, full_to);
  }
  return raw::link_at(from_folder, from, to_folder, to, flags);
}

int make_folder_noted(int folder, const char* path, mode_t mode) {
  if (!passes_by()) {
    auto full = open_files::absolute(folder, path);
    if (auto* disk = disk_of(full)) return disk->make_folder(full, mode);
  }
  return raw::make_folder_at(folder, path, mode);
}

bool read_fails(int fd) {
  auto file = passes_by() ? open_file{} : open_files::find(fd);
  int code = file.disk && !file.node->is_folder ? file.disk->refused_read(file.node) : 0;
  if (code != 0) errno = code;
  return code != 0;
}

/// The C library's own function of this name.
template <class F>
F* real(const char* name) {
  return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

int fopen_flags(const char* mode) {
  bool both = std::strchr(mode, '+');
  int flags = both ? O_RDWR : mode[0] == 'r' ? O_RDONLY : O_WRONLY;
  if (mode[0] == 'w') flags |= O_CREAT | O_TRUNC;
  if (mode[0] == 'a') flags |= O_CREAT | O_APPEND;
  if (std::strchr(mode, 'e')) flags |= O_CLOEXEC;
  if (std::strchr(mode, 'x')) flags |= O_EXCL;
  return flags;
}

FILE* fopen_noted(const char* path, const char* mode) {
  int fd = open_noted(AT_FDCWD, path, fopen_flags(mode), 0666);
  if (fd < 0) return nullptr;
  auto* file = ::fdopen(fd, mode);
  if (!file) ::close(fd);
  return file;
}

void* map_noted(void* at, size_t size, int protection, int flags, int fd, off_t offset) {
  if ((protection & PROT_WRITE) && (flags & MAP_TYPE) != MAP_PRIVATE && fd >= 0 && !passes_by() &&
      open_files::find(fd).disk) {
    static constexpr char said[] = "a recorded file is mapped for writing\n";
    raw::write_at(2, said, sizeof said - 1, 0);
    std::abort();
  }
  return reinterpret_cast<void*>(::syscall(SYS_mmap, at, size, protection, flags, fd, offset));
}

mode_t mode_of(int flags, va_list words) {
  return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(words, mode_t) : 0;
}

}  // namespace

// The declarations stand in the headers of the C library.
extern "C" {

#define ET_OPEN(name)                               \
  int name(const char* path, int flags, ...) {      \
    va_list words;                                  \
    va_start(words, flags);                         \
    auto mode = mode_of(flags, words);              \
    va_end(words);                                  \
    return open_noted(AT_FDCWD, path, flags, mode); \
  }
#define ET_OPENAT(name)                                    \
  int name(int folder, const char* path, int flags, ...) { \
    va_list words;                                         \
    va_start(words, flags);                                \
    auto mode = mode_of(flags, words);                     \
    va_end(words);                                         \
    return open_noted(folder, path, flags, mode);          \
  }
ET_OPEN(open)
ET_OPEN(open64)
ET_OPENAT(openat)
ET_OPENAT(openat64)
#undef ET_OPEN
#undef ET_OPENAT

int creat(const char* path, mode_t mode) {
  return open_noted(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
int creat64(const char* path, mode_t mode) {
  return creat(path, mode);
}

int __open_2(const char* path, int flags) {
  return open_noted(AT_FDCWD, path, flags, 0);
}
int __open64_2(const char* path, int flags) {
  return open_noted(AT_FDCWD, path, flags, 0);
}
int __openat_2(int at, const char* path, int flags) {
  return open_noted(at, path, flags, 0);
}
int __openat64_2(int at, const char* path, int flags) {
  return open_noted(at, path, flags, 0);
}

FILE* fopen(const char* path, const char* mode) {
  return fopen_noted(path, mode);
}
FILE* fopen64(const char* path, const char* mode) {
  return fopen_noted(path, mode);
}
int fclose(FILE* file) {
  open_files::forget(::fileno(file));
  static auto* next = real<int(FILE*)>("fclose");
  return next(file);
}
int closedir(DIR* folder) {
  open_files::forget(::dirfd(folder));
  static auto* next = real<int(DIR*)>("closedir");
  return next(folder);
}

int close(int fd) {
  open_files::forget(fd);
  return raw::close(fd);
}
int dup(int fd) noexcept {
  int copy = static_cast<int>(::syscall(SYS_dup, fd));
  open_files::copied(fd, copy);
  return copy;
}
int dup3(int fd, int wanted, int flags) noexcept {
  int copy = static_cast<int>(::syscall(SYS_dup3, fd, wanted, flags));
  if (copy >= 0) open_files::copied(fd, copy);
  return copy;
}
int dup2(int fd, int wanted) noexcept {
  if (fd == wanted) return ::syscall(SYS_fcntl, fd, F_GETFD) < 0 ? -1 : fd;
  return dup3(fd, wanted, 0);
}

#define ET_FCNTL(name)                                                              \
  int name(int fd, int what, ...) {                                                 \
    va_list words;                                                                  \
    va_start(words, what);                                                          \
    auto* word = va_arg(words, void*);                                              \
    va_end(words);                                                                  \
    int result = static_cast<int>(::syscall(SYS_fcntl, fd, what, word));            \
    if (what == F_DUPFD || what == F_DUPFD_CLOEXEC) open_files::copied(fd, result); \
    return result;                                                                  \
  }
ET_FCNTL(fcntl)
ET_FCNTL(fcntl64)
#undef ET_FCNTL

ssize_t write(int fd, const void* data, size_t size) {
  if (!passes_by() && open_files::find(fd).disk) {
    iovec part{const_cast<void*>(data), size};
    return write_noted(fd, &part, 1, -1);
  }
  return ::syscall(SYS_write, fd, data, size);
}
ssize_t writev(int fd, const iovec* parts, int count) {
  return write_noted(fd, parts, count, -1);
}
ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  iovec part{const_cast<void*>(data), size};
  return write_noted(fd, &part, 1, offset);
}
ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset) {
  return pwrite(fd, data, size, offset);
}
ssize_t pwritev(int fd, const iovec* parts, int count, off_t offset) {
  return write_noted(fd, parts, count, offset);
}
ssize_t pwritev64(int fd, const iovec* parts, int count, off64_t offset) {
  return write_noted(fd, parts, count, offset);
}

ssize_t read(int fd, void* data, size_t size) {
  return read_fails(fd) ? -1 : ::syscall(SYS_read, fd, data, size);
}
ssize_t pread(int fd, void* data, size_t size, off_t offset) {
  return read_fails(fd) ? -1 : raw::read_at(fd, data, size, offset);
}
ssize_t pread64(int fd, void* data, size_t size, off64_t offset) {
  return pread(fd, data, size, offset);
}
ssize_t preadv(int fd, const iovec* parts, int count, off_t offset) {
  return read_fails(fd) ? -1 : ::syscall(SYS_preadv, fd, parts, count, offset, 0);
}
ssize_t preadv64(int fd, const iovec* parts, int count, off64_t offset) {
  return preadv(fd, parts, count, offset);
}

int fsync(int fd) {
  return sync_noted(fd, SYS_fsync);
}
int fdatasync(int fd) {
  return sync_noted(fd, SYS_fdatasync);
}
int sync_file_range(int fd, off64_t offset, off64_t size, unsigned flags) {
  // It promises nothing about the disk, so there is nothing to note.
  if (!passes_by() && open_files::find(fd).disk) return 0;
  return static_cast<int>(::syscall(SYS_sync_file_range, fd, offset, size, flags));
}

int ftruncate(int fd, off_t size) noexcept {
  return truncate_noted(fd, size);
}
int ftruncate64(int fd, off64_t size) noexcept {
  return truncate_noted(fd, size);
}
int truncate(const char* path, off_t size) noexcept {
  int fd = open_noted(AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
  if (fd < 0) return -1;
  int result = truncate_noted(fd, size);
  int code = errno;
  ::close(fd);
  return errno = code, result;
}
int truncate64(const char* path, off64_t size) noexcept {
  return truncate(path, size);
}
int fallocate(int fd, int mode, off_t offset, off_t size) {
  return allocate_noted(fd, mode, offset, size);
}
int fallocate64(int fd, int mode, off64_t offset, off64_t size) {
  return allocate_noted(fd, mode, offset, size);
}
int posix_fallocate(int fd, off_t offset, off_t size) {
  return allocate_noted(fd, 0, offset, size) == 0 ? 0 : errno;
}
int posix_fallocate64(int fd, off64_t offset, off64_t size) {
  return posix_fallocate(fd, offset, size);
}

int rename(const char* from, const char* to) noexcept {
  return rename_noted(AT_FDCWD, from, AT_FDCWD, to, 0);
}
int renameat(int at, const char* from, int to_at, const char* to) noexcept {
  return rename_noted(at, from, to_at, to, 0);
}
int renameat2(int at, const char* from, int to_at, const char* to, unsigned flags) noexcept {
  return rename_noted(at, from, to_at, to, flags);
}
int unlink(const char* path) noexcept {
  return unlink_noted(AT_FDCWD, path, 0);
}
int unlinkat(int folder, const char* path, int flags) noexcept {
  return unlink_noted(folder, path, flags);
}
int rmdir(const char* path) noexcept {
  return unlink_noted(AT_FDCWD, path, AT_REMOVEDIR);
}
int remove(const char* path) noexcept {
  if (unlink(path) == 0) return 0;
  return errno == EISDIR ? rmdir(path) : -1;
}
int link(const char* from, const char* to) noexcept {
  return link_noted(AT_FDCWD, from, AT_FDCWD, to, 0);
}
int linkat(int at, const char* from, int to_at, const char* to, int flags) noexcept {
  return link_noted(at, from, to_at, to, flags);
}
int mkdir(const char* path, mode_t mode) noexcept {
  return make_folder_noted(AT_FDCWD, path, mode);
}
int mkdirat(int folder, const char* path, mode_t mode) noexcept {
  return make_folder_noted(folder, path, mode);
}

void* mmap(void* at, size_t size, int protection, int flags, int fd, off_t offset) noexcept {
  return map_noted(at, size, protection, flags, fd, offset);
}
void* mmap64(void* at, size_t size, int protection, int flags, int fd, off64_t offset) noexcept {
  return map_noted(at, size, protection, flags, fd, offset);
}

// Copies inside the kernel would pass unseen: callers have another way for where these fail.
ssize_t sendfile(int out, int in, off_t* offset, size_t size) noexcept {
  if (!passes_by() && open_files::find(out).disk) return errno = EINVAL, -1;
  return ::syscall(SYS_sendfile, out, in, offset, size);
}
ssize_t sendfile64(int out, int in, off64_t* offset, size_t size) noexcept {
  return sendfile(out, in, offset, size);
}
ssize_t copy_file_range(int in, off64_t* from, int out, off64_t* to, size_t size, unsigned flags) {
  if (!passes_by() && open_files::find(out).disk) return errno = EXDEV, -1;
  return ::syscall(SYS_copy_file_range, in, from, out, to, size, flags);
}

}  // extern "C"
