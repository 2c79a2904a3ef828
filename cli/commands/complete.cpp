#include "cli/commands/complete.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "cli/completion.hpp"
#include "cli/completion_scripts.hpp"
#include "cli/interrupt.hpp"

namespace et {

namespace {

/// Somebody waits at the keyboard.
constexpr std::chrono::milliseconds complete_connect_timeout{1000};
constexpr unsigned complete_timeout_ms = 3000;

void be_silent() {
  unique_fd nowhere{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  if (nowhere) ::dup2(nowhere.get(), STDERR_FILENO);
}

bool is_printable(const std::string& word) {
  return std::none_of(word.begin(), word.end(), [](char c) { return c >= 0 && c < ' '; });
}

std::vector<candidate> ask_service(const completion_place& place, const std::string& workspace,
                                   const service_connector& connect) {
  if (place.what == wanted_kind::batches && workspace.empty()) return {};
  auto service = connect(place.server, place.state);
  if (!service) return {};
  if (place.what == wanted_kind::workspaces) return workspace_candidates(**service, place.begun);
  return batch_candidates(**service, workspace, place.begun);
}

}  // namespace

void write_completion(const complete_options& options, const std::string& default_workspace,
                      const service_connector& connect, output& out) {
  auto place = find_place(options.words, options.current);
  if (place.what == wanted_kind::files || place.what == wanted_kind::folders) {
    out.write(place.what == wanted_kind::files ? "files\n" : "folders\n");
    return;
  }
  if (place.what != wanted_kind::words) {
    auto workspace = place.workspace.empty() ? default_workspace : place.workspace;
    place.words = ask_service(place, workspace, connect);
  }
  out.write("words\n");
  for (const auto& one : place.words) {
    if (!is_printable(one.word) || !is_printable(one.about)) continue;
    out.write(one.word + (one.about.empty() ? "" : '\t' + one.about) + '\n');
  }
}

int run_complete(const complete_options& options, const environment& env,
                 command_context& context) {
  be_silent();
  end_silently_after(complete_timeout_ms);
  auto config = load_user_config(env);
  if (!config) config = user_config{};
  auto connect = [&](const std::string& server,
                     const std::string& state) -> caf::expected<std::unique_ptr<service_api>> {
    auto address = resolve_server(server, state, env, *config);
    if (!address) return address.error();
    client_options how;
    if (!address->starts_with("unix:")) {
      auto remote = resolve_remote(env, *config);
      if (!remote) return remote.error();
      how = std::move(*remote);
    }
    how.timeout = complete_connect_timeout;
    return connect_service(*address, how);
  };
  write_completion(options, config->workspace, connect, context.out);
  context.out.flush();
  return exit_ok;
}

int run_completion(const completion_options& options, command_context& context) {
  context.out.write(options.shell == "zsh" ? zsh_completion_script() : bash_completion_script());
  return finish_output(context, exit_ok);
}

}  // namespace et
