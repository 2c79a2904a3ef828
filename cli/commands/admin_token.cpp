// elastictape admin token: logins for the monitor and for clients on other machines.
#include "cli/commands/admin.hpp"
#include "storage/auth/token.hpp"
#include "storage/os/clock.hpp"

namespace et {

namespace {

constexpr int64_t second_ns = 1'000'000'000;

void append_token(std::string& text, const token_record& token, bool json,
                  const std::string& secret = {}) {
  if (json) {
    json_object line{text};
    line.add("id", token.id).add("user", token.user).add("label", token.label);
    line.add("workspace", token.workspace);
    line.add("created", time_text(token.created_ns));
    line.add("expires", token.expires_ns == 0 ? "" : time_text(token.expires_ns));
    line.add("end", token.tail);
    if (!secret.empty()) line.add("token", secret);
    line.close();
    text += '\n';
    return;
  }
  text += std::to_string(token.id) + ' ' + printable(token.user) +
          (token.workspace.empty() ? "" : " in " + printable(token.workspace)) + " …" +
          printable(token.tail) + " since " + time_text(token.created_ns);
  if (token.expires_ns != 0)
    text += (token.is_expired(system_clock().now_ns()) ? ", expired " : ", expires ") +
            time_text(token.expires_ns);
  if (!token.label.empty()) text += ": " + printable(token.label);
  text += '\n';
}

// Made here, so that the service never has it: it gets the hash.
int create(const admin_token_options& options, service_api& service, command_context& context) {
  auto made = make_token(system_random());
  if (!made) return end_with(context, made.error());
  token_record draft;
  draft.hash = made->hash;
  draft.tail = made->tail;
  draft.user = options.user;
  draft.label = options.label;
  draft.workspace = options.workspace;
  if (options.lifetime_s > 0)
    draft.expires_ns = system_clock().now_ns() + options.lifetime_s * second_ns;
  auto added = service.add_token(draft);
  if (!added) return end_with(context, added.error());
  if (options.json)
    append_token(context.out.text(), *added, true, made->text);
  else
    context.out.text() += made->text + '\n';
  context.report.note(
      "token " + std::to_string(added->id) + " of " + printable(added->user) +
      (added->expires_ns == 0 ? " does not expire" : " expires " + time_text(added->expires_ns)) +
      "; it is shown this once");
  return finish_output(context, exit_ok);
}

int list(const admin_token_options& options, service_api& service, command_context& context) {
  auto all = service.tokens();
  if (!all) return end_with(context, all.error());
  for (const auto& one : *all) append_token(context.out.text(), one, options.json);
  return finish_output(context, exit_ok);
}

int revoke(const admin_token_options& options, service_api& service, command_context& context) {
  auto gone = service.remove_token(options.id);
  if (!gone) return end_with(context, gone.error());
  context.report.note("token " + std::to_string(gone->id) + " of " + printable(gone->user) +
                      " is revoked");
  if (options.json) append_token(context.out.text(), *gone, true);
  return finish_output(context, exit_ok);
}

}  // namespace

int run_admin_token(const admin_token_options& options, command_context& context) {
  auto service = context.connect();
  if (!service) return end_with(context, service.error());
  switch (options.what) {
    case admin_token_options::action::create:
      return create(options, **service, context);
    case admin_token_options::action::revoke:
      return revoke(options, **service, context);
    case admin_token_options::action::list:
      break;
  }
  return list(options, **service, context);
}

}  // namespace et
