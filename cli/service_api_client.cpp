// The one file of the commands that knows the framework.
#include "cli/client.hpp"
#include "cli/data_nodes.hpp"
#include "cli/service_api.hpp"

namespace et {

namespace {

template <class T>
caf::error error_of(const caf::expected<T>& answer) {
  return answer ? caf::error{} : answer.error();
}

caf::expected<find_answer> unpack_found(caf::expected<found_page>& page) {
  if (!page) return page.error();
  auto rows = unpack_rows(page->rows);
  if (!rows) return rows.error();
  return find_answer{std::move(*rows), page->end, page->from, std::move(page->after)};
}

class connected_service : public service_api {
 public:
  explicit connected_service(std::unique_ptr<client> connected) : client_(std::move(connected)) {}

  bool lost(uint64_t, const caf::error& error) override {
    if (!error) return false;
    if (code_of(error) == errc::timeout || client_->ended()) return true;
    // The framework's own words for it may come first.
    return error == caf::sec::request_receiver_down;
  }
  caf::error renew(uint64_t, const caf::error& why) override { return why; }

  caf::expected<upload_info> put_begin(const std::string& workspace, const std::string& tag,
                                       bool only_changed, const std::string& request) override {
    return client_->call<upload_info>(put_begin_atom_v, workspace, tag, only_changed, request);
  }
  pending<std::vector<entry_error>> put_chunk(uint64_t upload,
                                              const std::vector<file_entry>& entries) override {
    return ask<std::vector<entry_error>>(put_chunk_atom_v, upload, pack_entries(entries));
  }
  caf::expected<batch_record> put_commit(uint64_t upload) override {
    return client_->call<batch_record>(put_commit_atom_v, upload);
  }
  caf::error put_drop(uint64_t upload) override {
    return error_of(client_->call<bool>(put_drop_atom_v, upload));
  }

  caf::expected<std::vector<workspace_record>> list_workspaces(const std::string& name) override {
    return client_->call<std::vector<workspace_record>>(list_workspaces_atom_v, name);
  }
  caf::expected<std::vector<batch_record>> list_batches(const std::string& workspace,
                                                        batch_id after) override {
    return client_->call<std::vector<batch_record>>(list_batches_atom_v, workspace, after);
  }
  pending<std::vector<file_row>> list_files(const std::string& workspace, batch_id batch,
                                            const std::string& after) override {
    return ask_rows(list_files_atom_v, workspace, batch, after);
  }
  pending<std::vector<file_row>> find_files(const std::string& workspace, batch_id batch,
                                            const std::vector<std::string>& paths) override {
    return ask_rows(find_files_atom_v, workspace, batch, pack_strings(paths));
  }
  pending<find_answer> find(const std::string& workspace, const find_query& query) override {
    auto promise = std::make_shared<std::promise<caf::expected<find_answer>>>();
    auto answer = promise->get_future();
    client_->post<found_page>(
        [promise](caf::expected<found_page> page) { promise->set_value(unpack_found(page)); },
        find_atom_v, workspace, query);
    return answer;
  }
  caf::expected<batch_record> cancel(const std::string& workspace, batch_id batch) override {
    return client_->call<batch_record>(cancel_atom_v, workspace, batch);
  }
  caf::expected<retrieval_record> cancel(const std::string& workspace,
                                         retrieval_id retrieval) override {
    return client_->call<retrieval_record>(cancel_atom_v, workspace, retrieval);
  }
  caf::expected<batch_record> remove(const std::string& workspace, batch_id batch) override {
    return client_->call<batch_record>(remove_atom_v, workspace, batch);
  }

  caf::expected<batch_status> status(const std::string& workspace, batch_id batch,
                                     uint32_t after) override {
    return client_->call<batch_status>(status_atom_v, workspace, batch, after);
  }
  caf::expected<et::retrieval_status> retrieval_status(const std::string& workspace,
                                                       retrieval_id retrieval) override {
    return client_->call<et::retrieval_status>(status_atom_v, workspace, retrieval);
  }
  caf::expected<std::vector<et::retrieval_status>> list_retrievals(
      const std::string& workspace) override {
    return client_->call<std::vector<et::retrieval_status>>(list_retrievals_atom_v, workspace);
  }

  caf::expected<retrieval_record> get_begin(const std::string& workspace, batch_id batch) override {
    return client_->call<retrieval_record>(get_begin_atom_v, workspace, batch);
  }
  caf::error get_want(retrieval_id retrieval, const std::vector<wanted_range>& ranges,
                      bool last) override {
    return error_of(client_->call<bool>(get_want_atom_v, retrieval, ranges, last));
  }
  caf::expected<delivery> get_next(retrieval_id retrieval) override {
    auto given = client_->call<delivery>(get_next_atom_v, retrieval);
    if (given && !given->ticket.empty()) nodes_.learn(*given);
    return given;
  }
  pending<bytes> get_data(retrieval_id retrieval, aggregation_id aggregation, uint64_t offset_bytes,
                          uint32_t size_bytes) override {
    auto node = nodes_.of(aggregation);
    if (!node) return ask<bytes>(get_data_atom_v, retrieval, aggregation, offset_bytes, size_bytes);
    auto promise = std::make_shared<std::promise<caf::expected<bytes>>>();
    auto answer = promise->get_future();
    auto done = [promise](caf::expected<bytes> result) { promise->set_value(std::move(result)); };
    node->post<bytes>(
        [=, this, asked = node.get()](caf::expected<bytes> result) {
          if (result || !nodes_.give_up(aggregation, asked, code_of(result.error())))
            return done(std::move(result));
          client_->post<bytes>(done, get_data_atom_v, retrieval, aggregation, offset_bytes,
                               size_bytes);
        },
        get_data_atom_v, retrieval, aggregation, offset_bytes, size_bytes);
    return answer;
  }
  unique_fd take_descriptor(uint64_t number) override { return client_->take_descriptor(number); }
  caf::error get_done(retrieval_id retrieval, const wanted_range& range) override {
    return error_of(client_->call<bool>(get_done_atom_v, retrieval, range));
  }
  caf::error get_end(retrieval_id retrieval, const retrieval_outcome& outcome) override {
    return error_of(client_->call<bool>(get_end_atom_v, retrieval, outcome));
  }

  caf::expected<workspace_record> add_workspace(const workspace_record& record) override {
    return client_->call<workspace_record>(admin_add_atom_v, record);
  }
  caf::expected<workspace_record> set_workspace(const workspace_record& record) override {
    return client_->call<workspace_record>(admin_set_atom_v, record);
  }
  caf::error remove_workspace(const std::string& name) override {
    return error_of(client_->call<bool>(admin_remove_atom_v, name));
  }
  caf::expected<std::vector<volume_record>> volumes(const barcode& after) override {
    return client_->call<std::vector<volume_record>>(volumes_atom_v, after);
  }
  caf::expected<volume_record> set_volume(const barcode& id, volume_status status) override {
    return client_->call<volume_record>(volume_atom_v, id, status);
  }
  caf::error add_join_token(const std::string& hash, int64_t expires_ns) override {
    auto added = client_->call<bool>(join_atom_v, hash, expires_ns);
    return added ? caf::error{} : added.error();
  }
  caf::expected<std::string> promote(bool force) override {
    return client_->call<std::string>(promote_atom_v, force);
  }
  caf::expected<std::vector<report>> nodes() override {
    return client_->call<std::vector<report>>(nodes_atom_v);
  }
  caf::expected<std::vector<report>> inspect() override {
    return client_->call<std::vector<report>>(admin_inspect_atom_v);
  }
  caf::expected<std::vector<alert_record>> alerts(uint64_t after) override {
    return client_->call<std::vector<alert_record>>(admin_alerts_atom_v, after);
  }
  caf::expected<token_record> add_token(const token_record& draft) override {
    return client_->call<token_record>(token_add_atom_v, draft);
  }
  caf::expected<std::vector<token_record>> tokens() override {
    return client_->call<std::vector<token_record>>(token_list_atom_v);
  }
  caf::expected<token_record> remove_token(uint64_t id) override {
    return client_->call<token_record>(token_remove_atom_v, id);
  }
  caf::expected<std::vector<audit_record>> audits(uint64_t after) override {
    return client_->call<std::vector<audit_record>>(audit_atom_v, after);
  }

 private:
  template <class T, class... Words>
  pending<T> ask(Words... words) {
    return ask_of<T>(*client_, std::move(words)...);
  }

  template <class T, class... Words>
  static pending<T> ask_of(client& whom, Words... words) {
    auto promise = std::make_shared<std::promise<caf::expected<T>>>();
    auto answer = promise->get_future();
    whom.post<T>([promise](caf::expected<T> result) { promise->set_value(std::move(result)); },
                 std::move(words)...);
    return answer;
  }

  // Rows are unpacked where they arrive, while the command is busy with those before.
  template <class... Words>
  pending<std::vector<file_row>> ask_rows(Words... words) {
    auto promise = std::make_shared<std::promise<caf::expected<std::vector<file_row>>>>();
    auto answer = promise->get_future();
    client_->post<packed_page>(
        [promise](caf::expected<packed_page> page) {
          if (page) {
            promise->set_value(unpack_rows(*page));
          } else {
            promise->set_value(page.error());
          }
        },
        std::move(words)...);
    return answer;
  }

  std::unique_ptr<client> client_;
  data_nodes nodes_;  ///< of data; by way of the head, the client, when they cannot be reached
};

}  // namespace

caf::expected<std::unique_ptr<service_api>> connect_service(const std::string& address,
                                                            const client_options& options) {
  auto connected = client::connect(address, options);
  if (!connected) {
    auto code = code_of(connected.error());
    if (code != errc::unavailable && code != errc::timeout) return connected.error();
    return fail(code, "cannot reach the service: " + text_of(connected.error()) +
                          "; see that it runs (elastictape serve) and try again");
  }
  return std::unique_ptr<service_api>{new connected_service{std::move(*connected)}};
}

}  // namespace et
