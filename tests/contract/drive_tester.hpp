// What the contract of drives is tested with: a drive as an implementation sets it up, and
// shorthands.
#pragma once

#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <string>

#include "storage/tape/drive.hpp"

namespace et::contract {

/// A drive, not loaded, with a blank cartridge in it that holds 64 KiB to 64 MiB of blocks.
struct drive_under_test {
  std::shared_ptr<void> world;  ///< keeps alive whatever the drive needs
  tape::drive* drive = nullptr;
  bool ends = true;            ///< early warning, then medium_full, as the capacity is reached
  bool knows_capacity = true;  ///< medium() tells capacity and remaining bytes
  /// Sets the write protection of the cartridge, which is not loaded. Empty: cannot be done.
  std::function<caf::error(bool)> set_write_protected;
  /// Takes the cartridge, which is not loaded, out of the drive. Empty: cannot be done.
  std::function<caf::error()> take_out;
};

using drive_factory = std::function<drive_under_test()>;

/// Deterministic bytes that differ between seeds.
inline bytes pattern(size_t size_bytes, uint32_t seed) {
  bytes out(size_bytes);
  uint32_t x = seed * 2654435761u + 1;
  for (auto& byte : out) {
    x = x * 1664525u + 1013904223u;
    byte = static_cast<uint8_t>(x >> 24);
  }
  return out;
}

/// One drive with shorthands that fail the test where the call does not do what is said.
class tester {
 public:
  explicit tester(drive_under_test setup) : setup_(std::move(setup)), d(*setup_.drive) {}

  void load() { good(d.load()); }
  void good(const caf::error& err) {
    INFO(text_of(err));
    REQUIRE_FALSE(err);
  }
  void fails(const caf::error& err, errc code) {
    INFO(text_of(err));
    REQUIRE(std::string{to_string(code_of(err))} == to_string(code));
  }
  template <class T>
  void fails(const caf::expected<T>& result, errc code) {
    REQUIRE_FALSE(static_cast<bool>(result));
    fails(result.error(), code);
  }
  bool write(const bytes& block) {
    auto result = d.write(block);
    if (!result) good(result.error());
    return result->early_warning;
  }
  bool marks(uint32_t count, bool flush = false) {
    auto result = d.write_filemarks(count, flush);
    if (!result) good(result.error());
    return result->early_warning;
  }
  void at(uint64_t address) {
    auto position = d.position();
    if (!position) good(position.error());
    REQUIRE(position->value == address);
  }
  tape::read_result read(bytes& buffer) {
    auto result = d.read(buffer);
    if (!result) good(result.error());
    return *result;
  }
  void reads(const bytes& block) {
    bytes buffer(block.size() + 7, 0xee);
    auto result = read(buffer);
    REQUIRE(result.kind == tape::read_kind::block);
    REQUIRE(result.size_bytes == block.size());
    buffer.resize(block.size());
    REQUIRE(buffer == block);
  }
  void reads(tape::read_kind kind) {
    bytes buffer(16);
    auto result = read(buffer);
    REQUIRE(static_cast<int>(result.kind) == static_cast<int>(kind));
    REQUIRE(result.size_bytes == 0);
  }
  void locate(uint64_t address) { good(d.locate(block_address{address})); }
  /// Blocks A, B, filemark, block C; the position is behind them, at 4.
  void write_example() {
    write(a);
    write(b);
    marks(1);
    write(c);
    at(4);
  }
  const drive_under_test& setup() const { return setup_; }

  const bytes a = pattern(1000, 1);
  const bytes b = pattern(1000, 2);
  const bytes c = pattern(333, 3);

 private:
  drive_under_test setup_;

 public:
  tape::drive& d;
};

}  // namespace et::contract
