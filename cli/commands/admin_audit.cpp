// elastictape admin audit: who did what from where, with what outcome.
#include "cli/commands/admin.hpp"

namespace et {

namespace {

void append_audit(std::string& text, const audit_record& record, bool json) {
  if (json) {
    json_object line{text};
    line.add("number", record.number).add("time", time_text(record.time_ns));
    line.add("user", record.user).add("from", record.from).add("action", record.action);
    line.add("workspace", record.workspace).add("subject", record.subject);
    line.add("outcome", record.outcome == errc::none ? "ok" : to_string(record.outcome));
    line.add("text", record.text).close();
    text += '\n';
    return;
  }
  text += std::to_string(record.number) + ' ' + time_text(record.time_ns) + ' ' +
          (record.user.empty() ? "?" : printable(record.user)) + " (" + printable(record.from) +
          ") " + printable(record.action);
  if (!record.workspace.empty()) text += " in " + printable(record.workspace);
  if (!record.subject.empty()) text += ", " + printable(record.subject);
  text += std::string{": "} + (record.outcome == errc::none ? "ok" : to_string(record.outcome));
  if (!record.text.empty()) text += ", " + printable(record.text);
  text += '\n';
}

}  // namespace

int run_admin_audit(const admin_audit_options& options, command_context& context) {
  auto service = context.connect();
  if (!service) return end_with(context, service.error());
  for (auto after = options.after;;) {
    auto page = (*service)->audits(after);
    if (!page) return end_with(context, page.error());
    for (const auto& one : *page)
      if (options.user.empty() || one.user == options.user)
        append_audit(context.out.text(), one, options.json);
    if (page->empty() || page->back().number <= after) break;
    after = page->back().number;
    if (!context.out.commit()) break;
  }
  return finish_output(context, exit_ok);
}

}  // namespace et
