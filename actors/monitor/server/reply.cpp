#include "actors/monitor/server/reply.hpp"

#include <spdlog/spdlog.h>
#include <strings.h>

#include <algorithm>
#include <ctime>

namespace et::monitor {

namespace {

using header_list = std::vector<std::pair<std::string, std::string>>;

const char* reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 429:
      return "Too Many Requests";
    case 503:
      return "Service Unavailable";
    default:
      return status < 500 ? "Other" : "Internal Server Error";
  }
}

std::string date() {
  auto now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[64];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

/// A line break in a value would begin another header.
bool is_one_line(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' || c == '\t'; });
}

header_list headers_of(const answer& made, const reply_form& form) {
  header_list all{{"Date", date()},
                  {"Content-Type", made.type},
                  {"Content-Security-Policy",
                   "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
                   "connect-src 'self'; base-uri 'none'; form-action 'self'; "
                   "frame-ancestors 'none'"},
                  {"X-Content-Type-Options", "nosniff"},
                  {"Referrer-Policy", "no-referrer"},
                  {"Cache-Control", "no-store"},
                  {"Connection", "close"}};
  if (form.tls) all.emplace_back("Strict-Transport-Security", "max-age=31536000");
  for (const auto& given : made.headers) {
    if (!is_one_line(given.first + given.second)) continue;
    auto same = std::find_if(all.begin(), all.end(), [&](const auto& one) {
      return ::strcasecmp(one.first.c_str(), given.first.c_str()) == 0;
    });
    if (same != all.end())
      same->second = given.second;
    else
      all.push_back(given);
  }
  return all;
}

std::string head_of(int status, const header_list& headers) {
  auto text = "HTTP/1.1 " + std::to_string(status) + " " + reason_phrase(status) + "\r\n";
  for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
  return text + "\r\n";
}

void append_chunk(std::string& out, const std::string& piece) {
  if (piece.empty()) return;  // it would be the end
  char size[20];
  out.append(size, static_cast<size_t>(std::snprintf(size, sizeof size, "%zx\r\n", piece.size())));
  out += piece;
  out += "\r\n";
}

piece_writer in_chunks(piece_writer next) {
  return [next = std::move(next), piece = std::string{}](std::string& out) mutable {
    piece.clear();
    auto more = next(piece);
    if (!more) return more;
    append_chunk(out, piece);
    if (!*more) out += "0\r\n\r\n";
    return more;
  };
}

reply stream_of(answer made, const reply_form& form) {
  made.type = "text/event-stream";
  reply result;
  result.bytes = head_of(made.status, headers_of(made, form));
  if (!form.head) result.events = std::move(made.events);
  return result;
}

}  // namespace

reply compose(answer made, const reply_form& form) {
  if (made.events) return stream_of(std::move(made), form);
  std::string first;
  caf::expected<bool> more = made.next ? made.next(first) : caf::expected<bool>{false};
  if (!more) {
    made = error_page(more.error());
    first.clear();
    more = made.next(first);
  }
  auto headers = headers_of(made, form);
  reply result;
  if (!more || !*more) {
    if (made.status != 304) headers.emplace_back("Content-Length", std::to_string(first.size()));
    result.bytes = head_of(made.status, headers);
    if (!form.head) result.bytes += first;
    return result;
  }
  if (!form.http_1_0) headers.emplace_back("Transfer-Encoding", "chunked");
  result.bytes = head_of(made.status, headers);
  result.reset = form.http_1_0;
  if (form.head) return result;
  if (form.http_1_0) {
    result.bytes += first;
    result.next = std::move(made.next);
  } else {
    append_chunk(result.bytes, first);
    result.next = in_chunks(std::move(made.next));
  }
  return result;
}

}  // namespace et::monitor
