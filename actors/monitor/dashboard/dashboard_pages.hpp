// The dashboard's pages, one function each. Errors: invalid_argument for a bad parameter, not_found
// for what is not there or what the viewer may not see, and those of the catalogue.
#pragma once

#include "actors/monitor/answer.hpp"

namespace et::monitor {

/// `/`; `range=day`: throughput of a day instead of ten minutes.
caf::expected<answer> dashboard_overview(const page_context& context, const query& asked);
/// `/workspaces`; `after`: behind this name.
caf::expected<answer> dashboard_workspaces(const page_context& context, const query& asked);
/// `/workspace/NAME`; `before`: batches below this number.
caf::expected<answer> dashboard_workspace(const page_context& context, const query& asked);
/// `/batch/ID`; `after`: aggregations behind this number. And `/batch/ID/files`: `search`, a part
/// of the path or a glob; `failed=1`: only failed files; `after`: behind this path.
caf::expected<answer> dashboard_batch(const page_context& context, const query& asked);
/// `/volumes`; `status`; `after`: behind this barcode.
caf::expected<answer> dashboard_volumes(const page_context& context, const query& asked);
/// `/volume/BARCODE`
caf::expected<answer> dashboard_volume(const page_context& context, const query& asked);
/// `/drive/N`
caf::expected<answer> dashboard_drive(const page_context& context, const query& asked);
/// `/alerts`; `severity`: at least this one; `workspace`; `before`: below this number.
caf::expected<answer> dashboard_alerts(const page_context& context, const query& asked);
/// `/retrieval/ID`
caf::expected<answer> dashboard_retrieval(const page_context& context, const query& asked);
/// `/assets/NAME`
caf::expected<answer> dashboard_asset(const page_context& context, const query& asked);

}  // namespace et::monitor
