// Whether the head waits for its standby: decided from what happens and from time. No actor.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace et {

enum class standby_policy : uint8_t {
  drop,  ///< without an answer in time the head goes on alone until the standby is back
  wait,  ///< the head acknowledges nothing until the standby is back
};

class standby_watch {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  enum class mode {
    waiting,    ///< it is not there, or not up to date; not yet given up
    following,  ///< it has everything but the latest writes
    alone,      ///< given up; the head goes on without it
  };
  /// What to do now.
  enum class step {
    none,
    begin,    ///< the standby counts from now on
    drop,     ///< go on alone
    complain  ///< say that everything waits
  };

  /// Starts waiting at `now`.
  standby_watch(std::chrono::milliseconds timeout, standby_policy policy, time_point now)
      : timeout_(timeout), policy_(policy), since_(now) {}

  mode now_in() const { return mode_; }
  /// It was given up, or complained of, and has not come back since.
  bool missed() const { return missed_; }

  /// The head has written up to `sequence`.
  void written(uint64_t sequence, time_point now);
  /// The standby has everything up to `sequence`. `caught_up`: that was the end of the log lately.
  step acknowledged(uint64_t sequence, bool caught_up, time_point now);
  /// It is not there any more.
  void lost(time_point now);
  /// Time has passed.
  step passed(time_point now);
  /// When passed() has to be called; nullopt: nothing is being waited for.
  std::optional<time_point> deadline() const;
  /// It has come back for good: forgets that it was missed.
  void welcome() { missed_ = false; }

 private:
  std::chrono::milliseconds timeout_;
  standby_policy policy_;
  mode mode_ = mode::waiting;
  bool missed_ = false;
  uint64_t written_ = 0;
  uint64_t acknowledged_ = 0;
  std::optional<time_point> since_;  ///< what is waited for is waited for since then
};

}  // namespace et
