// Values of which there is one for each file or run of files: kept tight and decoded fast.
#include "storage/catalogue/codec.hpp"
#include "storage/catalogue/values.hpp"

namespace et::values {

std::string encode(const file_entry& entry) {
  char buffer[1 + 4 * max_varint_bytes + max_time_bytes];
  char* at = buffer;
  *at++ = version;
  at = write_varint(at, entry.size_bytes);
  at = write_time(at, entry.mtime_ns);
  at = write_varint(at, entry.mode);
  at = write_varint(at, entry.uid);
  at = write_varint(at, entry.gid);
  return {buffer, at};
}

bool decode(std::string_view value, file_entry& out) {
  decoder in{value};
  if (in.u8() != version) return false;
  out.size_bytes = in.varint();
  out.mtime_ns = read_time(in);
  out.mode = in.varint32();
  out.uid = in.varint32();
  out.gid = in.varint32();
  return in.complete();
}

std::string encode(const file_failure& failure) {
  encoder out;
  return out.u8(version).u8(static_cast<uint8_t>(failure.code)).string(failure.reason).take();
}

bool decode(std::string_view value, file_failure& out) {
  decoder in{value};
  if (in.u8() != version) return false;
  auto code = in.u8();
  if (code > static_cast<uint8_t>(errc::unchanged)) return false;
  out.code = static_cast<errc>(code);
  out.reason = in.string();
  return in.complete();
}

// A placed file is a varint, zigzag(offset - the last offset) * 2, and the checksum; or the
// varint 1 alone for a failed one.
std::string encode(std::span<const placed_file> run) {
  constexpr size_t most_bytes = max_varint_bytes + 16;
  std::string out(1 + max_varint_bytes + run.size() * most_bytes, '\0');
  char* at = out.data();
  *at++ = version;
  at = write_varint(at, run.size());
  uint64_t last = 0;
  for (const auto& file : run) {
    if (file.failed) {
      *at++ = 1;
      continue;
    }
    at = write_varint(at, zigzag(static_cast<int64_t>(file.offset_bytes - last)) << 1);
    at = write_big_endian(at, file.checksum.high, 8);
    at = write_big_endian(at, file.checksum.low, 8);
    last = file.offset_bytes;
  }
  out.resize(static_cast<size_t>(at - out.data()));
  return out;
}

bool decode(std::string_view value, std::vector<placed_file>& out) {
  decoder in{value};
  if (in.u8() != version) return false;
  auto count = in.varint_up_to(placement_run_files);
  if (count == 0 || count > in.left()) return false;
  out.clear();
  out.resize(static_cast<size_t>(count));
  uint64_t last = 0;
  for (auto& file : out) {
    auto head = in.varint();
    if (head & 1) {
      if (head != 1) return false;
      file.failed = true;
      continue;
    }
    file.offset_bytes = last + static_cast<uint64_t>(unzigzag(head >> 1));
    if (file.offset_bytes >= offset_limit_bytes) return false;
    file.checksum.high = in.big_endian(8);
    file.checksum.low = in.big_endian(8);
    last = file.offset_bytes;
  }
  return in.complete();
}

std::string encode_counter(uint64_t value) {
  return encoder{}.u8(version).varint(value).take();
}

bool decode_counter(std::string_view value, uint64_t& out) {
  decoder in{value};
  if (in.u8() != version) return false;
  out = in.varint();
  return in.complete();
}

caf::error undecodable(std::string_view value, const std::string& what) {
  if (value.empty()) return fail(errc::corrupt, "the catalogue's value of " + what + " is empty");
  auto found = static_cast<uint8_t>(value.front());
  if (found != version)
    return fail(errc::corrupt, "the catalogue's value of " + what + " has version " +
                                   std::to_string(found) + ", this service knows version " +
                                   std::to_string(version));
  return fail(errc::corrupt, "the catalogue's value of " + what + " is malformed");
}

}  // namespace et::values
