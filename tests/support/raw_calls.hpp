// System calls past the C library, and so past the functions that file_calls.cpp puts in its place.
// Each returns what the call of that name returns, with errno set.
#pragma once

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <string>

namespace et::test::raw {

inline int open_at(int folder, const char* path, int flags, mode_t mode = 0) {
  return static_cast<int>(::syscall(SYS_openat, folder, path, flags, mode));
}
inline int close(int fd) {
  return static_cast<int>(::syscall(SYS_close, fd));
}
inline ssize_t read_at(int fd, void* data, size_t size, off_t offset) {
  return ::syscall(SYS_pread64, fd, data, size, offset);
}
inline ssize_t write_at(int fd, const void* data, size_t size, off_t offset) {
  return ::syscall(SYS_pwrite64, fd, data, size, offset);
}
/// At the descriptor's position.
inline ssize_t write_parts(int fd, const iovec* parts, int count) {
  return ::syscall(SYS_writev, fd, parts, count);
}
inline ssize_t write_parts_at(int fd, const iovec* parts, int count, off_t offset) {
  return ::syscall(SYS_pwritev, fd, parts, count, offset, 0);
}
inline int truncate(int fd, off_t size) {
  return static_cast<int>(::syscall(SYS_ftruncate, fd, size));
}
inline off_t seek(int fd, off_t offset, int from) {
  return ::syscall(SYS_lseek, fd, offset, from);
}
inline int rename_at(int from, const char* old_name, int to, const char* new_name, unsigned flags) {
  return static_cast<int>(::syscall(SYS_renameat2, from, old_name, to, new_name, flags));
}
inline int unlink_at(int folder, const char* path, int flags) {
  return static_cast<int>(::syscall(SYS_unlinkat, folder, path, flags));
}
inline int link_at(int from, const char* old_name, int to, const char* new_name, int flags) {
  return static_cast<int>(::syscall(SYS_linkat, from, old_name, to, new_name, flags));
}
inline int make_folder_at(int folder, const char* path, mode_t mode) {
  return static_cast<int>(::syscall(SYS_mkdirat, folder, path, mode));
}

/// What a descriptor stands for; empty when nothing can be found.
inline std::string path_of(int fd) {
  char text[4096];
  auto link = "/proc/self/fd/" + std::to_string(fd);
  auto n = ::syscall(SYS_readlinkat, AT_FDCWD, link.c_str(), text, sizeof text);
  return n > 0 ? std::string(text, static_cast<size_t>(n)) : std::string{};
}

}  // namespace et::test::raw
