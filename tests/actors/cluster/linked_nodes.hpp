// Nodes of one cluster in one process, each with its framework and its links; and raw TLS clients.
#pragma once

#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>

#include "actors/atoms.hpp"
#include "actors/cluster/node_links.hpp"
#include "actors/node_config.hpp"
#include "actors/version.hpp"
#include "storage/auth/certificates.hpp"
#include "tests/support/scratch_folder.hpp"

namespace et::test {

constexpr auto patience = std::chrono::seconds{20};

inline caf::behavior echo(caf::event_based_actor* self) {
  self->set_exception_handler([](std::exception_ptr&) { return caf::exit_reason::user_shutdown; });
  return {[](hello_atom, const std::string& text) { return text; }};
}

/// What callbacks tell, to be waited for.
class diary {
 public:
  void add(std::string line) {
    std::lock_guard lock{mutex_};
    lines_.push_back(std::move(line));
    changed_.notify_all();
  }
  bool has(const std::string& part) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patience, [&] {
      for (auto& line : lines_)
        if (line.find(part) != std::string::npos) return true;
      return false;
    });
  }
  size_t size() {
    std::lock_guard lock{mutex_};
    return lines_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
};

/// A certificate of `to` from `head`.
inline void enrol(certificates& to, const certificates& head, const std::string& node) {
  auto request = to.request(node);
  REQUIRE(request);
  auto issued = head.issue(*request, node);
  REQUIRE(issued);
  REQUIRE_FALSE(to.install(*head.authority(), *issued));
}

struct linked_node {
  explicit linked_node(std::string called, const certificates* head = nullptr,
                       const wall_clock& clock = system_clock())
      : name(std::move(called)), own(folder.path() / "cluster", &clock) {
    std::signal(SIGPIPE, SIG_IGN);
    if (head)
      enrol(own, *head, name);
    else
      REQUIRE_FALSE(own.make_authority(name));
  }
  ~linked_node() {
    if (links) links->stop();
  }

  caf::error open(std::function<void(cluster::node_links::options&)> change = {}) {
    cluster::node_links::options with;
    with.node = name;
    with.listen = "127.0.0.1:0";
    with.folder = own.folder();
    with.handshake_timeout = std::chrono::seconds{2};
    with.factory = [this](const cluster::link_facts& facts) {
      ports.add(facts.node);
      return caf::actor_cast<caf::strong_actor_ptr>(system.spawn(echo));
    };
    with.on_closed = [this](uint64_t, const std::string& node, const std::string& reason) {
      closed.add(node + ": " + reason);
    };
    if (change) change(with);
    auto opened = cluster::node_links::open(system, std::move(with));
    if (!opened) return opened.error();
    links = std::move(*opened);
    return {};
  }
  auto connect(const linked_node& to, const std::string& expected = {}) {
    return links->connect(to.links->address(), expected, patience);
  }
  std::string ask(const caf::strong_actor_ptr& port, const std::string& text) {
    caf::scoped_actor self{system};
    std::string got;
    self->request(caf::actor_cast<caf::actor>(port), patience, hello_atom_v, text)
        .receive([&](std::string& answer) { got = std::move(answer); },
                 [&](caf::error& error) { got = "error: " + text_of(error); });
    return got;
  }

  scratch_folder folder;
  std::string name;
  certificates own;
  diary ports, closed;
  node_config config{service_node(2)};
  caf::actor_system system{config};
  std::unique_ptr<cluster::node_links> links;
};

inline unique_fd connect_plain(const std::string& address) {
  auto socket = cluster::connect_to(address, std::chrono::steady_clock::now() + patience);
  REQUIRE(socket);
  return std::move(*socket);
}

/// Waits for the end of the stream.
inline bool ends(int fd) {
  char byte;
  for (;;) {
    pollfd one{fd, POLLIN, 0};
    if (::poll(&one, 1, 20'000) != 1) return false;
    auto n = ::recv(fd, &byte, 1, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return true;
  }
}

/// A TLS client that says what it likes. `as`: whose certificate it shows; null: none.
class raw_peer {
 public:
  raw_peer(const std::string& address, const certificates* as)
      : context_(as ? std::move(*as->context(false, false))
                    : openssl_ptr<SSL_CTX>{SSL_CTX_new(TLS_client_method())}),
        stream_(connect_plain(address), context_.get(),
                std::chrono::steady_clock::now() + patience) {}

  /// TLS 1.3 tells a client of a refusal after its handshake only.
  caf::error shake() { return stream_.connect(); }
  caf::error say(std::string_view text) { return stream_.write(text); }
  caf::expected<std::string> hear() { return stream_.read_line(100'000); }
  /// What comes until the end, which must come.
  std::string hear_all() {
    std::string all;
    for (;;) {
      auto line = stream_.read_line(100'000);
      if (!line) {
        CHECK(code_of(line.error()) != errc::timeout);
        return all;
      }
      all += *line + "\n";
    }
  }
  /// Through the greeting; the framework's bytes come next.
  void greet(const std::string& node) {
    REQUIRE_FALSE(shake());
    REQUIRE_FALSE(say("ELASTICTAPE-NODE 1 " + std::to_string(protocol_version) + " " +
                      version_text + " " + node + "\n"));
    auto answer = hear();
    REQUIRE(answer);
    REQUIRE(answer->starts_with("ok"));
  }

 private:
  openssl_ptr<SSL_CTX> context_;
  cluster::tls_stream stream_;
};

}  // namespace et::test
