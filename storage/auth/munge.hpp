// MUNGE credentials: whose a process on another host of the same realm is. The daemon of each host
// shares a key with the others.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "storage/error.hpp"

namespace et {

/// What our clients put into a credential, so that one made for another program is not taken.
constexpr std::string_view munge_payload = "elastictape 1";

/// A credential that the daemon has found good.
struct munge_credential {
  uint32_t uid = 0;     ///< who made it
  int64_t made_ns = 0;  ///< by the clock of the host where it was made
  int64_t lifetime_ns = 0;
  std::string payload;
};

/// The daemon of this host.
class munge_daemon {
 public:
  virtual ~munge_daemon() = default;
  /// Decodes a credential. Blocks, for a local daemon that is alive a millisecond. Errors:
  /// not_authorised (forged, expired, from the future, decoded before; the text says which);
  /// unavailable (no daemon).
  virtual caf::expected<munge_credential> decode(const std::string& text) = 0;
  /// Makes a credential of this process with munge_payload. Blocks. Error: unavailable.
  virtual caf::expected<std::string> encode() = 0;
};

/// By way of libmunge. `socket`: of the daemon; empty: where it is by default. Thread safe.
std::unique_ptr<munge_daemon> make_munge_daemon(std::string socket = {});

}  // namespace et
