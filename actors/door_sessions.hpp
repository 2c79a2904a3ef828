// The sessions behind the front door: their processes, links and ports. Part of the front door.
#pragma once

#include <map>
#include <mutex>

#include "actors/front_door.hpp"
#include "actors/link_pump.hpp"
#include "actors/session_process.hpp"

namespace et {

/// Members without a remark belong to the thread of the loop.
class door_sessions {
 public:
  /// All but `factory` outlive this; the loop is stopped before stop() is called.
  door_sessions(caf::actor_system& system, const front_door::options& opts,
                front_door::port_factory factory, poll_loop& loop)
      : system_(system), options_(opts), factory_(std::move(factory)), loop_(loop), pump_(loop) {}

  /// Why a user gets no session now; empty: he gets one.
  std::string why_full(uint32_t uid) const;
  uint64_t take_number() { return next_session_++; }

  /// Starts a process for a client that waits for the door's line, and says it. The caller says
  /// the other line when that fails.
  caf::error start(unique_fd client, identity who, uint64_t number);
  /// A session whose process runs already and waits for our line at the other end of
  /// `service_side`. `port`: its actor, null: from the factory. After an error the process is still
  /// the caller's, and can be told why.
  caf::error adopt(session_process& process, unique_fd& service_side, identity who, uint64_t number,
                   caf::strong_actor_ptr port);
  void end(uint64_t number, const std::string& reason);

  bool has(uint64_t number) const { return sessions_.count(number) != 0; }
  /// Sessions that come from an address.
  size_t count_from(const std::string& address) const;

  void stop();
  std::vector<front_door::session_facts> facts() const;  ///< any thread

 private:
  struct session {
    front_door::session_facts facts;
    std::string from;
    caf::strong_actor_ptr port;
    unique_fd handle;
    uint64_t watch = 0;
    uint64_t link = 0;
    bool link_ended = false;
    bool process_ended = false;
    std::string reason;
    std::string exit;
  };

  void run(session begun, const identity& who, session_process process, unique_fd service_side,
           uint64_t number);
  caf::error link_up(session& begun, unique_fd service_side);
  void close_channel(uint64_t number);
  void on_link_ended(uint64_t number, const std::string& reason);
  void on_process_ended(uint64_t number);
  void forget_if_over(uint64_t number);

  caf::actor_system& system_;
  const front_door::options& options_;
  front_door::port_factory factory_;
  poll_loop& loop_;
  link_pump pump_;
  uint64_t next_session_ = 1;
  mutable std::mutex mutex_;
  std::map<uint64_t, session> sessions_;  // changed on the loop's thread, under mutex_
};

/// Records logins, with a bounded number of those refused. Of the loop's thread.
class door_logins {
 public:
  door_logins(const front_door::options& opts, poll_loop& loop) : options_(opts), loop_(loop) {}

  /// `whose`: by what refusals are counted, a user of this machine or an address. True when a
  /// refusal was recorded and not only counted.
  bool record(const std::string& whose, const std::string& user, const std::string& from,
              const caf::error& outcome);

 private:
  void tell_refusals();

  const front_door::options& options_;
  poll_loop& loop_;
  refusal_meter refusals_{1};
  bool timed_ = false;
};

/// Says a line to the other end of a socket that has room for it, and hands over `gift` with it if
/// that is a descriptor. If it is not read, that is the other side's loss.
void say(int fd, const std::string& line, int gift = -1);

}  // namespace et
