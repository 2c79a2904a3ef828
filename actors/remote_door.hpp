// Where clients of other machines come in: a TCP port. For each connection whose first TLS record
// is there, whole, a session process is started, which ends TLS without any rights and passes on
// the one line that says who is there (credentials.hpp). What that line proves decides whether the
// process becomes a session, with the identity for the rest of its life. The service itself never
// reads a byte that a stranger sends, but the head of that record. Part of the front door.
#pragma once

#include <sys/socket.h>

#include <list>

#include "actors/door_sessions.hpp"
#include "actors/monitor/server/worker_pool.hpp"

namespace et {

/// Members without a remark belong to the thread of the loop.
class remote_door {
 public:
  /// Begins to listen. All outlive this but `opts`; the loop is stopped before this is destroyed.
  /// Errors: invalid_argument (address, certificate, key), io_error.
  static caf::expected<std::unique_ptr<remote_door>> open(const front_door::options& opts,
                                                          door_sessions& sessions,
                                                          door_logins& logins, poll_loop& loop);
  /// Ends the processes of those who are not known yet.
  ~remote_door();

  /// HOST:PORT, with the port that was found when the configured one is 0. Any thread.
  const std::string& address() const { return address_; }

 private:
  enum class phase : uint8_t {
    silent,   ///< has not sent a whole record yet
    queued,   ///< wants to speak, waits for a process
    unknown,  ///< has a process, has not said its line
    checked,  ///< its line is being checked
    ending,   ///< its process has been told to end or to say no
  };
  struct stranger {
    uint64_t id = 0;
    phase now = phase::silent;
    unique_fd fd;         ///< until there is a process
    std::string address;  ///< of the peer
    std::string from;     ///< with its port
    session_process process;
    unique_fd service;  ///< our end of the process's socketpair
    std::string heard;
    uint64_t watch = 0;  ///< of fd, then of service
    uint64_t process_watch = 0;
    uint64_t timer = 0;
    int wanted_bytes = 0;  ///< of the first record; 0: not known yet
    std::chrono::steady_clock::time_point since;
  };
  using strangers = std::list<stranger>;

  remote_door(const front_door::options& opts, door_sessions& sessions, door_logins& logins,
              poll_loop& loop, unique_fd listening, std::string address);
  void watch_listening();
  void accept_all();
  void welcome(unique_fd fd, const sockaddr_storage& peer);
  void make_room(const std::string& address);
  void on_first_bytes(strangers::iterator who);
  void start_queued();
  bool may_start(const stranger& who) const;
  void make_way(const stranger& who);
  caf::error start(stranger& who);
  void hear(strangers::iterator who);
  void check(strangers::iterator who, std::string line);
  void on_checked(uint64_t id, const caf::expected<proven_identity>& proven);
  void on_ticket(strangers::iterator who, const std::string& ticket);
  caf::error admit(stranger& who, const proven_identity& proven, uint64_t number,
                   caf::strong_actor_ptr port);
  void keep_watching(uint64_t number, proven_identity proven);
  void refuse(strangers::iterator who, const caf::error& why);
  void dismiss(strangers::iterator who, const caf::error& why);
  void on_process_ended(uint64_t id);
  void forget(strangers::iterator who);
  strangers::iterator find(uint64_t id);

  const front_door::options& options_;
  const front_door::remote_options& remote_;
  door_sessions& sessions_;
  door_logins& logins_;
  poll_loop& loop_;
  unique_fd listening_;
  std::string address_;
  uint64_t listening_watch_ = 0;
  uint64_t next_id_ = 1;
  bool retry_timed_ = false;
  strangers strangers_;  // oldest first
  monitor::worker_pool checkers_;
};

}  // namespace et
