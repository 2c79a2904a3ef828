#include "cli/commands/admin.hpp"

#include <algorithm>

#include "cli/list_file.hpp"

namespace et {

namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + printable(word);
  return text.empty() ? "none" : text;
}

void append_strings(std::string& out, const std::vector<std::string>& strings) {
  out += '[';
  for (size_t i = 0; i < strings.size(); ++i) {
    if (i > 0) out += ',';
    append_json(out, strings[i]);
  }
  out += ']';
}

void append_workspace(std::string& text, const workspace_record& row, bool json) {
  if (json) {
    json_object line{text};
    line.add("workspace", row.name);
    append_strings(line.begin("roots"), row.roots);
    append_strings(line.begin("managers"), row.managers);
    line.add("quota", row.quota_bytes).add("used", row.used_bytes).add("files", row.used_files);
    line.add("batches", row.batches).close();
    text += '\n';
    return;
  }
  text += printable(row.name) + "\n  roots     " + joined(row.roots) + "\n  managers  " +
          joined(row.managers) + "\n  quota     " + human_bytes(row.quota_bytes) + " (" +
          std::to_string(row.quota_bytes) + " bytes), used " + human_bytes(row.used_bytes) +
          "\n  holds     " + std::to_string(row.batches) + " batches, " +
          std::to_string(row.used_files) + " files\n";
}

int list(const admin_workspace_options& options, service_api& service, command_context& context) {
  auto found = service.list_workspaces(options.name);
  if (!found) return end_with(context, found.error());
  for (const auto& row : *found) append_workspace(context.out.text(), row, options.json);
  return finish_output(context, exit_ok);
}

int print_one(const admin_workspace_options& options, const caf::expected<workspace_record>& record,
              const char* done, command_context& context) {
  if (!record) return end_with(context, record.error());
  context.report.note("workspace " + printable(record->name) + ' ' + done);
  if (options.json) append_workspace(context.out.text(), *record, true);
  return finish_output(context, exit_ok);
}

// Roots as paths are compared: without the slash at the end that a shell's completion leaves.
caf::error take_roots(const admin_workspace_options& options, workspace_record& record) {
  if (!options.roots) return caf::none;
  record.roots = *options.roots;
  for (auto& root : record.roots) {
    if (root.starts_with('/') && make_plain(root)) continue;
    return fail(errc::invalid_argument,
                "--root: not an absolute path without '..': '" + root + "'");
  }
  return caf::none;
}

int add(const admin_workspace_options& options, service_api& service, command_context& context) {
  workspace_record record;
  record.name = options.name;
  if (auto error = take_roots(options, record)) return end_with(context, error);
  record.managers = options.managers.value_or(std::vector<std::string>{});
  record.quota_bytes = options.quota_bytes.value_or(0);
  return print_one(options, service.add_workspace(record), "added", context);
}

int set(const admin_workspace_options& options, service_api& service, command_context& context) {
  auto found = service.list_workspaces(options.name);
  if (!found) return end_with(context, found.error());
  if (found->empty()) {
    return end_with(context, fail(errc::not_found, "no workspace " + options.name));
  }
  workspace_record record = found->front();
  if (auto error = take_roots(options, record)) return end_with(context, error);
  if (options.managers) record.managers = *options.managers;
  if (options.quota_bytes) record.quota_bytes = *options.quota_bytes;
  return print_one(options, service.set_workspace(record), "changed", context);
}

int remove(const admin_workspace_options& options, service_api& service, command_context& context) {
  if (auto error = service.remove_workspace(options.name)) return end_with(context, error);
  context.report.note("workspace " + printable(options.name) + " removed");
  return exit_ok;
}

}  // namespace

void append_report(std::string& text, const report& one, bool json) {
  if (json) {
    json_object line{text};
    line.add("kind", one.kind).add("name", one.name);
    line.begin("facts");
    {
      json_object facts{text};
      for (const auto& fact : one.facts) facts.add(fact.name, fact.value);
    }
    line.close();
    text += '\n';
    return;
  }
  text += printable(one.kind) + ' ' + printable(one.name) + '\n';
  size_t width = 0;
  for (const auto& fact : one.facts) width = std::max(width, fact.name.size());
  for (const auto& fact : one.facts) {
    text += "  " + printable(fact.name) + std::string(width - fact.name.size() + 2, ' ') +
            printable(fact.value) + '\n';
  }
}

namespace {

void append_alert(std::string& text, const alert_record& alert, bool json) {
  if (json) {
    json_object line{text};
    line.add("number", alert.number).add("time", time_text(alert.time_ns));
    line.add("severity", to_string(alert.level)).add("workspace", alert.workspace);
    line.add("batch", alert.batch.value).add("text", alert.text).close();
    text += '\n';
    return;
  }
  text +=
      std::to_string(alert.number) + ' ' + time_text(alert.time_ns) + ' ' + to_string(alert.level);
  if (!alert.workspace.empty()) text += ' ' + printable(alert.workspace);
  if (alert.batch.value != 0) text += " batch " + std::to_string(alert.batch.value);
  text += ": " + printable(alert.text) + '\n';
}

}  // namespace

int run_admin_workspace(const admin_workspace_options& options, command_context& context) {
  auto service = context.connect();
  if (!service) return end_with(context, service.error());
  switch (options.what) {
    case admin_workspace_options::action::add:
      return add(options, **service, context);
    case admin_workspace_options::action::set:
      return set(options, **service, context);
    case admin_workspace_options::action::remove:
      return remove(options, **service, context);
    case admin_workspace_options::action::list:
      break;
  }
  return list(options, **service, context);
}

int run_admin_inspect(const admin_inspect_options& options, command_context& context) {
  auto service = context.connect();
  if (!service) return end_with(context, service.error());
  auto reports = (*service)->inspect();
  if (!reports) return end_with(context, reports.error());
  for (const auto& one : *reports) append_report(context.out.text(), one, options.json);
  return finish_output(context, exit_ok);
}

int run_admin_alerts(const admin_alerts_options& options, command_context& context) {
  auto service = context.connect();
  if (!service) return end_with(context, service.error());
  uint64_t after = options.after;
  for (;;) {
    auto page = (*service)->alerts(after);
    if (!page) return end_with(context, page.error());
    for (const auto& alert : *page) append_alert(context.out.text(), alert, options.json);
    if (page->empty() || page->back().number <= after) break;
    after = page->back().number;
    if (!context.out.commit()) break;
  }
  return finish_output(context, exit_ok);
}

}  // namespace et
