#include "actors/monitor/server/server.hpp"

#include <sys/eventfd.h>

#include "actors/monitor/server/connections.hpp"

namespace et::monitor {

server::server(std::unique_ptr<connections> running) : connections_(std::move(running)) {}

server::~server() = default;

std::string server::url() const {
  return connections_->url();
}

caf::expected<std::unique_ptr<server>> server::open(const server_options& options,
                                                    page_context pages, answer_maker make) {
  if (auto error = access_control::check(options.access)) return error;
  if (options.certificate.empty() != options.key.empty())
    return fail(errc::invalid_argument, "the monitor needs both a certificate and its key for TLS");
  std::unique_ptr<tls> secure;
  if (!options.certificate.empty()) {
    auto opened = tls::open(options.certificate, options.key);
    if (!opened) return opened.error();
    secure = std::move(*opened);
  }
  bool guarded = secure && options.access.kind != access_kind::open;
  auto at = listen_on(options.address, guarded);
  if (!at) return at.error();
  unique_fd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!wake) return fail_errno("cannot serve the monitor", errno);
  pages.node = node_label(std::move(pages.node));
  auto origin = (secure ? "https://" : "http://") + at->host + ":" + std::to_string(at->port);
  pages.origin = origin;
  auto engine = std::make_unique<http_engine>(std::move(pages), std::move(make), options.access,
                                              secure != nullptr);
  auto running = std::make_unique<connections>(std::move(engine), std::move(secure), std::move(*at),
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
