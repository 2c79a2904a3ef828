// The pages, one function each. What must stand where on them is a contract with programs that read
// them (docs/monitor.md). Errors: invalid_argument for a bad or missing parameter, not_found for an
// unknown workspace, batch, aggregation or retrieval, and those of the catalogue.
#pragma once

#include "actors/monitor/answer.hpp"

namespace et::monitor {

caf::expected<answer> home(const page_context& context, const query& asked);
caf::expected<answer> alert_watch(const page_context& context, const query& asked);
/// `level`: top (default), batches or files.
caf::expected<answer> holdings_summary(const page_context& context, const query& asked);
/// `level`: top, batch (default) or file; without `workspace` all of them.
caf::expected<answer> holdings_xml(const page_context& context, const query& asked);
caf::expected<answer> batch_summary(const page_context& context, const query& asked);
caf::expected<answer> batch_files(const page_context& context, const query& asked);
caf::expected<answer> aggregation_details(const page_context& context, const query& asked);
caf::expected<answer> retrieval_watch(const page_context& context, const query& asked);
caf::expected<answer> workspace_overview(const page_context& context, const query& asked);
caf::expected<answer> role_list(const page_context& context, const query& asked);
caf::expected<answer> manager_export(const page_context& context, const query& asked);
/// Atom 1.0 and RSS 2.0 of the newest alerts.
caf::expected<answer> atom_feed(const page_context& context, const query& asked);
caf::expected<answer> rss_feed(const page_context& context, const query& asked);

/// For administrators; others find nothing.
caf::expected<answer> metrics_page(const page_context& context, const query& asked);
/// Whether the process answers, and whether the service can work; for everybody.
caf::expected<answer> healthz(const page_context& context, const query& asked);
caf::expected<answer> readyz(const page_context& context, const query& asked);

}  // namespace et::monitor
