// The version of the program, as --version and the handshake say it.
#pragma once

namespace et {

inline constexpr const char* version_text = "0.1.0";

}  // namespace et
