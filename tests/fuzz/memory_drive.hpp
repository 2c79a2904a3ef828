// A tape that holds whatever records an input names, in a drive that is always loaded.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/tape/drive.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace et::fuzz {

/// Reads, writes and locates as the contract of tape::drive says; nothing fails by itself.
class memory_drive final : public tape::drive {
 public:
  /// Empty: a filemark; else a block.
  using record = std::vector<uint8_t>;

  explicit memory_drive(std::vector<record> records = {}) : records_(std::move(records)) {}

  const std::vector<record>& records() const { return records_; }

  const std::string& name() const override { return name_; }
  uint32_t max_block_bytes() const override { return 8 * 1024 * 1024; }
  caf::error load() override {
    at_ = 0;
    return {};
  }
  caf::error unload() override { return {}; }
  bool loaded() const override { return true; }
  caf::expected<tape::medium_info> medium() override { return tape::medium_info{}; }

  caf::expected<tape::read_result> read(std::span<uint8_t> buffer) override {
    if (at_ == records_.size()) return tape::read_result{tape::read_kind::end_of_data, 0};
    const auto& here = records_[at_];
    if (here.empty()) {
      ++at_;
      return tape::read_result{tape::read_kind::filemark, 0};
    }
    if (here.size() > buffer.size())
      return fail(errc::invalid_argument, "the block is longer than the buffer");
    std::copy(here.begin(), here.end(), buffer.begin());
    ++at_;
    return tape::read_result{tape::read_kind::block, here.size()};
  }
  caf::expected<tape::write_result> write(std::span<const uint8_t> block) override {
    if (block.empty()) return fail(errc::invalid_argument, "a block without bytes");
    append({block.begin(), block.end()});
    return tape::write_result{};
  }
  caf::expected<tape::write_result> write_filemarks(uint32_t count, bool) override {
    for (uint32_t i = 0; i < count; ++i) append({});
    return tape::write_result{};
  }
  caf::error locate(block_address address) override {
    at_ = std::min<uint64_t>(address.value, records_.size());
    if (address.value <= records_.size()) return {};
    return fail(errc::wrong_position, "behind end of data");
  }
  caf::error locate_end_of_data() override {
    at_ = records_.size();
    return {};
  }
  caf::expected<block_address> position() override { return block_address{at_}; }

 private:
  void append(record what) {
    records_.resize(at_);
    records_.push_back(std::move(what));
    ++at_;
  }

  std::string name_ = "memory";
  std::vector<record> records_;
  size_t at_ = 0;
};

// Records as an input has them: 0 is a filemark, 1 a block of 80 bytes (a label), anything else a
// block as long as the next two bytes say (at least 1).
constexpr size_t label_size = 80;

inline std::vector<memory_drive::record> records_of(choices& input) {
  std::vector<memory_drive::record> records;
  while (!input.rest().empty()) {
    auto kind = input.byte();
    if (kind == 0) {
      records.emplace_back();
      continue;
    }
    size_t size_bytes = label_size;
    if (kind != 1) {
      size_bytes = input.byte();
      size_bytes = size_bytes << 8 | input.byte();
    }
    auto data = input.take(std::max<size_t>(1, size_bytes));
    if (!data.empty()) records.emplace_back(data.begin(), data.end());
  }
  return records;
}

inline std::string text_of_records(const std::vector<memory_drive::record>& records) {
  std::string out;
  for (const auto& one : records) {
    if (one.empty()) {
      out += '\0';
      continue;
    }
    out += one.size() == label_size ? '\1' : '\2';
    if (one.size() != label_size) {
      out += static_cast<char>(one.size() >> 8);
      out += static_cast<char>(one.size() & 0xff);
    }
    out.append(one.begin(), one.end());
  }
  return out;
}

}  // namespace et::fuzz
