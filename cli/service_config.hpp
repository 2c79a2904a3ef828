// The configuration of a service: a TOML file as plain values, checked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/error.hpp"

namespace et {

/// Every value with what it is without a configuration: the embedded default. Empty folders and
/// addresses are derived from the state folder by `serve`.
struct service_config {
  struct node_section {
    std::string name;  ///< empty: that of the first start, which is the host's
    std::vector<std::string> roles{"head", "io"};  ///< head or not; io, source or neither
    std::vector<std::string> roots{"/"};           ///< beneath which the node sees sources
    bool is(const char* role) const;
  } node;

  struct cluster_section {
    std::string listen;                    ///< HOST:PORT for links with other nodes; empty: not
    std::vector<std::string> head;         ///< HOST:PORT where the head is, or its standby
    uint32_t heartbeat_ms = 1000;          ///< between signs of life
    uint32_t down_after_ms = 10'000;       ///< without one a node is lost
    uint32_t reread_after_s = 86'400;      ///< what a lost node alone has is read again; 0: never
    std::string standby;                   ///< node that is this head's warm standby; empty: none
    uint32_t standby_timeout_ms = 10'000;  ///< it is waited for so long before an answer
    std::string standby_policy = "drop";   ///< then: drop it, or wait until it is back
    uint64_t standby_log_bytes = uint64_t{2} << 30;  ///< of the log that is kept for it
  } cluster;

  struct service_section {
    std::string state;            ///< state folder; empty: as without a configuration
    std::string listen;           ///< `unix:/PATH` or `HOST:PORT`; empty: STATE/elastictape.sock
    std::string tls_listen;       ///< HOST:PORT for clients of other machines; empty: none
    std::string tls_certificate;  ///< PEM file; with the key empty: the node's in STATE/cluster
    std::string tls_key;          ///< PEM file, mode 0600
    bool munge = false;           ///< take MUNGE credentials there
    std::string munge_socket;     ///< of the daemon; empty: the usual one
    std::string http = "127.0.0.1:0";  ///< of the monitor; port 0 picks a free one; `off`: none
    std::string log_level = "info";    ///< trace, debug, info, warning, error
    std::string log_file;              ///< empty: STATE/log/elastictape.log
  } service;

  struct catalogue_section {
    uint64_t memory_bytes = 64ull << 20;  ///< bound of memtables and block cache together
    uint32_t copies = 1;                  ///< copies on tape that make data safe, 1 to 4
  } catalogue;

  struct cache_section {
    std::string folder;            ///< empty: STATE/cache
    uint64_t capacity_bytes = 0;   ///< 0: bounded by the file system's free space
    double high_watermark = 0.90;  ///< filled to this share, eviction begins
    double low_watermark = 0.75;   ///< and ends at this share
    uint32_t retention_s = 3600;   ///< safe data stays at least this long unless space is needed
    uint64_t reserve_bytes = 1ull << 30;  ///< left free on the file system
  } cache;

  struct packing_section {
    uint64_t target_bytes = 64ull << 20;        ///< size that aggregations are packed to
    uint64_t max_file_bytes = 500'000'000'000;  ///< bigger files are refused
  } packing;

  struct tape_section {
    uint64_t write_after_bytes = 16ull << 20;  ///< a pool is written when this much waits
    uint32_t write_after_ms = 300;             ///< or the oldest has waited so long
    uint32_t block_bytes = 256 * 1024;         ///< on tape; a multiple of 4 KiB up to 8 MiB
    uint32_t drive_idle_s = 60;                ///< an idle drive keeps its cartridge so long
  } tape;

  struct library_section {
    std::string kind = "virtual";  ///< only virtual in this version
    std::string folder;            ///< empty: STATE/library
    uint32_t cartridges = 10;
    uint32_t drives = 2;
    uint64_t capacity_bytes = 128ull << 30;  ///< of each new cartridge
    uint64_t drive_bytes_per_s = 0;          ///< the fastest that a drive is; 0: as the disk
    std::string barcode_prefix = "ET";       ///< of new cartridges; another for each node
  } library;

  struct drive_section {
    uint64_t bytes_per_s = 0;  ///< the fastest that it is; 0: as library.drive_bytes_per_s
  };
  std::vector<drive_section> drive;  ///< when there are any, as many as there are drives

  struct monitor_section {
    std::string certificate;      ///< PEM file; empty: no TLS
    std::string key;              ///< PEM file, mode 0600
    std::string access = "open";  ///< open, token, proxy
    std::vector<std::string> proxy_addresses;
    std::string user_header = "X-Remote-User";
  } monitor;

  struct limits_section {
    uint32_t sessions = 128;
    uint32_t sessions_per_user = 64;
    uint32_t session_idle_s = 1800;
    uint32_t audit_days = 400;  ///< older audit records are forgotten
  } limits;

  struct alert_mail_section {
    std::string name;    ///< empty: the addresses
    std::string server;  ///< smtp://HOST[:PORT] or smtps://HOST[:PORT]
    std::string from;
    std::vector<std::string> to;
    std::string user;                          ///< empty: no login
    std::string password_file;                 ///< mode 0600
    std::string tls = "if-offered";            ///< off, if-offered, required; of smtp://
    std::vector<std::string> workspaces{"*"};  ///< `*`: all, and what concerns none
    std::string severity = "warning";          ///< the least: info, warning, error
    uint32_t give_up_days = 7;                 ///< older alerts are not tried again
  };
  struct alert_webhook_section {
    std::string name;         ///< empty: the URL
    std::string url;          ///< http:// or https://
    std::string secret_file;  ///< key of the signature, mode 0600; empty: unsigned
    std::vector<std::string> workspaces{"*"};
    std::string severity = "warning";
    uint32_t give_up_days = 7;
  };
  struct alert_section {
    std::vector<alert_mail_section> mail;
    std::vector<alert_webhook_section> webhook;
  } alert;

  struct admin_section {
    std::vector<std::string> users;  ///< administrators besides root
  } admin;
};

/// Reads a configuration file. Errors: not_found and io_error for the file; invalid_argument for
/// anything in it that is not understood: unknown keys, wrong types, values out of range. The text
/// has a line `FILE:LINE: SECTION.KEY: what is wrong` for each of them, in the file's order.
caf::expected<service_config> load_service_config(const std::string& file);

/// The same from text; `name` stands for the file in errors.
caf::expected<service_config> parse_service_config(std::string_view text, const std::string& name);

/// A size: digits and an optional unit, `10T`, `512MiB`, `1.5 GB`. K M G T P alone and KiB… are
/// powers of 1024, kB MB… are powers of 1000. Error: invalid_argument.
caf::expected<uint64_t> parse_size(std::string_view text);

}  // namespace et
