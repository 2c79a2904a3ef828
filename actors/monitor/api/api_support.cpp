#include "actors/monitor/api/api_support.hpp"

#include <charconv>

#include "actors/monitor/holdings.hpp"
#include "actors/monitor/markup.hpp"

namespace et::monitor {

answer document(const json& value) {
  answer result;
  result.type = "application/json";
  result.next = once([text = dumped(value) + "\n"](std::string& out) { out += text; });
  return result;
}

caf::expected<std::shared_ptr<const live_state>> picture(const page_context& context) {
  if (!context.live) return fail(errc::unavailable, "there is no live picture of this service");
  return context.live->now();
}

caf::expected<uint64_t> number_in(const std::string& word) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size())
    return fail(errc::not_found, "there is none with the number " + word);
  return value;
}

caf::expected<uint64_t> number_of(const query& asked, const std::string& name, uint64_t otherwise) {
  auto given = asked.number(name);
  if (!given) return given.error();
  return given->value_or(otherwise);
}

caf::expected<size_t> limit_of(const query& asked, size_t otherwise, size_t at_most) {
  auto given = number_of(asked, "limit", otherwise);
  if (!given) return given.error();
  if (*given == 0 || *given > at_most)
    return fail(errc::invalid_argument,
                "limit=" + std::to_string(*given) + " is not from 1 to " + std::to_string(at_most));
  return *given;
}

caf::expected<workspace_record> seen_workspace(const page_context& context, const query& asked,
                                               const std::string& name) {
  auto found = context.store->view()->workspace(name);
  if (!found) return found.error();
  if (!*found || !asked.who().sees(**found))
    return fail(errc::not_found, "there is no workspace " + name);
  return std::move(**found);
}

caf::expected<batch_record> seen_batch(const page_context& context, const query& asked,
                                       batch_id id) {
  auto none = [id] {
    return fail(errc::not_found, "there is no batch " + std::to_string(id.value));
  };
  auto view = context.store->view();
  auto batch = view->batch(id);
  if (!batch) return batch.error();
  if (!*batch) return none();
  auto workspace = view->workspace((*batch)->workspace_name);
  if (!workspace) return workspace.error();
  if (!*workspace || !asked.who().sees(**workspace)) return none();
  return std::move(**batch);
}

list_document::list_document(std::string_view name) {
  text_ = "{\"" + std::string{name} + "\":[";
}

void list_document::add(const json& one) {
  if (size_++ > 0) text_ += ",\n";
  text_ += dumped(one);
}

answer list_document::end(const std::string& next) {
  text_ += "],\"next\":" + (next.empty() ? "null" : dumped(json(next))) + "}\n";
  answer result;
  result.type = "application/json";
  result.next = once([text = std::move(text_)](std::string& out) { out += text; });
  return result;
}

std::string next_page(const query& asked, const std::string& name, const std::string& value) {
  auto address = asked.path() + "?" + name + "=" + url_encoded(value);
  for (const auto& [other, given] : asked.parameters())
    if (other != name) address += "&" + url_encoded(other) + "=" + url_encoded(given);
  return address;
}

}  // namespace et::monitor
