#include "cli/service_config.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <set>

#include "actors/alert_delivery.hpp"
#include "storage/auth/certificates.hpp"
#include "storage/os/file.hpp"

namespace et {

namespace {

constexpr size_t max_config_bytes = 1024 * 1024;
constexpr uint64_t no_limit = std::numeric_limits<int64_t>::max();

bool is_address(const std::string& text) {
  auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return false;
  uint32_t port = 0;
  auto* end = text.data() + text.size();
  auto [at, error] = std::from_chars(text.data() + colon + 1, end, port);
  return error == std::errc{} && at == end && port <= 65'535;
}

// Reads one section: each key is taken once, what is left over is unknown.
class section_reader {
 public:
  section_reader(const toml::table& root, std::string name, std::string file,
                 std::vector<std::pair<uint32_t, std::string>>& problems)
      : name_(std::move(name)), file_(std::move(file)), problems_(problems) {
    const toml::node* node = root.get(name_);
    if (node == nullptr) return;
    // [[name]] with one element is the same as [name].
    if (auto* list = node->as_array(); list != nullptr && list->is_homogeneous<toml::table>()) {
      if (list->size() > 1)
        problem(*list->get(1), "", "can stand once only, as [" + name_ + "] or [[" + name_ + "]]");
      node = list->get(0);
    }
    table_ = node->as_table();
    if (table_ == nullptr) problem(*node, "", "must be a section: [" + name_ + "]");
  }

  // One element of a list of sections.
  section_reader(const toml::table& table, std::string name, const section_reader& outer)
      : name_(std::move(name)), file_(outer.file_), problems_(outer.problems_), table_(&table) {}

  // The file itself, for lists of sections at its top.
  section_reader(const toml::table& root, std::string file,
                 std::vector<std::pair<uint32_t, std::string>>& problems)
      : file_(std::move(file)), problems_(problems), table_(&root) {}

  // HOST:PORT or nothing.
  void address(const char* key, std::string& value) {
    text(key, value);
    if (!value.empty() && !is_address(value)) complain(key, "must be HOST:PORT");
  }

  // One or several of them.
  void addresses(const char* key, std::vector<std::string>& values) {
    const toml::node* node = table_ != nullptr ? table_->get(key) : nullptr;
    if (node != nullptr && node->is_string()) {
      values.emplace_back();
      return address(key, values.front());
    }
    texts(key, values);
    for (auto& value : values)
      if (!is_address(value)) complain(key, "'" + value + "' must be HOST:PORT");
  }

  // [[SECTION.key]]: `body` reads each of them.
  template <class T>
  void sections(const char* key, std::vector<T>& values,
                const std::function<void(section_reader&, T&)>& body) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const toml::array* array = node->as_array();
    auto name = name_.empty() ? std::string{key} : name_ + "." + key;
    if (array == nullptr || !array->is_homogeneous<toml::table>())
      return problem(*node, key, "must be sections: [[" + name + "]]");
    for (const toml::node& element : *array) {
      section_reader in{*element.as_table(), name, *this};
      body(in, values.emplace_back());
      in.reject_others();
    }
  }

  // A string that must be there and begin with one of `begins`.
  void url(const char* key, std::string& value, const std::vector<std::string>& begins) {
    text(key, value);
    std::string list;
    for (const auto& begin : begins) {
      if (value.size() > begin.size() && value.starts_with(begin) &&
          value.find_first_of(" \t\r\n") == std::string::npos)
        return;
      list += (list.empty() ? "" : " or ") + begin;
    }
    complain(key, "must be a URL that begins with " + list);
  }

  void text(const char* key, std::string& value) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    if (auto found = node->value_exact<std::string>()) {
      value = *found;
      if (value.find('\0') != std::string::npos) problem(*node, key, "must not hold a NUL");
    } else {
      problem(*node, key, "must be a string");
    }
  }

  void truth(const char* key, bool& value) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    auto found = node->value_exact<bool>();
    if (!found) return problem(*node, key, "must be true or false");
    value = *found;
  }

  // A string that is empty or an absolute path.
  void folder(const char* key, std::string& value) {
    text(key, value);
    if (!value.empty() && value.front() != '/') complain(key, "must be an absolute path");
  }

  void choice(const char* key, std::string& value, const std::vector<std::string>& allowed) {
    text(key, value);
    if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return;
    std::string list;
    for (const auto& word : allowed) list += (list.empty() ? "" : ", ") + word;
    complain(key, allowed.size() == 1 ? "must be " + list : "must be one of " + list);
  }

  template <class T>
  void number(const char* key, T& value, uint64_t low, uint64_t high) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    auto found = node->value_exact<int64_t>();
    if (!found) return problem(*node, key, "must be an integer");
    keep(*node, key, *found, value, low, high);
  }

  // An integer, or a string with a unit.
  template <class T>
  void size(const char* key, T& value, uint64_t low, uint64_t high) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    if (auto found = node->value_exact<int64_t>()) {
      return keep(*node, key, *found, value, low, high);
    }
    auto written = node->value_exact<std::string>();
    if (!written) return problem(*node, key, "must be a size: an integer or a string as \"10T\"");
    auto bytes = parse_size(*written);
    if (!bytes) return problem(*node, key, text_of(bytes.error()));
    keep(*node, key, static_cast<int64_t>(*bytes), value, low, high);
  }

  void share(const char* key, double& value) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    auto found = node->value<double>();
    if (!found || !node->is_number()) return problem(*node, key, "must be a number");
    if (!(*found > 0 && *found <= 1)) return problem(*node, key, "must be above 0 and at most 1");
    value = *found;
  }

  void texts(const char* key, std::vector<std::string>& values) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const toml::array* array = node->as_array();
    if (array == nullptr) return problem(*node, key, "must be a list of strings");
    values.clear();
    for (const toml::node& element : *array) {
      auto found = element.value_exact<std::string>();
      if (!found || found->empty()) return problem(element, key, "must be a list of strings");
      values.push_back(*found);
    }
  }

  // About a key that was taken; at the section when it was not given.
  void complain(const char* key, const std::string& what) {
    const toml::node* node = table_ != nullptr ? table_->get(key) : nullptr;
    if (node == nullptr) node = table_;
    if (node != nullptr) problem(*node, key, what);
  }

  void reject_others() {
    if (table_ == nullptr) return;
    for (const auto& [key, node] : *table_) {
      if (known_.count(std::string{key.str()}) != 0) continue;
      problem(key.source().begin.line, std::string{key.str()}, "unknown key");
    }
  }

 private:
  const toml::node* take(const char* key) {
    known_.insert(key);
    return table_ != nullptr ? table_->get(key) : nullptr;
  }

  template <class T>
  void keep(const toml::node& node, const char* key, int64_t found, T& value, uint64_t low,
            uint64_t high) {
    high = std::min<uint64_t>(high, std::min<uint64_t>(std::numeric_limits<T>::max(), no_limit));
    if (found >= 0 && static_cast<uint64_t>(found) >= low && static_cast<uint64_t>(found) <= high) {
      value = static_cast<T>(found);
      return;
    }
    std::string range = high == no_limit ? "must be at least " + std::to_string(low)
                                         : "must be between " + std::to_string(low) + " and " +
                                               std::to_string(high);
    problem(node, key, range);
  }

  void problem(const toml::node& node, const std::string& key, const std::string& what) {
    problem(node.source().begin.line, key, what);
  }
  void problem(uint32_t line, const std::string& key, const std::string& what) {
    problems_.emplace_back(line, file_ + ":" + std::to_string(line) + ": " + name_ +
                                     (key.empty() || name_.empty() ? key : "." + key) + ": " +
                                     what);
  }

  const std::string name_;
  const std::string file_;
  std::vector<std::pair<uint32_t, std::string>>& problems_;
  const toml::table* table_ = nullptr;
  std::set<std::string> known_;
};

using section_body = std::function<void(section_reader&, service_config&)>;

void read_service(section_reader& in, service_config& config) {
  in.folder("state", config.service.state);
  in.text("listen", config.service.listen);
  auto& service = config.service;
  in.text("tls_listen", service.tls_listen);
  in.folder("tls_certificate", service.tls_certificate);
  in.folder("tls_key", service.tls_key);
  if (service.tls_certificate.empty() != service.tls_key.empty())
    in.complain(service.tls_key.empty() ? "tls_certificate" : "tls_key",
                "must stand together with the other of tls_certificate and tls_key");
  in.truth("munge", service.munge);
  in.folder("munge_socket", service.munge_socket);
  in.text("http", config.service.http);
  in.choice("log_level", config.service.log_level, {"trace", "debug", "info", "warning", "error"});
  in.folder("log_file", config.service.log_file);
}

void read_cache(section_reader& in, service_config& config) {
  auto& cache = config.cache;
  in.folder("folder", cache.folder);
  in.size("capacity_bytes", cache.capacity_bytes, 0, no_limit);
  in.share("high_watermark", cache.high_watermark);
  in.share("low_watermark", cache.low_watermark);
  in.number("retention_s", cache.retention_s, 0, 10u * 365 * 86400);
  in.size("reserve_bytes", cache.reserve_bytes, 0, no_limit);
  if (cache.low_watermark > cache.high_watermark) {
    in.complain("low_watermark", "must not be above high_watermark");
  }
}

void read_tape(section_reader& in, service_config& config) {
  auto& tape = config.tape;
  in.size("write_after_bytes", tape.write_after_bytes, 0, no_limit);
  in.number("write_after_ms", tape.write_after_ms, 0, 7u * 86400 * 1000);
  in.size("block_bytes", tape.block_bytes, 4096, 8u << 20);
  if (tape.block_bytes % 4096 != 0) in.complain("block_bytes", "must be a multiple of 4096");
  in.number("drive_idle_s", tape.drive_idle_s, 0, 7u * 86400);
}

void read_library(section_reader& in, service_config& config) {
  auto& library = config.library;
  in.choice("kind", library.kind, {"virtual"});
  in.folder("folder", library.folder);
  in.number("cartridges", library.cartridges, 1, 100'000);
  in.number("drives", library.drives, 1, 1'000);
  in.size("capacity_bytes", library.capacity_bytes, 64ull << 20, no_limit);
  in.size("drive_bytes_per_s", library.drive_bytes_per_s, 0, no_limit);
  in.text("barcode_prefix", library.barcode_prefix);
}

void read_monitor(section_reader& in, service_config& config) {
  auto& monitor = config.monitor;
  in.folder("certificate", monitor.certificate);
  in.folder("key", monitor.key);
  if (monitor.certificate.empty() != monitor.key.empty())
    in.complain(monitor.key.empty() ? "certificate" : "key",
                "must stand together with the other of certificate and key");
  in.choice("access", monitor.access, {"open", "token", "proxy"});
  in.texts("proxy_addresses", monitor.proxy_addresses);
  in.text("user_header", monitor.user_header);
}

void read_node(section_reader& in, service_config& config) {
  auto& node = config.node;
  in.text("name", node.name);
  if (!node.name.empty() && !is_node_name(node.name))
    in.complain("name", "must be 1 to 64 characters of A-Z a-z 0-9 . _ -");
  in.texts("roles", node.roles);
  in.texts("roots", node.roots);
  for (auto& role : node.roles)
    if (role != "head" && role != "io" && role != "source" && role != "standby")
      in.complain("roles", "'" + role + "' is no role: head, io, source, standby");
  if (node.roles.empty()) in.complain("roles", "must name at least one role");
  if (node.is("head") && node.is("standby"))
    in.complain("roles", "head and standby exclude each other");
  for (auto& root : node.roots)
    if (!root.starts_with("/") || (root.size() > 1 && root.ends_with("/")))
      in.complain("roots", "'" + root + "' must be an absolute path without a '/' at its end");
}

void read_cluster(section_reader& in, service_config& config) {
  auto& cluster = config.cluster;
  in.address("listen", cluster.listen);
  in.addresses("head", cluster.head);
  in.number("heartbeat_ms", cluster.heartbeat_ms, 50, 60'000);
  in.number("down_after_ms", cluster.down_after_ms, 200, 3'600'000);
  in.text("standby", cluster.standby);
  in.number("standby_timeout_ms", cluster.standby_timeout_ms, 100, 3'600'000);
  in.text("standby_policy", cluster.standby_policy);
  in.size("standby_log_bytes", cluster.standby_log_bytes, 64 << 20, uint64_t{1} << 40);
  if (cluster.standby_policy != "drop" && cluster.standby_policy != "wait")
    in.complain("standby_policy", "must be drop or wait");
  in.number("reread_after_s", cluster.reread_after_s, 0, 10u * 365 * 86400);
  if (cluster.down_after_ms < 2 * cluster.heartbeat_ms)
    in.complain("down_after_ms", "must be at least twice heartbeat_ms");
}

void read_limits(section_reader& in, service_config& config) {
  auto& limits = config.limits;
  in.number("sessions", limits.sessions, 1, 100'000);
  in.number("sessions_per_user", limits.sessions_per_user, 1, 100'000);
  in.number("session_idle_s", limits.session_idle_s, 1, 7u * 86400);
  in.number("audit_days", limits.audit_days, 1, 36'500);
}

template <class T>
void read_selection(section_reader& in, T& target) {
  in.text("name", target.name);
  in.texts("workspaces", target.workspaces);
  in.choice("severity", target.severity, {"info", "warning", "error"});
  in.number("give_up_days", target.give_up_days, 1, 3650);
}

void read_mail(section_reader& in, service_config::alert_mail_section& mail) {
  in.url("server", mail.server, {"smtp://", "smtps://"});
  in.text("from", mail.from);
  if (auto fault = address_fault(mail.from); !fault.empty()) in.complain("from", fault);
  in.texts("to", mail.to);
  if (mail.to.empty()) in.complain("to", "must name somebody");
  for (const auto& one : mail.to)
    if (auto fault = address_fault(one); !fault.empty()) in.complain("to", one + ": " + fault);
  in.text("user", mail.user);
  in.folder("password_file", mail.password_file);
  if (mail.user.empty() != mail.password_file.empty())
    in.complain("password_file", "user and password_file go together");
  in.choice("tls", mail.tls, {"off", "if-offered", "required"});
  read_selection(in, mail);
  if (mail.name.empty())
    for (const auto& one : mail.to) mail.name += (mail.name.empty() ? "" : ",") + one;
}

void read_webhook(section_reader& in, service_config::alert_webhook_section& webhook) {
  in.url("url", webhook.url, {"http://", "https://"});
  in.folder("secret_file", webhook.secret_file);
  read_selection(in, webhook);
  if (webhook.name.empty()) webhook.name = webhook.url;
}

void read_alert(section_reader& in, service_config& config) {
  in.sections<service_config::alert_mail_section>("mail", config.alert.mail, read_mail);
  in.sections<service_config::alert_webhook_section>("webhook", config.alert.webhook, read_webhook);
  // How far each has come is kept under its name.
  std::set<std::string> names;
  for (const auto& one : config.alert.mail)
    if (!names.insert(one.name).second) in.complain("mail", one.name + ": two have this name");
  for (const auto& one : config.alert.webhook)
    if (!names.insert(one.name).second) in.complain("webhook", one.name + ": two have this name");
}

const std::vector<std::pair<std::string, section_body>>& sections() {
  static const std::vector<std::pair<std::string, section_body>> all{
      {"node", read_node},
      {"cluster", read_cluster},
      {"service", read_service},
      {"catalogue",
       [](section_reader& in, service_config& c) {
         in.size("memory_bytes", c.catalogue.memory_bytes, 8ull << 20, no_limit);
         in.number("copies", c.catalogue.copies, 1, 4);
       }},
      {"cache", read_cache},
      {"packing",
       [](section_reader& in, service_config& c) {
         in.size("target_bytes", c.packing.target_bytes, 1ull << 20, 1ull << 40);
         in.size("max_file_bytes", c.packing.max_file_bytes, 1, 8ull << 40);
       }},
      {"tape", read_tape},
      {"library", read_library},
      {"limits", read_limits},
      {"monitor", read_monitor},
      {"alert", read_alert},
      {"admin", [](section_reader& in, service_config& c) { in.texts("users", c.admin.users); }},
  };
  return all;
}

caf::expected<service_config> read_table(const toml::table& root, const std::string& file) {
  service_config config;
  std::vector<std::pair<uint32_t, std::string>> problems;
  std::set<std::string> known;
  for (const auto& [name, body] : sections()) {
    known.insert(name);
    section_reader in{root, name, file, problems};
    body(in, config);
    in.reject_others();
  }
  known.insert("drive");
  section_reader drives{root, file, problems};
  drives.sections<service_config::drive_section>(
      "drive", config.drive, [](section_reader& in, service_config::drive_section& drive) {
        in.size("bytes_per_s", drive.bytes_per_s, 0, no_limit);
      });
  for (const auto& [key, node] : root) {
    if (known.count(std::string{key.str()}) != 0) continue;
    auto line = key.source().begin.line;
    problems.emplace_back(line, file + ":" + std::to_string(line) + ": " + std::string{key.str()} +
                                    (node.is_table() ? ": unknown section" : ": unknown key"));
  }
  if (problems.empty()) return config;
  std::stable_sort(problems.begin(), problems.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string text;
  for (const auto& [line, problem] : problems) text += (text.empty() ? "" : "\n") + problem;
  return fail(errc::invalid_argument, text);
}

}  // namespace

bool service_config::node_section::is(const char* role) const {
  return std::find(roles.begin(), roles.end(), role) != roles.end();
}

caf::expected<service_config> parse_service_config(std::string_view text, const std::string& name) {
  try {
    return read_table(toml::parse(text, name), name);
  } catch (const toml::parse_error& error) {
    return fail(errc::invalid_argument, name + ":" + std::to_string(error.source().begin.line) +
                                            ": " + std::string{error.description()});
  } catch (const std::exception& error) {
    return fail(errc::internal, name + ": " + error.what());
  }
}

caf::expected<service_config> load_service_config(const std::string& file) {
  auto text = read_small_file(file, max_config_bytes);
  if (!text) return text.error();
  return parse_service_config(*text, file);
}

caf::expected<uint64_t> parse_size(std::string_view text) {
  auto bad = [&] {
    return fail(errc::invalid_argument,
                "'" + std::string{text} + "' is not a size; write it as 512MiB, 10T or in bytes");
  };
  double number = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || !(number >= 0)) return bad();
  std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  if (unit.empty() || unit == "B") {
    uint64_t exact = 0;
    auto [exact_end, exact_error] = std::from_chars(text.data(), text.data() + text.size(), exact);
    if (exact_error != std::errc{} || exact_end != end || exact > no_limit) return bad();
    return exact;
  }
  constexpr std::string_view letters = "KMGTPE";
  size_t power = letters.find(unit.front() == 'k' ? 'K' : unit.front());
  std::string_view rest = unit.substr(1);
  if (power == std::string_view::npos || (!rest.empty() && rest != "B" && rest != "iB")) {
    return bad();
  }
  double value = number * std::pow(rest == "B" ? 1000.0 : 1024.0, static_cast<double>(power + 1));
  if (value >= 9.2e18) return bad();
  return static_cast<uint64_t>(std::llround(value));
}

}  // namespace et
