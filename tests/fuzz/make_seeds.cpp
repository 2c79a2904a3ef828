// Writes seeds for the fuzz targets whose inputs are best made by the encoders themselves: one file
// for each kind, below the folder that is named.
#include <filesystem>
#include <fstream>
#include <iostream>

#include "actors/cluster/enrolment.hpp"
#include "actors/payload_check.hpp"
#include "actors/protocol_client.hpp"
#include "storage/catalogue/catalogue_log.hpp"
#include "storage/catalogue/keys.hpp"
#include "storage/catalogue/values.hpp"
#include "storage/format/aggregation_writer.hpp"
#include "storage/format/hashes.hpp"
#include "storage/format/labels.hpp"
#include "storage/format/manifest.hpp"
#include "storage/format/volume_io.hpp"
#include "storage/os/crc32c.hpp"
#include "storage/tape/virtual_format.hpp"
#include "storage/tape/virtual_state.hpp"
#include "tests/fuzz/memory_drive.hpp"

using namespace et;
namespace fs = std::filesystem;

namespace {

fs::path corpus;

void seed(const std::string& target, const std::string& name, std::string_view bytes) {
  fs::create_directories(corpus / target);
  std::ofstream file{corpus / target / name, std::ios::binary};
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

template <class Bytes>
std::string text_of_bytes(const Bytes& all) {
  return {reinterpret_cast<const char*>(all.data()), all.size()};
}

void labels() {
  barcode volume{"ET0001L8"};
  seed("labels", "vol1", text_of_bytes(*encode(volume_label{volume})));
  file_label file;
  file.aggregation = {batch_id{17}, 2};
  file.file_set = volume_identifier(volume);
  file.sequence = 3;
  file.written_day = 20'000;
  seed("labels", "hdr1", text_of_bytes(*encode(file, label_side::header)));
  file.block_count = 12;
  seed("labels", "eof1", text_of_bytes(*encode(file, label_side::trailer)));
  seed("labels", "hdr2", text_of_bytes(encode_format_label(label_side::header)));
  seed("labels", "eof2", text_of_bytes(encode_format_label(label_side::trailer)));
  seed("labels", "uhl1", text_of_bytes(*encode(user_header_label{3, 262'144, 12, 3'000'000, 1})));
  seed("labels", "utl1", text_of_bytes(*encode(user_trailer_label{3, 12, 3'000'000, {1, 2}})));
}

std::vector<file_entry> some_files() {
  std::vector<file_entry> files(3);
  files[0] = {"/data/a b", 5, 1'600'000'000'123'456'789, 0640, 1000, 1000};
  files[1] = {"/data/new\nline", 0, -1, 0600, 0, 0};
  files[2] = {"/data/\xff", 3, 0, 04755, 1, 2};
  return files;
}

class string_sink : public byte_sink {
 public:
  caf::error write(std::span<const uint8_t> data) override {
    text += text_of_bytes(data);
    return caf::none;
  }
  std::string text;
};

void formats() {
  aggregation_about about{{batch_id{17}, 2}, "work", "tag", "anna", 1'600'000'000'000'000'000};
  seed("about", "plain", encode_about(about));
  string_sink sink;
  aggregation_writer writer{sink, about, {"/tmp", 512}};
  [[maybe_unused]] auto begun = writer.begin();
  std::string manifest{manifest_header};
  for (const auto& file : some_files()) {
    std::vector<uint8_t> content(file.size_bytes, 'x');
    auto placed = writer.add_file(file, content);
    if (placed) append_manifest_line(manifest, file, placed->offset_bytes, placed->checksum);
  }
  [[maybe_unused]] auto finished = writer.finish();
  seed("aggregation", "three_files", std::string(1, '\0') + sink.text);
  seed("manifest", "three_files", std::string(1, '\7') + manifest);
  about.tag = "\xff";
  seed("about", "bytes", encode_about(about));
}

void cartridges() {
  auto image = text_of_bytes(tape::encode(tape::image_header{barcode{"ET0001"}, 1'000'000, false}));
  seed("cartridge", "blank", std::string(1, '\0') + image);
  for (uint64_t number = 0; number < 3; ++number) {
    std::string data = number == 1 ? std::string{} : std::string(80, 'd');
    tape::record_header record;
    record.number = number;
    record.data_bytes = static_cast<uint32_t>(data.size());
    if (!data.empty())
      record.data_crc = crc32c(0, {reinterpret_cast<const uint8_t*>(data.data()), data.size()});
    image += text_of_bytes(tape::encode(record)) + data;
  }
  seed("cartridge", "three_records", std::string(1, '\1') + image);
}

void catalogue() {
  auto value = [](const char* name, const auto& record) {
    seed("values", name, values::encode(record));
  };
  workspace_record workspace;
  workspace.name = "work";
  workspace.roots = {"/data"};
  workspace.managers = {"anna"};
  value("workspace", workspace);
  batch_record batch;
  batch.workspace_name = "work";
  batch.requester = "anna";
  batch.phase = batch_phase::committed;
  batch.files = 300;
  value("batch", batch);
  aggregation_record aggregation;
  aggregation.first_path = "/data/a";
  aggregation.last_path = "/data/b";
  aggregation.history = {{state::registered, 1}, {state::cached, 2}};
  aggregation.copies.resize(1);
  value("aggregation", aggregation);
  value("volume", volume_record{});
  value("alert", alert_record{});
  value("retrieval", retrieval_record{});
  value("token", token_record{});
  value("audit", audit_record{});
  value("request", request_record{batch_id{9}, 5});
  value("entry", some_files()[0]);
  value("failure", file_failure{});
  std::vector<placed_file> run(3);
  value("run", std::span<const placed_file>{run});
  seed("values", "counter", values::encode_counter(77));
  seed("keys", "file", keys::file(batch_id{1}, "/data/a").bytes());
  seed("keys", "path", keys::path(workspace_id{1}, "/data/a", batch_id{2}).bytes());
  seed("keys", "aggregation", keys::aggregation({batch_id{1}, 2}).bytes());
  seed("keys", "placement", keys::placement({batch_id{1}, 2}, "/data/a").bytes());
  seed("keys", "request", keys::request("anna", std::string(16, 'r')).bytes());
}

void page(const char* name, const packed_page& from) {
  std::string count;
  for (int shift = 24; shift >= 0; shift -= 8)
    count += static_cast<char>(from.count >> shift & 0xff);
  seed("pages", name, count + text_of_bytes(from.data));
}

void pages() {
  page("entries", pack_entries(some_files()));
  page("strings", pack_strings({"/data/a", "/data/b"}));
  std::vector<file_row> rows(2);
  rows[0].entry = some_files()[0];
  rows[1].entry = some_files()[2];
  rows[1].state = state::failed;
  rows[1].reason = "gone";
  page("rows", pack_rows(rows));
}

void number(std::string& out, uint64_t value, int size_bytes) {
  for (int shift = 8 * (size_bytes - 1); shift >= 0; shift -= 8)
    out += static_cast<char>(value >> shift & 0xff);
}

std::string frame(uint8_t operation, const std::string& payload, uint64_t data, uint64_t source,
                  uint64_t destination, uint8_t flags = 0) {
  std::string out;
  number(out, operation, 1);
  number(out, 0, 2);
  number(out, flags, 1);
  number(out, payload.size(), 4);
  number(out, data, 8);
  number(out, source, 8);
  number(out, destination, 8);
  return out + payload;
}

/// A payload of the shape's types whose values are all zeros, if that is short enough.
std::string payload_of(const message_shape& shape) {
  std::string out(3, '\0');
  out += static_cast<char>(shape.types.size() & 0x7f);
  if (shape.types.size() > 0x7f) {
    out.back() = static_cast<char>(out.back() | 0x80);
    out += static_cast<char>(shape.types.size() >> 7);
  }
  out += shape.types;
  number(out, shape.atom, 8);
  for (int more = 0; more < 512; ++more) {
    std::vector<uint8_t> bytes{out.begin(), out.end()};
    if (is_message_of(client_shapes(), bytes)) return out;
    out += '\0';
  }
  return {};
}

/// All that a peer may say besides messages, behind its greeting.
std::string said_by(uint8_t greeting_operation, const std::string& greeting,
                    const std::string& name, const std::string& own_name,
                    const std::string& message) {
  constexpr uint64_t request = 0x1000'0000'0000'0001;
  return greeting + frame(2, {}, 0, 0, static_cast<uint64_t>(caf::atom("SpawnServ")), 1) +
         frame(4, name + own_name, 0, 0, 7) + frame(2, message, request, 9, 7) +
         frame(5, name + own_name + "why", 0, 9, 0) + frame(6, {}, 0, 0, 0) +
         (greeting_operation == 1 ? frame(1, name, 0, 0, 0, 2) : std::string{}) +
         frame(2, message, request + 1, 9, 7);
}

void links() {
  // Names as the target has them.
  std::string own_name(32, '\1');
  own_name[7] = 0;
  auto name = own_name.substr(0, 8) + std::string(24, '\2');
  int index = 0;
  std::string payload;
  for (const auto& shape : client_shapes()) {
    payload = payload_of(shape);
    if (payload.empty()) continue;
    auto file = "message" + std::to_string(index++);
    seed("payloads", file, payload);
    if (index > 4) continue;
    std::string head(1, '\0');
    head += '\x21';
    seed("links", file,
         head + frame(1, name, 0, 0, 0) + frame(2, payload, 0x1000'0000'0000'0001, 9, 7));
  }
  auto greeting = frame(1, name, 0, 0, 0);
  auto service_greeting = frame(0, name + std::string(20, '\3'), 0, 0, 0);
  seed("links", "client", std::string{"\0\x21", 2} + said_by(1, greeting, name, own_name, payload));
  seed("links", "dialling", "\1\x21" + said_by(1, greeting, name, own_name, payload));
  seed("links", "accepting", "\2\x21" + said_by(0, service_greeting, name, own_name, payload));
}

void volumes() {
  barcode name{"ET0001L8"};
  fuzz::memory_drive drive;
  [[maybe_unused]] auto labelled = label_volume(drive, name);
  seed("volume", "empty", fuzz::text_of_records(drive.records()));
  [[maybe_unused]] auto located = drive.locate(first_header_address);
  const std::vector<uint8_t> content(700, 'x');
  aggregation_hasher hasher;
  hasher.update(content);
  auto next = first_header_address;
  for (uint64_t sequence : {1, 2}) {
    aggregation_to_write what;
    what.id = {batch_id{17}, static_cast<uint32_t>(sequence)};
    what.volume = name;
    what.header = next;
    what.sequence = sequence;
    what.size_bytes = content.size();
    what.checksum = hasher.checksum();
    what.block_bytes = 512;
    bool given = false;
    auto written = write_aggregation(drive, what, [&]() -> caf::expected<std::span<const uint8_t>> {
      return std::exchange(given, true) ? std::span<const uint8_t>{} : std::span{content};
    });
    if (!written) return;
    next = written->next_header;
  }
  seed("volume", "two_aggregations", fuzz::text_of_records(drive.records()));
}

void small_files() {
  tape::library_state state;
  state.slots.resize(2);
  state.drives.resize(1);
  state.slots[1].cartridge = barcode{"ET0001L8"};
  state.drives[0] = {barcode{"ET0002L8"}, 0};
  state.missing.push_back(barcode{"ET0003L8"});
  seed("state_files", "library", std::string(1, '\0') + format_state(state));
  seed("state_files", "epoch", "\0012 1600000000000000000 head1\n");
}

void standby() {
  // A put and a deletion, as RocksDB writes them.
  std::string batch(8, '\0');
  batch += std::string{"\2\0\0\0", 4} + "\1\3key\5value" + std::string(1, '\0') + "\3key";
  std::string families(8, '\0');
  families += std::string{"\1\0\0\0", 4} + "\5\4\3key\5value";
  auto piece = [](const std::string& one) { return static_cast<char>(one.size()) + one; };
  seed("standby_log", "two_writes", "\1\x10" + piece(batch) + piece(families));
  seed("standby_log", "one_write", std::string(1, '\0') + "\x10" + batch);
  std::string frames = std::string(1, '\0') + "\7";
  append_frame(frames, {1, batch});
  append_frame(frames, {3, families});
  seed("standby_log", "frames", frames);
  seed("checkpoint", "two_files", std::string{"\2\7CURRENT\0\00600.log\4", 17} + "xxxx");
}

void enrolment() {
  fuzz::own_folder folder;
  certificates node{folder.path()};
  auto question = cluster::renewal_question(node, "io1");
  if (!question) return;
  seed("enrolment", "renew", '\1' + *question);
  seed("enrolment", "changed", std::string{"\2\0\7x\1\0y", 7});
  seed("enrolment", "changed_answer", std::string{"\4\0\7x\1\0y", 7});
  auto secret = "et1_" + std::string(43, 'A');
  auto asked = "ENROL " + secret + " io1 " + question->substr(question->find(' ') + 1);
  seed("enrolment", "enrol", std::string(1, '\0') + asked);
  seed("enrolment", "tokens", '\5' + std::string(64, '0') + " 1900000000000000000\n");
  seed("enrolment", "join", "\6et-join1." + secret + "." + std::string(64, '0'));
  if (node.make_authority("head1")) return;
  if (auto pem = node.authority()) seed("enrolment", "certificate", '\6' + *pem);
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) {
    std::cerr << "usage: fuzz_make_seeds FOLDER\n";
    return 1;
  }
  corpus = words[1];
  labels();
  formats();
  cartridges();
  catalogue();
  pages();
  links();
  volumes();
  small_files();
  standby();
  enrolment();
  return 0;
}
