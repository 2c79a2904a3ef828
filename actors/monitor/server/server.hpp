// The monitor's HTTP server. One thread moves the bytes of all connections, a fixed number of
// threads makes answers, and one serves the streams of events. One request a connection. All
// bounds: defaults.hpp.
#pragma once

#include <memory>
#include <string>

#include "actors/monitor/answer.hpp"
#include "actors/monitor/server/access.hpp"

namespace et::monitor {

class connections;

struct server_options {
  std::string address;           ///< `HOST:PORT` (`[::1]:PORT` for IPv6); port 0 picks a free one
  std::string certificate = {};  ///< PEM file; empty: no TLS. Read again when it changes
  std::string key = {};          ///< PEM file, mode 0600
  access_options access = {};
};

class server {
 public:
  /// `pages` is what the pages are made of (its origin is set here); its store must outlive the
  /// server.
  /// Errors: invalid_argument for a malformed address, for one that others than this machine can
  /// reach without both TLS and access control, for a certificate, key or access control that
  /// cannot be used; unavailable when the address cannot be bound.
  static caf::expected<std::unique_ptr<server>> open(const server_options& options,
                                                     page_context pages,
                                                     answer_maker make = answer_to);
  /// Cuts the answers that are being sent.
  ~server();

  /// `http://HOST:PORT/`, or `https`, with the port it has.
  std::string url() const;

 private:
  explicit server(std::unique_ptr<connections> running);

  std::unique_ptr<connections> connections_;
};

/// `name` as it may stand in addresses and in `STATE:host`.
std::string node_label(std::string name);

}  // namespace et::monitor
