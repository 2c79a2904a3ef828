// What the parts of the JSON interface share.
#pragma once

#include "actors/monitor/api/api.hpp"
#include "actors/monitor/api/json_values.hpp"

namespace et::monitor {

/// What stands in a path in place of `{name}`, in order.
using path_words = std::vector<std::string>;
using api_function = caf::expected<answer> (*)(const page_context&, const query&,
                                               const path_words&);

caf::expected<answer> api_overview(const page_context&, const query&, const path_words&);
caf::expected<answer> api_throughput(const page_context&, const query&, const path_words&);
caf::expected<answer> api_events(const page_context&, const query&, const path_words&);
caf::expected<answer> api_workspaces(const page_context&, const query&, const path_words&);
caf::expected<answer> api_workspace(const page_context&, const query&, const path_words&);
caf::expected<answer> api_workspace_batches(const page_context&, const query&, const path_words&);
caf::expected<answer> api_batch(const page_context&, const query&, const path_words&);
caf::expected<answer> api_batch_aggregations(const page_context&, const query&, const path_words&);
caf::expected<answer> api_batch_files(const page_context&, const query&, const path_words&);
caf::expected<answer> api_aggregation(const page_context&, const query&, const path_words&);
caf::expected<answer> api_retrievals(const page_context&, const query&, const path_words&);
caf::expected<answer> api_retrieval(const page_context&, const query&, const path_words&);
caf::expected<answer> api_drives(const page_context&, const query&, const path_words&);
caf::expected<answer> api_drive(const page_context&, const query&, const path_words&);
caf::expected<answer> api_volumes(const page_context&, const query&, const path_words&);
caf::expected<answer> api_volume(const page_context&, const query&, const path_words&);
caf::expected<answer> api_alerts(const page_context&, const query&, const path_words&);
caf::expected<answer> api_nodes(const page_context&, const query&, const path_words&);

/// A document of one piece.
answer document(const json& value);

/// The live picture; unavailable without one.
caf::expected<std::shared_ptr<const live_state>> picture(const page_context& context);

/// A number in a path. Error: not_found, since such a thing cannot be.
caf::expected<uint64_t> number_in(const std::string& word);
/// The parameter `limit`: 1 to 1000. Error: invalid_argument.
caf::expected<size_t> limit_of(const query& asked, size_t otherwise, size_t at_most = 1000);
/// A number that is not given is `otherwise`.
caf::expected<uint64_t> number_of(const query& asked, const std::string& name, uint64_t otherwise);

/// not_found, also when the asker may not see it.
caf::expected<workspace_record> seen_workspace(const page_context& context, const query& asked,
                                               const std::string& name);
caf::expected<batch_record> seen_batch(const page_context& context, const query& asked,
                                       batch_id id);

/// `{NAME: [...], "next": ADDRESS or null}`, from the first value to the last without ever holding
/// more than one of them as JSON.
class list_document {
 public:
  explicit list_document(std::string_view name);
  void add(const json& one);
  /// `next`: the address of the next page; empty: there is none.
  answer end(const std::string& next);
  size_t size() const { return size_; }

 private:
  std::string text_;
  size_t size_ = 0;
};

/// The address of this list from `value` of `name` on, with the other parameters as they were.
std::string next_page(const query& asked, const std::string& name, const std::string& value);

}  // namespace et::monitor
