// How alerts leave the service: who gets which, when a delivery that failed is tried again, and the
// very bytes of webhook bodies and mails. Decisions on values; nothing here touches the network.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/catalogue/records.hpp"

namespace et {

/// Somebody who gets alerts, as configured.
struct alert_target {
  enum class kind_type { mail, webhook };
  enum class tls_type { off, if_offered, required };

  kind_type kind = kind_type::webhook;
  std::string name;                          ///< unique; how far it has come is kept under it
  std::string url;                           ///< http, https; smtp, smtps
  std::string secret;                        ///< webhook: key of the signature; empty: unsigned
  std::string from;                          ///< mail
  std::vector<std::string> to;               ///< mail
  std::string user;                          ///< mail; empty: no login
  std::string password;                      ///< mail
  tls_type tls = tls_type::if_offered;       ///< mail with smtp://
  std::vector<std::string> workspaces{"*"};  ///< `*`: all, and what concerns none
  severity least = severity::warning;
  int64_t give_up_ns = 0;  ///< an alert that is older is not tried again
  std::string node;        ///< who says so

  /// Whether it is to get `alert`.
  bool wants(const alert_record& alert) const;
};

/// When what failed is tried again: twice as late each time up to a bound, and not all at once.
class retry_schedule {
 public:
  /// `random`: numbers from 0 to below 1.
  retry_schedule(std::chrono::milliseconds first, std::chrono::milliseconds most,
                 std::function<double()> random)
      : first_(first), most_(most), random_(std::move(random)) {}

  /// The wait after a failure: between half and all of first * 2^n.
  std::chrono::milliseconds failed();
  void succeeded() { failures_ = 0; }
  uint64_t failures() const { return failures_; }

 private:
  std::chrono::milliseconds first_;
  std::chrono::milliseconds most_;
  std::function<double()> random_;
  uint64_t failures_ = 0;
};

/// HMAC-SHA256 in lower-case hexadecimal.
std::string signature_of(std::string_view secret, std::string_view body);

/// The JSON body that tells a webhook of one alert.
std::string webhook_body(const alert_target& target, const alert_record& alert);

/// A header's value: as it is, or in encoded words (RFC 2047) when it is not plain ASCII.
std::string mail_header(std::string_view text);

/// A whole mail, with CRLF, about one alert or several; `alerts` is not empty.
std::string mail_text(const alert_target& target, const std::vector<alert_record>& alerts);

/// Why `address` cannot stand in a mail's envelope and header; empty: it can.
std::string address_fault(std::string_view address);

}  // namespace et
