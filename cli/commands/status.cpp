#include "cli/commands/status.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "storage/catalogue/progress.hpp"

namespace et {

namespace {

constexpr unsigned max_poll_ms = 1000;
constexpr size_t shown_aggregations = 20;

std::string progress_text(const batch_record& batch, const std::vector<std::string>& waits) {
  auto in = [&](state s) { return batch.in_state[static_cast<size_t>(s)]; };
  std::string text = "batch " + std::to_string(batch.id.value) + ": " + to_string(batch.state) +
                     ", " + std::to_string(in(state::cached_synced) + in(state::synced)) + " of " +
                     std::to_string(batch.aggregations) + " aggregations safe, " +
                     std::to_string(in(state::cached)) + " cached";
  if (batch.failed_files > 0) text += ", " + std::to_string(batch.failed_files) + " files failed";
  if (!waits.empty()) text += "; " + waits.front();
  return text;
}

void append_aggregation_json(std::string& text, const aggregation_record& one) {
  json_object line{text};
  line.add("aggregation", to_string(one.id)).add("state", to_string(one.state));
  line.add("files", one.files).add("failed_files", one.failed_files);
  line.add("content_bytes", one.content_bytes).add("bytes", one.size_bytes);
  auto& copies = line.begin("copies");
  copies += '[';
  for (const auto& copy : one.copies) {
    if (copies.back() != '[') copies += ',';
    json_object part{copies};
    part.add("volume", copy.volume.value).add("header_block", copy.header.value);
    part.add("data_block", copy.data.value).add("blocks", copy.blocks);
    part.add("block_bytes", uint64_t{copy.block_bytes}).add("written", time_text(copy.written_ns));
  }
  copies += ']';
}

template <class List, class Append>
void append_list(std::string& text, const List& list, Append append) {
  text += '[';
  bool first = true;
  for (const auto& element : list) {
    if (!first) text += ',';
    first = false;
    append(element);
  }
  text += ']';
}

void append_json_status(std::string& text, const batch_status& status) {
  const auto& batch = status.batch;
  json_object line{text};
  line.add("batch", batch.id.value).add("workspace", batch.workspace_name).add("tag", batch.tag);
  line.add("state", to_string(batch.state)).add("requester", batch.requester);
  line.add("created", time_text(batch.created_ns));
  if (batch.safe_ns != 0) line.add("safe", time_text(batch.safe_ns));
  line.add("files", batch.files).add("bytes", batch.size_bytes);
  line.add("failed_files", batch.failed_files).add_bool("planned", batch.planned);
  line.add_bool("settled", is_settled(batch));
  append_list(line.begin("aggregations"), status.aggregations,
              [&](const auto& one) { append_aggregation_json(text, one); });
  append_list(line.begin("waits"), status.waits, [&](const auto& one) { append_json(text, one); });
  append_list(line.begin("failures"), status.failures, [&](const auto& one) {
    json_object{text}
        .add("path", one.path)
        .add("error", to_string(one.code))
        .add("reason", one.reason);
  });
  line.close();
  text += '\n';
}

std::string volumes_of(const aggregation_record& one) {
  std::string text;
  for (const auto& copy : one.copies) {
    text += (text.empty() ? "" : ", ") + copy.volume.value + " at block " +
            std::to_string(copy.header.value);
  }
  return text.empty() ? "not on tape" : text;
}

void append_batch_text(std::string& text, const batch_record& batch) {
  text += "Batch " + std::to_string(batch.id.value);
  if (!batch.tag.empty()) text += " (" + printable(batch.tag) + ")";
  text += " of workspace " + printable(batch.workspace_name) + ": " + to_string(batch.state) + '\n';
  text += "  put by " + printable(batch.requester) + " at " + time_text(batch.created_ns);
  if (batch.safe_ns != 0) text += ", safe since " + time_text(batch.safe_ns);
  text += "\n  " + std::to_string(batch.files) + " files, " + human_bytes(batch.size_bytes);
  if (batch.failed_files > 0) text += "; " + std::to_string(batch.failed_files) + " failed";
  text += "\n  " + std::to_string(batch.aggregations) + " aggregations";
  if (!batch.planned) text += " so far";
  for (size_t i = 1; i < batch.in_state.size(); ++i) {
    if (batch.in_state[i] == 0) continue;
    text += ", " + std::to_string(batch.in_state[i]) + ' ' + to_string(static_cast<state>(i));
  }
  text += '\n';
}

void append_text_status(std::string& text, const batch_status& status, bool all) {
  append_batch_text(text, status.batch);
  size_t shown =
      all ? status.aggregations.size() : std::min(shown_aggregations, status.aggregations.size());
  for (size_t i = 0; i < shown; ++i) {
    const auto& one = status.aggregations[i];
    text += "  " + to_string(one.id) + "  " + to_string(one.state) + "  " +
            std::to_string(one.files) + " files, " +
            human_bytes(one.size_bytes != 0 ? one.size_bytes : one.content_bytes) + "  " +
            volumes_of(one) + '\n';
  }
  if (shown < status.batch.aggregations) {
    text += "  and " + std::to_string(status.batch.aggregations - shown) +
            " aggregations more; -v shows them\n";
  }
  for (const auto& wait : status.waits) text += "  waits: " + printable(wait) + '\n';
  for (const auto& bad : status.failures) {
    text += "  failed: " + printable(bad.path) + ": " + printable(bad.reason) + '\n';
  }
  if (status.failures.size() < status.batch.failed_files && !status.failures.empty()) {
    text += "  failed: " + std::to_string(status.batch.failed_files - status.failures.size()) +
            " more; et_ls -L file shows them\n";
  }
}

// The status with its first page of aggregations, or all of them when they are shown.
caf::expected<batch_status> whole_status(service_api& service, const status_options& options) {
  auto status = service.status(options.workspace, options.batch, 0);
  if (!status || !(options.json || options.verbose)) return status;
  size_t before = 0;
  while (status->aggregations.size() > before) {
    before = status->aggregations.size();
    auto more =
        service.status(options.workspace, options.batch, status->aggregations.back().id.number);
    if (!more) return more;
    for (auto& one : more->aggregations) status->aggregations.push_back(std::move(one));
    if (more->aggregations.empty()) break;
  }
  return status;
}

int print_batch(const status_options& options, service_api& service, command_context& context) {
  auto status = whole_status(service, options);
  if (!status) return end_with(context, status.error());
  if (options.json) {
    append_json_status(context.out.text(), *status);
  } else {
    append_text_status(context.out.text(), *status, options.verbose);
  }
  context.out.commit();
  return exit_ok;
}

void append_retrieval_json(std::string& text, const et::retrieval_status& status) {
  const auto& record = status.record;
  json_object line{text};
  line.add("retrieval", record.id.value).add("workspace", record.workspace_name);
  line.add("batch", record.batch.value).add("requester", record.requester);
  line.add("state", to_string(record.state)).add("started", time_text(record.started_ns));
  if (record.ended_ns != 0) line.add("ended", time_text(record.ended_ns));
  line.add("files", record.files).add("bytes", record.size_bytes);
  line.add("bad_files", record.bad_files);
  line.add("wanted_bytes", status.wanted_bytes).add("finished_bytes", status.finished_bytes);
  line.add("waits", status.wait).close();
  text += '\n';
}

void append_retrieval(std::string& text, const et::retrieval_status& status, bool json) {
  if (json) return append_retrieval_json(text, status);
  const auto& record = status.record;
  text += "Retrieval " + std::to_string(record.id.value) + " of workspace " +
          printable(record.workspace_name) + ": " + to_string(record.state) + '\n';
  text += record.batch.value != 0 ? "  batch " + std::to_string(record.batch.value)
                                  : std::string{"  listed files"};
  text += ", by " + printable(record.requester) + " since " + time_text(record.started_ns);
  if (record.ended_ns != 0) text += ", ended " + time_text(record.ended_ns);
  if (record.state == retrieval_state::running) {
    text += "\n  " + human_bytes(status.finished_bytes) + " of " +
            human_bytes(status.wanted_bytes) + " fetched so far\n";
    if (!status.wait.empty()) text += "  waits: " + printable(status.wait) + '\n';
    return;
  }
  text += "\n  " + std::to_string(record.files) + " files, " + human_bytes(record.size_bytes) +
          ", " + std::to_string(record.bad_files) + " bad\n";
}

// The running retrievals of the workspace, behind its batches.
int print_running(const status_options& options, service_api& service, command_context& context) {
  if (options.wait) return exit_ok;
  auto running = service.list_retrievals(options.workspace);
  if (!running) return end_with(context, running.error());
  for (const auto& one : *running) append_retrieval(context.out.text(), one, options.json);
  return context.out.commit() ? exit_ok : exit_interrupted;
}

int print_workspace(const status_options& options, service_api& service, command_context& context) {
  batch_id after;
  int worst = exit_ok;
  for (;;) {
    auto page = service.list_batches(options.workspace, after);
    if (!page) return end_with(context, page.error());
    if (page->empty()) {
      int code = print_running(options, service, context);
      return code == exit_ok ? worst : code;
    }
    for (const auto& batch : *page) {
      after = batch.id;
      status_options one = options;
      one.batch = batch.id;
      int code =
          options.wait ? wait_for_batch(one, service, context) : print_batch(one, service, context);
      if (code != exit_ok && code != exit_failed) return code;
      worst = std::max(worst, code);
      if (!context.out.commit()) return exit_interrupted;
    }
  }
}

unsigned pause(unsigned poll_ms) {
  std::this_thread::sleep_for(std::chrono::milliseconds{poll_ms});
  // So that whoever waits learns of the end an eighth late at most.
  return std::min(max_poll_ms, poll_ms + poll_ms / 8);
}

int run_retrieval(const status_options& options, service_api& service, command_context& context) {
  unsigned poll_ms = context.poll_ms;
  for (;;) {
    auto record = service.retrieval_status(options.workspace, options.retrieval);
    if (!record) return end_with(context, record.error());
    if (options.wait && record->record.state == retrieval_state::running) {
      std::string text = "retrieval " + std::to_string(record->record.id.value) +
                         " is running: " + human_bytes(record->finished_bytes) + " of " +
                         human_bytes(record->wanted_bytes);
      if (!record->wait.empty()) text += "; " + record->wait;
      context.report.progress(printable(text));
      poll_ms = pause(poll_ms);
      continue;
    }
    append_retrieval(context.out.text(), *record, options.json);
    bool failed = options.wait && record->record.state != retrieval_state::completed;
    return finish_output(context, failed ? exit_failed : exit_ok);
  }
}

}  // namespace

int wait_for_batch(const status_options& options, service_api& service, command_context& context) {
  const auto& stop = context.catch_interrupt();
  unsigned poll_ms = context.poll_ms;
  for (;;) {
    if (stop) return exit_interrupted;
    auto status = service.status(options.workspace, options.batch, 0);
    if (!status) return end_with(context, status.error());
    if (is_settled(status->batch)) {
      int code = print_batch(options, service, context);
      if (code == exit_ok && !is_safe(status->batch.state)) code = exit_failed;
      return finish_output(context, code);
    }
    context.report.progress(progress_text(status->batch, status->waits));
    poll_ms = pause(poll_ms);
  }
}

int run_status(const status_options& options, command_context& context) {
  auto service = context.connect();
  if (!service) return end_with(context, service.error());
  if (options.retrieval.value != 0) return run_retrieval(options, **service, context);
  if (options.batch.value == 0) {
    return finish_output(context, print_workspace(options, **service, context));
  }
  if (options.wait) return wait_for_batch(options, **service, context);
  return finish_output(context, print_batch(options, **service, context));
}

}  // namespace et
