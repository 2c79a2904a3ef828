#include "storage/format/labels.hpp"

#include "format_support.hpp"

using namespace et;
using namespace et::test;

namespace {

std::string encoded(const caf::expected<label>& result) {
  REQUIRE(result);
  return to_text(*result);
}

file_label example_file(uint32_t blocks) {
  return {{batch_id{4711}, 12}, "ET0001", 3, 19675, blocks};  // 2023-11-14
}

const user_header_label example_header{10'003, 262'144, 40, 10'485'760, 1'700'000'000};
const user_trailer_label example_trailer{10'003, 40, 10'485'760, {0x0000abcd, 0xe3069283}};

}  // namespace

TEST_CASE("labels have these bytes", "[labels]") {
  CHECK(encoded(encode(volume_label{barcode{"ET0001L8"}})) ==
        "VOL1ET0001              ELASTICTAPE  L8                                        3");
  CHECK(encoded(encode(volume_label{barcode{"AB1"}})) ==
        "VOL1AB1                 ELASTICTAPE                                            3");
  CHECK(encoded(encode(example_file(0), label_side::header)) ==
        "HDR14711.12          ET000100010003000100023318 00000 000000ELASTICTAPE         ");
  CHECK(encoded(encode(example_file(40), label_side::trailer)) ==
        "EOF14711.12          ET000100010003000100023318 00000 000040ELASTICTAPE         ");
  CHECK(to_text(encode_format_label(label_side::header)) ==
        "HDR2F0000000000                                   00                            ");
  CHECK(to_text(encode_format_label(label_side::trailer)) ==
        "EOF2F0000000000                                   00                            ");
  CHECK(encoded(encode(example_header)) ==
        "UHL101000001000300002621440000000040000000010485760"
        "01700000000                  ");
  CHECK(encoded(encode(example_trailer)) ==
        "UTL10100000100030000000040000000010485760e30692830000abcd                       ");
}

TEST_CASE("labels come back as they were", "[labels]") {
  for (std::string text : {"A", "ABCDEF", "ABCDEFG", "ABCDEFGHIJKLMNOP"}) {
    volume_label value{barcode{text}};
    CHECK(*parse_volume_label(*encode(value)) == value);
  }
  auto file = example_file(999'999);
  CHECK(*parse_file_label(*encode(file, label_side::trailer), label_side::trailer) == file);
  file = example_file(0);
  for (int64_t day : {-25567, -1, 0, 59, 364, 365, 11015, 19675, 47846, 376'199}) {
    file.written_day = day;
    CHECK(*parse_file_label(*encode(file, label_side::header), label_side::header) == file);
  }
  CHECK(!parse_format_label(encode_format_label(label_side::trailer), label_side::trailer));
  CHECK(*parse_user_header_label(*encode(example_header)) == example_header);
  CHECK(*parse_user_trailer_label(*encode(example_trailer)) == example_trailer);
}

TEST_CASE("values that do not fit are refused", "[labels]") {
  auto refused = [](const caf::expected<label>& result) {
    return code_of(result.error()) == errc::invalid_argument;
  };
  for (auto text : {"", "abc", "A B", "ABCDEFGHIJKLMNOPQ"})
    CHECK(refused(encode(volume_label{barcode{text}})));
  auto file = example_file(1'000'000);
  CHECK(refused(encode(file, label_side::trailer)));
  CHECK(refused(encode(example_file(1), label_side::header)));
  file = example_file(0);
  file.aggregation.batch = batch_id{UINT64_MAX};
  CHECK(refused(encode(file, label_side::header)));
  file = example_file(0);
  file.written_day = -25568;
  CHECK(refused(encode(file, label_side::header)));
  auto header = example_header;
  header.size_bytes = 1'000'000'000'000'000;
  CHECK(refused(encode(header)));
  header = example_header;
  header.written_s = -1;
  CHECK(refused(encode(header)));
}

TEST_CASE("a time that does not fit into nanoseconds is refused, written and read", "[labels]") {
  auto header = example_header;
  header.written_s = 9'223'372'036;
  auto block = encode(header);
  REQUIRE(block);
  CHECK(parse_user_header_label(*block)->written_s == header.written_s);
  std::string text{block->begin(), block->end()};
  auto at = text.find("09223372036");
  REQUIRE(at != std::string::npos);
  (*block)[at] = '1';
  auto parsed = parse_user_header_label(*block);
  REQUIRE_FALSE(parsed);
  CHECK(code_of(parsed.error()) == errc::corrupt);
  ++header.written_s;
  CHECK_FALSE(encode(header));
}

TEST_CASE("a label with any byte damaged is refused or differs", "[labels]") {
  auto volume = *encode(volume_label{barcode{"ET0001L8"}});
  auto file = *encode(example_file(40), label_side::trailer);
  auto format = encode_format_label(label_side::header);
  auto header = *encode(example_header);
  auto trailer = *encode(example_trailer);
  for (size_t i = 0; i < label_bytes; ++i) {
    for (uint8_t damage : {0x01, 0x80, 0xff}) {
      INFO("byte " << i);
      auto damaged = [&](label block) {
        block[i] ^= damage;
        return block;
      };
      auto v = parse_volume_label(damaged(volume));
      CHECK((v ? v->volume.value != "ET0001L8" : code_of(v.error()) == errc::corrupt));
      auto f = parse_file_label(damaged(file), label_side::trailer);
      CHECK((f ? *f != example_file(40) : code_of(f.error()) == errc::corrupt));
      CHECK(code_of(parse_format_label(damaged(format), label_side::header)) == errc::corrupt);
      auto h = parse_user_header_label(damaged(header));
      CHECK((h ? *h != example_header : code_of(h.error()) == errc::corrupt));
      auto t = parse_user_trailer_label(damaged(trailer));
      CHECK((t ? *t != example_trailer : code_of(t.error()) == errc::corrupt));
    }
  }
}

TEST_CASE("what is not a label is refused", "[labels]") {
  bytes empty, block(262'144, ' '), shorter(79, ' ');
  for (auto& data : {empty, block, shorter}) {
    CHECK(code_of(parse_volume_label(data).error()) == errc::corrupt);
    CHECK(code_of(parse_user_header_label(data).error()) == errc::corrupt);
  }
  auto header = *encode(example_file(0), label_side::header);
  CHECK(code_of(parse_file_label(header, label_side::trailer).error()) == errc::corrupt);
  auto change = [](std::string text, std::string_view from, std::string_view to) {
    return to_bytes(text.replace(text.find(from), from.size(), to));
  };
  auto text = to_text(header);
  for (auto [from, to] : {std::pair{"4711.12 ", "4711.012"},
                          {"4711.12 ", "471112  "},
                          {"4711.12 ", "04711.12"},
                          {"023318", "023366"},
                          {"023318", "023000"},
                          {"023318", "x23318"},
                          {"023318", "023 18"}})
    CHECK(code_of(parse_file_label(change(text, from, to), label_side::header).error()) ==
          errc::corrupt);
  auto user = to_text(*encode(example_header));
  CHECK(code_of(parse_user_header_label(change(user, "0000262144", "0000000000")).error()) ==
        errc::corrupt);
  CHECK(code_of(parse_user_header_label(change(user, "0000000040", "0000000041")).error()) ==
        errc::corrupt);
}
