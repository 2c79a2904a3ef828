// The address of a monitor's holdings in XML.
#pragma once

#include <string>
#include <string_view>

#include "storage/error.hpp"
#include "storage/types.hpp"

namespace et {

struct monitor_url {
  std::string origin;  ///< `http://HOST[:PORT]` or the same with https
  std::string target;  ///< path and query
};

/// Empty: not asked for.
struct holdings_query {
  std::string workspace;
  std::string caller;
  batch_id batch;
  std::string level;  ///< top, batch or file
};

/// `given` is the monitor's base (`http://host:port/`, also with `et_user`) or the whole address of
/// its page, with or without parameters of its own; those that `query` sets are replaced.
/// Error: invalid_argument for anything else.
caf::expected<monitor_url> holdings_url(std::string_view given, const holdings_query& query);

/// Whether the address itself says which workspace.
bool names_workspace(std::string_view given);

}  // namespace et
