#include "actors/cluster/enrolment.hpp"

#include <fcntl.h>
#include <openssl/pem.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>

#include <algorithm>
#include <optional>
#include <sstream>

#include "actors/cluster/tls_stream.hpp"
#include "storage/auth/token.hpp"
#include "storage/os/file.hpp"

namespace et::cluster {

namespace {

constexpr std::string_view join_prefix = "et-join1.";
constexpr size_t max_answer_bytes = 4 * max_certificate_bytes;
constexpr size_t max_tokens_file_bytes = 64 * 1024;

std::string in_one_line(std::string pem) {
  std::replace(pem.begin(), pem.end(), '\n', '|');
  std::replace(pem.begin(), pem.end(), ' ', '_');
  return pem;
}

std::string in_lines(std::string line) {
  std::replace(line.begin(), line.end(), '|', '\n');
  std::replace(line.begin(), line.end(), '_', ' ');
  return line;
}

std::string hex_of(const std::string& bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (unsigned char byte : bytes) {
    out.push_back(digits[byte >> 4]);
    out.push_back(digits[byte & 15]);
  }
  return out;
}

/// The other side shows a certificate of the authority with this fingerprint.
bool is_vouched_for(SSL* ssl, const std::string& fingerprint) {
  openssl_ptr<X509> shown{SSL_get1_peer_certificate(ssl)};
  auto* chain = SSL_get_peer_cert_chain(ssl);
  for (int i = 0; shown && i < sk_X509_num(chain); ++i) {
    auto* one = sk_X509_value(chain, i);
    openssl_ptr<BIO> bio{BIO_new(BIO_s_mem())};
    PEM_write_bio_X509(bio.get(), one);
    char* data = nullptr;
    auto size = BIO_get_mem_data(bio.get(), &data);
    if (fingerprint_of_pem({data, static_cast<size_t>(size)}) != fingerprint) continue;
    if (X509_verify(shown.get(), X509_get0_pubkey(one)) == 1) return true;
  }
  openssl_error();
  return false;
}

}  // namespace

std::string to_text(const join_token& token) {
  return std::string{join_prefix} + token.secret + "." + token.fingerprint;
}

std::optional<join_token> parse_join_token(const std::string& text) {
  if (!text.starts_with(join_prefix)) return std::nullopt;
  auto dot = text.rfind('.');
  join_token token{
      text.substr(join_prefix.size(), dot > join_prefix.size() ? dot - join_prefix.size() : 0),
      text.substr(dot + 1)};
  bool whole = is_token(token.secret) && token.fingerprint.size() == 64;
  return whole ? std::optional{token} : std::nullopt;
}

/// The command that makes a token is another process.
unique_fd join_tokens::lock() const {
  auto name = file_.string() + ".lock";
  auto fd = open_file(name, O_RDWR | O_CREAT, 0600);
  if (!fd || ::flock(fd->get(), LOCK_EX) != 0) return {};
  return std::move(*fd);
}

caf::expected<std::map<std::string, int64_t>> join_tokens::load() const {
  std::map<std::string, int64_t> all;
  auto text = read_small_file(file_, max_tokens_file_bytes);
  if (!text) {
    if (code_of(text.error()) == errc::not_found) return all;
    return text.error();
  }
  std::istringstream lines{*text};
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words{line};
    std::string hash;
    int64_t expires_ns = 0;
    if (!(words >> hash >> expires_ns))
      return fail(errc::corrupt,
                  file_.string() + " is damaged; remove it, and make new join tokens");
    all[hash] = expires_ns;
  }
  return all;
}

caf::error join_tokens::save(const std::map<std::string, int64_t>& all) const {
  std::string text;
  for (auto& [hash, expires_ns] : all) text += hash + " " + std::to_string(expires_ns) + "\n";
  return replace_file(file_, text, 0600);
}

caf::error join_tokens::add(const std::string& hash, int64_t expires_ns, int64_t now_ns) {
  if (hash.size() != token_hash_bytes || expires_ns <= now_ns)
    return fail(errc::invalid_argument, "this is no join token that can be used");
  std::lock_guard guard{mutex_};
  auto held = lock();
  if (!held) return fail(errc::io_error, "cannot lock " + file_.string());
  auto all = load();
  if (!all) return all.error();
  std::erase_if(*all, [&](const auto& one) { return one.second <= now_ns; });
  if (all->size() >= max_join_tokens)
    return fail(errc::limit_reached, "too many join tokens have not been used");
  (*all)[hex_of(hash)] = expires_ns;
  return save(*all);
}

bool join_tokens::take(const std::string& hash, int64_t now_ns) {
  std::lock_guard guard{mutex_};
  auto held = lock();
  if (!held) return false;
  auto all = load();
  if (!all) {
    spdlog::error("join tokens cannot be looked up: {}", text_of(all.error()));
    return false;
  }
  auto found = all->find(hex_of(hash));
  if (found == all->end()) return false;
  bool good = found->second > now_ns;
  all->erase(found);
  // One that cannot be marked as used must not be used.
  return !save(*all) && good;
}

caf::error enrolment::add_token(const std::string& hash, int64_t expires_ns) {
  if (!own_.has_authority())
    return fail(errc::not_found,
                "there is no cluster here; make one: elastictape admin cluster init");
  return tokens_.add(hash, expires_ns, clock_->now_ns());
}

std::string enrolment::certify(const std::string& request, const std::string& node) {
  auto issued = own_.issue(in_lines(request), node);
  if (!issued) return "no " + text_of(issued.error());
  auto authority = own_.authority();
  if (!authority) return "no " + text_of(authority.error());
  spdlog::info("a certificate was issued for node {}", node);
  return "ok " + in_one_line(*authority) + " " + in_one_line(*issued);
}

std::string enrolment::answer(const std::string& question, const std::string& node) {
  if (!own_.has_authority()) return "no this node does not issue certificates; ask the head";
  std::istringstream words{question};
  std::string what, secret, name, request;
  words >> what;
  if (what == "RENEW") {
    words >> request;
    return node.empty() ? "no there was no certificate to be renewed" : certify(request, node);
  }
  words >> secret >> name >> request;
  if (what != "ENROL" || !is_node_name(name)) return "no this is not understood";
  // With the head's name one could be the head to others.
  auto own = own_.own();
  if (!own || own->node == name)
    return "no " + name + " is the name of the head; give this node another one";
  if (!is_token(secret) || !tokens_.take(token_hash(secret), clock_->now_ns())) {
    spdlog::warn("somebody wanted to join as node {} with a token that is not good", name);
    return "no the join token is not known, or was used, or has expired; make another on the head: "
           "elastictape admin cluster token";
  }
  return certify(request, name);
}

caf::expected<std::string> renewal_question(certificates& own, const std::string& node) {
  auto request = own.request(node);
  if (!request) return request.error();
  return "RENEW " + in_one_line(*request);
}

caf::error take_answer(certificates& own, const std::string& answer,
                       const std::string& fingerprint) {
  std::istringstream words{answer};
  std::string verdict, authority, certificate;
  words >> verdict;
  if (verdict != "ok")
    return fail(errc::not_authorised,
                "the head refuses: " + answer.substr(std::min<size_t>(3, answer.size())));
  words >> authority >> certificate;
  // A node that is not the head could have answered as well.
  if (!fingerprint.empty() && fingerprint_of_pem(in_lines(authority)) != fingerprint)
    return fail(errc::corrupt, "the authority that was sent is not the one of the join token");
  return own.install(in_lines(authority), in_lines(certificate));
}

caf::expected<bool> renew_when_due(certificates& own, const std::string& node,
                                   const std::vector<ask_head>& heads) {
  auto known = own.own();
  if (!known) return known.error();
  if (known->left_s >= renew_before_s) return false;
  auto question = renewal_question(own, node);
  if (!question) return question.error();
  caf::error last = fail(errc::unavailable, "there is no head to ask");
  for (auto& ask : heads) {
    auto answer = ask(*question);
    last = answer ? take_answer(own, *answer) : answer.error();
    // A standby refuses; the next may be the head.
    if (!last) return true;
  }
  return last;
}

caf::error enrol(const std::string& address, const std::string& token, const std::string& node,
                 const std::filesystem::path& folder, std::chrono::milliseconds timeout) {
  auto known = parse_join_token(token);
  if (!known)
    return fail(errc::invalid_argument,
                "this is not a join token; it is printed by: elastictape admin cluster token");
  if (!is_node_name(node))
    return fail(errc::invalid_argument, "'" + node + "' cannot be the name of a node");
  certificates own{folder};
  auto request = own.request(node);
  if (!request) return request.error();
  auto until = tls_stream::clock::now() + timeout;
  auto socket = connect_to(address, until);
  if (!socket) return socket.error();
  openssl_ptr<SSL_CTX> context{SSL_CTX_new(TLS_client_method())};
  if (!context) return fail(errc::limit_reached, "no memory for TLS");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  // Who it is, is known by the fingerprint in the token.
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  tls_stream stream{std::move(*socket), context.get(), until};
  if (auto error = stream.connect()) return with_context(error, address);
  if (!is_vouched_for(stream.ssl(), known->fingerprint))
    return fail(errc::protocol, address +
                                    " is not of the cluster that this token is for; nothing "
                                    "was sent to it");
  auto question = "ENROL " + known->secret + " " + node + " " + in_one_line(*request) + "\n";
  if (auto error = stream.write(question)) return with_context(error, address);
  auto answer = stream.read_line(max_answer_bytes);
  if (!answer) return with_context(answer.error(), address);
  return take_answer(own, *answer, known->fingerprint);
}

}  // namespace et::cluster
