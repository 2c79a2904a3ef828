#include "cli/commands/target_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace et {

namespace {

constexpr unsigned no_replace = 1;  // RENAME_NOREPLACE, which headers only show with extensions
constexpr size_t block_bytes = 4096;
// Writing to disk begins while more comes, so that a sync afterwards finds little to do.
constexpr uint64_t writeback_bytes = 8ull << 20;

constexpr uint8_t zeros[block_bytes] = {};

bool is_zero(const uint8_t* data, size_t size) {
  return std::memcmp(data, zeros, size) == 0;
}

caf::error failure(const char* what, int error) {
  if (error == ENOSPC || error == EDQUOT) return fail(errc::no_space, std::strerror(error));
  return fail_errno(what, error);
}

timespec to_timespec(int64_t time_ns) {
  int64_t seconds = time_ns / 1'000'000'000;
  int64_t rest = time_ns % 1'000'000'000;
  if (rest < 0) {
    rest += 1'000'000'000;
    --seconds;
  }
  timespec time{};
  time.tv_sec = seconds;
  time.tv_nsec = rest;
  return time;
}

file_checksum to_checksum(XXH128_hash_t hash) {
  return {hash.high64, hash.low64};
}

}  // namespace

file_checksum checksum_of(std::span<const uint8_t> data) {
  return to_checksum(XXH3_128bits(data.data(), data.size()));
}

target_file::~target_file() {
  if (hash_ != nullptr) XXH3_freeState(hash_);
  if (made_) ::unlinkat(place_.folder_fd, place_.temporary, 0);
}

caf::error target_file::open(bool verified) {
  verified_ = verified;
  // Bytes that nobody has looked at, or that will belong to somebody else, are for us only.
  bool final_mode = verified && row_.entry.uid == ::geteuid();
  int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  int fd = ::openat(place_.folder_fd, place_.temporary, flags,
                    final_mode ? row_.entry.mode & 0777 : 0600);
  if (fd < 0) return failure("cannot create", errno);
  file_.reset(fd);
  made_ = true;
  if (!verified) {
    hash_ = XXH3_createState();
    XXH3_128bits_reset(hash_);
  }
  return caf::none;
}

caf::error target_file::write(std::span<const uint8_t> data) {
  if (!verified_) XXH3_128bits_update(hash_, data.data(), data.size());
  size_t begin = 0;  // of the run that is no hole
  for (size_t at = 0; at < data.size();) {
    size_t in_block = static_cast<size_t>((size_bytes_ + at) % block_bytes);
    size_t end = std::min(data.size(), at + block_bytes - in_block);
    if (is_zero(data.data() + at, end - at)) {
      if (auto error = write_run(data.data() + begin, at - begin, size_bytes_ + begin)) {
        return error;
      }
      begin = end;
    }
    at = end;
  }
  if (auto error = write_run(data.data() + begin, data.size() - begin, size_bytes_ + begin)) {
    return error;
  }
  if (!data.empty()) hole_at_end_ = begin == data.size();
  size_bytes_ += data.size();
  if (size_bytes_ - going_out_bytes_ >= writeback_bytes) {
    start_writeback(file_.get(), going_out_bytes_, size_bytes_ - going_out_bytes_);
    going_out_bytes_ = size_bytes_;
  }
  return caf::none;
}

caf::error target_file::write_run(const uint8_t* data, size_t size, uint64_t offset) {
  needed_bytes_ += size;
  while (size > 0) {
    ssize_t n = ::pwrite(file_.get(), data, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failure("cannot write", errno);
    data += n;
    size -= static_cast<size_t>(n);
    offset += static_cast<uint64_t>(n);
  }
  return caf::none;
}

caf::error target_file::check() const {
  if (size_bytes_ != row_.entry.size_bytes) {
    return fail(errc::corrupt, "got " + std::to_string(size_bytes_) + " of " +
                                   std::to_string(row_.entry.size_bytes) + " bytes; not written");
  }
  if (verified_ || size_bytes_ == 0) return caf::none;
  auto checksum = to_checksum(XXH3_128bits_digest(hash_));
  if (checksum == row_.checksum) return caf::none;
  return fail(errc::corrupt, "checksum " + to_string(checksum) + " instead of " +
                                 to_string(row_.checksum) + "; not written");
}

caf::error target_file::set_attributes() {
  // What folder, umask and file system made of it decides; asking is cheaper than setting.
  struct stat made {};
  if (::fstat(file_.get(), &made) != 0) return fail_errno("cannot look at the new file", errno);
  const auto& entry = row_.entry;
  bool own = made.st_uid == entry.uid;
  bool own_group = made.st_gid == entry.gid;
  if ((!own || !own_group) && ::geteuid() == 0) {
    // Before the mode: a change of owner clears the bits that give its rights away.
    if (::fchown(file_.get(), entry.uid, entry.gid) == 0) {
      own = own_group = true;
    } else if (errno == EDQUOT) {
      return failure("cannot set the owner", errno);
    } else if (place_.owner_errno != nullptr) {
      *place_.owner_errno = errno;
    }
  }
  uint32_t mode = entry.mode & 07777;
  if (!own) mode &= ~06000u;
  if (!own_group) mode &= ~02000u;
  if ((made.st_mode & 07777) != mode && ::fchmod(file_.get(), mode) != 0) {
    return fail_errno("cannot set the mode", errno);
  }
  timespec times[2] = {{0, UTIME_OMIT}, to_timespec(entry.mtime_ns)};
  if (::futimens(file_.get(), times) != 0) return fail_errno("cannot set the time", errno);
  return caf::none;
}

caf::error target_file::give_name() {
  int in = place_.folder_fd;
  unsigned flags = place_.replace ? 0 : no_replace;
  long result = ::syscall(SYS_renameat2, in, place_.temporary, in, place_.name, flags);
  if (result != 0 && errno == EINVAL && !place_.replace) {
    // A file system without the flag: the check and the rename are two steps there.
    if (::faccessat(in, place_.name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
      errno = EEXIST;
    } else {
      result = ::renameat(in, place_.temporary, in, place_.name);
    }
  }
  if (result == 0) {
    made_ = false;
    return caf::none;
  }
  if (errno == EEXIST) {
    return fail(errc::already_exists, "another file has appeared there meanwhile; not replaced");
  }
  return failure("cannot give it its name", errno);
}

caf::error target_file::finish() {
  if (auto error = check()) return error;
  if (hole_at_end_ && ::ftruncate(file_.get(), static_cast<off_t>(size_bytes_)) != 0) {
    return failure("cannot set the size", errno);
  }
  if (auto error = set_attributes()) return error;
  // Network file systems tell late that there is no room.
  if (::close(file_.release()) != 0 && errno != EINTR) return failure("cannot write", errno);
  return give_name();
}

}  // namespace et
