#include "tests/simulation/engine_work.hpp"

#include <dlfcn.h>
#include <rocksdb/env.h>

#include <deque>
#include <mutex>

namespace et::simulation {

namespace {

struct job {
  void (*run)(void*);
  void* argument;
  rocksdb::Env::Priority priority;
  void* tag;
  void (*drop)(void*);
};

/// Keeps jobs for later.
class patient_env final : public rocksdb::EnvWrapper {
 public:
  explicit patient_env(rocksdb::Env* of) : EnvWrapper(of) {}

  void Schedule(void (*run)(void*), void* argument, Priority priority, void* tag,
                void (*drop)(void*)) override {
    std::lock_guard lock{mutex_};
    jobs_.push_back({run, argument, priority, tag, drop});
  }
  int UnSchedule(void* tag, Priority priority) override {
    std::deque<job> gone;
    {
      std::lock_guard lock{mutex_};
      for (auto i = jobs_.begin(); i != jobs_.end();) {
        if (i->tag != tag || i->priority != priority) {
          ++i;
          continue;
        }
        gone.push_back(*i);
        i = jobs_.erase(i);
      }
    }
    for (auto& one : gone)
      if (one.drop) one.drop(one.argument);
    return static_cast<int>(gone.size());
  }
  unsigned int GetThreadPoolQueueLen(Priority) const override {
    std::lock_guard lock{mutex_};
    return static_cast<unsigned int>(jobs_.size());
  }

  // There are no threads.
  void SetBackgroundThreads(int, Priority) override {}
  void IncBackgroundThreadsIfNeeded(int, Priority) override {}
  int GetBackgroundThreads(Priority) override { return 1; }

  size_t size() const {
    std::lock_guard lock{mutex_};
    return jobs_.size();
  }
  void run_first() {
    std::unique_lock lock{mutex_};
    if (jobs_.empty()) return;
    auto first = jobs_.front();
    jobs_.pop_front();
    lock.unlock();
    first.run(first.argument);
  }

 private:
  mutable std::mutex mutex_;
  std::deque<job> jobs_;
};

patient_env& engine_env() {
  using make_env = rocksdb::Env* (*)();
  // The library's own, behind the function below that stands in for it in this program.
  static auto* real = reinterpret_cast<make_env>(::dlsym(RTLD_NEXT, "_ZN7rocksdb3Env7DefaultEv"))();
  static auto* made = new patient_env{real};
  return *made;
}

}  // namespace

size_t engine_work() {
  return engine_env().size();
}

void do_engine_work() {
  engine_env().run_first();
}

}  // namespace et::simulation

rocksdb::Env* rocksdb::Env::Default() {
  return &et::simulation::engine_env();
}
