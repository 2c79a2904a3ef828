// Names as people may see them, in terminals, logs and alerts.
#pragma once

#include <string>
#include <string_view>

namespace et {

/// `text` for a line on a terminal: control characters and bytes that are not UTF-8 become \xHH.
std::string printable(std::string_view text);

}  // namespace et
