#include "storage/tape/virtual_cartridge.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <vector>

#include "storage/os/crc32c.hpp"

namespace et::tape {

namespace {

/// Written out in steps of this size while writing goes on, so that the flush at the end is short.
constexpr uint64_t writeback_step_bytes = 16 * 1024 * 1024;

/// Headers that the scan asks for ahead of itself, so that the disk has more than one thing to do.
constexpr uint64_t scan_window = 32;

/// Filemarks that are written with one call.
constexpr uint64_t filemarks_per_write = 1024;

caf::expected<image_header> read_image_header(int fd) {
  std::array<uint8_t, image_header_bytes> data{};
  auto n = read_at(fd, data.data(), data.size(), 0);
  if (!n) return n.error();
  return decode_image_header(std::span{data}.first(*n));
}

caf::error lock_image(int fd) {
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return caf::none;
  return fail_errno("cannot lock the cartridge image", errno,
                    errno == EWOULDBLOCK ? errc::locked : errc::io_error);
}

/// After a failed flush the page cache may hold as clean what the disk does not have; the next scan
/// has to see the disk.
void forget_cached(int fd) {
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

/// Writes all of `header` and `data` at `offset`; 0 or an errno.
int write_record(int fd, std::span<const uint8_t> header, std::span<const uint8_t> data,
                 uint64_t offset) {
  while (!header.empty() || !data.empty()) {
    iovec parts[2] = {{const_cast<uint8_t*>(header.data()), header.size()},
                      {const_cast<uint8_t*>(data.data()), data.size()}};
    auto n = ::pwritev(fd, parts, 2, static_cast<off_t>(offset));
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    if (n == 0) return EIO;
    auto from_header = std::min(static_cast<size_t>(n), header.size());
    header = header.subspan(from_header);
    data = data.subspan(static_cast<size_t>(n) - from_header);
    offset += static_cast<uint64_t>(n);
  }
  return 0;
}

/// Reads up to the size of both parts; how many bytes there were, or -1 with errno.
ssize_t read_record(int fd, std::span<uint8_t> header, std::span<uint8_t> data, uint64_t offset) {
  auto total = header.size() + data.size();
  size_t done = 0;
  while (done < total) {
    auto in_header = std::min(done, header.size());
    auto in_data = done - in_header;
    iovec parts[2] = {{header.data() + in_header, header.size() - in_header},
                      {data.data() + in_data, data.size() - in_data}};
    auto n = ::preadv(fd, parts, 2, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  return static_cast<ssize_t>(done);
}

caf::error bad_record(uint64_t number, const char* what) {
  return fail(errc::medium_error, "record " + std::to_string(number) + " " + what);
}

}  // namespace

caf::error create_image(const std::filesystem::path& path, const image_header& header) {
  auto data = encode(header);
  return replace_file(path, {reinterpret_cast<const char*>(data.data()), data.size()});
}

caf::error set_image_write_protected(const std::filesystem::path& path, bool on) {
  auto fd = open_file(path, O_RDWR);
  if (!fd) return fd.error();
  if (auto err = lock_image(fd->get())) return err;
  auto header = read_image_header(fd->get());
  if (!header) return header.error();
  if (header->write_protected == on) return caf::none;
  header->write_protected = on;
  auto data = encode(*header);
  if (auto err = write_at(fd->get(), data.data(), data.size(), 0)) return err;
  return sync_data(fd->get());
}

caf::expected<std::unique_ptr<open_image>> open_image::open(const std::filesystem::path& path,
                                                            bool read_only) {
  auto fd = open_file(path, read_only ? O_RDONLY : O_RDWR);
  if (!fd) return fd.error();
  if (!read_only) {
    if (auto err = lock_image(fd->get())) return err;
    // Records that a killed process left in the page cache look safe to the scan; make them so.
    if (auto err = sync_data(fd->get())) {
      forget_cached(fd->get());
      return with_context(err, path.string());
    }
  }
  auto header = read_image_header(fd->get());
  if (!header) return with_context(header.error(), path.string());
  std::unique_ptr<open_image> image{new open_image(std::move(*fd), std::move(*header))};
  if (auto err = image->scan()) return with_context(err, path.string());
  return image;
}

caf::error open_image::scan() {
  struct stat status {};
  if (::fstat(fd_.get(), &status) != 0) return fail_errno("cannot stat", errno);
  file_bytes_ = static_cast<uint64_t>(status.st_size);
  ::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_RANDOM);
  std::array<uint8_t, record_header_bytes> data;
  uint64_t offset = image_header_bytes;
  uint64_t in_run = 0;
  uint32_t run_bytes = 0;
  for (uint64_t number = 0; offset + record_header_bytes <= file_bytes_; ++number) {
    auto n = read_at(fd_.get(), data.data(), data.size(), offset);
    if (!n) {
      // The disk fails here: what lies in front can be read, but nothing may be written over it.
      in_doubt_ = true;
      break;
    }
    auto header = decode_record_header(std::span{data}.first(*n));
    if (!header || header->number != number) break;
    uint64_t stride = record_header_bytes + header->data_bytes;
    if (stride > file_bytes_ - offset) break;
    index_.append(header->data_bytes);
    in_run = header->data_bytes == run_bytes ? in_run + 1 : 0;
    run_bytes = header->data_bytes;
    if (stride > 4096 && in_run % scan_window == scan_window - 1)
      for (uint64_t ahead = 1; ahead <= scan_window; ++ahead)
        ::posix_fadvise(fd_.get(), static_cast<off_t>(offset + (scan_window + ahead) * stride),
                        record_header_bytes, POSIX_FADV_WILLNEED);
    offset += stride;
  }
  ::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_NORMAL);
  writeback_from_ = index_.end_offset();
  return caf::none;
}

caf::error open_image::read_block(uint64_t number, std::span<uint8_t> buffer) const {
  auto place = index_.find(number);
  assert(place && place->data_bytes > 0 && place->data_bytes <= buffer.size());
  auto block = buffer.first(place->data_bytes);
  std::array<uint8_t, record_header_bytes> head;
  auto n = read_record(fd_.get(), head, block, place->offset);
  if (n < 0)
    return fail_errno("cannot read record " + std::to_string(number), errno, errc::medium_error);
  if (static_cast<size_t>(n) != head.size() + block.size()) return bad_record(number, "is cut off");
  auto header = decode_record_header(head);
  if (!header) return bad_record(number, "has a damaged header");
  if (header->number != number || header->data_bytes != place->data_bytes)
    return bad_record(number, "is not the one that was written here");
  if (header->data_crc != crc32c(0, block)) return bad_record(number, "fails its checksum");
  return caf::none;
}

caf::error open_image::check_filemark(uint64_t number) const {
  auto place = index_.find(number);
  assert(place && place->data_bytes == 0);
  std::array<uint8_t, record_header_bytes> head;
  auto n = read_record(fd_.get(), head, {}, place->offset);
  auto header =
      n < 0 ? std::nullopt : decode_record_header(std::span{head}.first(static_cast<size_t>(n)));
  if (!header || header->number != number || !header->is_filemark())
    return bad_record(number, "has a damaged header");
  return caf::none;
}

caf::error open_image::truncate(uint64_t number) {
  assert(!in_doubt_ && number <= index_.records());
  auto place = index_.find(number);
  auto end = place ? place->offset : index_.end_offset();
  if (!place && file_bytes_ == end) return caf::none;
  unflushed_ = true;
  if (::ftruncate(fd_.get(), static_cast<off_t>(end)) != 0)
    return doubt(fail_errno("cannot truncate", errno));
  index_.truncate(number);
  file_bytes_ = end;
  writeback_from_ = std::min(writeback_from_, end);
  return sync();
}

caf::error open_image::append_block(std::span<const uint8_t> data) {
  assert(!in_doubt_ && !data.empty() && data.size() <= UINT32_MAX);
  assert(file_bytes_ == index_.end_offset());
  auto size = static_cast<uint32_t>(data.size());
  auto head = encode(record_header{index_.records(), size, crc32c(0, data)});
  if (int failed = write_record(fd_.get(), head, data, file_bytes_)) return undo_append(failed);
  appended(size, 1);
  return caf::none;
}

caf::error open_image::append_filemarks(uint64_t count) {
  assert(!in_doubt_ && file_bytes_ == index_.end_offset());
  std::vector<uint8_t> marks;
  marks.reserve(std::min(count, filemarks_per_write) * record_header_bytes);
  uint64_t written = 0;
  while (written < count) {
    auto step = std::min(count - written, filemarks_per_write);
    marks.clear();
    for (uint64_t i = 0; i < step; ++i) {
      auto mark = encode(record_header{index_.records() + written + i, 0, 0});
      marks.insert(marks.end(), mark.begin(), mark.end());
    }
    auto offset = file_bytes_ + written * record_header_bytes;
    if (int failed = write_record(fd_.get(), marks, {}, offset)) return undo_append(failed);
    written += step;
  }
  appended(0, count);
  return caf::none;
}

void open_image::appended(uint32_t data_bytes, uint64_t count) {
  unflushed_ = true;
  index_.append(data_bytes, count);
  file_bytes_ = index_.end_offset();
  if (file_bytes_ - writeback_from_ < writeback_step_bytes) return;
  start_writeback(fd_.get(), writeback_from_, file_bytes_ - writeback_from_);
  writeback_from_ = file_bytes_;
}

caf::error open_image::undo_append(int errno_value) {
  // EFBIG: the file system or the process may not hold a longer file; more room would help.
  auto code = errno_value == EFBIG ? errc::no_space : errc::medium_error;
  auto cause =
      fail_errno("cannot write record " + std::to_string(index_.records()), errno_value, code);
  if (::ftruncate(fd_.get(), static_cast<off_t>(file_bytes_)) == 0) return cause;
  return doubt(cause);
}

caf::error open_image::sync() {
  if (in_doubt_)
    return fail(errc::medium_error, "an earlier write or flush failed; load the cartridge again");
  if (!unflushed_) return caf::none;
  if (auto err = sync_data(fd_.get())) return doubt(err);
  unflushed_ = false;
  return caf::none;
}

caf::error open_image::doubt(const caf::error& cause) {
  in_doubt_ = true;
  forget_cached(fd_.get());
  return fail(errc::medium_error, text_of(cause));
}

}  // namespace et::tape
