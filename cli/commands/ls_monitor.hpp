// et_ls -x: the same listing out of a monitor's XML.
#pragma once

#include "cli/commands/ls.hpp"

namespace et {

/// As run_ls(), with `options.xml_source`.
int run_ls_from_monitor(const ls_options& options, command_context& context);

}  // namespace et
