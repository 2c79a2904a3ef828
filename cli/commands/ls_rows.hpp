// The lines of listings: workspaces, batches and files as text, CSV and JSON.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/commands/ls.hpp"

namespace et {

/// The columns of a level, in their order.
const std::vector<std::string_view>& ls_columns(ls_level level);

/// Column names, as the line that -H asks for; nothing in JSON.
void append_header(std::string& out, ls_level level, ls_format format);

void append_row(std::string& out, const workspace_record& row, ls_format format);
void append_row(std::string& out, const batch_record& row, ls_format format);
void append_row(std::string& out, const file_row& row, ls_format format);

}  // namespace et
