#include "cli/monitor_url.hpp"

#include <strings.h>

#include <algorithm>
#include <cctype>
#include <vector>

namespace et {

namespace {

constexpr std::string_view page_name = "ET_Holdings_Summary_XML.php";
constexpr std::string_view unreserved =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

struct url_parts {
  std::string_view scheme;
  std::string_view authority;
  std::string_view path;
  std::string_view query;
};

url_parts split(std::string_view given) {
  url_parts parts;
  given = given.substr(0, given.find('#'));
  auto colon = given.find("://");
  if (colon == std::string_view::npos) return parts;
  parts.scheme = given.substr(0, colon);
  auto rest = given.substr(colon + 3);
  auto question = std::min(rest.find('?'), rest.size());
  parts.query = rest.substr(std::min(question + 1, rest.size()));
  rest = rest.substr(0, question);
  auto slash = std::min(rest.find('/'), rest.size());
  parts.authority = rest.substr(0, slash);
  parts.path = rest.substr(slash);
  return parts;
}

bool is_scheme(std::string_view scheme, std::string_view wanted) {
  return scheme.size() == wanted.size() &&
         strncasecmp(scheme.data(), wanted.data(), wanted.size()) == 0;
}

bool is_port(std::string_view text) {
  if (text.empty() || text.size() > 5) return false;
  unsigned port = 0;
  for (char c : text) {
    if (std::isdigit(static_cast<unsigned char>(c)) == 0) return false;
    port = port * 10 + static_cast<unsigned>(c - '0');
  }
  return port > 0 && port < 65536;
}

// HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT; no user names.
bool is_authority(std::string_view text) {
  auto host_end = text.rfind(':');
  if (!text.empty() && text.front() == '[') {
    auto bracket = text.find(']');
    if (bracket == std::string_view::npos || bracket == 1) return false;
    host_end = bracket + 1 < text.size() ? bracket + 1 : std::string_view::npos;
    if (host_end != std::string_view::npos && text[host_end] != ':') return false;
  }
  auto host = text.substr(0, host_end);
  if (host.empty() || host.find('@') != std::string_view::npos) return false;
  if (host.front() != '[' && host.find(':') != std::string_view::npos) return false;
  return host_end == std::string_view::npos || is_port(text.substr(host_end + 1));
}

bool is_plain(std::string_view given) {
  return std::all_of(given.begin(), given.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

std::vector<std::string_view> parameters(std::string_view query) {
  std::vector<std::string_view> all;
  while (!query.empty()) {
    auto end = std::min(query.find_first_of("&;"), query.size());
    if (end > 0) all.push_back(query.substr(0, end));
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return all;
}

std::string_view key_of(std::string_view parameter) {
  return parameter.substr(0, parameter.find('='));
}

std::string encoded(std::string_view value) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string text;
  for (char c : value) {
    if (unreserved.find(c) != std::string_view::npos) {
      text += c;
    } else {
      auto byte = static_cast<unsigned char>(c);
      text += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return text;
}

// The page's path; a last name with a dot in it is a page already.
std::string page_path(std::string_view path) {
  auto last = path.substr(std::min(path.rfind('/') + 1, path.size()));
  if (last.find('.') != std::string_view::npos) return std::string{path};
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  std::string whole{path};
  bool in_folder = path.ends_with("/et_user") || path.ends_with("/et_admin");
  return whole.append(in_folder ? "/" : "/et_user/").append(page_name);
}

}  // namespace

caf::expected<monitor_url> holdings_url(std::string_view given, const holdings_query& query) {
  auto parts = split(given);
  bool tls = is_scheme(parts.scheme, "https");
  if ((!tls && !is_scheme(parts.scheme, "http")) || !is_authority(parts.authority) ||
      !is_plain(given)) {
    return fail(errc::invalid_argument, "-x: '" + std::string{given} +
                                            "' is not the address of a monitor; it is written "
                                            "http://HOST:PORT/");
  }
  std::vector<std::pair<std::string_view, std::string>> own{{"workspace", query.workspace},
                                                            {"caller", query.caller},
                                                            {"batch", {}},
                                                            {"level", query.level}};
  if (query.batch.value != 0) own[2].second = std::to_string(query.batch.value);
  std::string text;
  auto add = [&text](const std::string& parameter) {
    text += (text.empty() ? "?" : "&") + parameter;
  };
  for (auto parameter : parameters(parts.query)) {
    bool replaced = std::any_of(own.begin(), own.end(), [&](const auto& one) {
      return one.first == key_of(parameter) && !one.second.empty();
    });
    if (!replaced) add(std::string{parameter});
  }
  for (const auto& [key, value] : own) {
    if (!value.empty()) add(std::string{key} + '=' + encoded(value));
  }
  return monitor_url{(tls ? "https://" : "http://") + std::string{parts.authority},
                     page_path(parts.path) + text};
}

bool names_workspace(std::string_view given) {
  for (auto parameter : parameters(split(given).query)) {
    if (key_of(parameter) == "workspace") return true;
  }
  return false;
}

}  // namespace et
