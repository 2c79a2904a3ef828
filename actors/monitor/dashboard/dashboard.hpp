// What the dashboard's pages share: the frame around them, what a viewer may see, and addresses.
//
// The pages are whole without a script. With it, assets/dashboard.js fetches the page again when
// the service says that something moved, and changes what differs in place; the script knows
// nothing of what is on a page. An element with an `id` or `data-row` is the same one in the next.
#pragma once

#include <memory>
#include <string>

#include "actors/monitor/answer.hpp"
#include "actors/monitor/dashboard/widgets.hpp"
#include "actors/monitor/markup.hpp"

namespace et::monitor {

/// What is going on, as `who` may see it. Never null. Without a source of live facts it holds what
/// the catalogue knows.
std::shared_ptr<const live_state> picture(const page_context& context, const viewer& who);

/// Error: not_found, also for what `who` may not see; the words are the same.
caf::expected<batch_record> seen_batch(const page_context& context, const viewer& who, batch_id id);

/// How a page is kept up to date.
enum class renewal {
  never,   ///< long lists
  slowly,  ///< facts about one thing
  live,    ///< the overview
};

/// Up to the inside of `main`. `tab` is the address of the tab that the page belongs to.
void begin_dashboard(std::string& out, std::string_view title, const live_state& state,
                     std::string_view tab, renewal how);
void end_dashboard(std::string& out);
/// A page of one piece.
answer dashboard_page(std::function<void(std::string& out)> write);

/// How long ago `then_ns` was at the time of the picture; empty for 0.
std::string age_text(const live_state& state, int64_t then_ns);
int64_t age_ms(const live_state& state, int64_t then_ns);

/// The number behind `prefix` in a path, up to its end or a slash. Error: not_found.
caf::expected<uint64_t> number_in_path(const std::string& path, std::string_view prefix);

std::string workspace_address(std::string_view name);
std::string batch_address(batch_id id);
std::string volume_address(const barcode& volume);
void batch_link(std::string& out, batch_id id);
void volume_link(std::string& out, const barcode& volume);

// Parts of the overview, each a card.
void batches_card(std::string& out, const live_state& state);
void retrievals_card(std::string& out, const live_state& state);
void queues_card(std::string& out, const live_state& state);
void drives_card(std::string& out, const live_state& state);
void library_card(std::string& out, const live_state& state);
void cache_card(std::string& out, const live_state& state);
void quota_card(std::string& out, const live_state& state);
void alerts_card(std::string& out, const live_state& state);
void nodes_card(std::string& out, const live_state& state);

// What they have in common with the pages.
void batch_progress(std::string& out, const batch_record& batch);
/// A table of batches; `with_workspace`: with a column for it.
void batch_table(std::string& out, const std::vector<batch_record>& batches,
                 const live_state& state, bool with_workspace);
void retrieval_table(std::string& out, const std::vector<retrieval_status>& retrievals,
                     const live_state& state);
void alert_list(std::string& out, const std::vector<alert_record>& alerts, const live_state& state);
void quota_bar(std::string& out, const workspace_record& workspace);
void volume_fill(std::string& out, const volume_record& volume);
/// Where the script writes how fast a drive is; empty without it.
void drive_rate(std::string& out, uint32_t number);
/// `in drive 0`, `in a slot`, `not in the library`.
void volume_place(std::string& out, const live_volume& volume);

}  // namespace et::monitor
