// Entries, rows and strings as they travel: many in one message, a few bytes around each path.
//
//   entry   string(path) varint(size) time(mtime) varint(mode) varint(uid) varint(gid)
//   row     entry varint(batch) flags varint(aggregation)
//           [varint(offset) checksum:16 if flag 8] [string(reason) if flag 16]
//   string  varint(length) bytes
//
// flags: state in the lowest three bits, 8 has a checksum, 16 has a reason.
#include <cstring>

#include "storage/catalogue/codec.hpp"
#include "storage/catalogue/records.hpp"

namespace et {

namespace {

constexpr size_t most_bytes = 4 * max_packed_bytes;
constexpr size_t least_entry_bytes = 7;
constexpr size_t least_row_bytes = least_entry_bytes + 3;
constexpr size_t usual_entry_bytes = 24;
constexpr size_t usual_row_bytes = 48;

constexpr uint8_t state_bits = 0x07;
constexpr uint8_t has_checksum_flag = 0x08;
constexpr uint8_t has_reason_flag = 0x10;

void append(bytes& out, const char* begin, const char* end) {
  out.insert(out.end(), begin, end);
}

void append_string(bytes& out, std::string_view text) {
  char buffer[max_varint_bytes];
  append(out, buffer, write_varint(buffer, text.size()));
  append(out, text.data(), text.data() + text.size());
}

void append_entry(bytes& out, const file_entry& entry) {
  append_string(out, entry.path);
  char buffer[4 * max_varint_bytes + max_time_bytes];
  char* at = write_varint(buffer, entry.size_bytes);
  at = write_time(at, entry.mtime_ns);
  at = write_varint(at, entry.mode);
  at = write_varint(at, entry.uid);
  at = write_varint(at, entry.gid);
  append(out, buffer, at);
}

void append_row(bytes& out, const file_row& row) {
  append_entry(out, row.entry);
  char buffer[1 + 3 * max_varint_bytes + 16];
  char* at = write_varint(buffer, row.batch.value);
  auto flags = static_cast<uint8_t>(row.state);
  if (row.has_checksum) flags |= has_checksum_flag;
  if (!row.reason.empty()) flags |= has_reason_flag;
  *at++ = static_cast<char>(flags);
  at = write_varint(at, row.aggregation);
  if (row.has_checksum) {
    at = write_varint(at, row.offset_bytes);
    at = write_big_endian(at, row.checksum.high, 8);
    at = write_big_endian(at, row.checksum.low, 8);
  }
  append(out, buffer, at);
  if (!row.reason.empty()) append_string(out, row.reason);
}

void read_entry(decoder& in, file_entry& out) {
  auto path = in.string();
  if (path.empty() || std::memchr(path.data(), 0, path.size())) return in.reject();
  out.path = path;
  out.size_bytes = in.varint();
  out.mtime_ns = read_time(in);
  out.mode = in.varint32();
  out.uid = in.varint32();
  out.gid = in.varint32();
}

void read_row(decoder& in, file_row& out) {
  read_entry(in, out.entry);
  out.batch = batch_id{in.varint()};
  auto flags = in.u8();
  auto state_number = flags & state_bits;
  if (flags > (state_bits | has_checksum_flag | has_reason_flag) || state_number == 0 ||
      state_number > static_cast<uint8_t>(state::failed))
    return in.reject();
  out.state = static_cast<state>(state_number);
  out.aggregation = in.varint32();
  if (flags & has_checksum_flag) {
    out.has_checksum = true;
    out.offset_bytes = in.varint();
    out.checksum.high = in.big_endian(8);
    out.checksum.low = in.big_endian(8);
  }
  if (flags & has_reason_flag) {
    out.reason = in.string();
    if (out.reason.empty()) in.reject();
  }
}

/// Unpacks `page` item by item with `read`; what the count claims is believed only as far as the
/// bytes can hold it.
template <class T, class Read>
caf::expected<std::vector<T>> unpack(const packed_page& page, const char* what,
                                     size_t least_item_bytes, Read read) {
  auto malformed = [what] {
    return fail(errc::protocol, std::string{"a page of "} + what + " is malformed");
  };
  if (page.data.size() > most_bytes || page.count > page.data.size() / least_item_bytes)
    return malformed();
  try {
    std::vector<T> items(page.count);
    decoder in{{reinterpret_cast<const char*>(page.data.data()), page.data.size()}};
    for (auto& item : items) {
      read(in, item);
      if (!in.ok()) return malformed();
    }
    if (!in.complete()) return malformed();
    return items;
  } catch (const std::exception& e) {
    return fail(errc::internal, std::string{"cannot unpack "} + what + ": " + e.what());
  }
}

}  // namespace

packed_page pack_entries(const std::vector<file_entry>& entries) {
  packed_page page;
  size_t paths_bytes = 0;
  for (const auto& entry : entries) paths_bytes += entry.path.size();
  page.data.reserve(paths_bytes + entries.size() * usual_entry_bytes);
  for (const auto& entry : entries) append_entry(page.data, entry);
  page.count = static_cast<uint32_t>(entries.size());
  return page;
}

caf::expected<std::vector<file_entry>> unpack_entries(const packed_page& page) {
  return unpack<file_entry>(page, "entries", least_entry_bytes, read_entry);
}

packed_page pack_rows(const std::vector<file_row>& rows) {
  packed_page page;
  size_t paths_bytes = 0;
  for (const auto& row : rows) paths_bytes += row.entry.path.size();
  page.data.reserve(paths_bytes + rows.size() * usual_row_bytes);
  for (const auto& row : rows) append_row(page.data, row);
  page.count = static_cast<uint32_t>(rows.size());
  return page;
}

caf::expected<std::vector<file_row>> unpack_rows(const packed_page& page) {
  return unpack<file_row>(page, "rows", least_row_bytes, read_row);
}

packed_page pack_strings(const std::vector<std::string>& strings) {
  packed_page page;
  size_t total_bytes = 0;
  for (const auto& text : strings) total_bytes += text.size() + 2;
  page.data.reserve(total_bytes);
  for (const auto& text : strings) append_string(page.data, text);
  page.count = static_cast<uint32_t>(strings.size());
  return page;
}

caf::expected<std::vector<std::string>> unpack_strings(const packed_page& page) {
  return unpack<std::string>(page, "strings", 1,
                             [](decoder& in, std::string& out) { out = in.string(); });
}

}  // namespace et
