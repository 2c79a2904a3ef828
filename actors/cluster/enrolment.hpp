// How a node gets its certificate, and a new one in time. The question and the answer are one line
// each (node_links.hpp); the lines of PEM texts are joined by `|`.
//
//   ENROL SECRET NODE REQUEST    with a join token, which is good once
//   RENEW REQUEST                with the certificate that the node has
//   ok AUTHORITY CERTIFICATE     or  no REASON
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "storage/auth/certificates.hpp"
#include "storage/os/file.hpp"

namespace et::cluster {

/// A join token: a secret, and by what the joiner knows the cluster.
struct join_token {
  std::string secret;
  std::string fingerprint;  ///< of the authority's certificate
};
/// `et-join1.SECRET.FINGERPRINT`
std::string to_text(const join_token& token);
/// nullopt: it is none.
std::optional<join_token> parse_join_token(const std::string& text);

constexpr size_t max_join_tokens = 256;

/// Join tokens that have not been used, by the hash of their secret, in a file of mode 0600.
/// Any thread.
class join_tokens {
 public:
  explicit join_tokens(std::filesystem::path file) : file_(std::move(file)) {}

  /// Errors: invalid_argument, limit_reached, io_error, corrupt (the file is kept as it is).
  caf::error add(const std::string& hash, int64_t expires_ns, int64_t now_ns);
  /// Takes the token out: true when it was there and had not expired.
  bool take(const std::string& hash, int64_t now_ns);

 private:
  unique_fd lock() const;
  caf::expected<std::map<std::string, int64_t>> load() const;
  caf::error save(const std::map<std::string, int64_t>& all) const;

  std::filesystem::path file_;
  std::mutex mutex_;
};

/// Answers of the head.
class enrolment {
 public:
  enrolment(std::filesystem::path folder, const wall_clock* clock)
      : own_(folder, clock), tokens_(folder / "join-tokens"), clock_(clock) {}

  join_tokens& tokens() { return tokens_; }
  /// Errors: those of join_tokens::add; not_found when there is no authority here.
  caf::error add_token(const std::string& hash, int64_t expires_ns);
  /// `node`: whose certificate was shown; empty: none was.
  std::string answer(const std::string& question, const std::string& node);

 private:
  std::string certify(const std::string& request, const std::string& node);

  certificates own_;
  join_tokens tokens_;
  const wall_clock* clock_;
};

/// Gets a certificate for `node` from the head at `address` into `folder`. Errors: invalid_argument
/// (token, name), not_authorised (the head's word), protocol when it is not the head that made the
/// token, unavailable, timeout, io_error.
caf::error enrol(const std::string& address, const std::string& token, const std::string& node,
                 const std::filesystem::path& folder, std::chrono::milliseconds timeout);

/// The question for a new certificate, and taking its answer.
caf::expected<std::string> renewal_question(certificates& own, const std::string& node);
/// `fingerprint`: of the authority that must have answered; empty: of the one that is known here.
/// Errors: not_authorised (the head's word), and those of certificates::install().
caf::error take_answer(certificates& own, const std::string& answer,
                       const std::string& fingerprint = {});

/// Asks one head a question about certificates.
using ask_head = std::function<caf::expected<std::string>(const std::string& question)>;

/// Gets `node` a new certificate when less than renew_before_s of the one in `own` is left; true:
/// it has a new one. The heads are asked in turn until one issues it; when none does, the old one
/// is kept. Errors: unavailable (there is no head to ask), what the last of them said, those of
/// take_answer.
caf::expected<bool> renew_when_due(certificates& own, const std::string& node,
                                   const std::vector<ask_head>& heads);

}  // namespace et::cluster
