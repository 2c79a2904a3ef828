// Byte strings (paths, names) as text in manifests, listings and JSON.
#pragma once

#include <caf/expected.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "storage/error.hpp"

namespace et {

/// True for well-formed UTF-8: no overlong form, no surrogate, nothing above U+10FFFF.
bool is_utf8(std::string_view text);
/// Length of the well-formed sequence that `text` has at `i` (less than its size); 0: none.
size_t utf8_sequence_bytes(std::string_view text, size_t i);

/// Base64 of RFC 4648 with padding.
std::string base64_encode(std::string_view raw);
/// Error: invalid_argument for anything base64_encode() does not produce.
caf::expected<std::string> base64_decode(std::string_view text);

/// Appends `raw` with tab, newline and backslash as `\t`, `\n`, `\\`; all other bytes as they are.
void append_escaped(std::string& out, std::string_view raw);
/// The reverse. Error: corrupt for a raw tab or newline, or a backslash before anything else.
caf::expected<std::string> unescape(std::string_view text);

}  // namespace et
