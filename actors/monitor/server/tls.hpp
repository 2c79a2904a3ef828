// TLS of the monitor: certificate and key, read again when their files change.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "actors/tls/ssl.hpp"
#include "storage/error.hpp"

namespace et::monitor {

/// Of one thread.
class tls {
 public:
  /// `certificate`: PEM, the server's first, then those between it and its authority. `key`: PEM
  /// without a pass phrase, of a file that belongs to us or root and that nobody else can read.
  /// Errors: invalid_argument, which names the file and what is wrong with it.
  static caf::expected<std::unique_ptr<tls>> open(const std::string& certificate,
                                                  const std::string& key);

  /// A server's side for a connected socket. TLS 1.2 or 1.3. Looks at the files at most once a
  /// second; with new ones that are bad the old ones stay, and the log tells. Null: out of memory.
  ssl_ptr begin(int socket);

 private:
  /// By which a change of a file is seen.
  struct stamp {
    uint64_t inode = 0;
    int64_t size_bytes = 0;
    int64_t changed_ns = 0;
    friend bool operator==(const stamp&, const stamp&) = default;
  };
  struct stamps {
    stamp certificate, key;
    friend bool operator==(const stamps&, const stamps&) = default;
  };

  tls(const std::string& certificate, const std::string& key)
      : certificate_(certificate), key_(key) {}
  stamps look() const;
  caf::expected<ssl_context_ptr> load() const;
  void reload();

  std::string certificate_;
  std::string key_;
  ssl_context_ptr context_;
  stamps loaded_;
  stamps refused_;  ///< the log has told of these
  std::chrono::steady_clock::time_point looked_;
};

}  // namespace et::monitor
