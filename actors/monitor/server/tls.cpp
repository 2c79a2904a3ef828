#include "actors/monitor/server/tls.hpp"

#include <openssl/err.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

namespace et::monitor {

namespace {

using std::chrono::steady_clock;

constexpr auto look_period = std::chrono::seconds{1};

std::string last_reason() {
  auto code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(code);
  return reason ? reason : "unknown";
}

caf::error bad_file(const char* what, const std::string& file, const std::string& why) {
  return fail(errc::invalid_argument,
              std::string{"the monitor's "} + what + " " + file + " cannot be used: " + why);
}

caf::error check_key_file(const std::string& file) {
  struct stat found {};
  if (::stat(file.c_str(), &found) != 0) return bad_file("key", file, std::strerror(errno));
  if (!S_ISREG(found.st_mode)) return bad_file("key", file, "it is not a file");
  if (found.st_uid != ::geteuid() && found.st_uid != 0)
    return bad_file("key", file, "it belongs to another user");
  if ((found.st_mode & 0077) != 0)
    return bad_file("key", file, "others can read it; give it mode 0600");
  return caf::none;
}

/// A key with a pass phrase is refused; the library would ask for it on the terminal.
int no_pass_phrase(char*, int, int, void*) {
  return 0;
}

}  // namespace

caf::expected<ssl_context_ptr> tls::load() const {
  if (auto error = check_key_file(key_)) return error;
  ERR_clear_error();
  ssl_context_ptr made{SSL_CTX_new(TLS_server_method())};
  if (!made) return fail(errc::internal, "TLS cannot be set up: " + last_reason());
  auto* context = made.get();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(
      context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // Of TLS 1.2 only what has forward secrecy and authenticated encryption; 1.3 has nothing else.
  if (SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
    return fail(errc::internal, "TLS cannot be set up: " + last_reason());
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(context, no_pass_phrase);
  if (SSL_CTX_use_certificate_chain_file(context, certificate_.c_str()) != 1)
    return bad_file("certificate", certificate_, last_reason());
  if (SSL_CTX_use_PrivateKey_file(context, key_.c_str(), SSL_FILETYPE_PEM) != 1)
    return bad_file("key", key_, last_reason());
  if (SSL_CTX_check_private_key(context) != 1)
    return bad_file("key", key_, "it is not that of the certificate " + certificate_);
  return made;
}

caf::expected<std::unique_ptr<tls>> tls::open(const std::string& certificate,
                                              const std::string& key) {
  std::unique_ptr<tls> made{new tls{certificate, key}};
  made->loaded_ = made->look();
  auto context = made->load();
  if (!context) return context.error();
  made->context_ = std::move(*context);
  made->looked_ = steady_clock::now();
  return made;
}

tls::stamps tls::look() const {
  auto of = [](const std::string& file) {
    struct stat found {};
    if (::stat(file.c_str(), &found) != 0) return stamp{};
    return stamp{found.st_ino, found.st_size,
                 found.st_mtim.tv_sec * int64_t{1'000'000'000} + found.st_mtim.tv_nsec};
  };
  return {of(certificate_), of(key_)};
}

void tls::reload() {
  auto seen = look();
  if (seen == loaded_) return;
  // Of two files that are replaced one after the other, the pair may be good at the next look.
  auto context = load();
  if (context) {
    context_ = std::move(*context);
    loaded_ = seen;
    spdlog::info("monitor: the certificate {} has been read again", certificate_);
  } else if (seen != refused_) {
    refused_ = seen;
    spdlog::error("monitor: {}; the one before stays in use", text_of(context.error()));
  }
}

ssl_ptr tls::begin(int socket) {
  auto now = steady_clock::now();
  if (now - looked_ >= look_period) {
    looked_ = now;
    reload();
  }
  ssl_ptr made{SSL_new(context_.get())};
  if (!made || SSL_set_fd(made.get(), socket) != 1) return nullptr;
  SSL_set_accept_state(made.get());
  return made;
}

}  // namespace et::monitor
