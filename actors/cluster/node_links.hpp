// The links of a node with other nodes of its cluster: TLS 1.3, both sides with a certificate of
// the cluster's authority, ended here; the framework gets the bytes of who has shown one, and only
// whole and sound frames (node_frames). Each link has a thread.
//
// Inside TLS, before the framework's protocol, one line each way:
//   dialler:  ELASTICTAPE-NODE 1 PROTOCOL VERSION NODE    versions of messages and program, its
//   name acceptor: ok PROTOCOL VERSION NODE                    the framework speaks from here on
//         or  no REASON                                   and the connection is closed
// or, for certificates, one question: `ENROL …` of who has none yet, `RENEW …` of who has, and one
// line of answer, after which the connection is closed. Without a certificate nothing else is
// heard.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "actors/caf_compat.hpp"
#include "actors/cluster/node_pump.hpp"

namespace et::cluster {

struct link_facts {
  uint64_t number = 0;
  std::string node;     ///< whose certificate the other side has
  std::string address;  ///< that was dialled; empty: it dialled
};

/// Makes the actor that the other side of an accepted link gets; null: it is refused. Called on the
/// link's thread. The actor is ended with user_shutdown when the link ends.
using port_factory = std::function<caf::strong_actor_ptr(const link_facts&)>;

/// Programs work together when they differ by one minor version at most. Empty: they do; else why
/// not, naming both.
std::string version_fault(const std::string& own, const std::string& other);

class node_links {
 public:
  struct options {
    std::string node;                 ///< of this node's certificate
    std::string listen;               ///< HOST:PORT; empty: nobody can dial this node
    std::filesystem::path folder;     ///< of certificates
    std::set<std::string> interface;  ///< of the actors that the factory makes
    port_factory factory;
    /// A link has ended; any thread; not for links that connect() did not give.
    std::function<void(uint64_t number, const std::string& node, const std::string& reason)>
        on_closed;
    /// Answers a question about certificates; `node` is that of the certificate shown, or empty.
    std::function<std::string(const std::string& question, const std::string& node)> answer;
    size_t max_half_open = 64;  ///< connections that are no links yet; of more the oldest goes
    size_t max_links = 256;
    std::chrono::milliseconds handshake_timeout{10'000};
    const wall_clock* clock = &system_clock();
  };
  struct connected {
    link_facts facts;
    caf::strong_actor_ptr port;  ///< the actor at the other end
  };

  /// Errors: those of certificates::context; invalid_argument (address); io_error.
  static caf::expected<std::unique_ptr<node_links>> open(caf::actor_system& system, options with);
  ~node_links();

  /// HOST:PORT that is listened at, with its real port; empty: none.
  const std::string& address() const { return address_; }

  /// Dials a node; `node` is whose certificate it must show (empty: any of the cluster). Waits.
  /// Errors: unavailable, timeout, protocol, not_authorised (another node's certificate, or
  /// refused; the text says why).
  caf::expected<connected> connect(const std::string& address, const std::string& node,
                                   std::chrono::milliseconds timeout);
  /// Asks a question about certificates with this node's certificate. Waits.
  caf::expected<std::string> ask(const std::string& address, const std::string& question,
                                 std::chrono::milliseconds timeout);
  /// Ends a link. No effect when it has ended. Any thread.
  void close(uint64_t number, std::string reason);
  /// Links from now on use the certificates that the folder has now; those that are stay. Errors as
  /// open(); the old ones are used then.
  caf::error renew();
  /// Ends all links and threads.
  void stop();

 private:
  struct contexts {
    openssl_ptr<SSL_CTX> server;
    openssl_ptr<SSL_CTX> client;
  };
  using pump_end_ptr = std::shared_ptr<pump_end>;
  struct link {
    pump_end_ptr end;
    std::string node;
    bool accepted = false;
    std::optional<node_bytes> name;  ///< of the other side's framework
  };
  /// A socket whose owner waits for it, to be woken by ending it: of a stranger that takes the room
  /// of others, and at the end. Ends before the socket is closed.
  class waiting {
   public:
    waiting(node_links& of, int socket, bool stranger);
    ~waiting() { end(); }
    waiting(const waiting&) = delete;
    waiting& operator=(const waiting&) = delete;
    void end();

   private:
    node_links& of_;
    uint64_t number_ = 0;
  };
  /// A caller who is inside; stop() waits for it.
  class visit {
   public:
    explicit visit(node_links& of);
    ~visit();
    visit(const visit&) = delete;
    visit& operator=(const visit&) = delete;
    /// False: there are no links any more.
    explicit operator bool() const { return let_in_; }

   private:
    node_links& of_;
    bool let_in_ = false;
  };

  node_links(caf::actor_system& system, options with)
      : system_(system), options_(std::move(with)) {}
  caf::error load();
  std::shared_ptr<contexts> current();
  template <class Work>
  bool in_thread(Work work);
  void listen_loop();
  void accepted(unique_fd socket);
  void welcome(tls_stream& stream, const std::string& node, const std::string& greeting);
  /// Carries a link until it ends, and tells.
  void carry(const link_facts& facts, tls_stream& stream, unique_fd inside,
             const pump_end_ptr& end);
  link_policy policy_of(const link_facts& facts);
  bool take_name(uint64_t number, const node_bytes& name);
  caf::expected<connected> link_up(const std::string& address, const std::string& node,
                                   std::chrono::milliseconds timeout);
  std::string greeting_fault(const std::string& greeting, const std::string& node) const;
  pump_end_ptr add_link(link_facts& facts);
  void drop_link(uint64_t number);

  caf::actor_system& system_;
  options options_;
  unique_fd listening_;
  std::string address_;
  pump_end stopping_;
  std::mutex mutex_;  ///< guards the rest
  std::condition_variable changed_;
  std::shared_ptr<contexts> contexts_;
  std::map<uint64_t, link> links_;
  uint64_t next_number_ = 1;
  size_t inside_ = 0;  ///< threads and callers
  struct waiting_socket {
    int socket;
    bool stranger;
  };
  std::map<uint64_t, waiting_socket> waiting_;  ///< in the order in which they came
  bool stopped_ = false;
};

}  // namespace et::cluster
