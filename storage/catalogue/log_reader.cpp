#include <rocksdb/transaction_log.h>

#include "storage/catalogue/catalogue_log.hpp"
#include "storage/catalogue/codec.hpp"
#include "storage/os/crc32c.hpp"

namespace et {

namespace {

constexpr size_t frame_header_bytes = 16;

uint32_t checksum_of(std::string_view bytes) {
  return crc32c(0, {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

caf::error too_old(uint64_t wanted) {
  return fail(errc::not_found, "the log of the catalogue does not reach back to number " +
                                   std::to_string(wanted) + " any more");
}

}  // namespace

void append_frame(std::string& to, const log_frame& frame) {
  char header[frame_header_bytes];
  auto* end = write_big_endian(header, frame.sequence, 8);
  end = write_big_endian(end, frame.batch.size(), 4);
  end = write_big_endian(end, checksum_of(frame.batch), 4);
  to.append(header, end);
  to.append(frame.batch);
}

caf::expected<bool> take_frame(std::string_view& from, log_frame& frame) {
  if (from.size() < frame_header_bytes) return false;
  auto size = read_big_endian(from.data() + 8, 4);
  if (size > max_frame_bytes)
    return fail(errc::corrupt, "a write of " + std::to_string(size) + " bytes in the log");
  if (from.size() - frame_header_bytes < size) return false;
  frame.sequence = read_big_endian(from.data(), 8);
  frame.batch = from.substr(frame_header_bytes, size);
  if (checksum_of(frame.batch) != read_big_endian(from.data() + 12, 4))
    return fail(errc::corrupt,
                "write " + std::to_string(frame.sequence) + " does not match its checksum");
  from.remove_prefix(frame_header_bytes + size);
  return true;
}

log_reader::log_reader(const catalogue_log& log, uint64_t after) : log_(log), reached_(after) {}
log_reader::~log_reader() = default;

caf::error log_reader::open() {
  auto& db = log_.db_;
  if (at_ && openings_ == db.openings()) return {};
  at_.reset();
  started_ = false;
  openings_ = db.openings();
  auto status = db.raw().GetUpdatesSince(reached_ + 1, &at_);
  if (status.ok()) return {};
  at_.reset();
  return status.IsNotFound() || status.IsCorruption()
             ? too_old(reached_ + 1)
             : to_error(status, "read the catalogue's log");
}

/// To the next batch; false: there is none yet.
caf::expected<bool> log_reader::advance() {
  // An iterator at its end goes on when there is more, unless the log went on in another file.
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (log_.db_.raw().GetLatestSequenceNumber() <= reached_) return false;
    if (auto error = open()) return error;
    if (std::exchange(started_, true)) at_->Next();
    if (at_->Valid()) return true;
    auto status = at_->status();
    at_.reset();
    if (attempt > 0 && !status.ok() && !status.IsTryAgain()) return too_old(reached_ + 1);
  }
  return false;
}

caf::expected<std::string> log_reader::read(size_t limit_bytes) {
  return guarded([&]() -> caf::expected<std::string> {
    database::lease lease{log_.db_};
    if (lease.error()) return lease.error();
    std::string frames;
    while (frames.size() < limit_bytes) {
      auto more = advance();
      if (!more) return more.error();
      if (!*more) break;
      auto batch = at_->GetBatch();
      auto count = static_cast<uint64_t>(batch.writeBatchPtr->Count());
      // A recovery leaves empty ones.
      if (count == 0 || batch.sequence + count - 1 <= reached_) continue;
      if (batch.sequence != reached_ + 1) {
        at_.reset();
        return too_old(reached_ + 1);
      }
      append_frame(frames, {batch.sequence, batch.writeBatchPtr->Data()});
      reached_ = batch.sequence + count - 1;
    }
    return frames;
  });
}

}  // namespace et
