// TLS of the monitor: certificates, and clients that do not speak it.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "actors/defaults.hpp"
#include "actors/monitor/server/tls.hpp"
#include "tests/actors/monitor/served.hpp"
#include "tests/support/certificate.hpp"

using namespace et;
using namespace et::test;
using monitor::server;

namespace {

struct with_certificate {
  with_certificate() {
    std::signal(SIGPIPE, SIG_IGN);
    authority.write(file("ca.pem"));
    authority.issue("first", file("cert.pem"), file("key.pem"));
  }
  std::string file(const std::string& name) const { return (folder.path() / name).string(); }
  monitor::server_options options() const {
    return {"127.0.0.1:0", file("cert.pem"), file("key.pem")};
  }
  temporary_folder folder;
  test_authority authority;
};

struct secure : with_certificate, served {
  secure() : served(monitor::answer_to, options()) {}

  std::unique_ptr<httplib::SSLClient> ssl_client(const std::string& trusted = "ca.pem") const {
    auto made = std::make_unique<httplib::SSLClient>("127.0.0.1", port());
    made->set_ca_cert_path(file(trusted).c_str());
    return made;
  }
};

}  // namespace

TEST_CASE("the monitor is served over TLS to who trusts its certificate") {
  secure f;
  CHECK(f.running->url().starts_with("https://127.0.0.1:"));
  f.commit(numbered_entries(20'000));
  auto client = f.ssl_client();
  auto got = client->Get("/et_user/ET_Batch_Input_File_Details.php?batch=1");
  REQUIRE(got);
  CHECK(got->status == 200);
  CHECK(got->body == get(f, "/et_user/ET_Batch_Input_File_Details.php?batch=1").text);
  CHECK(got->get_header_value("Strict-Transport-Security") == "max-age=31536000");
  auto feed = client->Get("/et_rss/ET_RSS_AlertWatch_atom.php");
  REQUIRE(feed);
  CHECK(feed->body.find("href=\"https://127.0.0.1:") != std::string::npos);

  test_authority other;
  other.write(f.file("other.pem"));
  CHECK_FALSE(f.ssl_client("other.pem")->Get("/"));
}

TEST_CASE("who does not speak TLS to the TLS port harms nobody") {
  secure f;
  auto plain = f.connect();
  say(plain, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(read_to_end(plain).find("This port speaks HTTPS") != std::string::npos);
  auto garbage = f.connect();
  say(garbage, std::string(3000, '\x16'));
  read_to_end(garbage);
  // The first bytes of a handshake, and nothing after them.
  auto half = f.connect();
  say(half, std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
  std::vector<unique_fd> silent;
  for (int i = 0; i < 200; ++i) silent.push_back(f.connect());
  auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 5; ++i) {
    auto got = f.ssl_client()->Get("/");
    REQUIRE(got);
    CHECK(got->status == 200);
  }
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{5});
}

TEST_CASE("clients of TLS that do not read keep no thread for others") {
  secure f;
  f.commit(numbered_entries(60'000));
  std::vector<std::unique_ptr<SSL_CTX, ssl_deleter>> contexts;
  std::vector<unique_fd> sockets;
  std::vector<ssl_ptr> deaf;
  std::string ask = "GET /et_user/ET_Batch_Input_File_Details.php?batch=1 HTTP/1.1\r\n\r\n";
  for (size_t i = 0; i < 2 * defaults::monitor_threads; ++i) {
    contexts.emplace_back(SSL_CTX_new(TLS_client_method()));
    sockets.push_back(f.connect(4096));
    auto& one = deaf.emplace_back(SSL_new(contexts.back().get()));
    SSL_set_fd(one.get(), sockets.back().get());
    REQUIRE(SSL_connect(one.get()) == 1);
    REQUIRE(SSL_write(one.get(), ask.data(), static_cast<int>(ask.size())) ==
            static_cast<int>(ask.size()));
    char first[16];
    REQUIRE(SSL_read(one.get(), first, sizeof first) > 0);
  }
  for (int i = 0; i < 5; ++i) CHECK(f.ssl_client()->Get("/")->status == 200);
  // One of them wakes up, and has it all.
  std::string text;
  char piece[16384];
  for (int n; (n = SSL_read(deaf[0].get(), piece, sizeof piece)) > 0;)
    text.append(piece, static_cast<size_t>(n));
  CHECK(text.ends_with("0\r\n\r\n"));
}

TEST_CASE("old versions of TLS are refused") {
  secure f;
  std::unique_ptr<SSL_CTX, ssl_deleter> context{SSL_CTX_new(TLS_client_method())};
  SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_max_proto_version(context.get(), TLS1_1_VERSION);
  auto socket = f.connect();
  ssl_ptr ssl{SSL_new(context.get())};
  SSL_set_fd(ssl.get(), socket.get());
  CHECK(SSL_connect(ssl.get()) != 1);
}

TEST_CASE("a certificate that has been replaced is used from then on") {
  secure f;
  auto name_of_server = [&] {
    std::unique_ptr<SSL_CTX, ssl_deleter> context{SSL_CTX_new(TLS_client_method())};
    auto socket = f.connect();
    ssl_ptr ssl{SSL_new(context.get())};
    SSL_set_fd(ssl.get(), socket.get());
    REQUIRE(SSL_connect(ssl.get()) == 1);
    auto* certificate = SSL_get1_peer_certificate(ssl.get());
    char name[64] = {};
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                              sizeof name);
    X509_free(certificate);
    return std::string{name};
  };
  CHECK(name_of_server() == "first");
  // A bad pair changes nothing.
  std::ofstream{f.file("cert.pem")} << "nonsense";
  auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds{1500};
  while (std::chrono::steady_clock::now() < until) REQUIRE(name_of_server() == "first");
  f.authority.issue("second", f.file("cert.pem"), f.file("key.pem"));
  until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (name_of_server() != "second" && std::chrono::steady_clock::now() < until) {
  }
  CHECK(name_of_server() == "second");
}

TEST_CASE("a certificate or key that cannot be used is an error that names the file") {
  with_certificate f;
  et::test::fixture pages;
  auto refusal = [&](const std::string& certificate, const std::string& key) {
    auto opened =
        server::open({"127.0.0.1:0", f.file(certificate), f.file(key)}, {&pages.store(), "n", ""});
    CHECK(errc_of(opened) == errc::invalid_argument);
    return message_of(opened);
  };
  auto says = [](const std::string& text, const std::string& what) {
    INFO(text);
    CHECK(text.find(what) != std::string::npos);
  };
  says(refusal("none.pem", "key.pem"), "certificate " + f.file("none.pem"));
  says(refusal("cert.pem", "none.pem"), "key " + f.file("none.pem"));
  says(refusal("key.pem", "key.pem"), "certificate " + f.file("key.pem"));
  f.authority.issue("other", f.file("cert2.pem"), f.file("key2.pem"), 0640);
  says(refusal("cert2.pem", "key2.pem"), "others can read it; give it mode 0600");
  f.authority.issue("other", f.file("cert2.pem"), f.file("key2.pem"));
  says(refusal("cert.pem", "key2.pem"), "key " + f.file("key2.pem") + " cannot be used");
  auto half = server::open({"127.0.0.1:0", f.file("cert.pem"), {}}, {&pages.store(), "n", ""});
  CHECK(errc_of(half) == errc::invalid_argument);
}

TEST_CASE("an address that others reach needs both TLS and access control") {
  with_certificate f;
  et::test::fixture pages;
  auto options = f.options();
  options.address = "0.0.0.0:0";
  auto open = [&] { return server::open(options, {&pages.store(), "n", ""}); };
  CHECK(errc_of(open()) == errc::invalid_argument);
  options.access.kind = monitor::access_kind::token;
  auto running = open();
  REQUIRE(running);
  CHECK((*running)->url().starts_with("https://0.0.0.0:"));
  running->reset();
  options.certificate = options.key = {};
  CHECK(errc_of(open()) == errc::invalid_argument);
}
