#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "cli/session.hpp"

int main(int argc, char** argv) {
  // Started by the service for each connection, with the client on 3 and the service on 4.
  bool session = argc > 1 && std::strcmp(argv[1], "session") == 0;
  bool tls = argc == 3 && std::strcmp(argv[2], "tls") == 0;
  if (session && (argc == 2 || tls)) et::run_session(3, 4, tls);
  try {
    std::vector<std::string> arguments(argv, argv + argc);
    auto line = et::parse_command_line(arguments);
    line.arguments = std::move(arguments);
    if (line.what != et::command::serve) et::end_on_interrupt();
    return et::run_command(line, et::environment::of_process());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "elastictape: %s\n", error.what());
    return 1;
  }
}
