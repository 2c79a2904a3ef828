#include "storage/format/volume_io.hpp"

#include <algorithm>
#include <memory>

#include "storage/format/hashes.hpp"
#include "storage/format/labels.hpp"

namespace et {

namespace {

std::string block_text(block_address at) {
  return "block " + std::to_string(at.value);
}

caf::error write_label(tape::drive& drive, const caf::expected<label>& encoded, bool& warned) {
  if (!encoded) return encoded.error();
  auto written = drive.write(*encoded);
  if (!written) return written.error();
  warned |= written->early_warning;
  return {};
}

caf::error write_marks(tape::drive& drive, bool flush, bool& warned) {
  auto written = drive.write_filemarks(1, flush);
  if (!written) return written.error();
  warned |= written->early_warning;
  return {};
}

// The labels and data of one aggregation on their way to the drive.
class aggregation_output {
 public:
  aggregation_output(tape::drive& drive, const aggregation_to_write& what)
      : drive_(drive), what_(what) {}

  caf::error headers() {
    auto side = label_side::header;
    user_header_label user{what_.sequence, what_.block_bytes, blocks(), what_.size_bytes,
                           what_.written_ns / 1'000'000'000};
    if (auto error = write_label(drive_, encode(file(0), side), warned_)) return error;
    if (auto error = write_label(drive_, encode_format_label(side), warned_)) return error;
    if (auto error = write_label(drive_, encode(user), warned_)) return error;
    return write_marks(drive_, false, warned_);
  }

  caf::error data(const byte_source& source) {
    for (uint64_t done = 0; done < what_.size_bytes;) {
      auto piece = source();
      if (!piece) return piece.error();
      if (piece->empty() || piece->size() > what_.size_bytes - done)
        return fail(errc::corrupt,
                    "the cache copy is not " + std::to_string(what_.size_bytes) + " bytes long");
      done += piece->size();
      if (piece->size() % what_.block_bytes != 0 && done != what_.size_bytes)
        return fail(errc::invalid_argument, "a piece is not made of whole blocks");
      if (auto error = piece_to_blocks(*piece)) return error;
    }
    if (hasher_.checksum() == what_.checksum) return {};
    return fail(errc::corrupt, "the cache copy does not have its checksum");
  }

  caf::error trailers() {
    auto side = label_side::trailer;
    user_trailer_label user{what_.sequence, blocks(), what_.size_bytes, what_.checksum};
    if (auto error = write_marks(drive_, false, warned_)) return error;
    auto count = static_cast<uint32_t>(blocks() % standard_block_count_limit);
    if (auto error = write_label(drive_, encode(file(count), side), warned_)) return error;
    if (auto error = write_label(drive_, encode_format_label(side), warned_)) return error;
    if (auto error = write_label(drive_, encode(user), warned_)) return error;
    return write_marks(drive_, what_.flush, warned_);
  }

  uint64_t blocks() const {
    return what_.size_bytes / what_.block_bytes + (what_.size_bytes % what_.block_bytes != 0);
  }
  bool warned() const { return warned_; }

 private:
  caf::error piece_to_blocks(std::span<const uint8_t> piece) {
    while (!piece.empty()) {
      auto block = piece.first(std::min<size_t>(piece.size(), what_.block_bytes));
      // Block by block, so that the drive's own checksum finds the bytes in the processor's cache.
      hasher_.update(block);
      auto written = drive_.write(block);
      if (!written) return written.error();
      warned_ |= written->early_warning;
      piece = piece.subspan(block.size());
    }
    return {};
  }

  file_label file(uint32_t block_count) const {
    return {what_.id, volume_identifier(what_.volume),
            static_cast<uint32_t>(what_.sequence % standard_sequence_limit),
            what_.written_ns / 1'000'000'000 / 86'400, block_count};
  }

  tape::drive& drive_;
  const aggregation_to_write& what_;
  aggregation_hasher hasher_;
  bool warned_ = false;
};

caf::error expect_position(tape::drive& drive, block_address expected) {
  auto at = drive.position();
  if (!at) return at.error();
  if (*at == expected) return {};
  return fail(errc::wrong_position,
              "the drive is at " + block_text(*at) + ", not at " + block_text(expected));
}

caf::expected<aggregation_written> write_all_of(tape::drive& drive,
                                                const aggregation_to_write& what,
                                                const byte_source& source) {
  if (what.size_bytes == 0 || what.block_bytes == 0 || what.block_bytes > drive.max_block_bytes())
    return fail(errc::invalid_argument, "impossible aggregation size or block size");
  if (auto error = expect_position(drive, what.header)) return error;
  aggregation_output output{drive, what};
  block_address data{what.header.value + 4};
  block_address next{what.header.value + records_around_data + output.blocks()};
  if (auto error = output.headers()) return error;
  if (auto error = expect_position(drive, data)) return error;
  if (auto error = output.data(source)) return error;
  if (auto error = output.trailers()) return error;
  if (auto error = expect_position(drive, next)) return error;
  copy_record copy{what.volume,     what.header,      data,
                   output.blocks(), what.block_bytes, what.written_ns};
  return aggregation_written{copy, next, output.warned()};
}

std::string volume_text(const barcode& volume) {
  return "volume " + volume.value;
}

}  // namespace

caf::error label_volume(tape::drive& drive, const barcode& volume) {
  auto encoded = encode(volume_label{volume});
  if (!encoded) return encoded.error();
  bool warned = false;
  auto write = [&]() -> caf::error {
    if (auto error = drive.locate(block_address{0})) return error;
    if (auto error = write_label(drive, encoded, warned)) return error;
    return write_marks(drive, true, warned);
  };
  if (auto error = write()) return with_context(error, "labelling " + volume_text(volume));
  return {};
}

caf::expected<aggregation_written> write_aggregation(tape::drive& drive,
                                                     const aggregation_to_write& what,
                                                     const byte_source& source) {
  auto written = write_all_of(drive, what, source);
  if (!written)
    return with_context(written.error(), "writing aggregation " + to_string(what.id) + " to " +
                                             volume_text(what.volume));
  return written;
}

namespace {

// The part of a block, which begins at `block_begin` of the aggregation, that a range covers.
std::span<const uint8_t> covered(std::span<const uint8_t> block, uint64_t block_begin,
                                 uint64_t begin, uint64_t end) {
  auto from = begin > block_begin ? begin - block_begin : 0;
  auto to = std::min<uint64_t>(block.size(), end - block_begin);
  return block.subspan(from, to - from);
}

caf::error read_blocks(tape::drive& drive, const copy_record& copy, uint64_t begin, uint64_t end,
                       const range_sink& sink) {
  uint64_t index = begin / copy.block_bytes;
  block_address first{copy.data.value + index};
  auto at = drive.position();
  if (!at) return at.error();
  if (*at != first)
    if (auto error = drive.locate(first)) return error;
  auto buffer = std::make_unique_for_overwrite<uint8_t[]>(drive.max_block_bytes());
  for (; index * copy.block_bytes < end; ++index) {
    auto where = [&] { return block_text(block_address{copy.data.value + index}); };
    auto got = drive.read({buffer.get(), drive.max_block_bytes()});
    if (!got) return with_context(got.error(), where());
    if (got->kind != tape::read_kind::block)
      return fail(errc::corrupt, where() + ": the data end early");
    uint64_t block_begin = index * copy.block_bytes;
    bool last = index + 1 == copy.blocks;
    if (got->size_bytes > copy.block_bytes || (got->size_bytes < copy.block_bytes && !last) ||
        block_begin + got->size_bytes < std::min(end, block_begin + copy.block_bytes))
      return fail(errc::corrupt, where() + " has " + std::to_string(got->size_bytes) + " bytes");
    if (auto error = sink(covered({buffer.get(), got->size_bytes}, block_begin, begin, end)))
      return error;
  }
  return {};
}

}  // namespace

caf::error read_range(tape::drive& drive, const copy_record& copy, uint64_t offset_bytes,
                      uint64_t length_bytes, const range_sink& sink) {
  if (length_bytes == 0) return {};
  uint64_t end = 0;
  if (copy.block_bytes == 0 || copy.block_bytes > drive.max_block_bytes() ||
      __builtin_add_overflow(offset_bytes, length_bytes, &end) ||
      (end - 1) / copy.block_bytes >= copy.blocks)
    return fail(errc::invalid_argument,
                "a range beyond the end of the copy on " + volume_text(copy.volume));
  if (auto error = read_blocks(drive, copy, offset_bytes, end, sink))
    return with_context(error, volume_text(copy.volume));
  return {};
}

}  // namespace et
