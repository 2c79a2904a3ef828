// A service in memory behind service_api, for the logic of commands. It keeps the rules that
// commands rely on: what is registered becomes rows in path order, placed in aggregations as a tar
// would be.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <set>

#include "cli/service_api.hpp"

namespace et::test {

inline const caf::error no_answer = fail(errc::internal, "the fake does not do that");

class fake_service : public service_api {
 public:
  // What tests set and look at.
  std::map<std::string, errc> refused;  // paths that put_chunk refuses
  caf::error commit_error;
  caf::error begin_error;
  std::vector<workspace_record> workspaces_held;
  std::vector<volume_record> volumes_held;
  std::vector<token_record> tokens_held;
  std::vector<audit_record> audits_held;  // in the order of their numbers; two are a page
  std::map<uint64_t, batch_record> batches;
  std::map<uint64_t, std::vector<file_row>> rows;  // by batch, in path order
  std::map<aggregation_id, bytes> aggregations;    // their bytes
  std::vector<state> batch_states;                 // what status() says, one after the other
  std::set<aggregation_id> unreadable;             // delivered as failed
  std::vector<et::retrieval_status> running;
  bool lends = false;  // ready ranges come with a descriptor
  size_t taken = 0;    // descriptors
  std::function<void()> before_first_range;
  size_t page_rows = 3;
  // What happened.
  std::vector<file_entry> received;
  std::string request;  // of the last put_begin
  unsigned begun_puts = 0;
  std::map<std::string, uint64_t> committed_requests;
  bool only_changed = false;
  bool dropped = false;
  bool committed = false;
  unsigned begun_gets = 0;
  std::vector<wanted_range> wanted;
  std::vector<wanted_range> done;
  std::optional<retrieval_outcome> outcome;

  // Adds a file of a batch: its bytes follow a header of 512 bytes in the aggregation.
  void hold(uint64_t batch, const std::string& path, const std::string& content,
            uint32_t aggregation = 1, int64_t mtime_ns = 1'600'000'000'123'456'789) {
    auto& data = aggregations[{batch_id{batch}, aggregation}];
    data.resize(data.size() + 512, 0xee);
    file_row row;
    row.batch = batch_id{batch};
    row.entry = {path, content.size(), mtime_ns, 0640, 0, 0};
    row.state = state::cached_synced;
    row.aggregation = aggregation;
    row.offset_bytes = data.size();
    row.has_checksum = true;
    row.checksum = checksum(content);
    data.insert(data.end(), content.begin(), content.end());
    rows[batch].push_back(row);
    auto& record = batches[batch];
    record.id = batch_id{batch};
    record.workspace_name = "ws";
    record.state = state::cached_synced;
    record.requester = "user";
    ++record.files;
    record.size_bytes += content.size();
  }

  static file_checksum checksum(const std::string& content);

  // The fake's sessions are lost where lose() says: calls of these names fail, before or after
  // their effect, and so does everything after, until another session is begun.
  enum class moment { before, after };
  void lose(const std::string& call, moment when = moment::before, unsigned times = 1) {
    std::lock_guard lock{lose_mutex_};
    to_lose = {call, when, times};
  }
  struct {
    std::string call;
    moment when = moment::before;
    unsigned times = 0;
  } to_lose;
  std::atomic<bool> session_lost{false};
  static caf::error gone() { return fail(errc::unavailable, "the service closed the session"); }
  bool lost_at(const char* call, moment when) {
    std::lock_guard lock{lose_mutex_};
    if (session_lost) return true;
    if (to_lose.times == 0 || to_lose.call != call || to_lose.when != when) return false;
    --to_lose.times;
    return session_lost = true;
  }
  bool lost(uint64_t, const caf::error& error) override { return error && session_lost; }
  caf::error renew(uint64_t, const caf::error& why) override { return why; }

  caf::expected<upload_info> put_begin(const std::string& workspace, const std::string&,
                                       bool changed, const std::string& name) override {
    if (lost_at("put_begin", moment::before)) return gone();
    only_changed = changed;
    request = name;
    ++begun_puts;
    if (begin_error) return begin_error;
    if (auto known = committed_requests.find(name); known != committed_requests.end())
      return upload_info{0, {"/"}, 1'000'000, batch_id{known->second}};
    if (workspace != "ws")
      return fail(errc::not_authorised, "workspace " + workspace + " is not yours");
    return upload_info{7, {"/"}, 1'000'000};
  }
  pending<std::vector<entry_error>> put_chunk(uint64_t,
                                              const std::vector<file_entry>& entries) override {
    if (lost_at("put_chunk", moment::before)) return ready<std::vector<entry_error>>(gone());
    std::vector<entry_error> bad;
    for (uint32_t i = 0; i < entries.size(); ++i) {
      auto found = refused.find(entries[i].path);
      if (found != refused.end()) {
        bad.push_back({i, found->second, std::string{"refused: "} + to_string(found->second)});
      } else {
        received.push_back(entries[i]);
      }
    }
    return ready<std::vector<entry_error>>(bad);
  }
  caf::expected<batch_record> put_commit(uint64_t) override {
    if (commit_error) return commit_error;
    if (lost_at("put_commit", moment::before)) return gone();
    committed = true;
    if (!request.empty()) committed_requests[request] = 41;
    batch_record record;
    record.id = batch_id{41};
    record.workspace_name = "ws";
    record.files = received.size();
    batches[41] = record;
    if (lost_at("put_commit", moment::after)) return gone();
    return record;
  }
  caf::error put_drop(uint64_t) override {
    dropped = true;
    return caf::none;
  }

  caf::expected<std::vector<workspace_record>> list_workspaces(const std::string& name) override {
    std::vector<workspace_record> found;
    for (const auto& one : workspaces_held) {
      if (name.empty() || one.name == name) found.push_back(one);
    }
    if (found.empty() && !name.empty()) return fail(errc::not_found, "no workspace " + name);
    return found;
  }
  caf::expected<std::vector<batch_record>> list_batches(const std::string& workspace,
                                                        batch_id after) override {
    if (workspace != "ws")
      return fail(errc::not_authorised, "workspace " + workspace + " is not yours");
    std::vector<batch_record> page;
    for (auto it = batches.upper_bound(after.value); it != batches.end() && page.size() < 2; ++it) {
      page.push_back(it->second);
    }
    return page;
  }
  pending<std::vector<file_row>> list_files(const std::string&, batch_id batch,
                                            const std::string& after) override {
    if (lost_at("list_files", moment::before)) return ready<std::vector<file_row>>(gone());
    std::vector<file_row> page;
    for (const auto& row : rows[batch.value]) {
      if (row.entry.path > after && page.size() < page_rows) page.push_back(row);
    }
    return ready<std::vector<file_row>>(page);
  }
  pending<std::vector<file_row>> find_files(const std::string&, batch_id only,
                                            const std::vector<std::string>& paths) override {
    if (lost_at("find_files", moment::before)) return ready<std::vector<file_row>>(gone());
    std::vector<file_row> page;
    for (const auto& path : paths) {
      file_row answer;
      answer.entry.path = path;
      for (const auto& [batch, held] : rows) {
        for (const auto& row : held) {
          if (row.entry.path == path && (only.value == 0 || only.value == batch)) answer = row;
        }
      }
      page.push_back(answer);
    }
    return ready<std::vector<file_row>>(page);
  }
  caf::expected<batch_record> remove(const std::string& workspace, batch_id batch) override {
    if (lost_at("remove", moment::before)) return gone();
    if (workspace != "ws") return fail(errc::not_authorised, "not yours");
    auto found = batches.find(batch.value);
    if (found == batches.end()) return fail(errc::not_found, "no such batch");
    auto record = found->second;
    batches.erase(found);
    if (lost_at("remove", moment::after)) return gone();
    return record;
  }

  caf::expected<batch_status> status(const std::string& workspace, batch_id batch,
                                     uint32_t after) override {
    if (lost_at("status", moment::before)) return gone();
    if (workspace != "ws") return fail(errc::not_authorised, "not yours");
    auto found = batches.find(batch.value);
    if (found == batches.end()) return fail(errc::not_found, "no such batch");
    batch_status status;
    status.batch = found->second;
    if (!batch_states.empty()) {
      status.batch.state = batch_states.front();
      status.batch.planned = true;
      if (batch_states.size() > 1) batch_states.erase(batch_states.begin());
    }
    if (after == 0) {
      aggregation_record one;
      one.id = {batch, 1};
      one.files = status.batch.files;
      one.state = status.batch.state;
      status.aggregations.push_back(one);
    }
    return status;
  }
  caf::expected<et::retrieval_status> retrieval_status(const std::string&,
                                                       retrieval_id id) override {
    et::retrieval_status status;
    status.record.id = id;
    status.record.state = retrieval_state::failed;
    return status;
  }
  caf::expected<std::vector<et::retrieval_status>> list_retrievals(const std::string&) override {
    return running;
  }
  pending<find_answer> find(const std::string&, const find_query& query) override;
  caf::expected<batch_record> cancel(const std::string&, batch_id batch) override {
    auto found = batches.find(batch.value);
    if (found == batches.end()) return fail(errc::not_found, "no such batch");
    if (lost_at("cancel", moment::before)) return gone();
    if (found->second.safe_ns != 0) return fail(errc::invalid_argument, "nothing is in motion");
    found->second.state = state::failed;
    found->second.safe_ns = 1;
    found->second.planned = true;
    if (lost_at("cancel", moment::after)) return gone();
    return found->second;
  }
  caf::expected<retrieval_record> cancel(const std::string&, retrieval_id id) override {
    retrieval_record record;
    record.id = id;
    record.state = retrieval_state::cancelled;
    return record;
  }
  unique_fd take_descriptor(uint64_t number) override;

  caf::expected<retrieval_record> get_begin(const std::string& workspace, batch_id batch) override {
    if (workspace != "ws") return fail(errc::not_authorised, "not yours");
    if (batch.value != 0 && batches.count(batch.value) == 0) {
      return fail(errc::not_found, "no such batch");
    }
    if (lost_at("get_begin", moment::before)) return gone();
    ++begun_gets;
    wanted.clear();
    done.clear();
    next_ = 0;
    last_ = false;
    retrieval_record record;
    record.id = retrieval_id{5};
    return record;
  }
  caf::error get_want(retrieval_id, const std::vector<wanted_range>& ranges, bool last) override {
    std::lock_guard lock{mutex_};
    wanted.insert(wanted.end(), ranges.begin(), ranges.end());
    last_ = last_ || last;
    return caf::none;
  }
  caf::expected<delivery> get_next(retrieval_id) override {
    std::lock_guard lock{mutex_};
    if (lost_at("get_next", moment::before)) return gone();
    if (auto act = std::exchange(before_first_range, nullptr)) act();
    if (next_ < wanted.size()) {
      delivery given;
      given.range = wanted[next_++];
      given.kind = delivery_kind::ready;
      if (unreadable.count(given.range.aggregation) != 0) {
        given.kind = delivery_kind::failed;
        given.code = errc::corrupt;
        given.text = "the tape is damaged";
      } else if (lends) {
        given.descriptor = next_;
      }
      return given;
    }
    delivery given;
    given.kind = last_ ? delivery_kind::end : delivery_kind::waiting;
    return given;
  }
  pending<bytes> get_data(retrieval_id, aggregation_id aggregation, uint64_t offset_bytes,
                          uint32_t size_bytes) override {
    if (lost_at("get_data", moment::before)) return ready<bytes>(gone());
    auto found = aggregations.find(aggregation);
    if (found == aggregations.end() || offset_bytes + size_bytes > found->second.size()) {
      return ready<bytes>(fail(errc::invalid_argument, "outside"));
    }
    auto from = found->second.begin() + static_cast<std::ptrdiff_t>(offset_bytes);
    return ready<bytes>(bytes(from, from + size_bytes));
  }
  caf::error get_done(retrieval_id, const wanted_range& range) override {
    std::lock_guard lock{mutex_};
    if (lost_at("get_done", moment::before)) return gone();
    done.push_back(range);
    return caf::none;
  }
  caf::error get_end(retrieval_id, const retrieval_outcome& ended) override {
    if (lost_at("get_end", moment::before)) return gone();
    outcome = ended;
    return caf::none;
  }

  caf::expected<workspace_record> add_workspace(const workspace_record& record) override {
    workspaces_held.push_back(record);
    return record;
  }
  caf::expected<workspace_record> set_workspace(const workspace_record& record) override {
    workspaces_held.assign(1, record);
    return record;
  }
  caf::error remove_workspace(const std::string&) override { return no_answer; }
  caf::expected<std::vector<volume_record>> volumes(const barcode& after) override {
    std::vector<volume_record> page;
    for (const auto& one : volumes_held)
      if (after < one.id && page.size() < 2) page.push_back(one);
    return page;
  }
  caf::expected<volume_record> set_volume(const barcode& id, volume_status status) override {
    for (auto& one : volumes_held) {
      if (one.id != id) continue;
      one.status = status;
      return one;
    }
    return fail(errc::not_found, "there is no volume " + id.value);
  }
  std::vector<std::string> join_hashes;
  caf::error add_join_token(const std::string& hash, int64_t) override {
    join_hashes.push_back(hash);
    return {};
  }
  caf::expected<std::string> promote(bool force) override {
    return std::string{force ? "promoted by force" : "promoted"};
  }
  caf::expected<std::vector<report>> nodes() override {
    return std::vector<report>{{"node", "io1", {{"state", "up"}}}};
  }
  caf::expected<std::vector<report>> inspect() override {
    return std::vector<report>{{"drive", "drive0", {{"volume", "ET0001"}, {"state", "idle"}}}};
  }
  caf::expected<std::vector<alert_record>> alerts(uint64_t) override { return no_answer; }
  caf::expected<token_record> add_token(const token_record& draft) override {
    tokens_held.push_back(draft);
    auto& added = tokens_held.back();
    if (added.user.empty()) added.user = "anna";
    added.id = tokens_held.size();
    return added;
  }
  caf::expected<std::vector<token_record>> tokens() override { return tokens_held; }
  caf::expected<std::vector<audit_record>> audits(uint64_t after) override {
    std::vector<audit_record> page;
    for (const auto& one : audits_held)
      if (one.number > after && page.size() < 2) page.push_back(one);
    return page;
  }
  caf::expected<token_record> remove_token(uint64_t id) override {
    for (const auto& one : tokens_held)
      if (one.id == id) return one;
    return fail(errc::not_found, "there is no token " + std::to_string(id));
  }

 private:
  template <class T>
  static pending<T> ready(caf::expected<T> value) {
    std::promise<caf::expected<T>> promise;
    promise.set_value(std::move(value));
    return promise.get_future();
  }
  std::mutex mutex_;
  std::mutex lose_mutex_;
  size_t next_ = 0;
  bool last_ = false;
};

}  // namespace et::test
