// The lines of listings: workspaces, batches and files as text, CSV and JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands/ls.hpp"

namespace et {

/// The columns of a level, in their order.
const std::vector<std::string_view>& ls_columns(ls_level level);

/// Column names, as the line that -H asks for; nothing in JSON.
void append_header(std::string& out, ls_level level, ls_format format);

/// What is known of a workspace, batch or file. What is not known is a dash in text, null in JSON
/// and empty in CSV.
struct listed_workspace {
  std::optional<std::string_view> name;
  std::optional<uint64_t> batches;
  std::optional<uint64_t> files;
  std::optional<uint64_t> size_bytes;
  std::optional<uint64_t> quota_bytes;
  std::optional<uint64_t> used_bytes;
};

struct listed_batch {
  std::optional<uint64_t> id;
  std::optional<std::string_view> tag;
  std::optional<std::string_view> state;
  std::optional<int64_t> created_ns;
  std::optional<uint64_t> files;
  std::optional<uint64_t> size_bytes;
  std::optional<std::string_view> requester;
};

struct listed_file {
  std::optional<uint64_t> batch;
  std::optional<std::string_view> state;
  std::optional<uint64_t> size_bytes;
  std::optional<int64_t> mtime_ns;
  std::optional<std::string_view> checksum;
  std::string_view reason;  ///< in JSON only, when there is one
  std::optional<std::string_view> path;
};

void append_row(std::string& out, const listed_workspace& row, ls_format format);
void append_row(std::string& out, const listed_batch& row, ls_format format);
void append_row(std::string& out, const listed_file& row, ls_format format);

void append_row(std::string& out, const workspace_record& row, ls_format format);
void append_row(std::string& out, const batch_record& row, ls_format format);
void append_row(std::string& out, const file_row& row, ls_format format);

}  // namespace et
