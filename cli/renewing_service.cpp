#include "cli/renewing_service.hpp"

#include <algorithm>
#include <thread>

namespace et {

namespace {

using std::chrono::milliseconds;
using connector = std::function<caf::expected<std::unique_ptr<service_api>>()>;

// A signal is noticed within this.
constexpr milliseconds stop_interval{100};

/// Errors of a try to connect after which the next may succeed: nobody listens yet, or the old
/// sessions still count.
bool may_pass(const caf::error& error) {
  auto code = code_of(error);
  return code == errc::unavailable || code == errc::timeout || code == errc::limit_reached;
}

/// Begins sessions, one at a time, and counts them.
class session_keeper {
 public:
  session_keeper(connector connect, std::unique_ptr<service_api> first, reporter& report,
                 renewal_options options)
      : connect_(std::move(connect)),
        report_(report),
        options_(std::move(options)),
        current_(std::move(first)),
        begun_(options_.now()) {}

  struct numbered {
    std::shared_ptr<service_api> api;
    uint64_t number = 0;
  };
  numbered current() {
    std::lock_guard lock{mutex_};
    return {current_, number_};
  }

  caf::error renew(uint64_t lost, const caf::error& why) {
    // Whoever else needs the session waits here meanwhile.
    std::lock_guard renewing{renewing_};
    if (current().number != lost) return caf::none;
    auto now = options_.now();
    bool ill = now - begun_ < options_.wait || code_of(why) == errc::timeout;
    short_sessions_ = ill ? short_sessions_ + 1 : 0;
    auto lost_text = "the session with the service is lost: " + text_of(why);
    if (options_.wait.count() == 0) return give_up(lost_text);
    if (short_sessions_ > max_short_sessions)
      return give_up(lost_text + "; this happened " + std::to_string(short_sessions_) +
                     " times in a row");
    auto seconds = std::chrono::ceil<std::chrono::seconds>(options_.wait).count();
    auto for_seconds = " for up to " + std::to_string(seconds) + " s";
    report_.note(lost_text + "; trying to reach it again" + for_seconds);
    return wait_for_service(now, lost_text);
  }

 private:
  caf::error wait_for_service(renewal_options::steady::time_point lost, const std::string& text) {
    renewal_schedule schedule{options_, lost};
    caf::error last;
    while (auto pause = schedule.next(options_.now())) {
      if (!wait(*pause))
        return fail(errc::interrupted, text + "; interrupted while waiting for it");
      auto begun = connect_();
      auto waited = std::chrono::duration_cast<std::chrono::seconds>(options_.now() - lost).count();
      if (begun) {
        enter(std::move(*begun));
        report_.note("connected again after " + std::to_string(waited) + " s");
        return caf::none;
      }
      last = begun.error();
      if (!may_pass(last)) return with_context(last, text);
      report_.progress("waiting for the service since " + std::to_string(waited) + " s");
    }
    auto seconds = std::chrono::ceil<std::chrono::seconds>(options_.wait).count();
    return give_up(text + "; it could not be reached again within " + std::to_string(seconds) +
                   " s" + (last ? " (" + text_of(last) + ")" : std::string{}));
  }

  static caf::error give_up(const std::string& text) {
    return fail(errc::unavailable, text + "; when it runs again, the command may be repeated");
  }

  void enter(std::unique_ptr<service_api> begun) {
    std::lock_guard lock{mutex_};
    // Calls under way in the old one keep it until they have ended.
    current_ = std::move(begun);
    ++number_;
    begun_ = options_.now();
  }

  /// False when the user does not want to wait.
  bool wait(milliseconds pause) {
    auto stopped = [&] { return options_.stopped && options_.stopped(); };
    while (pause.count() > 0 && !stopped()) {
      auto part = std::min(pause, stop_interval);
      options_.pause(part);
      pause -= part;
    }
    return !stopped();
  }

  const connector connect_;
  reporter& report_;
  const renewal_options options_;
  std::mutex renewing_;
  std::mutex mutex_;
  std::shared_ptr<service_api> current_;
  uint64_t number_ = 1;
  renewal_options::steady::time_point begun_;
  unsigned short_sessions_ = 0;
};

class renewing_service : public service_api {
 public:
  explicit renewing_service(std::shared_ptr<session_keeper> keeper) : keeper_(std::move(keeper)) {}

  uint64_t session() override { return keeper_->current().number; }
  bool lost(uint64_t session, const caf::error& error) override {
    auto now = keeper_->current();
    return now.number != session || now.api->lost(session, error);
  }
  caf::error renew(uint64_t session, const caf::error& why) override {
    return keeper_->renew(session, why);
  }

  // Only their callers know what a loss means for these.
  caf::expected<upload_info> put_begin(const std::string& workspace, const std::string& tag,
                                       bool only_changed, const std::string& request) override {
    return once()->put_begin(workspace, tag, only_changed, request);
  }
  pending<std::vector<entry_error>> put_chunk(uint64_t upload,
                                              const std::vector<file_entry>& entries) override {
    return once()->put_chunk(upload, entries);
  }
  caf::expected<batch_record> put_commit(uint64_t upload) override {
    return once()->put_commit(upload);
  }
  caf::error put_drop(uint64_t upload) override { return once()->put_drop(upload); }
  caf::expected<batch_record> cancel(const std::string& workspace, batch_id batch) override {
    return once()->cancel(workspace, batch);
  }
  caf::expected<retrieval_record> cancel(const std::string& workspace,
                                         retrieval_id retrieval) override {
    return once()->cancel(workspace, retrieval);
  }
  caf::expected<batch_record> remove(const std::string& workspace, batch_id batch) override {
    return once()->remove(workspace, batch);
  }
  caf::expected<retrieval_record> get_begin(const std::string& workspace, batch_id batch) override {
    return once()->get_begin(workspace, batch);
  }
  caf::error get_want(retrieval_id retrieval, const std::vector<wanted_range>& ranges,
                      bool last) override {
    return once()->get_want(retrieval, ranges, last);
  }
  caf::expected<delivery> get_next(retrieval_id retrieval) override {
    return once()->get_next(retrieval);
  }
  pending<bytes> get_data(retrieval_id retrieval, aggregation_id aggregation, uint64_t offset_bytes,
                          uint32_t size_bytes) override {
    return once()->get_data(retrieval, aggregation, offset_bytes, size_bytes);
  }
  unique_fd take_descriptor(uint64_t number) override { return once()->take_descriptor(number); }
  caf::error get_done(retrieval_id retrieval, const wanted_range& range) override {
    return once()->get_done(retrieval, range);
  }
  caf::error get_end(retrieval_id retrieval, const retrieval_outcome& outcome) override {
    return once()->get_end(retrieval, outcome);
  }
  caf::expected<workspace_record> add_workspace(const workspace_record& record) override {
    return explained([&](service_api& api) { return api.add_workspace(record); });
  }
  caf::error remove_workspace(const std::string& name) override {
    return explained([&](service_api& api) { return api.remove_workspace(name); });
  }
  caf::expected<token_record> add_token(const token_record& draft) override {
    return explained([&](service_api& api) { return api.add_token(draft); });
  }
  caf::expected<token_record> remove_token(uint64_t id) override {
    return explained([&](service_api& api) { return api.remove_token(id); });
  }
  caf::error add_join_token(const std::string& hash, int64_t expires_ns) override {
    return explained([&](service_api& api) { return api.add_join_token(hash, expires_ns); });
  }
  caf::expected<std::string> promote(bool force) override {
    return explained([&](service_api& api) { return api.promote(force); });
  }

  // The same question, or the same setting, once more.
  caf::expected<std::vector<workspace_record>> list_workspaces(const std::string& name) override {
    return again([&](service_api& api) { return api.list_workspaces(name); });
  }
  caf::expected<std::vector<batch_record>> list_batches(const std::string& workspace,
                                                        batch_id after) override {
    return again([&](service_api& api) { return api.list_batches(workspace, after); });
  }
  pending<std::vector<file_row>> list_files(const std::string& workspace, batch_id batch,
                                            const std::string& after) override {
    return later<std::vector<file_row>>(
        [=](service_api& api) { return api.list_files(workspace, batch, after); });
  }
  pending<std::vector<file_row>> find_files(const std::string& workspace, batch_id batch,
                                            const std::vector<std::string>& paths) override {
    return later<std::vector<file_row>>(
        [=](service_api& api) { return api.find_files(workspace, batch, paths); });
  }
  pending<find_answer> find(const std::string& workspace, const find_query& query) override {
    return later<find_answer>([=](service_api& api) { return api.find(workspace, query); });
  }
  caf::expected<batch_status> status(const std::string& workspace, batch_id batch,
                                     uint32_t after) override {
    return again([&](service_api& api) { return api.status(workspace, batch, after); });
  }
  caf::expected<et::retrieval_status> retrieval_status(const std::string& workspace,
                                                       retrieval_id retrieval) override {
    return again([&](service_api& api) { return api.retrieval_status(workspace, retrieval); });
  }
  caf::expected<std::vector<et::retrieval_status>> list_retrievals(
      const std::string& workspace) override {
    return again([&](service_api& api) { return api.list_retrievals(workspace); });
  }
  caf::expected<workspace_record> set_workspace(const workspace_record& record) override {
    return again([&](service_api& api) { return api.set_workspace(record); });
  }
  caf::expected<std::vector<report>> nodes() override {
    return again([&](service_api& api) { return api.nodes(); });
  }
  caf::expected<std::vector<volume_record>> volumes(const barcode& after) override {
    return again([&](service_api& api) { return api.volumes(after); });
  }
  caf::expected<volume_record> set_volume(const barcode& id, volume_status status) override {
    return again([&](service_api& api) { return api.set_volume(id, status); });
  }
  caf::expected<std::vector<report>> inspect() override {
    return again([&](service_api& api) { return api.inspect(); });
  }
  caf::expected<std::vector<alert_record>> alerts(uint64_t after) override {
    return again([&](service_api& api) { return api.alerts(after); });
  }
  caf::expected<std::vector<token_record>> tokens() override {
    return again([&](service_api& api) { return api.tokens(); });
  }
  caf::expected<std::vector<audit_record>> audits(uint64_t after) override {
    return again([&](service_api& api) { return api.audits(after); });
  }

 private:
  static const caf::error& error_of(const caf::error& error) { return error; }
  template <class T>
  static caf::error error_of(const caf::expected<T>& answer) {
    return answer ? caf::error{} : answer.error();
  }

  std::shared_ptr<service_api> once() { return keeper_->current().api; }

  template <class F>
  auto again(F call) -> decltype(call(std::declval<service_api&>())) {
    for (;;) {
      auto session = keeper_->current();
      auto answer = call(*session.api);
      auto error = error_of(answer);
      if (!error || !session.api->lost(session.number, error)) return answer;
      if (auto gave_up = keeper_->renew(session.number, error)) return gave_up;
    }
  }

  /// Asked now; waited for, and asked again if need be, by whoever takes the answer.
  template <class T, class F>
  pending<T> later(F call) {
    auto session = keeper_->current();
    auto first = std::make_shared<pending<T>>(call(*session.api));
    auto take = [keeper = keeper_, session, first, call]() mutable -> caf::expected<T> {
      auto answer = first->get();
      while (!answer && session.api->lost(session.number, answer.error())) {
        if (auto gave_up = keeper->renew(session.number, answer.error())) return gave_up;
        session = keeper->current();
        answer = call(*session.api).get();
      }
      return answer;
    };
    return std::async(std::launch::deferred, std::move(take));
  }

  /// What must not be done twice, and no caller asks about.
  template <class F>
  auto explained(F call) -> decltype(call(std::declval<service_api&>())) {
    auto session = keeper_->current();
    auto answer = call(*session.api);
    auto error = error_of(answer);
    if (!error || !session.api->lost(session.number, error)) return answer;
    return fail(errc::unavailable, "the session with the service is lost: " + text_of(error) +
                                       "; whether this was done is not known: look before it is "
                                       "repeated");
  }

  const std::shared_ptr<session_keeper> keeper_;
};

}  // namespace

std::optional<milliseconds> renewal_schedule::next(steady::time_point now) {
  auto left = std::chrono::ceil<milliseconds>(end_ - now);
  if (left.count() <= 0) return std::nullopt;
  auto pause = std::min(pause_, left);
  pause_ = std::min(last_pause_, 2 * pause_);
  return pause;
}

std::unique_ptr<service_api> make_renewing(connector connect, std::unique_ptr<service_api> first,
                                           reporter& report, renewal_options options) {
  if (!options.pause) options.pause = [](milliseconds time) { std::this_thread::sleep_for(time); };
  auto keeper = std::make_shared<session_keeper>(std::move(connect), std::move(first), report,
                                                 std::move(options));
  return std::make_unique<renewing_service>(std::move(keeper));
}

}  // namespace et
