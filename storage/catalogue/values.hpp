// Value bytes of the catalogue's records. Every value begins with a version byte; its grammar is in
// docs/catalogue.md. What a key holds already (ids, names, paths) is not repeated in the value:
// the caller sets it after decoding.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/catalogue/records.hpp"

namespace et::values {

/// First byte of every value that this code writes.
constexpr uint8_t version = 1;
/// Placed files in one value of the family placement, at most.
constexpr size_t placement_run_files = 1024;
/// Changes kept in an aggregation's history.
constexpr size_t history_changes = 16;
/// Offsets of files in aggregations lie below this.
constexpr uint64_t offset_limit_bytes = uint64_t{1} << 60;

std::string encode(const workspace_record& record);
std::string encode(const batch_record& record);
std::string encode(const aggregation_record& record);
std::string encode(const volume_record& record);
std::string encode(const alert_record& record);
std::string encode(const retrieval_record& record);
std::string encode(const token_record& record);
std::string encode(const audit_record& record);
std::string encode(const request_record& record);
/// Without the path.
std::string encode(const file_entry& entry);
std::string encode(const file_failure& failure);
/// A run of placed files. Preconditions: not empty, at most placement_run_files, offsets below
/// offset_limit_bytes.
std::string encode(std::span<const placed_file> run);
std::string encode_counter(uint64_t value);

// Strict: false for another version, a field that does not fit, or bytes that are left over; the
// output is then unspecified.
bool decode(std::string_view value, workspace_record& out);
bool decode(std::string_view value, batch_record& out);
bool decode(std::string_view value, aggregation_record& out);
bool decode(std::string_view value, volume_record& out);
bool decode(std::string_view value, alert_record& out);
bool decode(std::string_view value, retrieval_record& out);
bool decode(std::string_view value, token_record& out);
bool decode(std::string_view value, audit_record& out);
bool decode(std::string_view value, request_record& out);
bool decode(std::string_view value, file_entry& out);
bool decode(std::string_view value, file_failure& out);
bool decode(std::string_view value, std::vector<placed_file>& out);
bool decode_counter(std::string_view value, uint64_t& out);

/// The error for a value of `what` that decode() refused: corrupt, and why as far as can be told.
caf::error undecodable(std::string_view value, const std::string& what);

}  // namespace et::values
