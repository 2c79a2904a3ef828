// Names of any bytes as text: in manifests, in JSON, in XML, on a terminal.
#include "storage/format/text.hpp"

#include "storage/format/xml_name.hpp"
#include "storage/printable.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace et;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto text = fuzz::text_of_input(data, size);

  std::string escaped;
  append_escaped(escaped, text);
  auto back = unescape(escaped);
  fuzz::require(back && *back == text, "what is escaped can be read");
  if (auto raw = unescape(text)) {
    std::string again;
    append_escaped(again, *raw);
    fuzz::require(again == text, "there is one way to escape");
  }

  auto encoded = base64_encode(text);
  auto decoded = base64_decode(encoded);
  fuzz::require(decoded && *decoded == text, "base64 can be read");
  if (auto raw = base64_decode(text))
    fuzz::require(base64_encode(*raw) == text, "there is one base64 of bytes");

  bool whole = true;
  for (size_t i = 0; i < size;) {
    auto n = utf8_sequence_bytes(text, i);
    fuzz::require(n <= size - i && n <= 4, "a sequence ends in the text");
    whole = whole && n > 0;
    i += std::max<size_t>(1, n);
  }
  fuzz::require(whole == is_utf8(text), "UTF-8 is sequences, one behind the other");

  auto shown = xml_name(text);
  fuzz::require(is_utf8(shown), "a name in XML is UTF-8");
  for (unsigned char c : shown)
    fuzz::require(c >= 0x20 || c == '\t' || c == '\n' || c == '\r', "XML has no such characters");
  if (shown != text)
    fuzz::require(raw_name(shown) == text, "a name that is shown otherwise can be read");
  [[maybe_unused]] auto raw = raw_name(text);

  auto line = printable(std::string{text});
  for (unsigned char c : line)
    fuzz::require(c >= 0x20 && c != 0x7f, "what is printed has no control characters");
  return 0;
}
