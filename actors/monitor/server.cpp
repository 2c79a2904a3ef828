#include "actors/monitor/server.hpp"

#include <sys/eventfd.h>

#include "actors/monitor/connections.hpp"

namespace et::monitor {

server::server(std::unique_ptr<connections> running) : connections_(std::move(running)) {}

server::~server() = default;

std::string server::url() const {
  return connections_->url();
}

caf::expected<std::unique_ptr<server>> server::open(const server_options& options,
                                                    page_context pages, answer_maker make) {
  auto at = listen_on(options.address);
  if (!at) return at.error();
  unique_fd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!wake) return fail_errno("cannot serve the monitor", errno);
  pages.node = node_label(std::move(pages.node));
  pages.origin = "http://" + at->host + ":" + std::to_string(at->port);
  auto running = std::make_unique<connections>(std::move(pages), std::move(make), std::move(*at),
                                               std::move(wake));
  return std::unique_ptr<server>{new server(std::move(running))};
}

std::string node_label(std::string name) {
  for (char& c : name) {
    bool good = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                c == '-' || c == '.';
    if (!good) c = '-';
  }
  return name.empty() ? "localhost" : name;
}

}  // namespace et::monitor
