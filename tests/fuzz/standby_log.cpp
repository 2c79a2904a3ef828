// The log that a head sends to its standby, in pieces of any size, and the writes in it: a copy
// takes them or says what is wrong, and afterwards is as good as before.
#include "storage/catalogue/catalogue_copy.hpp"
#include "storage/catalogue/catalogue_log.hpp"
#include "storage/catalogue/store.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace et;

namespace {

constexpr size_t memory_bytes = 8 * 1024 * 1024;
/// A copy is made anew after that many inputs, so that they do not add up.
constexpr int inputs_of_a_copy = 2000;
/// Of an input. What has come of a frame is copied with each piece of it.
constexpr size_t max_pieces = 64;

class copy_in_memory {
 public:
  explicit copy_in_memory(const std::filesystem::path& folder) : folder_(folder.string()) {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    catalogue_store::options options;
    options.memory_bytes = memory_bytes;
    fuzz::require(static_cast<bool>(catalogue_store::open(folder_, options)), "a catalogue");
    open();
  }
  catalogue_copy& get() { return *copy_; }
  /// As after a restart of the standby.
  void open() {
    copy_.reset();
    auto opened = catalogue_copy::open(folder_, memory_bytes);
    fuzz::require(static_cast<bool>(opened), "a copy can be opened again");
    copy_ = std::move(*opened);
  }

 private:
  std::string folder_;
  std::unique_ptr<catalogue_copy> copy_;
};

void frames_in_pieces(std::string_view stream, size_t step) {
  std::string written;
  auto left = stream;
  log_frame frame;
  for (;;) {
    auto more = take_frame(left, frame);
    if (!more || !*more) break;
    append_frame(written, frame);
  }
  fuzz::require(stream.starts_with(written), "a frame is written as it was");
  // In pieces, as catalogue_copy does it.
  std::string again, partial;
  for (size_t at = 0; at < stream.size(); at += step) {
    partial += stream.substr(at, step);
    std::string_view front = partial;
    auto more = take_frame(front, frame);
    for (; more && *more; more = take_frame(front, frame)) append_frame(again, frame);
    if (!more) break;
    partial = std::string{front};
  }
  fuzz::require(again == written, "pieces give what the whole gives");
}

/// A put into the first family, as RocksDB writes it.
std::string good_batch() {
  std::string batch(8, '\0');  // sequence number
  batch += std::string{"\1\0\0\0", 4};
  batch += std::string{"\1\3key\5value"};
  return batch;
}

}  // namespace

// Threads of RocksDB list what their end has to call.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:__cxa_thread_atexit_impl";
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static fuzz::own_folder own;
  static copy_in_memory* copy = nullptr;  // the last one stays: at exit RocksDB's globals go first
  static int inputs = 0;
  if (copy == nullptr || ++inputs % inputs_of_a_copy == 0) {
    if (copy != nullptr) copy->open();
    delete copy;
    copy = new copy_in_memory{own.path() / "catalogue"};
  }
  fuzz::choices input{data, size};
  auto choice = input.byte();
  size_t step = 1 + input.byte() + size / max_pieces;
  frames_in_pieces(input.text(), step);

  // Writes with numbers and checksums as they should be.
  std::string stream;
  auto before = copy->get().sequence();
  auto next = before + 1;
  while (!input.rest().empty()) {
    auto piece = (choice & 1) ? input.piece() : input.take(SIZE_MAX);
    auto batch = fuzz::text_of_input(piece.data(), piece.size());
    append_frame(stream, {next, batch});
    // The number of records is behind the sequence number.
    if (batch.size() >= 12) next += static_cast<unsigned char>(batch[8]);
  }
  caf::error error;
  for (size_t at = 0; at < stream.size() && !error; at += step)
    error = copy->get().apply(std::string_view{stream}.substr(at, step));
  copy->get().forget_partial();
  fuzz::require(copy->get().sequence() >= before, "numbers of writes never go back");

  std::string good;
  append_frame(good, {copy->get().sequence() + 1, good_batch()});
  fuzz::require(!copy->get().apply(good), "a good write can follow");
  if (choice == 0xff) copy->open();
  return 0;
}
