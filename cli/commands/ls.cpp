#include "cli/commands/ls.hpp"

#include "cli/commands/ls_monitor.hpp"
#include "cli/commands/ls_rows.hpp"

namespace et {

namespace {

class ls_command {
 public:
  ls_command(const ls_options& options, service_api& service, command_context& context)
      : options_(options), service_(service), out_(context.out) {}

  caf::error run() {
    if (options_.header) append_header(out_.text(), options_.level, options_.format);
    if (options_.level == ls_level::workspace) return workspaces();
    if (options_.batch.value == 0) return batches();
    auto batch = named_batch();
    if (!batch) return batch.error();
    return show(*batch);
  }

 private:
  caf::error workspaces() {
    auto found = service_.list_workspaces(options_.workspace);
    if (!found) return found.error();
    for (const auto& row : *found) {
      append_row(out_.text(), row, options_.format);
      if (!out_.commit()) break;
    }
    return caf::none;
  }

  caf::error batches() {
    batch_id after;
    for (;;) {
      auto page = service_.list_batches(options_.workspace, after);
      if (!page) return page.error();
      if (page->empty()) return caf::none;
      for (const auto& batch : *page) {
        if (auto error = show(batch)) return error;
        if (out_.failed_errno() != 0) return caf::none;
      }
      after = page->back().id;
    }
  }

  caf::expected<batch_record> named_batch() {
    auto page = service_.list_batches(options_.workspace, batch_id{options_.batch.value - 1});
    if (!page) return page.error();
    if (!page->empty() && page->front().id == options_.batch) return page->front();
    return fail(errc::not_found, "workspace " + options_.workspace + " has no batch " +
                                     std::to_string(options_.batch.value));
  }

  caf::error show(const batch_record& batch) {
    if (options_.level == ls_level::file) return files(batch.id);
    append_row(out_.text(), batch, options_.format);
    out_.commit();
    return caf::none;
  }

  caf::error files(batch_id batch) {
    auto next = service_.list_files(options_.workspace, batch, {});
    for (;;) {
      auto page = next.get();
      // A batch removed since it was listed is not there: no reason to stop.
      if (!page && code_of(page.error()) == errc::not_found && options_.batch.value == 0) {
        return caf::none;
      }
      if (!page) return page.error();
      if (page->empty()) return caf::none;
      // The next page is on its way while this one is written.
      next = service_.list_files(options_.workspace, batch, page->back().entry.path);
      for (const auto& row : *page) append_row(out_.text(), row, options_.format);
      if (!out_.commit()) return caf::none;
    }
  }

  const ls_options& options_;
  service_api& service_;
  output& out_;
};

}  // namespace

int run_ls(const ls_options& options, command_context& context) {
  if (!options.xml_source.empty()) return run_ls_from_monitor(options, context);
  auto service = context.connect();
  if (!service) return end_with(context, service.error());
  auto error = ls_command{options, **service, context}.run();
  int code = finish_output(context, exit_ok);
  return error && code == exit_ok ? end_with(context, error) : code;
}

}  // namespace et
