#include "tests/cli/fake_service.hpp"

#include <sys/mman.h>
#include <xxhash.h>

#include "storage/catalogue/glob.hpp"
#include "tests/cli/command_fixture.hpp"

namespace et::test {

namespace {

// Passes every call on, so that a command owns its connection and the test its service.
class borrowed : public service_api {
 public:
  explicit borrowed(service_api& to) : to_(to) {}

  bool lost(uint64_t s, const caf::error& e) override { return to_.lost(s, e); }
  caf::error renew(uint64_t s, const caf::error& e) override { return to_.renew(s, e); }
  caf::expected<upload_info> put_begin(const std::string& w, const std::string& t, bool c,
                                       const std::string& r) override {
    return to_.put_begin(w, t, c, r);
  }
  pending<std::vector<entry_error>> put_chunk(uint64_t u,
                                              const std::vector<file_entry>& e) override {
    return to_.put_chunk(u, e);
  }
  caf::expected<batch_record> put_commit(uint64_t u) override { return to_.put_commit(u); }
  caf::error put_drop(uint64_t u) override { return to_.put_drop(u); }
  caf::expected<std::vector<workspace_record>> list_workspaces(const std::string& n) override {
    return to_.list_workspaces(n);
  }
  caf::expected<std::vector<batch_record>> list_batches(const std::string& w, batch_id a) override {
    return to_.list_batches(w, a);
  }
  pending<std::vector<file_row>> list_files(const std::string& w, batch_id b,
                                            const std::string& a) override {
    return to_.list_files(w, b, a);
  }
  pending<std::vector<file_row>> find_files(const std::string& w, batch_id b,
                                            const std::vector<std::string>& p) override {
    return to_.find_files(w, b, p);
  }
  caf::expected<batch_record> remove(const std::string& w, batch_id b) override {
    return to_.remove(w, b);
  }
  caf::expected<batch_status> status(const std::string& w, batch_id b, uint32_t a) override {
    return to_.status(w, b, a);
  }
  caf::expected<et::retrieval_status> retrieval_status(const std::string& w,
                                                       retrieval_id r) override {
    return to_.retrieval_status(w, r);
  }
  caf::expected<std::vector<et::retrieval_status>> list_retrievals(const std::string& w) override {
    return to_.list_retrievals(w);
  }
  pending<find_answer> find(const std::string& w, const find_query& q) override {
    return to_.find(w, q);
  }
  caf::expected<batch_record> cancel(const std::string& w, batch_id b) override {
    return to_.cancel(w, b);
  }
  caf::expected<retrieval_record> cancel(const std::string& w, retrieval_id r) override {
    return to_.cancel(w, r);
  }
  unique_fd take_descriptor(uint64_t n) override { return to_.take_descriptor(n); }
  caf::expected<retrieval_record> get_begin(const std::string& w, batch_id b) override {
    return to_.get_begin(w, b);
  }
  caf::error get_want(retrieval_id r, const std::vector<wanted_range>& w, bool l) override {
    return to_.get_want(r, w, l);
  }
  caf::expected<delivery> get_next(retrieval_id r) override { return to_.get_next(r); }
  pending<bytes> get_data(retrieval_id r, aggregation_id a, uint64_t o, uint32_t s) override {
    return to_.get_data(r, a, o, s);
  }
  caf::error get_done(retrieval_id r, const wanted_range& w) override { return to_.get_done(r, w); }
  caf::error get_end(retrieval_id r, const retrieval_outcome& o) override {
    return to_.get_end(r, o);
  }
  caf::expected<workspace_record> add_workspace(const workspace_record& r) override {
    return to_.add_workspace(r);
  }
  caf::expected<workspace_record> set_workspace(const workspace_record& r) override {
    return to_.set_workspace(r);
  }
  caf::error remove_workspace(const std::string& n) override { return to_.remove_workspace(n); }
  caf::expected<std::vector<volume_record>> volumes(const barcode& a) override {
    return to_.volumes(a);
  }
  caf::expected<volume_record> set_volume(const barcode& a, volume_status b) override {
    return to_.set_volume(a, b);
  }
  caf::expected<std::vector<report>> inspect() override { return to_.inspect(); }
  caf::expected<std::vector<report>> nodes() override { return to_.nodes(); }
  caf::error add_join_token(const std::string& a, int64_t b) override {
    return to_.add_join_token(a, b);
  }
  caf::expected<std::string> promote(bool a) override { return to_.promote(a); }
  caf::expected<std::vector<alert_record>> alerts(uint64_t a) override { return to_.alerts(a); }
  caf::expected<token_record> add_token(const token_record& a) override { return to_.add_token(a); }
  caf::expected<std::vector<token_record>> tokens() override { return to_.tokens(); }
  caf::expected<token_record> remove_token(uint64_t a) override { return to_.remove_token(a); }
  caf::expected<std::vector<audit_record>> audits(uint64_t a) override { return to_.audits(a); }

 private:
  service_api& to_;
};

}  // namespace

file_checksum fake_service::checksum(const std::string& content) {
  auto hash = XXH3_128bits(content.data(), content.size());
  return {hash.high64, hash.low64};
}

pending<find_answer> fake_service::find(const std::string&, const find_query& query) {
  find_answer page;
  auto pattern = glob::parse(query.pattern);
  if (!pattern) return ready<find_answer>(pattern.error());
  uint64_t steps = 0;
  for (const auto& [batch, held] : rows) {
    for (const auto& row : held) {
      bool before =
          batch < query.from.value || (batch == query.from.value && row.entry.path <= query.after);
      bool other = query.batch.value != 0 && query.batch.value != batch;
      if (before || other || !pattern->matches(row.entry.path, steps)) continue;
      if (query.failed_only && row.state != state::failed) continue;
      if (page.rows.size() == page_rows) return ready<find_answer>(page);
      page.rows.push_back(row);
      page.from = row.batch;
      page.after = row.entry.path;
    }
  }
  page.end = true;
  return ready<find_answer>(page);
}

// A descriptor of the aggregation of the range that was delivered with `number`.
unique_fd fake_service::take_descriptor(uint64_t number) {
  std::lock_guard lock{mutex_};
  unique_fd fd{memfd_create("aggregation", MFD_CLOEXEC)};
  const auto& data = aggregations[wanted.at(number - 1).aggregation];
  if (write_all(fd.get(), data.data(), data.size())) return {};
  ++taken;
  return fd;
}

caf::expected<std::unique_ptr<service_api>> command_fixture::connect() {
  ++connections;
  return std::unique_ptr<service_api>{new borrowed{service}};
}

}  // namespace et::test
