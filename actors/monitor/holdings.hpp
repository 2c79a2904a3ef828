// What the pages read from the catalogue, in short views: a client that is slow to take an answer
// never holds one.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "actors/monitor/answer.hpp"

namespace et::monitor {

// What the viewer does not see is not there: the errors are the same.

/// Those that the viewer sees.
caf::expected<std::vector<workspace_record>> seen_workspaces(catalogue_store& store,
                                                             const viewer& who);
/// Error: not_found.
caf::expected<workspace_record> find_workspace(catalogue_store& store, const viewer& who,
                                               const std::string& name);
/// The committed batch, or nothing.
caf::expected<std::optional<batch_record>> find_batch(catalogue_store& store, const viewer& who,
                                                      batch_id id);
/// The parameters `batch` and, where given, `workspace`. Errors: invalid_argument without a batch,
/// not_found, also for a batch of another workspace.
caf::expected<batch_record> asked_batch(catalogue_store& store, const query& asked);

/// When an aggregation became safe; 0: it is not.
int64_t time_to_tape_ns(const aggregation_record& aggregation);

/// The checksum as clients know it: adler32 in 8 hexadecimal digits.
std::string checksum_text(const aggregation_record& aggregation);

/// Aggregations of all batches of a workspace.
caf::expected<uint64_t> count_aggregations(catalogue_store& store, workspace_id workspace);

/// Writes every file of a batch; `time_to_tape` is its aggregation's, empty when it is not safe.
/// Error: not_found when the batch is removed meanwhile.
using row_writer =
    std::function<void(std::string& out, const file_row& row, const std::string& time_to_tape)>;
piece_writer each_file(catalogue_store& store, batch_id batch, row_writer write);

piece_writer each_aggregation(
    catalogue_store& store, batch_id batch,
    std::function<void(std::string& out, const aggregation_record&)> write);

/// Files of one aggregation, in path order.
piece_writer each_file_of(catalogue_store& store, const aggregation_record& aggregation,
                          std::function<void(std::string& out, const file_entry&)> write);

/// Newest first; with `workspace` only its own. Those of no workspace are for administrators.
piece_writer each_alert(catalogue_store& store, viewer who, std::string workspace,
                        std::function<void(std::string& out, const alert_record&)> write);

/// What is written for a batch.
struct batch_parts {
  std::function<void(std::string& out, const batch_record&)> begin;
  std::function<piece_writer(const batch_record&)> inside;  ///< may be missing
  std::function<void(std::string& out)> end;                ///< may be missing
};
/// Every batch of a workspace; with `only` not 0 that one.
piece_writer each_batch(catalogue_store& store, workspace_id workspace, batch_id only,
                        batch_parts parts);

}  // namespace et::monitor
