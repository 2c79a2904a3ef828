// What commands ask of a service, as plain calls with plain values: the framework stays behind it.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "actors/defaults.hpp"
#include "actors/messages.hpp"
#include "cli/remote_client.hpp"
#include "storage/os/file.hpp"

namespace et {

/// An answer that comes later. get() waits for it; it always comes, if need be as an error.
template <class T>
using pending = std::future<caf::expected<T>>;

/// Requests that a command keeps on the way at once, of one kind.
constexpr size_t request_window = 8;

/// A page of a find, unpacked.
struct find_answer {
  std::vector<file_row> rows;
  bool end = false;
  batch_id from;
  std::string after;
};

/// A session with a service. Thread safe. Each call is one message of actors/protocol_client.hpp,
/// where its meaning and errors stand; lost connections give unavailable or timeout.
class service_api {
 public:
  virtual ~service_api() = default;

  /// Which session this is; renew() begins another.
  virtual uint64_t session() { return 1; }
  /// Whether `error`, of a call in session `session`, says that this session is lost, or it is not
  /// the present one: what was asked for may have been done or not.
  virtual bool lost(uint64_t session, const caf::error& error) = 0;
  /// After the loss of `session` for the reason `why`: waits for the service and begins another
  /// session, which knows nothing of uploads and retrievals of the lost one. Does nothing when
  /// somebody else has done so. Errors: unavailable (not in time; the text tells everything),
  /// interrupted, and what a connection is refused with.
  virtual caf::error renew(uint64_t session, const caf::error& why) = 0;

  /// `request`: 16 bytes that name this put, or empty. With `committed` in the answer it is a batch
  /// already.
  virtual caf::expected<upload_info> put_begin(const std::string& workspace, const std::string& tag,
                                               bool only_changed, const std::string& request) = 0;
  /// At most page_rows entries and max_packed_bytes packed.
  virtual pending<std::vector<entry_error>> put_chunk(uint64_t upload,
                                                      const std::vector<file_entry>& entries) = 0;
  virtual caf::expected<batch_record> put_commit(uint64_t upload) = 0;
  virtual caf::error put_drop(uint64_t upload) = 0;

  virtual caf::expected<std::vector<workspace_record>> list_workspaces(const std::string& name) = 0;
  virtual caf::expected<std::vector<batch_record>> list_batches(const std::string& workspace,
                                                                batch_id after) = 0;
  virtual pending<std::vector<file_row>> list_files(const std::string& workspace, batch_id batch,
                                                    const std::string& after) = 0;
  virtual pending<std::vector<file_row>> find_files(const std::string& workspace, batch_id batch,
                                                    const std::vector<std::string>& paths) = 0;
  virtual pending<find_answer> find(const std::string& workspace, const find_query& query) = 0;
  virtual caf::expected<batch_record> cancel(const std::string& workspace, batch_id batch) = 0;
  virtual caf::expected<retrieval_record> cancel(const std::string& workspace,
                                                 retrieval_id retrieval) = 0;
  virtual caf::expected<batch_record> remove(const std::string& workspace, batch_id batch) = 0;

  virtual caf::expected<batch_status> status(const std::string& workspace, batch_id batch,
                                             uint32_t after) = 0;
  virtual caf::expected<et::retrieval_status> retrieval_status(const std::string& workspace,
                                                               retrieval_id retrieval) = 0;
  virtual caf::expected<std::vector<et::retrieval_status>> list_retrievals(
      const std::string& workspace) = 0;

  virtual caf::expected<retrieval_record> get_begin(const std::string& workspace,
                                                    batch_id batch) = 0;
  virtual caf::error get_want(retrieval_id retrieval, const std::vector<wanted_range>& ranges,
                              bool last) = 0;
  virtual caf::expected<delivery> get_next(retrieval_id retrieval) = 0;
  virtual pending<bytes> get_data(retrieval_id retrieval, aggregation_id aggregation,
                                  uint64_t offset_bytes, uint32_t size_bytes) = 0;
  /// The descriptor that came with a delivery; empty when there is none: then use get_data().
  virtual unique_fd take_descriptor(uint64_t number) = 0;
  virtual caf::error get_done(retrieval_id retrieval, const wanted_range& range) = 0;
  virtual caf::error get_end(retrieval_id retrieval, const retrieval_outcome& outcome) = 0;

  virtual caf::expected<workspace_record> add_workspace(const workspace_record& record) = 0;
  virtual caf::expected<workspace_record> set_workspace(const workspace_record& record) = 0;
  virtual caf::error remove_workspace(const std::string& name) = 0;
  /// The nodes of the cluster.
  virtual caf::expected<std::vector<report>> nodes() = 0;
  /// Makes the standby that is asked the head; what was done. Errors besides: unavailable while the
  /// old head is connected or the copy may lack something, unless `force`; invalid_argument when it
  /// is no standby.
  virtual caf::expected<std::string> promote(bool force) = 0;
  /// A join token's hash, for one node of the cluster whose head this service is.
  virtual caf::error add_join_token(const std::string& hash, int64_t expires_ns) = 0;
  /// A page of volumes above a barcode.
  virtual caf::expected<std::vector<volume_record>> volumes(const barcode& after) = 0;
  virtual caf::expected<volume_record> set_volume(const barcode& id, volume_status status) = 0;
  virtual caf::expected<std::vector<report>> inspect() = 0;
  virtual caf::expected<std::vector<alert_record>> alerts(uint64_t after) = 0;
  virtual caf::expected<token_record> add_token(const token_record& draft) = 0;
  virtual caf::expected<std::vector<token_record>> tokens() = 0;
  virtual caf::expected<token_record> remove_token(uint64_t id) = 0;
  /// A page of audit records above a number.
  virtual caf::expected<std::vector<audit_record>> audits(uint64_t after) = 0;
};

/// Connects to the service at `address` and says hello. Errors: unavailable (nobody listens; the
/// text says where and what to do), not_authorised, timeout, protocol (versions do not go
/// together).
caf::expected<std::unique_ptr<service_api>> connect_service(const std::string& address,
                                                            const client_options& options = {});

}  // namespace et
