// The reading side of a volume's labels: check_label() and read_volume_labels().
#include <algorithm>
#include <memory>
#include <string_view>

#include "storage/format/labels.hpp"
#include "storage/format/volume_io.hpp"

namespace et {

namespace {

// Reads records one by one and remembers where, for the errors.
class label_walk {
 public:
  explicit label_walk(tape::drive& drive)
      : drive_(drive),
        buffer_(std::make_unique_for_overwrite<uint8_t[]>(drive.max_block_bytes())) {}

  caf::error locate(block_address to) {
    at_ = to;
    return drive_.locate(to);
  }

  caf::expected<tape::read_kind> read() {
    last_ = at_;
    auto got = drive_.read({buffer_.get(), drive_.max_block_bytes()});
    if (!got) return with_context(got.error(), where());
    size_ = got->size_bytes;
    if (got->kind != tape::read_kind::end_of_data) ++at_.value;
    return got->kind;
  }

  /// The block that the last read() met.
  std::span<const uint8_t> block() const { return {buffer_.get(), size_}; }
  /// Where the next read() reads.
  block_address at() const { return at_; }
  std::string where() const { return "block " + std::to_string(last_.value); }

 private:
  tape::drive& drive_;
  std::unique_ptr<uint8_t[]> buffer_;
  size_t size_ = 0;
  block_address at_;
  block_address last_;
};

// What one step of a walk met: a record as expected, or end of data in its place.
enum class step : uint8_t { done, end_of_data };

// Reads one record that must be a block and gives it to `parse`, which returns an error or nothing.
template <class Parse>
caf::expected<step> read_label(label_walk& walk, Parse parse) {
  auto kind = walk.read();
  if (!kind) return kind.error();
  if (*kind == tape::read_kind::end_of_data) return step::end_of_data;
  if (*kind == tape::read_kind::filemark)
    return fail(errc::corrupt, walk.where() + ": a filemark in place of a label");
  if (caf::error error = parse(walk.block())) return with_context(error, walk.where());
  return step::done;
}

caf::expected<step> read_mark(label_walk& walk) {
  auto kind = walk.read();
  if (!kind) return kind.error();
  if (*kind == tape::read_kind::end_of_data) return step::end_of_data;
  if (*kind == tape::read_kind::block)
    return fail(errc::corrupt, walk.where() + ": a block in place of a filemark");
  return step::done;
}

// Puts the parsed value into `out`, or returns why there is none.
template <class T>
caf::error store(caf::expected<T> parsed, T& out) {
  if (!parsed) return parsed.error();
  out = std::move(*parsed);
  return {};
}

// One aggregation's labels; reading them in order, with the data left out.
class aggregation_labels {
 public:
  aggregation_labels(label_walk& walk, const barcode& volume) : walk_(walk), volume_(volume) {
    entry_.copy.volume = volume;
    entry_.copy.header = walk.at();
  }

  caf::expected<step> read() {
    using self = aggregation_labels;
    for (auto part :
         {&self::header, &self::header_format, &self::user_header, &self::mark, &self::skip_data,
          &self::mark, &self::trailer, &self::trailer_format, &self::user_trailer, &self::mark}) {
      auto met = (this->*part)();
      if (!met || *met == step::end_of_data) return met;
    }
    return finish();
  }

  const volume_entry& entry() const { return entry_; }
  /// True when end of data came instead of the very first label: nothing was begun.
  bool nothing_begun() const { return walk_.at() == entry_.copy.header; }

 private:
  using block = std::span<const uint8_t>;

  caf::expected<step> header() {
    return read_label(
        walk_, [this](block b) { return store(parse_file_label(b, label_side::header), header_); });
  }
  caf::expected<step> header_format() {
    return read_label(walk_, [](block b) { return parse_format_label(b, label_side::header); });
  }
  caf::expected<step> user_header() {
    return read_label(walk_,
                      [this](block b) { return store(parse_user_header_label(b), user_header_); });
  }
  caf::expected<step> trailer() {
    return read_label(walk_, [this](block b) {
      return store(parse_file_label(b, label_side::trailer), trailer_);
    });
  }
  caf::expected<step> trailer_format() {
    return read_label(walk_, [](block b) { return parse_format_label(b, label_side::trailer); });
  }
  caf::expected<step> user_trailer() {
    return read_label(
        walk_, [this](block b) { return store(parse_user_trailer_label(b), user_trailer_); });
  }
  caf::expected<step> mark() { return read_mark(walk_); }

  caf::expected<step> skip_data() {
    entry_.copy.data = walk_.at();
    auto error = walk_.locate(block_address{walk_.at().value + user_header_.blocks});
    if (!error) return step::done;
    // The header promised more blocks than were written before the writing ended.
    if (code_of(error) == errc::wrong_position) return step::end_of_data;
    return error;
  }

  caf::expected<step> finish() {
    auto contradicts = [&](const char* what) {
      return fail(errc::corrupt, "the labels around aggregation " + to_string(header_.aggregation) +
                                     " at block " + std::to_string(entry_.copy.header.value) +
                                     " contradict each other about its " + what);
    };
    if (header_.aggregation != trailer_.aggregation) return contradicts("id");
    if (header_.file_set != volume_identifier(volume_) || trailer_.file_set != header_.file_set)
      return contradicts("volume");
    if (user_header_.sequence != user_trailer_.sequence || header_.sequence != trailer_.sequence ||
        header_.sequence != user_header_.sequence % standard_sequence_limit)
      return contradicts("sequence number");
    if (user_header_.blocks != user_trailer_.blocks ||
        user_header_.size_bytes != user_trailer_.size_bytes ||
        trailer_.block_count != user_header_.blocks % standard_block_count_limit)
      return contradicts("size");
    entry_.id = header_.aggregation;
    entry_.sequence = user_header_.sequence;
    entry_.copy.blocks = user_header_.blocks;
    entry_.copy.block_bytes = user_header_.block_bytes;
    entry_.copy.written_ns = user_header_.written_s * 1'000'000'000;
    entry_.size_bytes = user_header_.size_bytes;
    entry_.checksum = user_trailer_.checksum;
    return step::done;
  }

  label_walk& walk_;
  const barcode& volume_;
  file_label header_;
  file_label trailer_;
  user_header_label user_header_;
  user_trailer_label user_trailer_;
  volume_entry entry_;
};

// The volume's label, or nothing for a blank cartridge.
caf::expected<std::optional<volume_label>> read_first_label(label_walk& walk) {
  if (auto error = walk.locate(block_address{0})) return error;
  auto kind = walk.read();
  if (!kind) return kind.error();
  if (*kind == tape::read_kind::end_of_data) return std::optional<volume_label>{};
  auto block = walk.block();
  std::string_view text{reinterpret_cast<const char*>(block.data()), block.size()};
  if (*kind == tape::read_kind::filemark || block.size() != label_bytes ||
      !text.starts_with("VOL1"))
    return fail(errc::wrong_volume,
                "the cartridge holds something that does not begin with a label");
  auto parsed = parse_volume_label(block);
  if (!parsed) return with_context(parsed.error(), walk.where());
  return std::optional{std::move(*parsed)};
}

// A volume that was only labelled has a filemark where the first HDR1 would be.
caf::expected<bool> has_aggregations(label_walk& walk) {
  auto kind = walk.read();
  if (!kind) return kind.error();
  if (*kind != tape::read_kind::block) return false;
  if (auto error = walk.locate(first_header_address)) return error;
  return true;
}

}  // namespace

caf::expected<label_check> check_label(tape::drive& drive, const barcode& volume) {
  label_walk walk{drive};
  auto found = read_first_label(walk);
  if (!found) return with_context(found.error(), "checking the label of volume " + volume.value);
  if (!*found) return label_check::blank;
  if ((*found)->volume == volume) return label_check::matches;
  return fail(errc::wrong_volume,
              "the cartridge is labelled " + (*found)->volume.value + ", not " + volume.value);
}

caf::expected<volume_listing> read_volume_labels(
    tape::drive& drive, const std::function<bool(const volume_entry&)>& visit) {
  label_walk walk{drive};
  auto found = read_first_label(walk);
  if (!found) return found.error();
  if (!*found) return fail(errc::wrong_volume, "the cartridge is blank");
  volume_listing listing;
  listing.volume = (*found)->volume;
  listing.next_header = first_header_address;
  auto context = [&](const caf::error& error) {
    return with_context(error, "volume " + listing.volume.value);
  };
  auto more = has_aggregations(walk);
  if (!more) return context(more.error());
  while (*more) {
    aggregation_labels labels{walk, listing.volume};
    auto met = labels.read();
    if (!met) return context(met.error());
    if (*met == step::end_of_data) {
      listing.torn_tail = !labels.nothing_begun();
      break;
    }
    ++listing.aggregations;
    listing.next_header = walk.at();
    if (!visit(labels.entry())) break;
  }
  return listing;
}

}  // namespace et
