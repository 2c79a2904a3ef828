#include "cli/commands/cancel.hpp"

#include <optional>

#include "storage/catalogue/progress.hpp"

namespace et {

namespace {

/// Asks until there is an answer; `done` looks, after a lost session, whether the answer of a
/// repeated question only says that the first one had its effect: then it gives what it would have
/// said.
template <class Ask, class Done>
auto ask_until_answered(service_api& service, Ask ask, Done done) -> decltype(ask()) {
  bool asked = false;
  for (;;) {
    auto session = service.session();
    auto answer = ask();
    if (answer) return answer;
    auto error = answer.error();
    if (!service.lost(session, error)) {
      if (!asked || code_of(error) != errc::invalid_argument) return error;
      auto now = done();
      if (now) return *now;
      return error;
    }
    asked = true;
    if (auto gave_up = service.renew(session, error)) return gave_up;
  }
}

int cancel_retrieval(const cancel_options& options, service_api& service,
                     command_context& context) {
  auto done = [&]() -> std::optional<retrieval_record> {
    // That it has ended is all that was wanted; a restart of the service ends it as well.
    auto now = service.retrieval_status(options.workspace, options.retrieval);
    if (!now || now->record.state == retrieval_state::running) return std::nullopt;
    return now->record;
  };
  auto ended = ask_until_answered(
      service, [&] { return service.cancel(options.workspace, options.retrieval); }, done);
  if (!ended) return end_with(context, ended.error());
  auto name = "retrieval " + std::to_string(ended->id.value);
  if (ended->state == retrieval_state::cancelled)
    context.report.note(name + " cancelled");
  else
    context.report.note(name + " has ended: " + to_string(ended->state));
  return exit_ok;
}

}  // namespace

int run_cancel(const cancel_options& options, command_context& context) {
  auto service = context.connect();
  if (!service) return end_with(context, service.error());
  if (options.retrieval.value != 0) return cancel_retrieval(options, **service, context);
  auto before = (*service)->status(options.workspace, options.batch, 0);
  if (!before) return end_with(context, before.error());
  auto done = [&]() -> std::optional<batch_record> {
    // It was in motion and is FAILED: it was cancelled, or would have failed without us.
    if (is_settled(before->batch)) return std::nullopt;
    auto now = (*service)->status(options.workspace, options.batch, 0);
    if (!now || !is_settled(now->batch) || is_safe(now->batch.state)) return std::nullopt;
    return now->batch;
  };
  auto batch = ask_until_answered(
      **service, [&] { return (*service)->cancel(options.workspace, options.batch); }, done);
  if (!batch) return end_with(context, batch.error());
  context.report.note("batch " + std::to_string(batch->id.value) + " cancelled: " +
                      std::to_string(batch->files - batch->failed_files) + " files are safe, " +
                      std::to_string(batch->failed_files) + " are not and may be put again");
  return exit_ok;
}

}  // namespace et
