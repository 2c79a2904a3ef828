// Small files in state folders, which people can edit: where cartridges lie, who is the head.
#include <fstream>

#include "actors/standby/node_role.hpp"
#include "storage/tape/virtual_format.hpp"
#include "storage/tape/virtual_state.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace et;

namespace {

/// Places of a library are few, those that a file can name are not.
constexpr uint32_t most_places = 1000;

void library(std::string_view text) {
  auto lines = tape::parse_state(text);
  if (!lines) return;
  tape::library_state state;
  for (const auto& line : *lines) {
    fuzz::require(tape::valid_barcode(line.cartridge), "a cartridge has a barcode");
    if (!line.where) {
      state.missing.push_back(line.cartridge);
      continue;
    }
    if (line.where->number >= most_places) return;
    auto& places = state.of(line.where->kind);
    if (places.size() <= line.where->number) places.resize(line.where->number + 1);
    places[line.where->number] = {line.cartridge, line.home_slot};
  }
  auto written = tape::format_state(state);
  auto again = tape::parse_state(written);
  fuzz::require(static_cast<bool>(again), "what was read can be written and read");
  fuzz::require(again->size() <= lines->size(), "nothing was added");
}

void epochs(const std::filesystem::path& file, std::string_view text) {
  std::ofstream{file, std::ios::binary} << text;
  auto read = epoch_file::open(file);
  if (!read) return;
  auto next = read->known();
  if (next.epoch == UINT64_MAX) return;
  ++next.epoch;
  if (read->remember(next)) return;
  auto again = epoch_file::open(file);
  fuzz::require(again && again->known().epoch == next.epoch && again->known().node == next.node,
                "an epoch that was remembered is read");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static fuzz::own_folder folder;
  fuzz::choices input{data, size};
  if (input.byte() % 2 == 0) {
    library(input.text());
  } else {
    epochs(folder.path() / "epoch", input.text());
    std::ofstream{folder.path() / "role", std::ios::binary} << input.text();
    [[maybe_unused]] auto role = read_role(folder.path());
  }
  return 0;
}
