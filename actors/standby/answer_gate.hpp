// Answers of the registrar that wait until the standby has what they tell of.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "actors/standby/standby_protocol.hpp"

namespace et {

/// Between the registrar, which rings after each write, and the shipper.
struct write_bell {
  std::atomic<bool> rung{false};
  std::atomic<uint64_t> sequence{0};  ///< of the last write
};

/// What the start of the head and the inspector want to know. Any thread.
class standby_status {
 public:
  enum class mode { waiting, following, alone };

  void set(mode m) {
    {
      std::lock_guard lock{mutex_};
      mode_ = m;
    }
    changed_.notify_all();
  }
  mode get() const {
    std::lock_guard lock{mutex_};
    return mode_;
  }
  write_bell bell;

  /// True when it is decided whether the standby counts, which is waited for at most `time`.
  bool decided(std::chrono::milliseconds time) const {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, time, [this] { return mode_ != mode::waiting; });
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mode mode_ = mode::waiting;
};

inline const char* to_string(standby_status::mode m) {
  switch (m) {
    case standby_status::mode::waiting:
      return "waited for";
    case standby_status::mode::following:
      return "following";
    case standby_status::mode::alone:
      return "dropped";
  }
  return "?";
}

/// Part of the registrar. As many answers wait as its clients have requests under way, which each
/// of them bounds.
class answer_gate {
 public:
  /// `value` as the answer to the request that `self` handles, now or when views show it. `then`
  /// is called just before it leaves, when it is no error.
  template <class T, class Self>
  caf::result<T> answer(Self* self, catalogue_log& log, caf::expected<T> value,
                        std::function<void(const T&)> then = {}) {
    auto sequence = log.holding() ? log.sequence() : 0;
    if (sequence <= log.shown()) {
      if (value && then) then(*value);
      return to_result(std::move(value));
    }
    auto promise = self->template make_response_promise<T>();
    auto kept = std::make_shared<caf::expected<T>>(std::move(value));
    waiting_.push_back({sequence, [promise, kept, then = std::move(then)]() mutable {
                          if (!*kept) {
                            promise.deliver(kept->error());
                            return;
                          }
                          if (then) then(**kept);
                          promise.deliver(std::move(**kept));
                        }});
    return promise;
  }

  /// Views show everything up to `sequence`.
  void open_to(uint64_t sequence) {
    while (!waiting_.empty() && waiting_.front().sequence <= sequence) {
      auto leave = std::move(waiting_.front().leave);
      waiting_.pop_front();
      leave();
    }
  }
  size_t size() const { return waiting_.size(); }

 private:
  struct held {
    uint64_t sequence = 0;
    std::function<void()> leave;
  };

  template <class T>
  static caf::result<T> to_result(caf::expected<T> value) {
    if (!value) return value.error();
    return std::move(*value);
  }

  std::deque<held> waiting_;  ///< by sequence
};

}  // namespace et
