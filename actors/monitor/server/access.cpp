#include "actors/monitor/server/access.hpp"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <spdlog/spdlog.h>
#include <strings.h>

#include <algorithm>

#include "actors/audit.hpp"
#include "actors/defaults.hpp"
#include "storage/auth/token.hpp"

namespace et::monitor {

namespace {

using std::chrono::steady_clock;

constexpr size_t most_user_bytes = 64;

std::string_view trimmed(std::string_view text) {
  auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

bool is_same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

bool is_ip_address(const std::string& text) {
  in6_addr ignored{};
  return ::inet_pton(AF_INET, text.c_str(), &ignored) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), &ignored) == 1;
}

/// As address_text() writes it.
std::string plain_address(const std::string& text) {
  in6_addr bytes{};
  char plain[INET6_ADDRSTRLEN] = {};
  if (::inet_pton(AF_INET6, text.c_str(), &bytes) != 1) return text;
  return ::inet_ntop(AF_INET6, &bytes, plain, sizeof plain);
}

bool is_user_name(const std::string& text) {
  return !text.empty() && text.size() <= most_user_bytes &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return c > ' ' && c <= '~' && c != ':' && c != ','; });
}

bool is_header_name(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

std::optional<std::string> from_base64(std::string_view text) {
  constexpr size_t most_bytes = 1024;
  if (text.empty() || text.size() % 4 != 0 || text.size() > most_bytes) return std::nullopt;
  std::string raw(text.size() / 4 * 3, '\0');
  auto n =
      EVP_DecodeBlock(reinterpret_cast<uint8_t*>(raw.data()),
                      reinterpret_cast<const uint8_t*>(text.data()), static_cast<int>(text.size()));
  if (n < 0) return std::nullopt;
  auto padding = text.ends_with("==") ? 2u : text.ends_with("=") ? 1u : 0u;
  raw.resize(static_cast<size_t>(n) - padding);
  return raw;
}

caf::error wrong_options(const std::string& what) {
  return fail(errc::invalid_argument, "the monitor's access control: " + what);
}

}  // namespace

bool is_open(std::string_view path) {
  return path == "/healthz" || path == "/readyz";
}

std::vector<std::string> header_values(std::string_view request, std::string_view name) {
  std::vector<std::string> values;
  auto at = request.find("\r\n");
  while (at != std::string_view::npos) {
    request.remove_prefix(at + 2);
    at = request.find("\r\n");
    auto line = request.substr(0, at);
    auto colon = line.find(':');
    if (colon != std::string_view::npos && is_same(trimmed(line.substr(0, colon)), name))
      values.emplace_back(trimmed(line.substr(colon + 1)));
  }
  return values;
}

std::optional<login> login_of(std::string_view authorization) {
  auto blank = std::min(authorization.find(' '), authorization.size());
  auto scheme = authorization.substr(0, blank);
  auto rest = trimmed(authorization.substr(blank));
  if (is_same(scheme, "Bearer")) return login{{}, std::string{rest}};
  if (!is_same(scheme, "Basic")) return std::nullopt;
  auto pair = from_base64(rest);
  auto colon = pair ? pair->find(':') : std::string::npos;
  if (colon == std::string::npos) return std::nullopt;
  return login{pair->substr(0, colon), pair->substr(colon + 1)};
}

caf::error access_control::check(const access_options& options) {
  if (options.kind != access_kind::proxy) return caf::none;
  if (options.proxy_addresses.empty())
    return wrong_options("with access \"proxy\" proxy_addresses must say whose word counts");
  for (const auto& address : options.proxy_addresses)
    if (!is_ip_address(address))
      return wrong_options("'" + address + "' in proxy_addresses is not an IP address");
  if (!is_header_name(options.user_header))
    return wrong_options("user_header '" + options.user_header + "' is not the name of a header");
  return caf::none;
}

access_control::access_control(access_options options, catalogue_store* store)
    : options_(std::move(options)), store_(store) {
  for (auto& address : options_.proxy_addresses) address = plain_address(address);
}

bool access_control::is_proxy(const std::string& peer) const {
  const auto& known = options_.proxy_addresses;
  return options_.kind == access_kind::proxy &&
         std::find(known.begin(), known.end(), peer) != known.end();
}

viewer access_control::viewer_of(std::string user) const {
  bool administrator = options_.administrators.includes(user);
  return {std::move(user), administrator};
}

caf::error access_control::refuse(const credentials& from, const std::string& why) {
  std::lock_guard lock{mutex_};
  auto now = steady_clock::now();
  if (now - minute_ >= std::chrono::minutes{1}) {
    if (refused_ > defaults::monitor_refusals_logged)
      spdlog::warn("monitor: {} more logins were refused in that minute",
                   refused_ - defaults::monitor_refusals_logged);
    minute_ = now;
    refused_ = 0;
  }
  if (++refused_ <= defaults::monitor_refusals_logged) {
    spdlog::warn("monitor: a login from {} is refused: {}", from.peer, why);
    if (options_.audit) {
      audit_record record;
      record.from = from.peer + " monitor";
      record.action = "login";
      record.outcome = errc::not_authorised;
      record.text = clipped(why);
      options_.audit(std::move(record));
    }
  }
  return fail(errc::not_authorised, "this login is not good (any more)");
}

caf::expected<viewer> access_control::who(const credentials& from) {
  if (options_.kind == access_kind::open) return viewer{};
  if (is_proxy(from.peer) && !from.users.empty()) {
    if (from.users.size() > 1)
      return fail(errc::invalid_argument, "there is more than one " + options_.user_header);
    if (!is_user_name(from.users.front()))
      return fail(errc::invalid_argument, options_.user_header + " is not a user's name");
    return viewer_of(from.users.front());
  }
  return bearer_of(from);
}

caf::expected<viewer> access_control::bearer_of(const credentials& from) {
  if (from.authorization.empty())
    return fail(errc::not_authorised,
                "this page needs a login; 'elastictape admin token create' "
                "makes one, which is the password");
  if (from.authorization.size() > 1)
    return fail(errc::invalid_argument, "there is more than one Authorization");
  auto given = login_of(from.authorization.front());
  if (!given) return refuse(from, "it is neither of Bearer nor of Basic");
  if (!is_token(given->token)) return refuse(from, "it has no token");
  auto token = store_->view()->token(token_hash(given->token));
  if (!token) return token.error();
  if (!*token) return refuse(from, "there is no such token");
  auto name = "token " + std::to_string((*token)->id) + " of " + (*token)->user;
  if ((*token)->is_expired(options_.clock->now_ns())) return refuse(from, name + " has expired");
  if (!given->user.empty() && given->user != (*token)->user)
    return refuse(from, name + " comes with another user's name");
  auto seen = viewer_of((*token)->user);
  seen.workspace = (*token)->workspace;
  // Whoever gives a token for one workspace away does not mean to give everything away.
  if (!seen.workspace.empty()) seen.administrator = false;
  return seen;
}

}  // namespace et::monitor
