// Who a request comes from, and whether it is let in.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "actors/administrators.hpp"
#include "actors/monitor/viewer.hpp"
#include "storage/catalogue/store.hpp"

namespace et::monitor {

enum class access_kind {
  open,   ///< no login: for addresses of this machine only
  token,  ///< a token that the catalogue knows
  proxy,  ///< who a reverse proxy says that it is, or a token
};

struct access_options {
  access_kind kind = access_kind::open;
  std::vector<std::string> proxy_addresses = {};  ///< whose word counts; as numbers
  std::string user_header = "X-Remote-User";
  administrator_list administrators = {};
  const wall_clock* clock = &system_clock();
  /// Gets a record of logins that are refused, a bounded number a minute. Any thread; must not
  /// block. May be empty.
  std::function<void(audit_record)> audit = {};
};

/// What a request says about who asks.
struct credentials {
  std::string peer;                        ///< address_text() of the other side
  std::vector<std::string> authorization;  ///< values of each header of that name
  std::vector<std::string> users;          ///< values of each user_header
};

class access_control {
 public:
  /// `store` outlives it. Error: invalid_argument for options that do not go together.
  static caf::error check(const access_options& options);
  access_control(access_options options, catalogue_store* store);

  /// Errors: not_authorised when a login is missing or not good (the log tells of the latter, a
  /// bounded number of times a minute); invalid_argument for headers that contradict themselves.
  /// Any thread.
  caf::expected<viewer> who(const credentials& from);

  const std::string& user_header() const { return options_.user_header; }
  /// A reverse proxy that is trusted with what it says about its clients.
  bool is_proxy(const std::string& peer) const;

 private:
  caf::expected<viewer> bearer_of(const credentials& from);
  caf::error refuse(const credentials& from, const std::string& why);
  viewer viewer_of(std::string user) const;

  access_options options_;
  catalogue_store* store_;
  std::mutex mutex_;  ///< guards the rest
  std::chrono::steady_clock::time_point minute_{};
  size_t refused_ = 0;  ///< in that minute
};

/// Paths that need no login: they say whether the service is there, and nothing else.
bool is_open(std::string_view path);

/// The values of all headers of a name in the text of a request, blanks around them removed;
/// as they came, also empty ones.
std::vector<std::string> header_values(std::string_view request, std::string_view name);

/// A login of `Authorization: Bearer TOKEN` or `Basic`, where it is the password.
struct login {
  std::string user;  ///< with Basic; may be empty
  std::string token;
};
/// Nothing: neither.
std::optional<login> login_of(std::string_view authorization);

}  // namespace et::monitor
