#include "cli/commands/serve.hpp"

#include <poll.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "actors/cluster/node_service.hpp"
#include "actors/defaults.hpp"
#include "actors/node_config.hpp"
#include "actors/standby/standby_service.hpp"
#include "actors/system.hpp"
#include "actors/version.hpp"
#include "cli/alert_targets.hpp"
#include "cli/commands/admin.hpp"
#include "cli/service_config.hpp"
#include "cli/service_log.hpp"

namespace et {

namespace {

/// Descriptors: sessions, cartridges, the catalogue's files.
constexpr rlim_t wanted_descriptors = 8192;

/// Makes the state folder. Everybody may enter it, to reach the socket; all else that the service
/// makes from here on is for its own user, since it holds the names and bytes of everyone's files.
caf::error make_state(const std::filesystem::path& state) {
  namespace fs = std::filesystem;
  std::error_code code;
  bool made = fs::create_directories(state, code);
  if (made) fs::permissions(state, fs::perms{0711}, code);
  if (code) return fail_errno("cannot make " + state.string(), code.value());
  // An earlier version left these to be read.
  for (const auto* name : {"cache", "catalogue", "library", "log"}) {
    if (fs::exists(state / name, code)) fs::permissions(state / name, fs::perms{0700}, code);
    if (code) return fail_errno("cannot close " + (state / name).string(), code.value());
  }
  ::umask(0077);
  return caf::none;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted_descriptors) return;
  limit.rlim_cur = std::min(limit.rlim_max, wanted_descriptors);
  setrlimit(RLIMIT_NOFILE, &limit);
}

storage_options storage_of(const service_config& config) {
  storage_options storage;
  storage.cache_folder = config.cache.folder;
  storage.library_folder = config.library.folder;
  storage.cache_capacity_bytes = config.cache.capacity_bytes;
  storage.cache_high = config.cache.high_watermark;
  storage.cache_low = config.cache.low_watermark;
  storage.cache.retention_ns = int64_t{config.cache.retention_s} * 1'000'000'000;
  storage.cache.reserve_bytes = config.cache.reserve_bytes;
  storage.block_bytes = config.tape.block_bytes;
  storage.has_cache = config.node.is("io");
  storage.has_library = config.library.drives > 0;
  storage.reads_sources = config.node.is("io") || config.node.is("source");
  storage.roots = config.node.roots;
  auto& library = storage.library;
  library.cartridges = config.library.cartridges;
  library.drives = config.library.drives;
  library.capacity_bytes = config.library.capacity_bytes;
  library.barcode_prefix = config.library.barcode_prefix;
  for (auto& drive : config.drive) library.drive_bytes_per_s.push_back(drive.bytes_per_s);
  if (!config.drive.empty()) library.drives = static_cast<uint32_t>(config.drive.size());
  auto& timing = library.drive.timing;
  timing.read_bytes_per_s = config.library.drive_bytes_per_s;
  timing.write_bytes_per_s = config.library.drive_bytes_per_s;
  // Drives have threads of their own.
  timing.delay = [](std::chrono::nanoseconds time) { std::this_thread::sleep_for(time); };
  return storage;
}

cluster::cluster_options cluster_of(const service_config& config,
                                    const std::filesystem::path& state) {
  cluster::cluster_options options;
  options.listen = config.cluster.listen;
  if (!config.node.is("head")) options.heads = config.cluster.head;
  options.folder = state / "cluster";
  options.heartbeat = std::chrono::milliseconds{config.cluster.heartbeat_ms};
  options.down_after = std::chrono::milliseconds{config.cluster.down_after_ms};
  options.reread_after = std::chrono::seconds{config.cluster.reread_after_s};
  return options;
}

/// Nothing: clients of this machine only.
std::optional<front_door::remote_options> remote_of(const service_config& config,
                                                    const std::filesystem::path& state) {
  if (config.service.tls_listen.empty()) return std::nullopt;
  front_door::remote_options remote;
  remote.listen = config.service.tls_listen;
  remote.certificate = config.service.tls_certificate;
  remote.key = config.service.tls_key;
  if (remote.certificate.empty()) {
    remote.certificate = state / "cluster" / "node.pem";
    remote.key = state / "cluster" / "node.key";
  }
  return remote;
}

service_options options_of(const service_config& config, const std::filesystem::path& state,
                           bool embedded) {
  service_options options;
  options.state = state;
  options.storage = storage_of(config);
  options.cluster = cluster_of(config, state);
  options.catalogue.copies = config.catalogue.copies;
  options.catalogue.memory_bytes = config.catalogue.memory_bytes;
  if (!config.cluster.standby.empty() && config.cluster.standby != config.node.name) {
    options.catalogue.log_bytes = config.cluster.standby_log_bytes;
    options.standby.emplace();
    options.standby->standby = config.cluster.standby;
    options.standby->timeout = std::chrono::milliseconds{config.cluster.standby_timeout_ms};
    if (config.cluster.standby_policy == "wait") options.standby->policy = standby_policy::wait;
  }
  options.packing.target_bytes = config.packing.target_bytes;
  options.max_file_bytes = config.packing.max_file_bytes;
  options.audit_days = config.limits.audit_days;
  options.scheduler.copies = config.catalogue.copies;
  options.scheduler.policy.write_after_bytes = config.tape.write_after_bytes;
  options.scheduler.policy.write_after_ms = config.tape.write_after_ms;
  options.scheduler.policy.idle_dismount_ms = int64_t{config.tape.drive_idle_s} * 1000;
  options.door.max_sessions = config.limits.sessions;
  options.door.max_sessions_per_user = config.limits.sessions_per_user;
  options.door.session_idle_timeout = std::chrono::seconds{config.limits.session_idle_s};
  options.door.administrators.names = config.admin.users;
  if (config.service.munge) options.munge = make_munge_daemon(config.service.munge_socket);
  options.door.remote = remote_of(config, state);
  options.node = config.node.name;
  options.default_workspace = embedded;
  return options;
}

monitor::server_options monitor_of(const service_config& config, const std::string& address) {
  using monitor::access_kind;
  monitor::server_options options;
  options.address = address;
  options.certificate = config.monitor.certificate;
  options.key = config.monitor.key;
  auto& access = options.access;
  access.kind = config.monitor.access == "token"   ? access_kind::token
                : config.monitor.access == "proxy" ? access_kind::proxy
                                                   : access_kind::open;
  access.proxy_addresses = config.monitor.proxy_addresses;
  access.user_header = config.monitor.user_header;
  access.administrators.names = config.admin.users;
  return options;
}

/// systemd's readiness protocol: one datagram to the socket it named.
void notify_systemd(const char* text) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (!path || (path[0] != '/' && path[0] != '@')) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  auto length = std::min(std::strlen(path), sizeof address.sun_path - 1);
  std::memcpy(address.sun_path, path, length);
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  unique_fd fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!fd) return;
  [[maybe_unused]] auto sent = ::sendto(
      fd.get(), text, std::strlen(text), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&address),
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length));
}

int complain(const caf::error& error) {
  std::fprintf(stderr, "elastictape serve: %s\n", text_of(error).c_str());
  return 1;
}

/// Waits for a signal to stop or for a failure; true for a signal.
bool wait_for_end(int signals, int failure) {
  pollfd watched[2] = {{signals, POLLIN, 0}, {failure, POLLIN, 0}};
  while (::poll(watched, 2, -1) < 0 && errno == EINTR) {
  }
  return (watched[1].revents & POLLIN) == 0;
}

/// Ends a process that had links. Everything has been stopped and is durable; the framework would
/// wait, for ever in the worst case, for threads of actors whose peers did not hear of their end.
[[noreturn]] void leave(int code) {
  spdlog::shutdown();
  std::fflush(nullptr);
  ::_exit(code);
}

/// Starts this program anew, with the same words: the role in the state folder is another one now.
int begin_again() {
  auto text = read_small_file("/proc/self/cmdline", 64 * 1024);
  if (!text) return complain(text.error());
  std::vector<std::string> words;
  for (size_t at = 0; at < text->size(); at = text->find('\0', at) + 1) {
    words.emplace_back(text->c_str() + at);
    if (words.back() == "--rejoin-as-standby") words.pop_back();
    if (text->find('\0', at) == std::string::npos) break;
  }
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  spdlog::shutdown();
  std::fflush(nullptr);
  ::execv("/proc/self/exe", arguments.data());
  return complain(fail_errno("cannot start again as the head", errno));
}

/// What every kind of node does the same way: signals, failures, readiness.
class foreground {
 public:
  /// Before the first thread, so that all of them leave the signals to the descriptor.
  caf::error begin() {
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    signal(SIGPIPE, SIG_IGN);
    signals_.reset(signalfd(-1, &ends, SFD_CLOEXEC));
    failure_.reset(eventfd(0, EFD_CLOEXEC));
    if (!signals_ || !failure_) return fail_errno("cannot wait for signals", errno);
    raise_descriptor_limit();
    return {};
  }

  std::function<void(const std::string&)> on_failure() {
    return [this](const std::string& what) {
      spdlog::critical("an actor that the service cannot do without has ended: {}", what);
      ring();
    };
  }

  /// Another node is the head: this one ends at once.
  std::function<void(const std::string&)> on_fenced() {
    return [this](const std::string& what) {
      spdlog::critical("{}", what);
      std::fprintf(stderr, "elastictape serve: %s\n", what.c_str());
      fenced_ = true;
      ring();
    };
  }
  /// The standby was promoted: it ends, to go on as the head.
  std::function<void()> on_promoted() {
    return [this] {
      promoted_ = true;
      ring();
    };
  }
  bool fenced() const { return fenced_; }
  bool promoted() const { return promoted_; }
  /// Whether there is anything to end for already.
  std::function<bool()> give_up() {
    return [this] {
      pollfd watched[2] = {{signals_.get(), POLLIN, 0}, {failure_.get(), POLLIN, 0}};
      return ::poll(watched, 2, 0) > 0;
    };
  }

  /// Tells that the node serves, and waits for its end; true: it was asked to stop.
  bool wait(const std::string& ready) {
    std::printf("elastictape ready: %s\n", ready.c_str());
    std::fflush(stdout);
    notify_systemd("READY=1");
    bool asked = wait_for_end(signals_.get(), failure_.get());
    notify_systemd("STOPPING=1");
    if (asked) spdlog::info("asked to stop: finishing the running blocks");
    return asked;
  }

 private:
  void ring() {
    uint64_t one = 1;
    [[maybe_unused]] auto n = ::write(failure_.get(), &one, sizeof one);
  }

  unique_fd signals_;
  unique_fd failure_;
  std::atomic<bool> fenced_{false};
  std::atomic<bool> promoted_{false};
};

int serve_head(const service_config& config, const std::filesystem::path& state, bool embedded,
               const std::string& socket, const std::string& http) {
  foreground front;
  if (auto error = front.begin()) return complain(error);
  node_config framework{service_node(2)};
  caf::actor_system system{framework};
  auto options = options_of(config, state, embedded);
  auto targets = alert_targets(config);
  if (!targets) return complain(targets.error());
  options.alert_targets = std::move(*targets);
  options.door.socket = socket;
  options.on_fenced = front.on_fenced();
  options.give_up = front.give_up();
  if (http != "off") options.monitor = monitor_of(config, http);
  auto running = service::start(system, std::move(options), front.on_failure());
  if (!running) {
    if (code_of(running.error()) == errc::interrupted && !front.fenced()) return 0;
    spdlog::critical("cannot start: {}", text_of(running.error()));
    return front.fenced() ? fenced_exit_code : 1;
  }
  auto& service = **running;
  spdlog::info("ready: version {}, state {}, commands {}, monitor {}", version_text, state.string(),
               service.address(), service.monitor_url());
  auto ready = "commands " + service.address() + ", monitor " + service.monitor_url();
  if (!service.link_address().empty()) ready += ", nodes " + service.link_address();
  auto remote = service.remote_address();
  if (!remote.empty()) spdlog::info("clients of other machines: {}", remote);
  if (!remote.empty()) ready += ", remote " + remote;
  bool asked = front.wait(ready);
  // Whatever a fenced head still does is not to be called done: it does not even end its blocks.
  if (front.fenced()) ::_exit(fenced_exit_code);
  bool had_links = !service.link_address().empty();
  service.stop();
  if (had_links) leave(asked ? 0 : 1);
  return asked ? 0 : 1;
}

/// The standby, until it is asked to stop; or until it is promoted, then the head.
int serve_standby(const service_config& config, const std::filesystem::path& state,
                  const std::string& socket) {
  foreground front;
  if (auto error = front.begin()) return complain(error);
  node_config framework{service_node(2)};
  caf::actor_system system{framework};
  if (config.cluster.head.empty())
    return complain(
        fail(errc::invalid_argument, "[cluster] head must say where the head is, for its standby"));
  auto of_head = options_of(config, state, false);
  standby_service_options options;
  options.catalogue = of_head.catalogue;
  options.door = of_head.door;
  options.door.socket = socket;
  options.node.state = state;
  options.node.node = config.node.name;
  options.node.storage = of_head.storage;
  options.node.cluster = of_head.cluster;
  auto running =
      standby_service::start(system, std::move(options), front.on_failure(), front.on_promoted());
  if (!running) {
    spdlog::critical("cannot start: {}", text_of(running.error()));
    return 1;
  }
  auto& standby = **running;
  spdlog::info("ready: version {}, state {}, standby {}, commands {}", version_text, state.string(),
               standby.node(), standby.address());
  auto asked = front.wait("standby " + standby.node() + ", commands " + standby.address() +
                          ", nodes " + standby.link_address());
  standby.stop();
  if (!front.promoted()) leave(asked ? 0 : 1);
  // Not behind the end of the framework, for which it may wait for ever (leave).
  spdlog::warn("promoted: starting as the head");
  return begin_again();
}

int serve_node(const service_config& config, const std::filesystem::path& state) {
  foreground front;
  if (auto error = front.begin()) return complain(error);
  node_config framework{service_node(2)};
  caf::actor_system system{framework};
  if (config.cluster.head.empty())
    return complain(fail(errc::invalid_argument,
                         "[cluster] head must say where the head is, since [node] roles has no "
                         "head"));
  cluster::node_service_options options;
  options.state = state;
  options.node = config.node.name;
  options.storage = storage_of(config);
  options.cluster = cluster_of(config, state);
  options.door.remote = remote_of(config, state);
  options.door.max_sessions = config.limits.sessions;
  options.door.max_sessions_per_user = config.limits.sessions;
  auto running = cluster::node_service::start(system, std::move(options), front.on_failure());
  if (!running) {
    spdlog::critical("cannot start: {}", text_of(running.error()));
    return 1;
  }
  auto& node = **running;
  spdlog::info("ready: version {}, state {}, node {}, links {}", version_text, state.string(),
               node.node(), node.link_address());
  bool asked = front.wait("node " + node.node() + ", nodes " + node.link_address());
  node.stop();
  leave(asked ? 0 : 1);
}

/// Gets the certificate of this node, unless it has one that has not expired; remembers the head.
caf::error join(const serve_options& options, const std::filesystem::path& state,
                const std::string& node) {
  if (options.token.empty()) return fail(errc::invalid_argument, "--join needs --token");
  auto held = certificates{state / "cluster"}.own();
  if (!held || held->left_s <= 0) {
    if (auto error = cluster::enrol(options.join, options.token, node, state / "cluster",
                                    defaults::connect_timeout))
      return error;
    spdlog::info("joined the cluster of {} as node {}", options.join, node);
  }
  return replace_file(state / "cluster" / "head", options.join + "\n");
}

/// A node that has joined stays one, also when it is started without a configuration.
void remember_head(service_config& config, const std::filesystem::path& state, bool embedded) {
  auto head = read_small_file(state / "cluster" / "head", 512);
  if (!head || !config.cluster.head.empty()) return;
  if (embedded) config.node.roles = {"io"};
  if (!config.node.is("head")) config.cluster.head = {head->substr(0, head->find('\n'))};
}

}  // namespace

int run_serve(const serve_options& options) {
  service_config config;
  bool embedded = options.config_file.empty();
  if (!embedded) {
    auto loaded = load_service_config(options.config_file);
    if (!loaded) return complain(loaded.error());
    config = std::move(*loaded);
  }
  std::filesystem::path state = options.state;
  if (state.empty()) state = config.service.state;
  if (state.empty()) state = options.default_state;
  state = std::filesystem::absolute(state);
  auto listen = options.listen.empty() ? config.service.listen : options.listen;
  std::string socket;
  if (!listen.empty()) {
    if (listen.rfind("unix:/", 0) != 0)
      return complain(fail(errc::invalid_argument,
                           "cannot listen on " + listen + ": this version serves unix:/PATH only"));
    socket = listen.substr(5);
  }
  if (auto error = make_state(state)) return complain(error);
  if (auto error = open_log(config, state)) return complain(error);
  if (!options.join.empty()) {
    auto node = node_name_of(state, config.node.name);
    if (!node) return complain(node.error());
    if (auto error = join(options, state, *node)) return complain(error);
  }
  remember_head(config, state, embedded);
  auto http = options.http.empty() ? config.service.http : options.http;
  auto role = read_role(state);
  if (!role) return complain(role.error());
  auto& roles = config.node.roles;
  // What the node has become by promotion, or by giving the head up, counts before what it was
  // configured to be.
  if (options.rejoin_as_standby && *role == node_role::head) {
    std::error_code code;
    std::filesystem::remove(state / "role", code);
    *role = node_role::none;
  }
  bool follows = options.rejoin_as_standby || *role == node_role::standby ||
                 (config.node.is("standby") && *role == node_role::none);
  if (follows) {
    std::replace(roles.begin(), roles.end(), std::string{"head"}, std::string{"standby"});
    return serve_standby(config, state, socket);
  }
  if (*role == node_role::head)
    std::replace(roles.begin(), roles.end(), std::string{"standby"}, std::string{"head"});
  if (!config.node.is("head")) return serve_node(config, state);
  return serve_head(config, state, embedded, socket, http);
}

}  // namespace et
