// Certificates made at run time: an authority, and servers that it vouches for.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <memory>
#include <string>

namespace et::test {

class test_authority {
 public:
  test_authority() : key_(EVP_EC_gen("P-256")), certificate_(make("authority", key_, key_, true)) {}
  ~test_authority() {
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }
  test_authority(const test_authority&) = delete;
  test_authority& operator=(const test_authority&) = delete;

  /// Its own certificate, for who shall trust it.
  void write(const std::string& file) const { write_certificate(file, certificate_); }

  /// A certificate for 127.0.0.1 and localhost with `name`, and its key.
  void issue(const std::string& name, const std::string& certificate_file,
             const std::string& key_file, mode_t key_mode = 0600) const {
    auto* key = EVP_EC_gen("P-256");
    auto* certificate = make(name, key, key_, false);
    write_certificate(certificate_file, certificate);
    auto* out = std::fopen(key_file.c_str(), "w");
    REQUIRE(out);
    CHECK(PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
    std::fclose(out);
    CHECK(::chmod(key_file.c_str(), key_mode) == 0);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }

 private:
  static void write_certificate(const std::string& file, X509* certificate) {
    auto* out = std::fopen(file.c_str(), "w");
    REQUIRE(out);
    CHECK(PEM_write_X509(out, certificate) == 1);
    std::fclose(out);
  }

  X509* make(const std::string& name, EVP_PKEY* key, EVP_PKEY* signer, bool is_authority) const {
    auto* made = X509_new();
    X509_set_version(made, 2);
    static long serial = 0;
    ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made), 24 * 3600);
    X509_set_pubkey(made, key);
    auto* subject = X509_get_subject_name(made);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(made, is_authority ? subject : X509_get_subject_name(certificate_));
    add(made, NID_basic_constraints, is_authority ? "critical,CA:TRUE" : "CA:FALSE");
    if (!is_authority) add(made, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
    CHECK(X509_sign(made, signer, EVP_sha256()) > 0);
    return made;
  }

  static void add(X509* to, int kind, const char* value) {
    auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value);
    REQUIRE(extension);
    X509_add_ext(to, extension, -1);
    X509_EXTENSION_free(extension);
  }

  EVP_PKEY* key_;
  X509* certificate_;
};

}  // namespace et::test
