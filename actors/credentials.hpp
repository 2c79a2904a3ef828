// How somebody on another machine proves who he is: one line, inside TLS, before the framework's
// protocol:
//   ELASTICTAPE 1 token TOKEN        made by `elastictape admin token create`
//   ELASTICTAPE 1 munge CREDENTIAL   of the daemon on the client's host
//   ELASTICTAPE 1 ticket TICKET      from a session with another node, for one retrieval
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "actors/administrators.hpp"
#include "actors/messages.hpp"
#include "storage/auth/munge.hpp"
#include "storage/os/clock.hpp"
#include "storage/os/users.hpp"

namespace et {

/// Longest line with a credential, in bytes, its end not counted.
constexpr size_t max_credential_bytes = 4096;

struct credential {
  enum class kind : uint8_t { token, munge, ticket } how = kind::token;
  std::string text;
};

/// Error: protocol; the text does not repeat what was said.
caf::expected<credential> parse_credential(std::string_view line);

/// The line of a credential, with its end.
std::string credential_line(const credential& what);

/// Somebody who is known now.
struct proven_identity {
  identity who;            ///< its `from` says only how it was proved
  int64_t expires_ns = 0;  ///< when the session has to end; 0: not by itself
  std::string token_hash;  ///< what has to stay there for the session to go on; may be empty
};

/// Finds out whose a credential is. Thread safe; blocks (catalogue, user database, daemon), so it
/// is called on threads of its own (remote_door).
class credential_checker {
 public:
  struct options {
    /// The token with a hash, or nothing. Thread safe, blocks.
    std::function<caf::expected<std::optional<token_record>>(const std::string& hash)> find_token;
    std::function<caf::expected<os_user>(const std::string& name)> find_user;
    std::function<caf::expected<os_user>(uint32_t uid)> find_uid;
    std::shared_ptr<munge_daemon> munge;  ///< null: not taken here
    administrator_list administrators;
    const wall_clock* clock = &system_clock();
    size_t max_seen = 100'000;  ///< credentials remembered as used
  };

  explicit credential_checker(options opts) : options_(std::move(opts)) {}

  /// Errors: not_authorised (not good; the text is for the audit and has nothing secret),
  /// limit_reached (more credentials in use than can be remembered), unavailable.
  caf::expected<proven_identity> check(const credential& what);

  /// Whether the token that a session came with is still there.
  bool still_good(const std::string& token_hash);

 private:
  caf::expected<proven_identity> check_token(const std::string& text);
  caf::expected<proven_identity> check_munge(const std::string& text);
  proven_identity identity_of(os_user user, const std::string& how) const;
  caf::error remember(const std::string& hash, int64_t until_ns);

  options options_;
  std::mutex mutex_;
  std::map<std::string, int64_t> seen_;  // by hash, until when; the daemon forgets when it restarts
};

}  // namespace et
