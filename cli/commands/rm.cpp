#include "cli/commands/rm.hpp"

namespace et {

namespace {

/// The batch as it was. A removal may be asked for twice: what was there before the first time and
/// is not there after it is removed.
caf::expected<batch_record> remove(const rm_options& options, service_api& service) {
  auto before = service.status(options.workspace, options.batch, 0);
  // Asked for all the same, so that the audit knows that somebody wanted it removed.
  if (!before) return service.remove(options.workspace, options.batch);
  bool asked = false;
  for (;;) {
    auto session = service.session();
    auto removed = service.remove(options.workspace, options.batch);
    if (removed) return removed;
    if (!service.lost(session, removed.error())) {
      if (asked && code_of(removed.error()) == errc::not_found) return before->batch;
      return removed.error();
    }
    asked = true;
    if (auto error = service.renew(session, removed.error())) return error;
  }
}

}  // namespace

int run_rm(const rm_options& options, command_context& context) {
  auto service = context.connect();
  if (!service) return end_with(context, service.error());
  auto batch = remove(options, **service);
  if (!batch) return end_with(context, batch.error());
  context.report.note("batch " + std::to_string(batch->id.value) + " removed: " +
                      std::to_string(batch->files) + " files, " + human_bytes(batch->size_bytes));
  return exit_ok;
}

}  // namespace et
