#include "cli/commands/cancel.hpp"

namespace et {

int run_cancel(const cancel_options& options, command_context& context) {
  auto service = context.connect();
  if (!service) return end_with(context, service.error());
  if (options.retrieval.value != 0) {
    auto ended = (*service)->cancel(options.workspace, options.retrieval);
    if (!ended) return end_with(context, ended.error());
    context.report.note("retrieval " + std::to_string(ended->id.value) + " cancelled");
    return exit_ok;
  }
  auto batch = (*service)->cancel(options.workspace, options.batch);
  if (!batch) return end_with(context, batch.error());
  context.report.note("batch " + std::to_string(batch->id.value) + " cancelled: " +
                      std::to_string(batch->files - batch->failed_files) + " files are safe, " +
                      std::to_string(batch->failed_files) + " are not and may be put again");
  return exit_ok;
}

}  // namespace et
