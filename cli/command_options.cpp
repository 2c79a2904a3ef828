#include "cli/command_options.hpp"

#include <charconv>
#include <limits>

namespace et {

namespace {

bool read_number(const std::string& word, uint64_t& value) {
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  return error == std::errc{} && end == word.data() + word.size();
}

}  // namespace

CLI::Option* last(CLI::Option* option) {
  return option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

CLI::Option* text(CLI::App& app, const char* names, std::string& value, const char* help,
                  const char* word) {
  return last(app.add_option(names, value, help))->type_name(word);
}

CLI::Option* flag(CLI::App& app, const char* names, bool& value, const char* help) {
  return app.add_flag(names, value, help);
}

CLI::Option* number(CLI::App& app, const char* names, std::function<void(uint64_t)> take,
                    uint64_t low, uint64_t high, const char* help, const char* word) {
  CLI::callback_t parse = [take = std::move(take), low, high](const CLI::results_t& results) {
    uint64_t value = 0;
    if (!read_number(results.back(), value) || value < low || value > high) return false;
    take(value);
    return true;
  };
  return last(app.add_option(names, parse, help))->type_name(word);
}

CLI::Option* batch_option(CLI::App& app, const char* names, batch_id& value, const char* help) {
  return number(
      app, names, [&value](uint64_t id) { value = batch_id{id}; }, 1,
      std::numeric_limits<uint64_t>::max(), help, "BATCH");
}

void server_options(CLI::App& app, command_line& line) {
  text(app, "--server", line.server, "the service: unix:/PATH or HOST:PORT", "ADDRESS");
  text(app, "--state", line.state, "state folder of the embedded service", "DIR");
  number(
      app, "--reconnect", [&line](uint64_t n) { line.reconnect_seconds = n; }, 0, 86'400,
      "how long to wait for a service that was lost meanwhile; default 60, 0: not at all",
      "SECONDS");
}

void workspace_option(CLI::App& app, command_line& line, const char* names) {
  text(app, names, line.workspace, "workspace; default: [Batch] Workspace in ~/.et_config",
       "WORKSPACE");
}

void log_options(CLI::App& app, command_line& line) {
  flag(app, "-v,--verbose", line.verbose, "say more");
  text(app, "-l,--logfile", line.log_file, "append what the command does to this file", "LOGFILE");
}

}  // namespace et
