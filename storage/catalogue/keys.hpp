// All key bytes of the catalogue. Integers are big-endian, so that byte order is number order.
//
//   family              key                                            value
//   default ("meta")    name                                           a counter; the catalogue's
//   version, runs, epoch
//   workspace           name                                           workspace_record
//   batch               batch:8                                        batch_record, any phase
//   workspace_batch     workspace:4 batch:8                            none; committed batches only
//   file                batch:8 path                                   size, mtime, mode, uid, gid
//   path                workspace:4 path 00 batch:8                    none; batches in any phase
//   aggregation         batch:8 number:4                               aggregation_record
//   placement           batch:8 number:4 path                          up to 1024 placed_file, in
//   path
//                                                                      order, beginning with that
//                                                                      of `path`
//   failure             batch:8 path                                   code, reason
//   volume              barcode                                        volume_record
//   alert               number:8                                       alert_record
//   retrieval           retrieval:8                                    retrieval_record
//   token               hash:32                                        token_record
//   audit               number:8                                       audit_record
//   request             user 00 request:16                             request_record
//
// A path holds no NUL, so `path 00` sorts like the path itself and ends it. Entries of `path` that
// belong to pending or removed batches stand beside the others: who reads them looks at the phase.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/types.hpp"

namespace et::keys {

enum class family : uint8_t {
  meta,
  workspace,
  batch,
  workspace_batch,
  file,
  path,
  aggregation,
  placement,
  failure,
  volume,
  alert,
  retrieval,
  token,
  audit,
  request,
};

constexpr size_t family_count = 15;

/// The family's name in RocksDB.
const char* name_of(family f);

/// The bytes of a key, or of a prefix of keys, of family `F`. Made by the functions below only, and
/// comparable with its own kind only, in the order of the database.
template <family F>
class key {
 public:
  explicit key(std::string encoded) : bytes_(std::move(encoded)) {}

  const std::string& bytes() const { return bytes_; }
  friend auto operator<=>(const key&, const key&) = default;
  friend bool operator==(const key&, const key&) = default;

  /// Whether the bytes of a stored key of this family sort before this key.
  bool behind(std::string_view stored) const { return stored < bytes_; }
  /// Whether the bytes of a stored key of this family begin with this key.
  bool begins(std::string_view stored) const { return stored.starts_with(bytes_); }

 private:
  std::string bytes_;
};

/// Keys from `begin` to before `end`.
template <family F>
struct range {
  key<F> begin;
  key<F> end;
};

// Counters in `meta`, and the version: four bytes big-endian in every version there will ever be.
key<family::meta> version();
key<family::meta> next_workspace();
key<family::meta> next_batch();
key<family::meta> next_alert();
key<family::meta> next_retrieval();
key<family::meta> next_token();
key<family::meta> next_audit();
/// The runs of its writer, and who may write it: catalogue_log.hpp.
key<family::meta> runs();
key<family::meta> epoch();
/// A counter for each target of alerts: the first number that has not been delivered to it.
key<family::meta> next_delivery(std::string_view target);

key<family::workspace> workspace(std::string_view name);
key<family::batch> batch(batch_id id);
key<family::workspace_batch> workspace_batch(workspace_id workspace, batch_id batch);
key<family::file> file(batch_id batch, std::string_view path);
key<family::path> path(workspace_id workspace, std::string_view path, batch_id batch);
/// The part before the batch.
key<family::path> path_prefix(workspace_id workspace, std::string_view path);
key<family::aggregation> aggregation(aggregation_id id);
key<family::placement> placement(aggregation_id id, std::string_view first_path);
key<family::failure> failure(batch_id batch, std::string_view path);
key<family::volume> volume(const barcode& id);
key<family::alert> alert(uint64_t number);
key<family::retrieval> retrieval(retrieval_id id);
key<family::token> token(std::string_view hash);
key<family::audit> audit(uint64_t number);
key<family::request> request(std::string_view user, std::string_view request);

// Everything of one owner.
range<family::workspace_batch> batches_of(workspace_id workspace);
range<family::file> files_of(batch_id batch);
range<family::path> paths_of(workspace_id workspace);
range<family::aggregation> aggregations_of(batch_id batch);
range<family::placement> placements_of(batch_id batch);
range<family::placement> placements_of(aggregation_id id);
range<family::failure> failures_of(batch_id batch);

// Parsing. nullopt: not a key of that family; the catalogue is corrupt.
std::optional<batch_id> batch_of_batch_key(std::string_view stored);
std::optional<batch_id> batch_of_workspace_batch_key(std::string_view stored);
std::optional<std::string_view> path_of_file_key(std::string_view stored);
std::optional<std::string_view> path_of_failure_key(std::string_view stored);
std::optional<std::string_view> path_of_placement_key(std::string_view stored);
std::optional<batch_id> batch_of_path_key(std::string_view stored);
std::optional<aggregation_id> aggregation_of_key(std::string_view stored);
/// Of alerts and of audits.
std::optional<uint64_t> number_of_alert_key(std::string_view stored);
/// The key that a stored one of the family is.
std::optional<key<family::request>> request_of_key(std::string_view stored);
std::optional<retrieval_id> retrieval_of_key(std::string_view stored);

/// The least path that sorts behind `path`.
std::string path_behind(std::string_view path);

}  // namespace et::keys
