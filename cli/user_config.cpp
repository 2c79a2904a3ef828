#include "cli/user_config.hpp"

#include <fcntl.h>
#include <ini.h>
#include <pwd.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "storage/auth/token.hpp"
#include "storage/os/file.hpp"

namespace et {

namespace {

constexpr size_t max_address_bytes = 4096;
constexpr size_t max_token_bytes = 256;
constexpr int max_line_bytes = 64 * 1024;

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == 0) return std::nullopt;
  return std::string{value};
}

std::string system_config_path(const environment& env) {
  return env.system_config.value_or("/etc/et_config");
}

int take_setting(void* user, const char* section, const char* name, const char* value) {
  auto& config = *static_cast<user_config*>(user);
  auto is = [&](const char* wanted_section, const char* wanted_name) {
    return strcasecmp(section, wanted_section) == 0 && strcasecmp(name, wanted_name) == 0;
  };
  if (value == nullptr) return 1;
  if (is("Server", "Host")) config.host = value;
  if (is("Server", "Port")) config.port = value;
  if (is("Server", "token_file") || is("Server", "TokenFile")) config.token_file = value;
  if (is("Server", "CA")) config.ca = value;
  if (is("Server", "Fingerprint")) config.fingerprint = value;
  if (is("Server", "Munge")) config.munge = value;
  if (is("Server", "MungeSocket")) config.munge_socket = value;
  if (is("Batch", "Workspace")) config.workspace = value;
  if (is("DIRECTORY", "outputLevel")) config.output_level = value;
  return 1;
}

bool is_port(const std::string& text) {
  uint16_t port = 0;
  const auto* end = text.data() + text.size();
  auto [behind, wrong] = std::from_chars(text.data(), end, port);
  return wrong == std::errc{} && behind == end && text.size() <= 5 && port > 0;
}

caf::expected<std::string> check_address(const std::string& address, const std::string& origin) {
  if (address.starts_with("unix:/")) return address;
  auto colon = address.rfind(':');
  if (colon != std::string::npos && colon > 0 && is_port(address.substr(colon + 1))) return address;
  return fail(errc::invalid_argument,
              origin + ": '" + address + "' is not a server address; use unix:/PATH or HOST:PORT");
}

// Where the embedded service of a state folder listens.
}  // namespace

environment environment::of_process() {
  environment env;
  env.root = geteuid() == 0;
  if (auto home = variable("HOME")) {
    env.home = *home;
  } else if (const passwd* entry = getpwuid(geteuid())) {
    env.home = entry->pw_dir;
  }
  env.server = variable("ELASTICTAPE_SERVER");
  env.state = variable("ELASTICTAPE_STATE");
  env.system_config = variable("ELASTICTAPE_SYSTEM_CONFIG");
  env.token_file = variable("ELASTICTAPE_TOKEN_FILE");
  env.ca = variable("ELASTICTAPE_CA");
  return env;
}

caf::expected<user_config> read_user_config(const std::string& path) {
  user_config config;
  struct closer {
    void operator()(FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<FILE, closer> file{std::fopen(path.c_str(), "re")};
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR) return config;
    return fail_errno("cannot read " + path, errno);
  }
  // As it comes the library takes an indented line for more of the value before it, and the rest
  // of a long line for another one.
  ini_allow_multiline = false;
  ini_use_stack = false;
  ini_allow_realloc = true;
  ini_max_line = max_line_bytes;
  int line = ini_parse_file(file.get(), take_setting, &config);
  if (line > 0) {
    return fail(errc::invalid_argument, path + ":" + std::to_string(line) +
                                            ": neither [SECTION] nor NAME = VALUE nor a comment");
  }
  if (line < 0 || std::ferror(file.get())) return fail(errc::io_error, "cannot read " + path);
  const auto& level = config.output_level;
  if (!level.empty() && level != "workspace" && level != "batch" && level != "file") {
    return fail(errc::invalid_argument, path + ": [DIRECTORY] outputLevel: '" + level +
                                            "' is not workspace, batch or file");
  }
  const auto& munge = config.munge;
  if (!munge.empty() && strcasecmp(munge.c_str(), "yes") != 0 &&
      strcasecmp(munge.c_str(), "no") != 0)
    return fail(errc::invalid_argument,
                path + ": [Server] Munge: '" + munge + "' is neither yes nor no");
  return config;
}

caf::expected<user_config> load_user_config(const environment& env) {
  auto config = read_user_config(system_config_path(env));
  if (!config || env.home.empty()) return config;
  auto own = read_user_config(env.home + "/.et_config");
  if (!own) return own;
  auto lay_over = [](std::string& under, const std::string& over) {
    if (!over.empty()) under = over;
  };
  lay_over(config->host, own->host);
  lay_over(config->port, own->port);
  lay_over(config->workspace, own->workspace);
  lay_over(config->output_level, own->output_level);
  lay_over(config->token_file, own->token_file);
  lay_over(config->ca, own->ca);
  lay_over(config->fingerprint, own->fingerprint);
  lay_over(config->munge, own->munge);
  lay_over(config->munge_socket, own->munge_socket);
  return config;
}

caf::expected<std::string> resolve_state(const std::string& option, const environment& env) {
  std::string folder = !option.empty()    ? option
                       : env.state        ? *env.state
                       : env.root         ? "/var/lib/elastictape"
                       : env.home.empty() ? ""
                                          : env.home + "/.local/state/elastictape";
  if (folder.empty()) {
    return fail(errc::invalid_argument,
                "no state folder: this user has no home; give --state or set ELASTICTAPE_STATE");
  }
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  if (folder.front() == '/') return folder;
  std::unique_ptr<char, decltype(&std::free)> here{getcwd(nullptr, 0), &std::free};
  if (!here) return fail_errno("cannot tell the working folder", errno);
  return std::string{here.get()} + "/" + folder;
}

caf::expected<std::string> embedded_address(const std::string& state) {
  auto told = read_small_file(state + "/address", max_address_bytes);
  if (!told) return "unix:" + state + "/elastictape.sock";
  while (!told->empty() && std::isspace(static_cast<unsigned char>(told->back()))) told->pop_back();
  return check_address(*told, state + "/address");
}

caf::expected<std::string> resolve_server(const std::string& option,
                                          const std::string& state_option, const environment& env,
                                          const user_config& config) {
  if (!option.empty()) return check_address(option, "--server");
  if (env.server) return check_address(*env.server, "ELASTICTAPE_SERVER");
  if (config.host.starts_with("unix:")) return check_address(config.host, "[Server] Host");
  if (!config.host.empty()) {
    if (config.port.empty()) {
      return fail(errc::invalid_argument,
                  "[Server] Host is configured without Port; set Port in ~/.et_config");
    }
    return check_address(config.host + ":" + config.port, "[Server] Host, Port");
  }
  auto state = resolve_state(state_option, env);
  if (!state) return state.error();
  return embedded_address(*state);
}

caf::expected<client_options> resolve_remote(const environment& env, const user_config& config) {
  client_options options;
  options.trust.ca_file = env.ca.value_or(config.ca);
  if (options.trust.ca_file.starts_with("~/") && !env.home.empty())
    options.trust.ca_file = env.home + options.trust.ca_file.substr(1);
  // As openssl and browsers show it.
  for (char c : config.fingerprint)
    if (c != ':') options.trust.fingerprint += static_cast<char>(std::tolower(c));
  auto token = resolve_token(env, config);
  if (!token) return token.error();
  if (!token->empty())
    options.prove = [text = *token]() -> caf::expected<credential> {
      return credential{credential::kind::token, text};
    };
  else if (strcasecmp(config.munge.c_str(), "yes") == 0)
    options.prove = [socket = config.munge_socket]() -> caf::expected<credential> {
      auto made = make_munge_daemon(socket)->encode();
      if (!made) return made.error();
      return credential{credential::kind::munge, std::move(*made)};
    };
  return options;
}

caf::expected<std::string> resolve_token(const environment& env, const user_config& config) {
  auto file = env.token_file.value_or(config.token_file);
  if (file.empty()) return std::string{};
  if (file.starts_with("~/") && !env.home.empty()) file = env.home + file.substr(1);
  auto fd = open_file(file, O_RDONLY | O_NONBLOCK);
  if (!fd) return fail(code_of(fd.error()), "the token: " + text_of(fd.error()));
  // Of what was opened: another file may stand there by now.
  struct stat found {};
  if (::fstat(fd->get(), &found) != 0) return fail_errno("cannot look at " + file, errno);
  if (!S_ISREG(found.st_mode) || found.st_uid != ::geteuid() || (found.st_mode & 0077) != 0)
    return fail(errc::invalid_argument,
                file +
                    " with the token must be a file of your own that nobody "
                    "else can read: chmod 600");
  std::string text(max_token_bytes, '\0');
  auto size = read_at(fd->get(), text.data(), text.size(), 0);
  if (!size) return size.error();
  text.resize(*size);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
  if (!is_token(text))
    return fail(errc::invalid_argument, file +
                                            " does not hold a token; 'elastictape "
                                            "admin token create' makes one");
  return text;
}

caf::expected<std::string> resolve_workspace(const std::string& option, const environment& env,
                                             const user_config& config) {
  if (!option.empty()) return option;
  if (!config.workspace.empty()) return config.workspace;
  return fail(
      errc::invalid_argument,
      "no workspace: give -w WORKSPACE, or set Workspace under [Batch] in ~/.et_config or " +
          system_config_path(env));
}

}  // namespace et
