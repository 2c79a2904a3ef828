#include "cli/commands/find.hpp"

#include "cli/commands/ls_rows.hpp"

namespace et {

namespace {

caf::error find(const find_options& options, service_api& service, output& out) {
  if (options.header) append_header(out.text(), ls_level::file, options.format);
  find_query query;
  query.pattern = pattern_for_paths(options.pattern);
  query.batch = options.batch;
  auto next = service.find(options.workspace, query);
  for (bool end = false; !end;) {
    auto page = next.get();
    if (!page) return page.error();
    end = page->end;
    query.from = page->from;
    query.after = page->after;
    // The next page is on its way while this one is written.
    if (!end) next = service.find(options.workspace, query);
    for (const auto& row : page->rows) append_row(out.text(), row, options.format);
    // At once: who searches wants to see the first hits, not the first quarter of a megabyte.
    if (!page->rows.empty() && !out.flush()) return caf::none;
  }
  return caf::none;
}

}  // namespace

std::string pattern_for_paths(const std::string& pattern) {
  if (pattern.empty() || pattern.front() == '/' || pattern.front() == '*') return pattern;
  return "*/" + pattern;
}

int run_find(const find_options& options, command_context& context) {
  auto service = context.connect();
  if (!service) return end_with(context, service.error());
  auto error = find(options, **service, context.out);
  int code = finish_output(context, exit_ok);
  return error && code == exit_ok ? end_with(context, error) : code;
}

}  // namespace et
