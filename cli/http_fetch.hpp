// Reads a page from a web server, piece by piece. The HTTP library stays behind it.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "cli/monitor_url.hpp"

namespace et {

struct http_answer {
  int status = 0;
  std::string words;  ///< the beginning of the body when the status is not 200
};

/// Gets the page; the body of an answer with status 200 goes to `receive` as it comes. That stops
/// it by returning false. Follows redirections, but not with a `token`, which is for that monitor
/// alone: it is sent as `Authorization: Bearer`, to https or this machine only.
/// Errors: unavailable (no such host, nobody listens, its certificate is not trusted), timeout
/// (named in the source), protocol (the connection ended within the answer), cancelled (receive
/// stopped it).
/// invalid_argument when a token would go unprotected to another machine.
caf::expected<http_answer> http_get(const monitor_url& url, const std::string& token,
                                    const std::function<bool(std::string_view)>& receive);

/// The text of an HTML page in one line, without markup, at most `max_bytes`.
std::string words_of_page(std::string_view page, size_t max_bytes);

}  // namespace et
