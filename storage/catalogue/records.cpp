#include "storage/catalogue/records.hpp"

#include "storage/catalogue/codec.hpp"
#include "storage/catalogue/values.hpp"

namespace et {

const char* to_string(volume_status status) {
  switch (status) {
    case volume_status::blank:
      return "blank";
    case volume_status::appendable:
      return "appendable";
    case volume_status::full:
      return "full";
    case volume_status::suspect:
      return "suspect";
    case volume_status::quarantined:
      return "quarantined";
  }
  return "unknown";
}

const char* to_string(severity level) {
  switch (level) {
    case severity::info:
      return "info";
    case severity::warning:
      return "warning";
    case severity::error:
      return "error";
  }
  return "unknown";
}

const char* to_string(retrieval_state state) {
  switch (state) {
    case retrieval_state::running:
      return "running";
    case retrieval_state::completed:
      return "completed";
    case retrieval_state::failed:
      return "failed";
    case retrieval_state::cancelled:
      return "cancelled";
  }
  return "unknown";
}

constexpr int64_t second_ns = 1'000'000'000;

char* write_time(char* out, int64_t time_ns) {
  auto seconds = time_ns / second_ns;
  auto fraction_ns = time_ns % second_ns;
  if (fraction_ns < 0) {
    fraction_ns += second_ns;
    --seconds;
  }
  out = write_varint(out, zigzag(seconds) << 1 | (fraction_ns != 0));
  return fraction_ns != 0 ? write_varint(out, static_cast<uint64_t>(fraction_ns)) : out;
}

int64_t read_time(decoder& in) {
  auto head = in.varint();
  auto seconds = unzigzag(head >> 1);
  int64_t fraction_ns = 0;
  if (head & 1) {
    fraction_ns = static_cast<int64_t>(in.varint_up_to(second_ns - 1));
    if (fraction_ns == 0) in.reject();
  }
  int64_t time_ns = 0;
  if (seconds < 0 && fraction_ns != 0) {
    // The least times: seconds * 10^9 alone would overflow.
    ++seconds;
    fraction_ns -= second_ns;
  }
  if (__builtin_mul_overflow(seconds, second_ns, &time_ns) ||
      __builtin_add_overflow(time_ns, fraction_ns, &time_ns))
    return in.reject(), 0;
  return time_ns;
}

namespace values {

namespace {

encoder versioned() {
  encoder out;
  out.u8(version);
  return out;
}

decoder opened(std::string_view value) {
  decoder in{value};
  if (in.u8() != version) in.reject();
  return in;
}

/// An enumeration whose values run from `first` to `last`.
template <class E>
E read_enum(decoder& in, E first, E last) {
  auto value = in.u8();
  if (value < static_cast<uint8_t>(first) || value > static_cast<uint8_t>(last)) in.reject();
  return static_cast<E>(value);
}

state read_state(decoder& in) {
  return read_enum(in, state::registered, state::failed);
}

void write(encoder& out, const std::vector<std::string>& strings) {
  out.varint(strings.size());
  for (const auto& text : strings) out.string(text);
}

/// A count of items of which each takes at least `least_bytes`.
size_t read_count(decoder& in, size_t least_bytes) {
  return static_cast<size_t>(in.varint_up_to(in.left() / least_bytes));
}

void read(decoder& in, std::vector<std::string>& out) {
  out.resize(read_count(in, 1));
  for (auto& text : out) text = in.string();
}

/// A field that older values end before: left out while it is empty.
void write_last(encoder& out, const std::string& text) {
  if (!text.empty()) out.string(text);
}

void read_last(decoder& in, std::string& text) {
  text.clear();
  if (in.left() == 0) return;
  text = in.string();
  if (text.empty()) in.reject();
}

void write(encoder& out, const aggregation_checksum& sum) {
  out.big_endian(sum.adler32, 4).big_endian(sum.crc32c, 4);
}

void read(decoder& in, aggregation_checksum& out) {
  out.adler32 = static_cast<uint32_t>(in.big_endian(4));
  out.crc32c = static_cast<uint32_t>(in.big_endian(4));
}

}  // namespace

std::string encode(const workspace_record& record) {
  auto out = versioned();
  out.varint(record.id.value);
  write(out, record.roots);
  write(out, record.managers);
  return out.varint(record.quota_bytes)
      .varint(record.used_bytes)
      .varint(record.used_files)
      .varint(record.batches)
      .take();
}

bool decode(std::string_view value, workspace_record& out) {
  auto in = opened(value);
  out.id = workspace_id{in.varint32()};
  read(in, out.roots);
  read(in, out.managers);
  out.quota_bytes = in.varint();
  out.used_bytes = in.varint();
  out.used_files = in.varint();
  out.batches = in.varint();
  return in.complete();
}

constexpr uint8_t planned_bit = 1;
constexpr uint8_t cached_told_bit = 2;

std::string encode(const batch_record& record) {
  auto out = versioned();
  out.varint(record.workspace.value)
      .string(record.workspace_name)
      .string(record.tag)
      .string(record.requester)
      .varint(record.uid)
      .varint(record.gid)
      .u8(static_cast<uint8_t>(record.phase))
      .u8(static_cast<uint8_t>(record.state))
      .signed_varint(record.created_ns)
      .signed_varint(record.safe_ns)
      .varint(record.files)
      .varint(record.size_bytes)
      .varint(record.failed_files)
      .varint(record.failed_bytes)
      .u8(static_cast<uint8_t>((record.planned ? planned_bit : 0) |
                               (record.cached_told ? cached_told_bit : 0)))
      .varint(record.aggregations);
  for (size_t i = 1; i < record.in_state.size(); ++i) out.varint(record.in_state[i]);
  return out.take();
}

bool decode(std::string_view value, batch_record& out) {
  auto in = opened(value);
  out.workspace = workspace_id{in.varint32()};
  out.workspace_name = in.string();
  out.tag = in.string();
  out.requester = in.string();
  out.uid = in.varint32();
  out.gid = in.varint32();
  out.phase = read_enum(in, batch_phase::pending, batch_phase::removing);
  out.state = read_state(in);
  out.created_ns = in.signed_varint();
  out.safe_ns = in.signed_varint();
  out.files = in.varint();
  out.size_bytes = in.varint();
  out.failed_files = in.varint();
  out.failed_bytes = in.varint();
  auto progress = in.u8();
  if (progress > (planned_bit | cached_told_bit)) in.reject();
  out.planned = progress & planned_bit;
  out.cached_told = progress & cached_told_bit;
  out.aggregations = in.varint32();
  out.in_state = {};
  for (size_t i = 1; i < out.in_state.size(); ++i) out.in_state[i] = in.varint32();
  return in.complete();
}

std::string encode(const aggregation_record& record) {
  auto out = versioned();
  out.u8(static_cast<uint8_t>(record.state))
      .string(record.first_path)
      .string(record.last_path)
      .varint(record.files)
      .varint(record.content_bytes)
      .varint(record.failed_files)
      .varint(record.size_bytes);
  write(out, record.checksum);
  out.varint(record.copies.size());
  for (const auto& copy : record.copies)
    out.string(copy.volume.value)
        .varint(copy.header.value)
        .varint(copy.data.value)
        .varint(copy.blocks)
        .varint(copy.block_bytes)
        .signed_varint(copy.written_ns);
  out.varint(record.history.size());
  for (const auto& change : record.history)
    out.u8(static_cast<uint8_t>(change.to)).signed_varint(change.time_ns);
  write_last(out, record.node);
  return out.take();
}

bool decode(std::string_view value, aggregation_record& out) {
  constexpr size_t least_copy_bytes = 6;
  constexpr size_t least_change_bytes = 2;
  auto in = opened(value);
  out.state = read_state(in);
  out.first_path = in.string();
  out.last_path = in.string();
  out.files = in.varint();
  out.content_bytes = in.varint();
  out.failed_files = in.varint();
  out.size_bytes = in.varint();
  read(in, out.checksum);
  out.copies.resize(read_count(in, least_copy_bytes));
  for (auto& copy : out.copies) {
    copy.volume.value = in.string();
    copy.header.value = in.varint();
    copy.data.value = in.varint();
    copy.blocks = in.varint();
    copy.block_bytes = in.varint32();
    copy.written_ns = in.signed_varint();
  }
  out.history.resize(read_count(in, least_change_bytes));
  for (auto& change : out.history) {
    change.to = read_state(in);
    change.time_ns = in.signed_varint();
  }
  read_last(in, out.node);
  return in.complete();
}

std::string encode(const volume_record& record) {
  auto out = versioned();
  out.string(record.pool)
      .u8(static_cast<uint8_t>(record.status))
      .varint(record.next_header.value)
      .varint(record.next_sequence)
      .varint(record.written_bytes)
      .varint(record.aggregations)
      .varint(record.capacity_bytes);
  write_last(out, record.node);
  return out.take();
}

bool decode(std::string_view value, volume_record& out) {
  auto in = opened(value);
  out.pool = in.string();
  out.status = read_enum(in, volume_status::blank, volume_status::quarantined);
  out.next_header.value = in.varint();
  out.next_sequence = in.varint32();
  out.written_bytes = in.varint();
  out.aggregations = in.varint();
  out.capacity_bytes = in.varint();
  read_last(in, out.node);
  return in.complete();
}

std::string encode(const alert_record& record) {
  return versioned()
      .signed_varint(record.time_ns)
      .u8(static_cast<uint8_t>(record.level))
      .string(record.workspace)
      .varint(record.batch.value)
      .string(record.text)
      .take();
}

bool decode(std::string_view value, alert_record& out) {
  auto in = opened(value);
  out.time_ns = in.signed_varint();
  out.level = read_enum(in, severity::info, severity::error);
  out.workspace = in.string();
  out.batch = batch_id{in.varint()};
  out.text = in.string();
  return in.complete();
}

std::string encode(const retrieval_record& record) {
  return versioned()
      .varint(record.workspace.value)
      .string(record.workspace_name)
      .varint(record.batch.value)
      .string(record.requester)
      .u8(static_cast<uint8_t>(record.state))
      .signed_varint(record.started_ns)
      .signed_varint(record.ended_ns)
      .varint(record.files)
      .varint(record.size_bytes)
      .varint(record.bad_files)
      .take();
}

bool decode(std::string_view value, retrieval_record& out) {
  auto in = opened(value);
  out.workspace = workspace_id{in.varint32()};
  out.workspace_name = in.string();
  out.batch = batch_id{in.varint()};
  out.requester = in.string();
  out.state = read_enum(in, retrieval_state::running, retrieval_state::cancelled);
  out.started_ns = in.signed_varint();
  out.ended_ns = in.signed_varint();
  out.files = in.varint();
  out.size_bytes = in.varint();
  out.bad_files = in.varint();
  return in.complete();
}

std::string encode(const token_record& record) {
  auto out = versioned();
  out.varint(record.id)
      .string(record.user)
      .string(record.label)
      .signed_varint(record.created_ns)
      .signed_varint(record.expires_ns)
      .string(record.tail);
  write_last(out, record.workspace);
  return out.take();
}

bool decode(std::string_view value, token_record& out) {
  auto in = opened(value);
  out.id = in.varint();
  out.user = in.string();
  out.label = in.string();
  out.created_ns = in.signed_varint();
  out.expires_ns = in.signed_varint();
  out.tail = in.string();
  read_last(in, out.workspace);
  return in.complete();
}

std::string encode(const audit_record& record) {
  return versioned()
      .signed_varint(record.time_ns)
      .string(record.user)
      .string(record.from)
      .string(record.action)
      .string(record.workspace)
      .string(record.subject)
      .u8(static_cast<uint8_t>(record.outcome))
      .string(record.text)
      .take();
}

bool decode(std::string_view value, audit_record& out) {
  auto in = opened(value);
  out.time_ns = in.signed_varint();
  out.user = in.string();
  out.from = in.string();
  out.action = in.string();
  out.workspace = in.string();
  out.subject = in.string();
  out.outcome = read_enum(in, errc::none, errc::node_lost);
  out.text = in.string();
  return in.complete();
}

std::string encode(const request_record& record) {
  return versioned().varint(record.batch.value).signed_varint(record.time_ns).take();
}

bool decode(std::string_view value, request_record& out) {
  auto in = opened(value);
  out.batch = batch_id{in.varint()};
  out.time_ns = in.signed_varint();
  return in.complete();
}

}  // namespace values
}  // namespace et
