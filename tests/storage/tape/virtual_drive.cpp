// The virtual drive where it is more than the contract: damage, power loss, a full disk, capacity
// to the byte, and pretended speed.
#include "storage/tape/virtual_drive.hpp"

#include <signal.h>
#include <sys/resource.h>

#include <random>

#include "tests/storage/tape/tape_support.hpp"

using namespace et;
using namespace et::tape;
using namespace et::test;

namespace {

constexpr uint64_t capacity = 1024 * 1024;
constexpr uint64_t header_at = image_header_bytes;
/// Of block 0, 1, ... of `size` bytes each.
constexpr uint64_t block_at(uint64_t number, uint64_t size) {
  return header_at + number * (record_header_bytes + size);
}

/// One image in a folder of its own.
struct image_fixture {
  image_fixture() { REQUIRE_FALSE(create_image(path, {barcode{"ET0001L8"}, capacity, false})); }

  std::unique_ptr<tape::drive> open(bool read_only = false) {
    auto drive = open_cartridge_image(path, read_only);
    if (!drive) FAIL(text_of(drive.error()));
    return std::move(*drive);
  }
  /// Five blocks of 1000 bytes with seeds 0 to 4, and a filemark.
  void write_five() {
    auto drive = open();
    for (uint8_t i = 0; i < 5; ++i) REQUIRE(drive->write(block_of(1000, i)));
    REQUIRE(drive->write_filemarks(1, true));
    REQUIRE_FALSE(drive->unload());
  }
  /// Everything that can be read, from the beginning.
  std::string read_all() {
    auto drive = open(true);
    std::string out;
    for (;;) {
      auto text = read_text(*drive, buffer);
      out += text + "\n";
      if (text == "end of data") return out;
      if (text == "block 1000") {
        auto seed = static_cast<uint8_t>(drive->position()->value - 1);
        REQUIRE(bytes(buffer.begin(), buffer.begin() + 1000) == block_of(1000, seed));
      }
    }
  }

  temporary_folder folder;
  std::filesystem::path path = folder / "ET0001L8.cartridge";
  bytes buffer = bytes(capacity);
};

std::string blocks(int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += "block 1000\n";
  return out;
}

const std::string end = "end of data\n";

/// Lets the process write no file beyond a length, as a full disk would, until destroyed.
class file_limit {
 public:
  explicit file_limit(uint64_t limit_bytes) {
    old_handler_ = ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &old_);
    rlimit now{limit_bytes, old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~file_limit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    ::signal(SIGXFSZ, old_handler_);
  }
  file_limit(const file_limit&) = delete;
  file_limit& operator=(const file_limit&) = delete;

 private:
  rlimit old_{};
  sighandler_t old_handler_ = nullptr;
};

}  // namespace

TEST_CASE_METHOD(image_fixture, "the worked example of docs/virtual-library.md") {
  auto drive = open();
  std::string text = "hello";
  REQUIRE(drive->write(bytes(text.begin(), text.end())));
  REQUIRE(drive->write_filemarks(1, true));
  auto data = file_bytes(path);
  REQUIRE(data.size() == 512 + 32 + 5 + 32);
  const uint8_t records[] = {0x45, 0x54, 0x52, 0x43, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                             0x00, 0x00, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0x4c, 0xbb, 0x71, 0x9a,
                             0x00, 0x00, 0x00, 0x00, 0x77, 0x8a, 0xaa, 0xfe, 0x68, 0x65, 0x6c, 0x6c,
                             0x6f, 0x45, 0x54, 0x52, 0x43, 0x02, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00,
                             0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                             0x00, 0x00, 0x00, 0x00, 0x00, 0x3f, 0x0c, 0x0a, 0xdd};
  REQUIRE(bytes(data.begin() + 512, data.end()) == bytes(std::begin(records), std::end(records)));
}

TEST_CASE_METHOD(image_fixture, "a flipped data byte is reported, and reading goes on behind it") {
  write_five();
  for (uint64_t at : {uint64_t{0}, uint64_t{500}, uint64_t{999}}) {
    auto offset = block_at(2, 1000) + record_header_bytes + at;
    flip_byte(path, offset);
    REQUIRE(read_all() == blocks(2) + "medium_error\n" + blocks(2) + "filemark\n" + end);
    flip_byte(path, offset);
  }
  REQUIRE(read_all() == blocks(5) + "filemark\n" + end);
}

TEST_CASE_METHOD(image_fixture, "a flipped header byte is the end of data") {
  write_five();
  for (uint64_t at = 0; at < record_header_bytes; ++at) {
    auto offset = block_at(3, 1000) + at;
    flip_byte(path, offset);
    REQUIRE(read_all() == blocks(3) + end);
    flip_byte(path, offset);
  }
  SECTION("loading has changed nothing: the rest is there when the byte is repaired") {
    REQUIRE(read_all() == blocks(5) + "filemark\n" + end);
  }
  SECTION("writing there cuts off the old records, though they would fit again") {
    flip_byte(path, block_at(3, 1000));
    auto drive = open();
    REQUIRE_FALSE(drive->locate_end_of_data());
    REQUIRE(drive->position()->value == 3);
    REQUIRE(drive->write(block_of(1000, 3)));
    REQUIRE(read_text(*drive, buffer) == "end of data");
    REQUIRE_FALSE(drive->unload());
    REQUIRE(read_all() == blocks(4) + end);
  }
}

TEST_CASE_METHOD(image_fixture, "a whole record with the wrong number is the end of data") {
  write_five();
  auto data = file_bytes(path);
  auto from = data.begin() + static_cast<ptrdiff_t>(block_at(3, 1000));
  std::copy(from, from + 1032, data.begin() + static_cast<ptrdiff_t>(block_at(1, 1000)));
  write_file(path, data);
  REQUIRE(read_all() == blocks(1) + end);
}

TEST_CASE_METHOD(image_fixture,
                 "damage that comes while the cartridge is loaded is seen by the read") {
  write_five();
  auto drive = open(true);
  SECTION("in a block's header") {
    flip_byte(path, block_at(1, 1000) + 9);
    REQUIRE(read_text(*drive, buffer) == "block 1000");
    REQUIRE(read_text(*drive, buffer) == "medium_error");
    REQUIRE(drive->position()->value == 2);
    REQUIRE(read_text(*drive, buffer) == "block 1000");
  }
  SECTION("in a filemark") {
    flip_byte(path, block_at(5, 1000) + 4);
    REQUIRE_FALSE(drive->locate(block_address{5}));
    REQUIRE(read_text(*drive, buffer) == "medium_error");
    REQUIRE(drive->position()->value == 6);
    REQUIRE(read_text(*drive, buffer) == "end of data");
  }
  SECTION("by another record that is good in itself") {
    auto data = file_bytes(path);
    auto from = data.begin() + static_cast<ptrdiff_t>(block_at(3, 1000));
    std::copy(from, from + 1032, data.begin() + static_cast<ptrdiff_t>(block_at(1, 1000)));
    write_file(path, data);
    REQUIRE_FALSE(drive->locate(block_address{1}));
    REQUIRE(read_text(*drive, buffer) == "medium_error");
    REQUIRE(read_text(*drive, buffer) == "block 1000");
  }
  SECTION("by truncation") {
    std::filesystem::resize_file(path, block_at(4, 1000) + 700);
    REQUIRE_FALSE(drive->locate(block_address{4}));
    REQUIRE(read_text(*drive, buffer) == "medium_error");
    REQUIRE(drive->position()->value == 5);
  }
}

TEST_CASE_METHOD(image_fixture,
                 "after power loss at any byte the whole records in front are there") {
  write_five();
  auto data = file_bytes(path);
  std::mt19937 random{4711};
  for (int round = 0; round < 60; ++round) {
    auto length = header_at + random() % (data.size() - header_at);
    auto whole = std::min<uint64_t>((length - header_at) / 1032, 5);
    // Half of the time the file system has grown the file, but the bytes are zeros.
    auto left = data;
    if (round % 2 == 0)
      left.resize(length);
    else
      std::fill(left.begin() + static_cast<ptrdiff_t>(length), left.end(), 0);
    write_file(path, left);
    // A header that is whole in front of zeroed data is a record, and a bad one.
    bool header_only = round % 2 == 1 && whole < 5 && length >= block_at(whole, 1000) + 32;
    REQUIRE(read_all() ==
            blocks(static_cast<int>(whole)) + (header_only ? "medium_error\n" : "") + end);
    auto drive = open();
    REQUIRE_FALSE(drive->locate(block_address{whole}));
    REQUIRE(drive->write(block_of(1000, static_cast<uint8_t>(whole))));
    REQUIRE_FALSE(drive->unload());
    REQUIRE(read_all() == blocks(static_cast<int>(whole) + 1) + end);
    REQUIRE(std::filesystem::file_size(path) == block_at(whole + 1, 1000));
  }
}

TEST_CASE_METHOD(image_fixture, "a full disk leaves the image as it was before the block") {
  auto drive = open();
  for (uint8_t i = 0; i < 3; ++i) REQUIRE(drive->write(block_of(1000, i)));
  {
    file_limit limit{block_at(3, 1000) + 600};
    auto result = drive->write(block_of(1000, 3));
    REQUIRE_FALSE(result);
    REQUIRE(code_text(result.error()) == "no_space");
    REQUIRE(drive->position()->value == 3);
    REQUIRE(std::filesystem::file_size(path) == block_at(3, 1000));
    REQUIRE(read_text(*drive, buffer) == "end of data");
    auto marks = drive->write_filemarks(100, false);
    REQUIRE(code_text(marks.error()) == "no_space");
    REQUIRE(drive->position()->value == 3);
    REQUIRE(drive->write_filemarks(0, true));
  }
  REQUIRE(drive->write(block_of(1000, 3)));
  REQUIRE(drive->position()->value == 4);
  REQUIRE_FALSE(drive->unload());
  REQUIRE(read_all() == blocks(4) + end);
}

TEST_CASE_METHOD(image_fixture, "capacity and early warning are exact") {
  virtual_drive_options options;
  uint64_t reserve = 0;
  SECTION("a reserve that was set") {
    options.early_warning_bytes = reserve = 300'000;
  }
  SECTION("by default at most half the capacity") {
    reserve = capacity / 2;
  }
  struct bay : cartridge_bay {
    explicit bay(std::filesystem::path p) : path(std::move(p)) {}
    caf::expected<content> take() override { return content{path, std::nullopt, false}; }
    void release() override {}
    std::filesystem::path path;
  };
  virtual_drive drive{std::make_shared<bay>(path), options};
  REQUIRE_FALSE(drive.load());
  auto first = block_of(capacity - reserve, 0);
  REQUIRE_FALSE(drive.write(first)->early_warning);
  REQUIRE(drive.medium()->remaining_bytes == reserve);
  REQUIRE_FALSE(drive.write_filemarks(1000, false)->early_warning);
  REQUIRE(drive.medium()->remaining_bytes == reserve);
  REQUIRE(drive.write(block_of(1, 0))->early_warning);
  REQUIRE(drive.write_filemarks(1, false)->early_warning);
  REQUIRE(code_text(drive.write(block_of(reserve, 0)).error()) == "medium_full");
  REQUIRE(drive.write(block_of(reserve - 1, 0)));
  REQUIRE(drive.medium()->remaining_bytes == 0);
  REQUIRE(code_text(drive.write(block_of(1, 0)).error()) == "medium_full");
  REQUIRE(drive.position()->value == 1004);
  REQUIRE(drive.write_filemarks(5000, true)->early_warning);
  REQUIRE_FALSE(drive.load());
  REQUIRE_FALSE(drive.unload());
  REQUIRE_FALSE(drive.load());
  REQUIRE_FALSE(drive.locate(block_address{6004}));
}

TEST_CASE_METHOD(image_fixture, "mixed records survive a reload and are found by address") {
  std::mt19937 random{99};
  std::vector<uint32_t> sizes;
  auto drive = open();
  const uint32_t choices[] = {0, 0, 80, 80, 80, 1000, 4096};
  for (int i = 0; i < 400; ++i) {
    auto size = choices[random() % std::size(choices)];
    if (size == 0)
      REQUIRE(drive->write_filemarks(1, false));
    else
      REQUIRE(drive->write(block_of(size, static_cast<uint8_t>(i))));
    sizes.push_back(size);
  }
  for (int reload = 0; reload < 2; ++reload) {
    for (int step = 0; step < 300; ++step) {
      auto number = random() % sizes.size();
      REQUIRE_FALSE(drive->locate(block_address{number}));
      REQUIRE(read_text(*drive, buffer) ==
              (sizes[number] == 0 ? "filemark" : "block " + std::to_string(sizes[number])));
      auto expected = block_of(sizes[number], static_cast<uint8_t>(number));
      REQUIRE(std::equal(expected.begin(), expected.end(), buffer.begin()));
    }
    REQUIRE_FALSE(drive->unload());
    REQUIRE_FALSE(drive->load());
  }
}

TEST_CASE_METHOD(image_fixture, "an image can be opened wherever it lies") {
  write_five();
  auto copy = folder / "some copy";
  std::filesystem::copy_file(path, copy);
  SECTION("read only takes no writes and needs no lock") {
    auto writer = open();
    auto reader = open(true);
    REQUIRE(reader->medium()->write_protected);
    REQUIRE(code_text(reader->write(block_of(1, 1)).error()) == "write_protected");
    REQUIRE(code_text(open_cartridge_image(path, false).error()) == "locked");
    REQUIRE_FALSE(writer->unload());
    REQUIRE(open_cartridge_image(path, false));
  }
  SECTION("writable") {
    auto drive = open_cartridge_image(copy, false);
    REQUIRE(drive);
    REQUIRE_FALSE((*drive)->locate(block_address{5}));
    REQUIRE(read_text(**drive, buffer) == "filemark");
    REQUIRE((*drive)->write(block_of(10, 1)));
    REQUIRE(file_bytes(copy).size() == file_bytes(path).size() + 42);
  }
  SECTION("what is no image is refused") {
    REQUIRE(code_text(open_cartridge_image(folder / "none", true).error()) == "not_found");
    write_file(copy, block_of(2000, 3));
    REQUIRE(code_text(open_cartridge_image(copy, true).error()) == "corrupt");
    write_file(copy, {});
    REQUIRE(code_text(open_cartridge_image(copy, true).error()) == "corrupt");
  }
}

TEST_CASE_METHOD(image_fixture, "pretended speed adds up to what was asked") {
  using namespace std::chrono_literals;
  std::chrono::nanoseconds passed{};
  virtual_library_options options = small_library();
  options.drive.timing.delay = [&](std::chrono::nanoseconds time) { passed += time; };
  options.drive.timing.write_bytes_per_s = 1'000'000;
  options.drive.timing.read_bytes_per_s = 2'000'000;
  options.drive.timing.load_time = 3s;
  options.drive.timing.locate_time = 1s;
  auto library = open_library(folder / "library", options);
  REQUIRE_FALSE(library->changer().move({element_kind::slot, 0}, {element_kind::drive, 0}));
  auto& drive = library->drive(0);
  auto took = [&] { return std::exchange(passed, {}); };
  REQUIRE_FALSE(drive.load());
  REQUIRE(took() == 3s);
  for (int i = 0; i < 10; ++i) REQUIRE(drive.write(block_of(968, 1)));
  REQUIRE(drive.write_filemarks(1, true));
  REQUIRE(took() == 10ms);
  REQUIRE_FALSE(drive.locate(block_address{11}));
  REQUIRE(took() == 0s);
  REQUIRE_FALSE(drive.locate(block_address{0}));
  REQUIRE(took() == 1s);
  for (int i = 0; i < 10; ++i) REQUIRE(drive.read(buffer));
  REQUIRE_FALSE(drive.unload());
  REQUIRE(took() == 5ms);
}

TEST_CASE("options that make no sense are refused") {
  virtual_drive_options options;
  REQUIRE_FALSE(check(options));
  SECTION("a speed without a way to let time pass") {
    options.timing.read_bytes_per_s = 1;
  }
  SECTION("negative times") {
    options.timing.delay = [](std::chrono::nanoseconds) {};
    options.timing.load_time = std::chrono::seconds{-1};
  }
  SECTION("no block at all") {
    options.max_block_bytes = 0;
  }
  REQUIRE(code_text(check(options)) == "invalid_argument");
}
