// /healthz and /readyz, for those who start, stop and watch services.
#include "actors/monitor/pages/pages.hpp"

namespace et::monitor {

namespace {

answer plain(int status, std::string text) {
  answer result;
  result.status = status;
  result.type = "text/plain; charset=utf-8";
  result.next = once([text = std::move(text)](std::string& out) { out += text + "\n"; });
  return result;
}

}  // namespace

caf::expected<answer> healthz(const page_context&, const query&) {
  return plain(200, "ok");
}

caf::expected<answer> readyz(const page_context& context, const query&) {
  // Nobody has logged in: texts of errors, which may hold names of files, go to the log only.
  std::string reasons;
  auto missing = [&](const char* text) {
    reasons += reasons.empty() ? text : std::string{"; "} + text;
  };
  if (!context.store->view()->workspaces()) missing("the catalogue cannot be read");
  if (context.store->check_space()) missing("the disk of the catalogue is too full to write");
  if (!context.live) return fail(errc::unavailable, "nothing is known of the service");
  auto state = context.live->now();
  if (!state->library_known)
    missing("the library's inventory is not known yet");
  else if (!state->trouble.empty())
    missing("a part of the service does not answer");
  return reasons.empty() ? plain(200, "ok") : plain(503, "not ready: " + reasons);
}

}  // namespace et::monitor
