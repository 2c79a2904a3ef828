// The epoch that a node works in, as its links ask for it and hear of others. Any thread.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "actors/actor_base.hpp"
#include "actors/standby/node_role.hpp"

namespace et {

class epoch_watch {
 public:
  /// `own`: of a head, the epoch of its catalogue; nothing: of another node. `on_fenced` is called
  /// once, from any thread, when a head hears of a higher epoch than its own, with what to tell.
  /// Errors: those of epoch_file; of a head also unavailable when a higher epoch is known already.
  static caf::expected<std::shared_ptr<epoch_watch>> open(
      const std::filesystem::path& state, const std::string& node,
      const std::optional<epoch_record>& own,
      std::function<void(const std::string&)> on_fenced = {}) {
    auto file = epoch_file::open(state / "epoch");
    if (!file) return file.error();
    if (own) {
      if (auto error = check_fenced(node, *own, file->known())) {
        if (on_fenced) on_fenced(text_of(error));
        return error;
      }
      if (auto error = file->remember(*own)) return error;
    }
    return std::shared_ptr<epoch_watch>{
        new epoch_watch{std::move(*file), node, own, std::move(on_fenced)}};
  }

  /// The highest epoch that is known; of a head: its own.
  uint64_t epoch() const {
    std::lock_guard lock{mutex_};
    return own_ ? own_->epoch : file_.known().epoch;
  }
  /// Another epoch was heard of: a higher one is remembered, and fences a head.
  void heard(const epoch_record& other) {
    std::function<void(const std::string&)> tell;
    caf::error fenced;
    {
      std::lock_guard lock{mutex_};
      if (auto error = file_.remember(other))
        spdlog::error("epoch {} cannot be remembered: {}", other.epoch, text_of(error));
      if (!own_) return;
      fenced = check_fenced(node_, *own_, other);
      if (fenced) tell = std::exchange(on_fenced_, {});
    }
    if (tell) tell(text_of(fenced));
  }

 private:
  epoch_watch(epoch_file file, std::string node, std::optional<epoch_record> own,
              std::function<void(const std::string&)> on_fenced)
      : file_(std::move(file)),
        node_(std::move(node)),
        own_(std::move(own)),
        on_fenced_(std::move(on_fenced)) {}

  mutable std::mutex mutex_;
  epoch_file file_;
  std::string node_;
  std::optional<epoch_record> own_;
  std::function<void(const std::string&)> on_fenced_;
};

}  // namespace et
