#include "storage/tape/virtual_format.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "storage/os/crc32c.hpp"

namespace et::tape {

namespace {

constexpr char image_magic[8] = {'E', 'T', '-', 'T', 'A', 'P', 'E', '\n'};
constexpr char record_magic[4] = {'E', 'T', 'R', 'C'};
constexpr uint32_t flag_write_protected = 1;
constexpr uint8_t type_block = 1;
constexpr uint8_t type_filemark = 2;
constexpr size_t max_barcode_chars = 16;

// Offsets in the image header.
constexpr size_t at_version = 8;
constexpr size_t at_flags = 12;
constexpr size_t at_capacity = 16;
constexpr size_t at_barcode = 24;
constexpr size_t at_zeros = at_barcode + max_barcode_chars;
constexpr size_t at_image_crc = image_header_bytes - 4;

// Offsets in a record header.
constexpr size_t at_type = 4;
constexpr size_t at_number = 8;
constexpr size_t at_length = 16;
constexpr size_t at_data_crc = 20;
constexpr size_t at_record_zeros = 24;
constexpr size_t at_record_crc = record_header_bytes - 4;

template <class Int>
void put(uint8_t* to, Int value) {
  for (size_t i = 0; i < sizeof(Int); ++i) to[i] = static_cast<uint8_t>(value >> (8 * i));
}

template <class Int>
Int get(const uint8_t* from) {
  Int value = 0;
  for (size_t i = 0; i < sizeof(Int); ++i) value |= static_cast<Int>(Int{from[i]} << (8 * i));
  return value;
}

bool all_zero(std::span<const uint8_t> data) {
  return std::all_of(data.begin(), data.end(), [](uint8_t byte) { return byte == 0; });
}

}  // namespace

bool valid_barcode(const barcode& id) {
  auto good = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  return !id.value.empty() && id.value.size() <= max_barcode_chars &&
         std::all_of(id.value.begin(), id.value.end(), good);
}

std::array<uint8_t, image_header_bytes> encode(const image_header& header) {
  assert(valid_barcode(header.id));
  std::array<uint8_t, image_header_bytes> out{};
  std::memcpy(out.data(), image_magic, sizeof image_magic);
  put(&out[at_version], image_version);
  put(&out[at_flags], header.write_protected ? flag_write_protected : uint32_t{0});
  put(&out[at_capacity], header.capacity_bytes);
  std::memcpy(&out[at_barcode], header.id.value.data(),
              std::min(header.id.value.size(), max_barcode_chars));
  put(&out[at_image_crc], crc32c(0, std::span{out}.first(at_image_crc)));
  return out;
}

caf::expected<image_header> decode_image_header(std::span<const uint8_t> data) {
  if (data.size() != image_header_bytes ||
      std::memcmp(data.data(), image_magic, sizeof image_magic) != 0)
    return fail(errc::corrupt, "not a cartridge image");
  // The version comes first: a newer version may keep its checksum elsewhere.
  if (auto version = get<uint32_t>(&data[at_version]); version > image_version)
    return fail(errc::newer_version, "cartridge image of version " + std::to_string(version) +
                                         ", this program knows " + std::to_string(image_version));
  if (get<uint32_t>(&data[at_image_crc]) != crc32c(0, data.first(at_image_crc)))
    return fail(errc::corrupt, "the cartridge image's header fails its checksum");
  image_header header;
  auto flags = get<uint32_t>(&data[at_flags]);
  header.write_protected = (flags & flag_write_protected) != 0;
  header.capacity_bytes = get<uint64_t>(&data[at_capacity]);
  auto name = data.subspan(at_barcode, max_barcode_chars);
  auto end = std::find(name.begin(), name.end(), 0);
  header.id.value.assign(name.begin(), end);
  if (!valid_barcode(header.id) || (flags & ~flag_write_protected) != 0 ||
      get<uint32_t>(&data[at_version]) != image_version ||
      !std::all_of(end, name.end(), [](uint8_t byte) { return byte == 0; }) ||
      !all_zero(data.subspan(at_zeros, at_image_crc - at_zeros)))
    return fail(errc::corrupt, "the cartridge image's header breaks its grammar");
  return header;
}

std::array<uint8_t, record_header_bytes> encode(const record_header& header) {
  std::array<uint8_t, record_header_bytes> out{};
  std::memcpy(out.data(), record_magic, sizeof record_magic);
  out[at_type] = header.is_filemark() ? type_filemark : type_block;
  put(&out[at_number], header.number);
  put(&out[at_length], header.data_bytes);
  put(&out[at_data_crc], header.data_crc);
  put(&out[at_record_crc], crc32c(0, std::span{out}.first(at_record_crc)));
  return out;
}

std::optional<record_header> decode_record_header(std::span<const uint8_t> data) {
  if (data.size() != record_header_bytes ||
      std::memcmp(data.data(), record_magic, sizeof record_magic) != 0 ||
      get<uint32_t>(&data[at_record_crc]) != crc32c(0, data.first(at_record_crc)))
    return std::nullopt;
  record_header header;
  header.number = get<uint64_t>(&data[at_number]);
  header.data_bytes = get<uint32_t>(&data[at_length]);
  header.data_crc = get<uint32_t>(&data[at_data_crc]);
  bool type_fits = data[at_type] == (header.is_filemark() ? type_filemark : type_block);
  if (!type_fits || (header.is_filemark() && header.data_crc != 0) ||
      !all_zero(data.subspan(at_type + 1, at_number - at_type - 1)) ||
      !all_zero(data.subspan(at_record_zeros, at_record_crc - at_record_zeros)))
    return std::nullopt;
  return header;
}

}  // namespace et::tape
