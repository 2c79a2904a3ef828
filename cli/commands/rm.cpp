#include "cli/commands/rm.hpp"

namespace et {

int run_rm(const rm_options& options, command_context& context) {
  auto service = context.connect();
  if (!service) return end_with(context, service.error());
  auto batch = (*service)->remove(options.workspace, options.batch);
  if (!batch) return end_with(context, batch.error());
  context.report.note("batch " + std::to_string(batch->id.value) + " removed: " +
                      std::to_string(batch->files) + " files, " + human_bytes(batch->size_bytes));
  return exit_ok;
}

}  // namespace et
