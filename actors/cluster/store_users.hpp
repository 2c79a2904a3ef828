// Who reads a catalogue besides the actors that its head knows and ends: the jobs of a membership,
// each an actor of its own. The catalogue is closed behind the last of them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>

namespace et::cluster {

class store_users : public std::enable_shared_from_this<store_users> {
 public:
  static std::shared_ptr<store_users> make() { return std::make_shared<store_users>(); }

  /// The catalogue stays open for as long as what is returned, or a copy of it, is there. Any
  /// thread.
  std::shared_ptr<const void> begin();
  /// Waits until nobody reads; false when somebody still does after `limit`.
  bool wait(std::chrono::milliseconds limit);
  /// How many there have been.
  uint64_t begun() const;

 private:
  void end();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t now_ = 0;
  uint64_t begun_ = 0;
};

}  // namespace et::cluster
