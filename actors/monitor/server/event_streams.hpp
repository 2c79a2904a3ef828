// The one thread that asks all streams for their events.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace et::monitor {

class event_streams {
 public:
  using source = std::function<bool(std::string& out)>;  ///< answer::events
  /// Takes bytes for a stream, from this thread; `last`: nothing follows.
  using sender = std::function<void(uint64_t stream, std::string bytes, bool last)>;

  explicit event_streams(sender send);
  /// Waits for a source that is being asked.
  ~event_streams();

  /// Asks it at once and then every defaults::monitor_event_period. False: there are too many, of
  /// all or of this viewer.
  bool add(uint64_t stream, std::string viewer, source events);
  /// It has gone; it may be asked once more meanwhile.
  void remove(uint64_t stream);

 private:
  struct entry {
    uint64_t stream;
    std::string viewer;
    source events;
    std::chrono::steady_clock::time_point asked;  ///< never: the beginning of time
    std::chrono::steady_clock::time_point said;
  };

  void serve();
  void ask(entry& one);
  std::shared_ptr<entry> next_due(std::chrono::steady_clock::time_point now);

  sender send_;
  std::mutex mutex_;  ///< guards the rest, but not what is in an entry
  std::condition_variable changed_;
  bool stopping_ = false;
  std::list<std::shared_ptr<entry>> entries_;  ///< the one that waits longest is first
  std::thread thread_;
};

}  // namespace et::monitor
