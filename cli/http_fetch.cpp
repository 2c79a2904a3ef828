#include "cli/http_fetch.hpp"

#include <arpa/inet.h>
#include <httplib.h>

#include <chrono>

#include "actors/version.hpp"

namespace et {

namespace {

constexpr std::chrono::seconds connect_timeout{10};
constexpr std::chrono::seconds send_timeout{10};
/// Between two pieces of an answer, and before the first.
constexpr std::chrono::seconds read_timeout{60};
/// Of an answer that is an error.
constexpr size_t max_error_bytes = 16 * 1024;

using steady = std::chrono::steady_clock;

// HOST of `http://HOST:PORT`.
std::string host_of(const std::string& origin) {
  auto host = origin.substr(origin.find("://") + 3);
  if (host.front() == '[') return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.rfind(':'));
}

/// What is sent there is for nobody else's eyes.
bool keeps_secrets(const std::string& origin) {
  if (origin.starts_with("https://")) return true;
  auto host = host_of(origin);
  in_addr address{};
  return host == "localhost" || host == "::1" ||
         (inet_pton(AF_INET, host.c_str(), &address) == 1 && ntohl(address.s_addr) >> 24 == 127);
}

bool host_exists(const std::string& host) {
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, nullptr, &found) != 0) return false;
  freeaddrinfo(found);
  return true;
}

caf::error error_of(httplib::Error error, const monitor_url& url, bool was_silent) {
  const auto& origin = url.origin;
  switch (error) {
    case httplib::Error::Connection:
      if (!host_exists(host_of(origin))) {
        return fail(errc::unavailable, "there is no host " + host_of(origin));
      }
      return fail(errc::unavailable,
                  "cannot connect to " + origin + ": nothing listens there, or it is out of reach");
    case httplib::Error::ConnectionTimeout:
      return fail(errc::timeout, "no connection to " + origin + " within " +
                                     std::to_string(connect_timeout.count()) + " s");
    case httplib::Error::Read:
      if (was_silent) {
        return fail(errc::timeout,
                    origin + " sent nothing for " + std::to_string(read_timeout.count()) + " s");
      }
      return fail(errc::protocol, "the connection to " + origin + " ended within the answer");
    case httplib::Error::Canceled:
      return fail(errc::cancelled, "the rest of the answer is not wanted");
    case httplib::Error::SSLServerVerification:
    case httplib::Error::SSLLoadingCerts:
      return fail(errc::unavailable, "the certificate of " + origin + " is not trusted");
    default:
      return fail(errc::unavailable, "no answer from " + origin + ": " + httplib::to_string(error));
  }
}

void append_character(std::string& text, std::string_view entity) {
  constexpr std::pair<std::string_view, char> known[] = {
      {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}, {"#39", '\''}};
  for (auto [name, character] : known) {
    if (entity == name) {
      text += character;
      return;
    }
  }
  text += '?';
}

}  // namespace

caf::expected<http_answer> http_get(const monitor_url& url, const std::string& token,
                                    const std::function<bool(std::string_view)>& receive) {
  httplib::Client client{url.origin};
  if (!client.is_valid()) return fail(errc::invalid_argument, "cannot use " + url.origin);
  client.set_connection_timeout(connect_timeout);
  client.set_read_timeout(read_timeout);
  client.set_write_timeout(send_timeout);
  httplib::Headers headers{{"User-Agent", std::string{"elastictape/"} + version_text}};
  if (!token.empty()) {
    if (!keeps_secrets(url.origin))
      return fail(errc::invalid_argument, "a token is not sent to " + url.origin +
                                              " where others could read it; use https");
    headers.emplace("Authorization", "Bearer " + token);
  }
  client.set_follow_location(token.empty());
  client.set_url_encode(false);  // the target is encoded already
  http_answer answer;
  auto last = steady::now();
  auto result = client.Get(
      url.target, headers,
      [&](const httplib::Response& response) {
        answer.status = response.status;
        last = steady::now();
        return true;
      },
      [&](const char* data, size_t size) {
        last = steady::now();
        if (answer.status == 200) return receive({data, size});
        answer.words.append(data, std::min(size, max_error_bytes - answer.words.size()));
        return answer.words.size() < max_error_bytes;
      });
  bool is_complaint = answer.status != 0 && answer.status != 200;
  if (!result && !is_complaint) {
    return error_of(result.error(), url, steady::now() - last >= read_timeout);
  }
  return answer;
}

std::string words_of_page(std::string_view page, size_t max_bytes) {
  if (auto body = page.find("<body"); body != std::string_view::npos) page.remove_prefix(body);
  std::string text;
  for (size_t i = 0; i < page.size() && text.size() < max_bytes; ++i) {
    char c = page[i];
    if (c == '<') {
      i = std::min(page.find('>', i), page.size() - 1);
      c = ' ';
    }
    if (c == '&') {
      auto end = page.find(';', i);
      if (end != std::string_view::npos && end - i < 8) {
        append_character(text, page.substr(i + 1, end - i - 1));
        i = end;
        continue;
      }
    }
    bool is_blank = static_cast<unsigned char>(c) <= ' ';
    if (!is_blank) text += c;
    if (is_blank && !text.empty() && text.back() != ' ') text += ' ';
  }
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

}  // namespace et
