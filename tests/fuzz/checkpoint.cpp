// The list of files with which a head begins to send its catalogue anew, and their bytes: they come
// into one folder, as many as were said.
#include "storage/catalogue/catalogue_copy.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace et;
namespace fs = std::filesystem;

namespace {

std::string as_string(std::span<const uint8_t> bytes) {
  return {bytes.begin(), bytes.end()};
}

size_t entries_of(const fs::path& folder) {
  size_t count = 0;
  for ([[maybe_unused]] const auto& one : fs::directory_iterator{folder}) ++count;
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static fuzz::own_folder own;
  auto folder = own.path() / "catalogue";
  fuzz::choices input{data, size};
  std::vector<checkpoint_file> files(input.byte() % 8);
  uint64_t total_bytes = 0;
  for (auto& file : files) {
    file.name = as_string(input.piece());
    file.size_bytes = input.byte();
    file.checksum = 0x2d06800538d394c2;  // of nothing
    total_bytes += file.size_bytes;
  }
  auto receiver = checkpoint_receiver::begin(folder.string(), files);
  fuzz::require(entries_of(own.path()) <= 2, "nothing is made beside the folders of the copy");
  if (!receiver) return 0;
  uint64_t added_bytes = 0;
  while (!input.rest().empty()) {
    auto piece = fuzz::text_of_input(input.rest().data(), input.rest().size()).substr(0, 100);
    input.take(piece.size());
    auto error = (*receiver)->add(piece);
    added_bytes += piece.size();
    fuzz::require(static_cast<bool>(error) == (added_bytes > total_bytes),
                  "just the bytes that were said are taken");
    if (error) return 0;
  }
  fuzz::require((*receiver)->complete() == (added_bytes == total_bytes),
                "it is complete with them");
  if (!(*receiver)->complete()) return 0;
  auto error = (*receiver)->install({});
  fuzz::require(entries_of(own.path()) <= 2, "nothing is made beside the folders of the copy");
  if (!error) fuzz::require(entries_of(folder) == files.size(), "every file is there");
  return 0;
}
