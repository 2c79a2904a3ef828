// The one thread that moves bytes: it takes connections, reads requests as far as their blank line
// and sends what others make. It waits for all clients at once, so that one that is slow or silent
// costs a descriptor and a buffer, and no thread. All bounds: defaults.hpp.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "actors/monitor/server/address.hpp"
#include "actors/monitor/server/channel.hpp"
#include "actors/monitor/server/engine.hpp"
#include "actors/monitor/server/event_streams.hpp"
#include "actors/monitor/server/tls.hpp"
#include "actors/monitor/server/worker_pool.hpp"

namespace et::monitor {

class connections {
 public:
  /// `wake` is an eventfd of its own; `secure` null: without TLS.
  connections(std::unique_ptr<http_engine> engine, std::unique_ptr<tls> secure, listening at,
              unique_fd wake);
  /// Cuts what is being sent.
  ~connections();

  std::string url() const;

 private:
  using time_point = std::chrono::steady_clock::time_point;

  enum class stage {
    reading,    ///< its request
    making,     ///< the request waits for a worker, or one has it
    sending,    ///< the answer; a worker may have `next`
    streaming,  ///< events
  };

  struct connection {
    channel link;
    std::string peer = {};
    stage now = stage::reading;
    std::string request = {};
    /// The request must be there, or the answer be sent, by then. A stream ends then, and its
    /// client asks again, with a login that still counts.
    time_point end = {};
    std::string out = {};    ///< to be sent
    size_t sent = 0;         ///< of `out`
    time_point taken = {};   ///< when the client last took something, if not all is sent
    piece_writer next = {};  ///< what follows `out`; empty while a worker has it
    bool whole = false;      ///< nothing follows `out`
    bool reset = false;      ///< see reply

    size_t unsent() const { return out.size() - sent; }
    void put(std::string bytes);
    short wanted() const;  ///< to poll for
    time_point deadline() const;
  };
  using table = std::map<uint64_t, connection>;

  /// Something that others have made for a connection.
  struct arrival {
    uint64_t connection;
    reply made;
    bool first = false;  ///< it begins an answer
    bool last = false;   ///< nothing follows
    bool cut = false;    ///< the answer has no end
  };

  void serve();
  bool accept_all();
  void add(unique_fd socket, std::string peer);
  int wait_ms(bool accepting, time_point now) const;
  void expire(time_point now);
  void make_room();
  void end(table::iterator one);
  void cut(table::iterator one);

  // Each of these may end the connection.
  void go_on(table::iterator one, short ready);
  void read(table::iterator one);
  void begin_request(table::iterator one);
  void refuse(table::iterator one, std::string_view words);
  void begin_answer(table::iterator one, reply made);
  void flush(table::iterator one);

  void take_arrivals();
  void take(arrival got);

  // Of other threads.
  void make_first(uint64_t id, std::string request, const std::string& peer);
  void make_next(uint64_t id, piece_writer next);
  void post(arrival one);
  bool stopping();

  listening at_;
  unique_fd wake_;
  std::unique_ptr<http_engine> engine_;
  std::unique_ptr<tls> secure_;  ///< of the thread
  table all_;                    ///< of the thread, oldest first
  uint64_t last_id_ = 0;

  std::mutex mutex_;  ///< guards the two
  bool stopping_ = false;
  std::vector<arrival> arrivals_;

  worker_pool workers_;
  event_streams streams_;
  std::thread thread_;
};

}  // namespace et::monitor
