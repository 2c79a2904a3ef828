#include "actors/payload_check.hpp"

#include "actors/protocol_client.hpp"

namespace et {

bool payload_reader::skip(uint64_t count) {
  if (count > bytes_.size()) {
    bytes_ = {};
    return false;
  }
  bytes_ = bytes_.subspan(count);
  return true;
}

bool payload_reader::number(size_t size_bytes, uint64_t& value) {
  if (size_bytes > bytes_.size()) return skip(size_bytes);
  value = 0;
  for (size_t i = 0; i < size_bytes; ++i) value = value << 8 | bytes_[i];
  return skip(size_bytes);
}

bool payload_reader::length(uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    uint64_t group = 0;
    if (!number(1, group)) return false;
    value |= (group & 0x7f) << shift;
    if ((group & 0x80) == 0) return value <= bytes_.size();
  }
  return false;
}

bool payload_reader::text(std::string_view& value) {
  uint64_t size = 0;
  if (!length(size)) return false;
  value = {reinterpret_cast<const char*>(bytes_.data()), static_cast<size_t>(size)};
  return skip(size);
}

const std::vector<message_shape>& client_shapes() {
  static const auto shapes = shapes_of(client_actor::signatures{});
  return shapes;
}

bool is_message_of(const std::vector<message_shape>& shapes, std::span<const uint8_t> payload) {
  payload_reader in{payload};
  uint64_t pass_through = 0, type_number = 0, atom = 0;
  std::string_view types;
  if (!in.number(1, pass_through) || pass_through != 0) return false;
  if (!in.number(2, type_number) || type_number != 0) return false;
  if (!in.text(types) || !in.number(8, atom)) return false;
  for (const auto& shape : shapes)
    if (shape.atom == atom && shape.types == types) return shape.skim_rest(in) && in.left() == 0;
  return false;
}

}  // namespace et
