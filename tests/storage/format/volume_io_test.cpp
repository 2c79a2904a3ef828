#include "storage/format/volume_io.hpp"

#include <fcntl.h>

#include "format_support.hpp"
#include "storage/format/export.hpp"
#include "storage/format/hashes.hpp"
#include "storage/format/labels.hpp"
#include "storage/os/file.hpp"
#include "storage/tape/virtual_library.hpp"

using namespace et;
using namespace et::test;

namespace {

const barcode volume{"ET0001L8"};
constexpr uint32_t block_bytes = 4096;

// Passes everything on and counts what is read.
class counting_drive : public tape::drive {
 public:
  explicit counting_drive(tape::drive& inner) : inner_(inner) {}
  uint64_t blocks_read = 0;

  const std::string& name() const override { return inner_.name(); }
  uint32_t max_block_bytes() const override { return inner_.max_block_bytes(); }
  caf::error load() override { return inner_.load(); }
  caf::error unload() override { return inner_.unload(); }
  bool loaded() const override { return inner_.loaded(); }
  caf::expected<tape::medium_info> medium() override { return inner_.medium(); }
  caf::expected<tape::read_result> read(std::span<uint8_t> buffer) override {
    ++blocks_read;
    return inner_.read(buffer);
  }
  caf::expected<tape::write_result> write(std::span<const uint8_t> block) override {
    return inner_.write(block);
  }
  caf::expected<tape::write_result> write_filemarks(uint32_t count, bool flush) override {
    return inner_.write_filemarks(count, flush);
  }
  caf::error locate(block_address address) override { return inner_.locate(address); }
  caf::error locate_end_of_data() override { return inner_.locate_end_of_data(); }
  caf::expected<block_address> position() override { return inner_.position(); }

 private:
  tape::drive& inner_;
};

// A virtual library with one cartridge in its drive.
struct loaded_library {
  explicit loaded_library(uint64_t capacity_bytes = 64 << 20) {
    tape::virtual_library_options options;
    options.cartridges = 1;
    options.drives = 1;
    options.capacity_bytes = capacity_bytes;
    auto opened = tape::virtual_library::open(folder.path(), options);
    if (!opened) FAIL(text_of(opened.error()));
    library = std::move(*opened);
    REQUIRE(
        !library->changer().move({tape::element_kind::slot, 0}, {tape::element_kind::drive, 0}));
    REQUIRE(!library->drive(0).load());
    drive = std::make_unique<counting_drive>(library->drive(0));
  }

  temp_folder folder;
  std::unique_ptr<tape::virtual_library> library;
  std::unique_ptr<counting_drive> drive;
};

aggregation_to_write order_for(const bytes& tar, aggregation_id id, block_address header,
                               uint64_t sequence) {
  aggregation_hasher hasher;
  hasher.update(tar);
  aggregation_to_write what;
  what.id = id;
  what.volume = volume;
  what.header = header;
  what.sequence = sequence;
  what.size_bytes = tar.size();
  what.checksum = hasher.checksum();
  what.block_bytes = block_bytes;
  what.written_ns = 1'700'000'000'000'000'000;
  what.flush = true;
  return what;
}

aggregation_written append(tape::drive& drive, const bytes& tar, aggregation_id id,
                           block_address header, uint64_t sequence) {
  auto written = write_aggregation(drive, order_for(tar, id, header, sequence),
                                   source_of(tar, 4 * block_bytes));
  if (!written) FAIL(text_of(written.error()));
  return *written;
}

aggregation_id id_of(uint64_t batch, uint32_t number) {
  return {batch_id{batch}, number};
}

template <class T>
errc result_of(const caf::expected<T>& result) {
  return result ? errc::none : code_of(result.error());
}

caf::expected<std::string> range(tape::drive& drive, const copy_record& copy, uint64_t offset,
                                 uint64_t length) {
  std::string got;
  if (auto error = read_range(drive, copy, offset, length, [&](auto piece) {
        got.append(piece.begin(), piece.end());
        return caf::error{};
      }))
    return error;
  return got;
}

}  // namespace

TEST_CASE("a cartridge is labelled and recognised", "[volume]") {
  loaded_library tape;
  auto checked = check_label(*tape.drive, volume);
  REQUIRE(checked);
  CHECK(*checked == label_check::blank);
  CHECK(code_of(read_volume_labels(*tape.drive, {}).error()) == errc::wrong_volume);
  REQUIRE(!label_volume(*tape.drive, volume));
  CHECK(*check_label(*tape.drive, volume) == label_check::matches);
  auto other = check_label(*tape.drive, barcode{"XX0002L8"});
  REQUIRE(!other);
  CHECK(code_of(other.error()) == errc::wrong_volume);
  CHECK(text_of(other.error()) == "the cartridge is labelled ET0001L8, not XX0002L8");
  auto listing = read_volume_labels(*tape.drive, [](auto&) { return true; });
  REQUIRE(listing);
  CHECK(listing->volume == volume);
  CHECK(listing->aggregations == 0);
  CHECK(listing->next_header == first_header_address);
  CHECK_FALSE(listing->torn_tail);

  REQUIRE(!tape.drive->locate(block_address{0}));
  REQUIRE(tape.drive->write(to_bytes("somebody's data")));
  CHECK(code_of(check_label(*tape.drive, volume).error()) == errc::wrong_volume);
  REQUIRE(!tape.drive->locate(block_address{0}));
  REQUIRE(tape.drive->write_filemarks(1, true));
  CHECK(code_of(check_label(*tape.drive, volume).error()) == errc::wrong_volume);
  auto damaged = *encode(volume_label{volume});
  damaged[79] = '9';
  REQUIRE(!tape.drive->locate(block_address{0}));
  REQUIRE(tape.drive->write(damaged));
  CHECK(code_of(check_label(*tape.drive, volume).error()) == errc::corrupt);
  CHECK(code_of(label_volume(*tape.drive, barcode{"lower"})) == errc::invalid_argument);
}

TEST_CASE("a volume reads as its grammar says", "[volume]") {
  loaded_library tape;
  REQUIRE(!label_volume(*tape.drive, volume));
  auto tar = noise(2 * block_bytes + 100, 1);
  REQUIRE(!tape.drive->locate(first_header_address));
  auto written = append(*tape.drive, tar, id_of(7, 2), first_header_address, 1);
  CHECK(written.copy.header == block_address{1});
  CHECK(written.copy.data == block_address{5});
  CHECK(written.copy.blocks == 3);
  CHECK(written.next_header == block_address{13});
  CHECK_FALSE(written.early_warning);
  REQUIRE(!tape.drive->locate(block_address{0}));
  std::string seen;
  for (bytes buffer(block_bytes);;) {
    auto got = tape.drive->read(buffer);
    REQUIRE(got);
    if (got->kind == tape::read_kind::end_of_data) break;
    if (got->kind == tape::read_kind::filemark)
      seen += "FM ";
    else if (got->size_bytes == label_bytes)
      seen += to_text(std::span{buffer}.first(4)) + " ";
    else
      seen += std::to_string(got->size_bytes) + " ";
  }
  CHECK(seen == "VOL1 HDR1 HDR2 UHL1 FM 4096 4096 100 FM EOF1 EOF2 UTL1 FM ");
}

TEST_CASE("a volume is listed by its labels without reading the data", "[volume]") {
  loaded_library tape;
  REQUIRE(!label_volume(*tape.drive, volume));
  REQUIRE(!tape.drive->locate(first_header_address));
  std::vector<aggregation_written> written;
  auto next = first_header_address;
  for (uint32_t i = 1; i <= 5; ++i) {
    written.push_back(append(*tape.drive, noise(i * 10 * block_bytes, i), id_of(7, i), next, i));
    next = written.back().next_header;
  }
  tape.drive->blocks_read = 0;
  std::vector<volume_entry> entries;
  auto listing = read_volume_labels(*tape.drive, [&](const volume_entry& entry) {
    entries.push_back(entry);
    return true;
  });
  REQUIRE(listing);
  CHECK(tape.drive->blocks_read <= 2 + 5 * 9 + 1);
  CHECK(listing->aggregations == 5);
  CHECK(listing->next_header == next);
  CHECK_FALSE(listing->torn_tail);
  REQUIRE(entries.size() == 5);
  for (uint32_t i = 1; i <= 5; ++i) {
    auto& entry = entries[i - 1];
    auto& copy = written[i - 1].copy;
    CHECK(entry.id == id_of(7, i));
    CHECK(entry.sequence == i);
    CHECK(entry.size_bytes == i * 10 * block_bytes);
    CHECK(entry.checksum == order_for(noise(i * 10 * block_bytes, i), {}, {}, 1).checksum);
    CHECK(entry.copy.volume == volume);
    CHECK(entry.copy.header == copy.header);
    CHECK(entry.copy.data == copy.data);
    CHECK(entry.copy.blocks == copy.blocks);
    CHECK(entry.copy.block_bytes == block_bytes);
    CHECK(entry.copy.written_ns == 1'700'000'000'000'000'000);
  }
  auto stopped = read_volume_labels(*tape.drive, [](auto& entry) { return entry.sequence < 2; });
  REQUIRE(stopped);
  CHECK(stopped->aggregations == 2);
}

TEST_CASE("appending goes over whatever lies behind the catalogued position", "[volume]") {
  loaded_library tape;
  REQUIRE(!label_volume(*tape.drive, volume));
  REQUIRE(!tape.drive->locate(first_header_address));
  auto first = append(*tape.drive, noise(3 * block_bytes, 1), id_of(1, 1), first_header_address, 1);
  append(*tape.drive, noise(9 * block_bytes, 2), id_of(2, 1), first.next_header, 2);
  // The catalogue never heard of the second one.
  REQUIRE(!tape.drive->locate(first.next_header));
  auto third = append(*tape.drive, noise(2 * block_bytes, 3), id_of(3, 1), first.next_header, 2);
  auto entries = list_volume(*tape.drive);
  REQUIRE(entries);
  REQUIRE(entries->size() == 2);
  CHECK(entries->back().id == id_of(3, 1));
  CHECK(*range(*tape.drive, third.copy, 0, 2 * block_bytes) == to_text(noise(2 * block_bytes, 3)));
}

TEST_CASE("an aggregation that was not finished is a torn tail", "[volume]") {
  auto tar = noise(3 * block_bytes, 1);
  // Records that make it: labels 3, filemark, 3 blocks, filemark, labels 3, filemark.
  for (uint64_t kept : {1, 3, 4, 5, 7, 8, 10, 11}) {
    INFO(kept << " records of the second aggregation");
    loaded_library tape;
    REQUIRE(!label_volume(*tape.drive, volume));
    REQUIRE(!tape.drive->locate(first_header_address));
    auto first = append(*tape.drive, tar, id_of(1, 1), first_header_address, 1);
    append(*tape.drive, tar, id_of(2, 1), first.next_header, 2);
    auto cut = block_address{first.next_header.value + kept};
    // Writing the record before the cut again makes it the last.
    bytes buffer(block_bytes);
    REQUIRE(!tape.drive->locate(block_address{cut.value - 1}));
    auto last = tape.drive->read(buffer);
    REQUIRE(last);
    REQUIRE(!tape.drive->locate(block_address{cut.value - 1}));
    if (last->kind == tape::read_kind::filemark)
      REQUIRE(tape.drive->write_filemarks(1, true));
    else
      REQUIRE(tape.drive->write(std::span{buffer}.first(last->size_bytes)));
    auto listing = read_volume_labels(*tape.drive, [](auto&) { return true; });
    REQUIRE(listing);
    CHECK(listing->aggregations == 1);
    CHECK(listing->torn_tail);
    CHECK(listing->next_header == first.next_header);
  }
}

TEST_CASE("damaged or contradicting labels are corrupt", "[volume]") {
  auto tar = noise(2 * block_bytes, 1);
  auto copy_with = [&](uint64_t record, auto change) {
    // Writes the volume again with one record changed.
    loaded_library from, to;
    REQUIRE(!label_volume(*from.drive, volume));
    REQUIRE(!from.drive->locate(first_header_address));
    append(*from.drive, tar, id_of(1, 1), first_header_address, 1);
    REQUIRE(!from.drive->locate(block_address{0}));
    for (uint64_t i = 0;; ++i) {
      bytes buffer(block_bytes);
      auto got = from.drive->read(buffer);
      REQUIRE(got);
      if (got->kind == tape::read_kind::end_of_data) break;
      buffer.resize(got->size_bytes);
      if (i == record) change(buffer);
      if (buffer.empty())
        REQUIRE(to.drive->write_filemarks(1, false));
      else
        REQUIRE(to.drive->write(buffer));
    }
    return result_of(list_volume(*to.drive));
  };
  auto set = [](size_t at, char value) {
    return [=](bytes& block) { block.at(at) = static_cast<uint8_t>(value); };
  };
  auto other = [](const caf::expected<label>& block) {
    return [=](bytes& out) { out.assign(block->begin(), block->end()); };
  };
  CHECK(copy_with(99, set(0, 0)) == errc::none);
  CHECK(copy_with(0, set(30, 'x')) == errc::corrupt);
  CHECK(copy_with(1, set(0, 'X')) == errc::corrupt);
  CHECK(copy_with(1, set(4, '2')) == errc::corrupt);   // another batch in HDR1 than in EOF1
  CHECK(copy_with(1, set(26, '9')) == errc::corrupt);  // another volume's label
  CHECK(copy_with(2, set(4, 'V')) == errc::corrupt);
  CHECK(copy_with(3, other(encode(user_header_label{1, block_bytes, 1, block_bytes, 0}))) ==
        errc::corrupt);  // fewer blocks than there are
  CHECK(copy_with(4, other(encode(volume_label{volume}))) == errc::corrupt);  // no filemark
  CHECK(copy_with(8, set(0, 'X')) == errc::corrupt);
  CHECK(copy_with(8, set(59, '3')) == errc::corrupt);   // another block count
  CHECK(copy_with(10, set(15, '7')) == errc::corrupt);  // another sequence number
  CHECK(copy_with(10, [](bytes& block) { block.clear(); }) == errc::corrupt);
}

TEST_CASE("a range reads only the blocks it needs", "[volume]") {
  loaded_library tape;
  REQUIRE(!label_volume(*tape.drive, volume));
  REQUIRE(!tape.drive->locate(first_header_address));
  auto tar = noise(20 * block_bytes + 10, 1);
  auto copy = append(*tape.drive, tar, id_of(1, 1), first_header_address, 1).copy;
  auto text = to_text(tar);
  struct {
    uint64_t offset, length, blocks;
  } cases[] = {{0, 1, 1},
               {0, block_bytes, 1},
               {block_bytes - 1, 2, 2},
               {5 * block_bytes, 3 * block_bytes, 3},
               {5 * block_bytes + 7, 3 * block_bytes, 4},
               {20 * block_bytes, 10, 1},
               {20 * block_bytes - 1, 11, 2},
               {0, tar.size(), 21},
               {7, 0, 0}};
  for (auto& c : cases) {
    INFO(c.offset << "+" << c.length);
    tape.drive->blocks_read = 0;
    auto got = range(*tape.drive, copy, c.offset, c.length);
    REQUIRE(got);
    CHECK((*got == text.substr(c.offset, c.length)));
    CHECK(tape.drive->blocks_read == c.blocks);
  }
  CHECK(code_of(range(*tape.drive, copy, 21 * block_bytes, 1).error()) == errc::invalid_argument);
  CHECK(code_of(range(*tape.drive, copy, UINT64_MAX, 2).error()) == errc::invalid_argument);
  // Behind the last byte, within the last block: the catalogue's size is wrong.
  CHECK(code_of(range(*tape.drive, copy, 20 * block_bytes, 11).error()) == errc::corrupt);
  auto wrong = copy;
  wrong.data.value += 3;
  CHECK(code_of(range(*tape.drive, wrong, 0, tar.size()).error()) == errc::corrupt);
  wrong.data = copy.header;
  CHECK(code_of(range(*tape.drive, wrong, 0, 2 * block_bytes).error()) == errc::corrupt);
  CHECK(code_of(read_range(*tape.drive, copy, 0, 1, [](auto) {
          return fail(errc::cancelled, "enough");
        })) == errc::cancelled);
}

TEST_CASE("a source that is not what was recorded is not sealed with labels", "[volume]") {
  loaded_library tape;
  REQUIRE(!label_volume(*tape.drive, volume));
  auto tar = noise(4 * block_bytes, 1);
  auto attempt = [&](const aggregation_to_write& what, std::span<const uint8_t> data,
                     size_t piece_bytes) {
    REQUIRE(!tape.drive->locate(first_header_address));
    return result_of(write_aggregation(*tape.drive, what, source_of(data, piece_bytes)));
  };
  auto what = order_for(tar, id_of(1, 1), first_header_address, 1);
  auto flipped = tar;
  flipped[5000] ^= 1;
  CHECK(attempt(what, flipped, block_bytes) == errc::corrupt);
  CHECK(list_volume(*tape.drive)->empty());
  CHECK(attempt(what, std::span{tar}.first(2 * block_bytes), block_bytes) == errc::corrupt);
  CHECK(attempt(what, bytes(5 * block_bytes), 5 * block_bytes) == errc::corrupt);
  CHECK(attempt(what, tar, 100) == errc::invalid_argument);
  auto impossible = what;
  impossible.size_bytes = 0;
  CHECK(attempt(impossible, tar, block_bytes) == errc::invalid_argument);
  auto elsewhere = what;
  elsewhere.header = block_address{2};
  CHECK(attempt(elsewhere, tar, block_bytes) == errc::wrong_position);
  REQUIRE(!tape.drive->locate(first_header_address));
  auto failing = [] {
    return caf::expected<std::span<const uint8_t>>{fail(errc::io_error, "cache gone")};
  };
  CHECK(code_of(write_aggregation(*tape.drive, what, failing).error()) == errc::io_error);
  CHECK(attempt(what, tar, block_bytes) == errc::none);
  CHECK(list_volume(*tape.drive)->size() == 1);
}

TEST_CASE("early warning and the end of the medium are told apart", "[volume]") {
  loaded_library tape{16 << 20};
  REQUIRE(!label_volume(*tape.drive, volume));
  REQUIRE(!tape.drive->locate(first_header_address));
  auto tar = noise(3 << 20, 1);
  auto next = first_header_address;
  bool warned = false;
  uint64_t sequence = 1;
  for (; !warned && sequence < 10; ++sequence) {
    auto written = append(*tape.drive, tar, id_of(1, uint32_t(sequence)), next, sequence);
    warned = written.early_warning;
    next = written.next_header;
  }
  REQUIRE(warned);
  auto whole = list_volume(*tape.drive);
  REQUIRE(whole);
  CHECK(whole->size() == sequence - 1);
  auto big = noise(16 << 20, 2);
  REQUIRE(!tape.drive->locate(next));
  auto result = write_aggregation(*tape.drive, order_for(big, id_of(2, 1), next, sequence),
                                  source_of(big, 4 * block_bytes));
  REQUIRE(!result);
  CHECK(code_of(result.error()) == errc::medium_full);
  auto listing = read_volume_labels(*tape.drive, [](auto&) { return true; });
  REQUIRE(listing);
  CHECK(listing->aggregations == sequence - 1);
  CHECK(listing->torn_tail);
  CHECK(listing->next_header == next);
}

TEST_CASE("files come back from a cartridge image with export and tar alone", "[volume]") {
  loaded_library tape;
  auto files = hostile_files();
  auto first = pack({make_file("/other", noise(5000, 1))}, block_bytes);
  auto second = pack(files, block_bytes);
  REQUIRE(!label_volume(*tape.drive, volume));
  REQUIRE(!tape.drive->locate(first_header_address));
  auto next = append(*tape.drive, first.tar, id_of(7, 1), first_header_address, 1).next_header;
  append(*tape.drive, second.tar, id_of(7, 2), next, 2);
  REQUIRE(!tape.drive->unload());

  auto image = tape::open_cartridge_image(tape.library->image_path(volume), true);
  if (!image) FAIL(text_of(image.error()));
  CHECK(code_of(export_aggregation(**image, "9.9", 1)) == errc::not_found);
  temp_folder folder;
  for (auto which : {"7.2", "2"}) {
    auto tar_file = folder.path() / "out.tar";
    auto fd = open_file(tar_file, O_WRONLY | O_CREAT | O_TRUNC);
    REQUIRE(fd);
    REQUIRE(!export_aggregation(**image, which, fd->get()));
    CHECK((read_file(tar_file) == to_text(second.tar)));
    auto out = folder.path() / which;
    std::filesystem::create_directories(out);
    auto command = "LC_ALL=C tar -x --no-same-owner -C '" + out.string() + "' <'" +
                   tar_file.string() + "' 2>/dev/null";
    REQUIRE(std::system(command.c_str()) == 0);
    for (auto& file : files)
      CHECK(
          (read_file(std::filesystem::path{out}.concat(file.entry.path)) == to_text(file.content)));
  }
}

TEST_CASE("an export whose bytes are not those of the label says so", "[volume]") {
  loaded_library tape;
  auto tar = noise(2 * block_bytes, 1);
  REQUIRE(!label_volume(*tape.drive, volume));
  REQUIRE(!tape.drive->locate(first_header_address));
  append(*tape.drive, tar, id_of(1, 1), first_header_address, 1);
  REQUIRE(!tape.drive->locate(block_address{9}));
  user_trailer_label lie{1, 2, tar.size(), {1, 2}};
  REQUIRE(tape.drive->write(*encode(lie)));
  REQUIRE(tape.drive->write_filemarks(1, true));
  temp_folder folder;
  auto fd = open_file(folder.path() / "x", O_WRONLY | O_CREAT);
  REQUIRE(fd);
  CHECK(code_of(export_aggregation(*tape.drive, "1.1", fd->get())) == errc::corrupt);
}
