#include "cli/alert_targets.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "storage/os/file.hpp"

namespace et {

namespace {

constexpr size_t max_secret_bytes = 4096;
constexpr int64_t day_ns = int64_t{86'400} * 1'000'000'000;

/// The content without the end of its line.
caf::expected<std::string> read_secret(const std::string& file) {
  auto fd = open_file(file, O_RDONLY | O_NONBLOCK);
  if (!fd) return fd.error();
  struct stat found {};
  if (::fstat(fd->get(), &found) != 0) return fail_errno("cannot look at " + file, errno);
  if (!S_ISREG(found.st_mode)) return fail(errc::invalid_argument, file + " is not a file");
  if ((found.st_mode & 0077) != 0)
    return fail(errc::not_authorised,
                file + " holds a secret, but others may use it; chmod 600 it");
  std::array<char, max_secret_bytes + 1> buffer{};
  auto size = ::read(fd->get(), buffer.data(), buffer.size());
  if (size < 0) return fail_errno("cannot read " + file, errno);
  std::string secret{buffer.data(), static_cast<size_t>(size)};
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  if (secret.empty() || secret.size() > max_secret_bytes || secret.find('\0') != std::string::npos)
    return fail(errc::invalid_argument, file + " does not hold a secret of 1 to " +
                                            std::to_string(max_secret_bytes) + " bytes");
  return secret;
}

std::string node_name(const service_config& config) {
  if (!config.node.name.empty()) return config.node.name;
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) return "localhost";
  return host.data();
}

template <class T>
alert_target selection_of(const T& section, const std::string& node) {
  alert_target target;
  target.name = section.name;
  target.workspaces = section.workspaces;
  target.least = section.severity == "info"      ? severity::info
                 : section.severity == "warning" ? severity::warning
                                                 : severity::error;
  target.give_up_ns = int64_t{section.give_up_days} * day_ns;
  target.node = node;
  return target;
}

}  // namespace

caf::expected<std::vector<alert_target>> alert_targets(const service_config& config) {
  std::vector<alert_target> targets;
  auto node = node_name(config);
  for (auto& mail : config.alert.mail) {
    auto target = selection_of(mail, node);
    target.kind = alert_target::kind_type::mail;
    target.url = mail.server;
    target.from = mail.from;
    target.to = mail.to;
    target.user = mail.user;
    if (!mail.password_file.empty()) {
      auto password = read_secret(mail.password_file);
      if (!password) return password.error();
      target.password = *password;
    }
    target.tls = mail.tls == "off"        ? alert_target::tls_type::off
                 : mail.tls == "required" ? alert_target::tls_type::required
                                          : alert_target::tls_type::if_offered;
    targets.push_back(std::move(target));
  }
  for (auto& webhook : config.alert.webhook) {
    auto target = selection_of(webhook, node);
    target.kind = alert_target::kind_type::webhook;
    target.url = webhook.url;
    if (!webhook.secret_file.empty()) {
      auto secret = read_secret(webhook.secret_file);
      if (!secret) return secret.error();
      target.secret = *secret;
    }
    targets.push_back(std::move(target));
  }
  return targets;
}

}  // namespace et
