#include "storage/auth/certificates.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "storage/os/file.hpp"

namespace et {

namespace {

constexpr auto* authority_file = "ca.pem";
constexpr auto* authority_key_file = "ca.key";
constexpr auto* certificate_file = "node.pem";
constexpr auto* key_file = "node.key";
constexpr auto* authority_name = "Elastic Tape cluster";

std::string hex(const unsigned char* data, size_t size) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (size_t i = 0; i < size; ++i) {
    out.push_back(digits[data[i] >> 4]);
    out.push_back(digits[data[i] & 15]);
  }
  return out;
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  auto size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(size)};
}

template <class Write>
std::string to_pem(Write write) {
  openssl_ptr<BIO> bio{BIO_new(BIO_s_mem())};
  if (!bio || write(bio.get()) != 1) return {};
  return text_of(bio.get());
}

std::string pem_of(X509* certificate) {
  return to_pem([&](BIO* to) { return PEM_write_bio_X509(to, certificate); });
}

std::string pem_of(EVP_PKEY* key) {
  return to_pem([&](BIO* to) {
    return PEM_write_bio_PrivateKey(to, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

/// A text that claims to be encrypted is refused; the library would ask for a pass phrase on the
/// terminal, and wait.
int no_pass_phrase(char*, int, int, void*) {
  return 0;
}

openssl_ptr<BIO> reader_of(const std::string& pem) {
  return openssl_ptr<BIO>{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
}

openssl_ptr<X509> certificate_of(const std::string& pem) {
  auto from = reader_of(pem);
  return openssl_ptr<X509>{from ? PEM_read_bio_X509(from.get(), nullptr, no_pass_phrase, nullptr)
                                : nullptr};
}

std::string fingerprint(const X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (!certificate || X509_digest(certificate, EVP_sha256(), digest, &size) != 1) return {};
  return hex(digest, size);
}

std::string fingerprint(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  int size = key ? i2d_PUBKEY(key, &der) : 0;
  if (size <= 0) return {};
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned digest_size = 0;
  EVP_Digest(der, static_cast<size_t>(size), digest, &digest_size, EVP_sha256(), nullptr);
  OPENSSL_free(der);
  return hex(digest, digest_size);
}

std::string name_in(const X509_NAME* name) {
  char text[128] = {};
  int size =
      X509_NAME_get_text_by_NID(const_cast<X509_NAME*>(name), NID_commonName, text, sizeof text);
  return size > 0 ? std::string(text, static_cast<size_t>(size)) : std::string{};
}

caf::error failed(const std::string& what) {
  return fail(errc::io_error, what + ": " + openssl_error());
}

void add_extension(X509* to, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
  if (auto* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value)) {
    X509_add_ext(to, extension, -1);
    X509_EXTENSION_free(extension);
  }
}

}  // namespace

bool is_node_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

std::string openssl_error() {
  auto code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "no reason given";
  char text[256];
  ERR_error_string_n(code, text, sizeof text);
  auto* reason = ERR_reason_error_string(code);
  return reason ? reason : text;
}

bool certificates::has_authority() const {
  return ::access(file(authority_key_file).c_str(), F_OK) == 0;
}

bool certificates::has_certificate() const {
  return ::access(file(certificate_file).c_str(), F_OK) == 0;
}

caf::expected<openssl_ptr<X509>> certificates::load_certificate(const char* name) const {
  auto text = read_small_file(file(name), max_certificate_bytes);
  if (!text) return text.error();
  auto found = certificate_of(*text);
  if (!found)
    return fail(errc::invalid_argument,
                file(name).string() + " is not a certificate: " + openssl_error());
  return found;
}

caf::expected<openssl_ptr<EVP_PKEY>> certificates::load_key(const char* name) const {
  struct stat found {};
  if (::stat(file(name).c_str(), &found) == 0 && (found.st_mode & 077) != 0)
    return fail(errc::invalid_argument,
                file(name).string() + " can be read by others; make its mode 0600");
  auto text = read_small_file(file(name), max_certificate_bytes);
  if (!text) return text.error();
  auto from = reader_of(*text);
  openssl_ptr<EVP_PKEY> key{
      from ? PEM_read_bio_PrivateKey(from.get(), nullptr, no_pass_phrase, nullptr) : nullptr};
  if (!key)
    return fail(errc::invalid_argument, file(name).string() + " is not a key: " + openssl_error());
  return key;
}

caf::expected<openssl_ptr<X509>> certificates::sign(const std::string& node, EVP_PKEY* key,
                                                    EVP_PKEY* signer, X509* authority,
                                                    int64_t lifetime_s) const {
  openssl_ptr<X509> made{X509_new()};
  if (!made) return failed("cannot make a certificate");
  X509_set_version(made.get(), 2);
  unsigned char serial[16];
  if (RAND_bytes(serial, sizeof serial) != 1) return failed("cannot make a certificate");
  serial[0] &= 0x7f;
  auto* number = BN_bin2bn(serial, sizeof serial, nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(made.get()));
  BN_free(number);
  // An hour before, since clocks of nodes differ.
  auto now_s = static_cast<time_t>(clock_->now_ns() / 1'000'000'000);
  ASN1_TIME_set(X509_getm_notBefore(made.get()), now_s - 3600);
  ASN1_TIME_set(X509_getm_notAfter(made.get()), now_s + static_cast<time_t>(lifetime_s));
  X509_set_pubkey(made.get(), key);
  auto* subject = X509_get_subject_name(made.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(node.data()),
                             static_cast<int>(node.size()), -1, 0);
  auto* issuer = authority ? authority : made.get();
  X509_set_issuer_name(made.get(), X509_get_subject_name(issuer));
  if (authority) {
    add_extension(made.get(), issuer, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(made.get(), issuer, NID_ext_key_usage, "serverAuth,clientAuth");
    add_extension(made.get(), issuer, NID_subject_alt_name,
                  ("DNS:" + node + ".elastictape").c_str());
  } else {
    add_extension(made.get(), issuer, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    add_extension(made.get(), issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
  }
  if (X509_sign(made.get(), signer, EVP_sha256()) == 0) return failed("cannot sign a certificate");
  return made;
}

caf::error certificates::make_folder() const {
  std::error_code code;
  std::filesystem::create_directories(folder_, code);
  if (!code) std::filesystem::permissions(folder_, std::filesystem::perms{0700}, code);
  return code ? fail_errno("cannot make " + folder_.string(), code.value()) : caf::error{};
}

caf::error certificates::make_authority(const std::string& node) {
  if (!is_node_name(node))
    return fail(errc::invalid_argument, "'" + node + "' cannot be the name of a node");
  if (has_certificate())
    return fail(errc::already_exists,
                has_authority() ? "there is a cluster already: " + file(authority_file).string()
                                : "this node has joined a cluster; to leave it, stop the node and "
                                  "move " +
                                      folder_.string() + " away");
  if (auto error = make_folder()) return error;
  // The authority's key is there without a certificate when this was cut short.
  if (!has_authority()) {
    openssl_ptr<EVP_PKEY> signer{EVP_EC_gen("P-256")};
    if (!signer) return failed("cannot make a key");
    auto made = sign(authority_name, signer.get(), signer.get(), nullptr, authority_lifetime_s);
    if (!made) return made.error();
    if (auto error = replace_file(file(authority_file), pem_of(made->get()))) return error;
    if (auto error = replace_file(file(authority_key_file), pem_of(signer.get()), 0600))
      return error;
  }
  auto asked = request(node);
  if (!asked) return asked.error();
  auto issued = issue(*asked, node);
  if (!issued) return issued.error();
  return replace_file(file(certificate_file), *issued);
}

caf::expected<std::string> certificates::request(const std::string& node) {
  if (auto error = make_folder()) return error;
  auto key = load_key(key_file);
  if (!key) {
    if (code_of(key.error()) != errc::not_found) return key.error();
    key = openssl_ptr<EVP_PKEY>{EVP_EC_gen("P-256")};
    if (!*key) return failed("cannot make a key");
    if (auto error = replace_file(file(key_file), pem_of(key->get()), 0600)) return error;
  }
  openssl_ptr<X509_REQ> made{X509_REQ_new()};
  auto* subject = X509_REQ_get_subject_name(made.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(node.data()),
                             static_cast<int>(node.size()), -1, 0);
  X509_REQ_set_pubkey(made.get(), key->get());
  if (X509_REQ_sign(made.get(), key->get(), EVP_sha256()) == 0)
    return failed("cannot sign a request");
  return to_pem([&](BIO* to) { return PEM_write_bio_X509_REQ(to, made.get()); });
}

caf::expected<std::string> certificates::issue(const std::string& request,
                                               const std::string& node) const {
  if (!is_node_name(node))
    return fail(errc::invalid_argument, "'" + node + "' cannot be the name of a node");
  auto signer = load_key(authority_key_file);
  if (!signer) return signer.error();
  auto authority = load_certificate(authority_file);
  if (!authority) return authority.error();
  auto from = reader_of(request);
  openssl_ptr<X509_REQ> asked{
      from ? PEM_read_bio_X509_REQ(from.get(), nullptr, no_pass_phrase, nullptr) : nullptr};
  auto* key = asked ? X509_REQ_get0_pubkey(asked.get()) : nullptr;
  if (!key || X509_REQ_verify(asked.get(), key) != 1) {
    ERR_clear_error();
    return fail(errc::invalid_argument, "this is not a request for a certificate");
  }
  if (name_in(X509_REQ_get_subject_name(asked.get())) != node)
    return fail(errc::invalid_argument, "the request is not of node " + node);
  auto made = sign(node, key, signer->get(), authority->get(), node_lifetime_s);
  if (!made) return made.error();
  return pem_of(made->get());
}

caf::error certificates::install(const std::string& authority, const std::string& certificate) {
  auto by = certificate_of(authority);
  auto own = certificate_of(certificate);
  ERR_clear_error();
  if (!by || !own) return fail(errc::corrupt, "what the head sent are no certificates");
  auto key = load_key(key_file);
  if (!key) return key.error();
  if (X509_check_private_key(own.get(), key->get()) != 1 ||
      X509_verify(own.get(), X509_get0_pubkey(by.get())) != 1) {
    ERR_clear_error();
    return fail(errc::corrupt, "the certificate that the head sent does not fit this node");
  }
  // Whoever answers a renewal must not change whom this node believes.
  auto believed = this->authority();
  if (believed && fingerprint_of_pem(*believed) != fingerprint(by.get()))
    return fail(errc::corrupt,
                "what the head sent is of another authority than " + file(authority_file).string());
  if (!believed)
    if (auto error = replace_file(file(authority_file), authority)) return error;
  return replace_file(file(certificate_file), certificate);
}

caf::expected<std::string> certificates::authority() const {
  return read_small_file(file(authority_file), max_certificate_bytes);
}

caf::expected<std::string> certificates::authority_fingerprint() const {
  auto found = load_certificate(authority_file);
  if (!found) return found.error();
  return fingerprint(found->get());
}

caf::expected<std::string> certificates::key_fingerprint() const {
  auto found = load_certificate(certificate_file);
  if (!found) return found.error();
  return fingerprint(X509_get0_pubkey(found->get()));
}

caf::expected<certificates::facts> certificates::own() const {
  auto found = load_certificate(certificate_file);
  if (!found) return found.error();
  tm ends{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(found->get()), &ends) != 1)
    return fail(errc::invalid_argument, file(certificate_file).string() + " has no end");
  return facts{name_in(X509_get_subject_name(found->get())),
               static_cast<int64_t>(::timegm(&ends)) - clock_->now_ns() / 1'000'000'000};
}

caf::expected<openssl_ptr<SSL_CTX>> certificates::context(bool server, bool strangers) const {
  if (!has_certificate())
    return fail(errc::not_found, "this node has no certificate in " + folder_.string() +
                                     "; on the head: elastictape admin cluster init, on others: "
                                     "elastictape serve --join HOST:PORT --token TOKEN");
  auto key = load_key(key_file);
  if (!key) return key.error();
  auto own = load_certificate(certificate_file);
  if (!own) return own.error();
  auto authority = load_certificate(authority_file);
  if (!authority) return authority.error();
  openssl_ptr<SSL_CTX> made{SSL_CTX_new(server ? TLS_server_method() : TLS_client_method())};
  if (!made) return failed("cannot begin TLS");
  auto* context = made.get();
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  if (SSL_CTX_use_certificate(context, own->get()) != 1 ||
      SSL_CTX_use_PrivateKey(context, key->get()) != 1 || SSL_CTX_check_private_key(context) != 1)
    return fail(errc::invalid_argument,
                "certificate and key in " + folder_.string() + " do not fit: " + openssl_error());
  // Sent along, for joiners, who know the authority by its fingerprint only.
  SSL_CTX_add1_chain_cert(context, authority->get());
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority->get());
  SSL_CTX_add_client_CA(context, authority->get());
  int verify = SSL_VERIFY_PEER;
  if (server && !strangers) verify |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_CTX_set_verify(context, verify, nullptr);
  SSL_CTX_set_verify_depth(context, 1);
  return made;
}

std::string node_of(const SSL* ssl) {
  openssl_ptr<X509> shown{SSL_get1_peer_certificate(ssl)};
  if (!shown || SSL_get_verify_result(ssl) != X509_V_OK) return {};
  return name_in(X509_get_subject_name(shown.get()));
}

std::string key_fingerprint_of(const SSL* ssl) {
  openssl_ptr<X509> shown{SSL_get1_peer_certificate(ssl)};
  return shown ? fingerprint(X509_get0_pubkey(shown.get())) : std::string{};
}

std::string fingerprint_of_pem(const std::string& certificate) {
  auto found = certificate_of(certificate);
  ERR_clear_error();
  return fingerprint(found.get());
}

}  // namespace et
