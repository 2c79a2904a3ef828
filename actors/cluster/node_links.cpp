#include "actors/cluster/node_links.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

#include "actors/basp_link.hpp"
#include "actors/monitor/server/address.hpp"
#include "actors/node_config.hpp"
#include "actors/version.hpp"

namespace et::cluster {

namespace {

constexpr const char* greeting_word = "ELASTICTAPE-NODE 1";
/// Payload of one message between nodes.
constexpr uint32_t max_payload_bytes = 32u << 20;
constexpr size_t max_line_bytes = 2 * max_certificate_bytes;
constexpr int socket_buffer_bytes = 1024 * 1024;
/// The door tries again after this when it has no descriptors left.
constexpr int exhausted_delay_ms = 200;

std::string greeting_of(const std::string& node) {
  return std::to_string(protocol_version) + " " + version_text + " " + node;
}

/// The framework's end of a link, and ours.
caf::expected<std::pair<unique_fd, unique_fd>> inner_pair() {
  int both[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, both) != 0)
    return fail_errno("cannot make a link", errno);
  for (int fd : both) ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &socket_buffer_bytes, sizeof(int));
  return std::pair{unique_fd{both[0]}, unique_fd{both[1]}};
}

/// The first two numbers of `1.2.3`.
std::optional<std::pair<unsigned, unsigned>> major_minor(const std::string& version) {
  unsigned major = 0, minor = 0;
  auto* end = version.data() + version.size();
  auto [dot, fault] = std::from_chars(version.data(), end, major);
  if (fault != std::errc{} || dot == end || *dot != '.') return std::nullopt;
  if (std::from_chars(dot + 1, end, minor).ec != std::errc{}) return std::nullopt;
  return std::pair{major, minor};
}

}  // namespace

std::string version_fault(const std::string& own, const std::string& other) {
  auto mine = major_minor(own);
  auto theirs = major_minor(other);
  if (mine && theirs && mine->first == theirs->first &&
      std::max(mine->second, theirs->second) - std::min(mine->second, theirs->second) <= 1)
    return {};
  return "versions " + own + " and " + other +
         " do not work together: they may be one minor version apart at most";
}

caf::expected<std::unique_ptr<node_links>> node_links::open(caf::actor_system& system,
                                                            options with) {
  std::unique_ptr<node_links> made{new node_links(system, std::move(with))};
  if (auto error = made->load()) return error;
  if (made->options_.listen.empty()) return made;
  auto listening = monitor::listen_on(made->options_.listen, true);
  if (!listening) return listening.error();
  made->listening_ = std::move(listening->socket);
  made->address_ = listening->host + ":" + std::to_string(listening->port);
  made->in_thread([self = made.get()] { self->listen_loop(); });
  return made;
}

node_links::~node_links() {
  stop();
}

caf::error node_links::load() {
  certificates own{options_.folder, options_.clock};
  auto fresh = std::make_shared<contexts>();
  auto server = own.context(true, true);
  if (!server) return server.error();
  auto client = own.context(false, false);
  if (!client) return client.error();
  auto known = own.own();
  if (!known) return known.error();
  if (known->node != options_.node)
    return fail(errc::invalid_argument, "the certificate in " + options_.folder.string() +
                                            " is of node " + known->node + ", this is node " +
                                            options_.node + "; names do not change");
  fresh->server = std::move(*server);
  fresh->client = std::move(*client);
  std::lock_guard lock{mutex_};
  contexts_ = std::move(fresh);
  return {};
}

caf::error node_links::renew() {
  return load();
}

std::shared_ptr<node_links::contexts> node_links::current() {
  std::lock_guard lock{mutex_};
  return contexts_;
}

template <class Work>
bool node_links::in_thread(Work work) {
  {
    std::lock_guard lock{mutex_};
    if (stopped_) return false;
    ++inside_;
  }
  try {
    std::thread{[this, work = std::move(work)]() mutable {
      try {
        work();
      } catch (const std::exception& e) {
        spdlog::error("a link between nodes failed: {}", e.what());
      }
      std::lock_guard lock{mutex_};
      --inside_;
      changed_.notify_all();
    }}.detach();
    return true;
  } catch (const std::system_error&) {
    std::lock_guard lock{mutex_};
    --inside_;
    return false;
  }
}

void node_links::listen_loop() {
  for (;;) {
    pollfd all[2] = {{stopping_.descriptor(), POLLIN, 0}, {listening_.get(), POLLIN, 0}};
    if (::poll(all, 2, -1) < 0 && errno != EINTR) return;
    if (all[0].revents) return;
    unique_fd socket{::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!socket) {
      if (errno != EMFILE && errno != ENFILE) continue;
      ::poll(all, 1, exhausted_delay_ms);
      continue;
    }
    auto held = std::make_shared<unique_fd>(std::move(socket));
    in_thread([this, held] { accepted(std::move(*held)); });
  }
}

node_links::waiting::waiting(node_links& of, int socket, bool stranger) : of_(of) {
  std::lock_guard lock{of.mutex_};
  number_ = of.next_number_++;
  of.waiting_[number_] = {socket, stranger};
  if (of.stopped_) ::shutdown(socket, SHUT_RDWR);
  if (!stranger) return;
  size_t strangers = 0;
  for (auto& [number, one] : of.waiting_) strangers += one.stranger;
  if (strangers <= of.options_.max_half_open) return;
  // Who is slow makes room: those who know what to say need milliseconds.
  auto oldest = std::find_if(of.waiting_.begin(), of.waiting_.end(),
                             [](const auto& one) { return one.second.stranger; });
  ::shutdown(oldest->second.socket, SHUT_RDWR);
  of.waiting_.erase(oldest);
}

void node_links::waiting::end() {
  std::lock_guard lock{of_.mutex_};
  of_.waiting_.erase(number_);
}

node_links::visit::visit(node_links& of) : of_(of) {
  std::lock_guard lock{of.mutex_};
  let_in_ = !of.stopped_;
  if (let_in_) ++of.inside_;
}

node_links::visit::~visit() {
  if (!let_in_) return;
  std::lock_guard lock{of_.mutex_};
  --of_.inside_;
  of_.changed_.notify_all();
}

std::string node_links::greeting_fault(const std::string& greeting, const std::string& node) const {
  std::istringstream words{greeting.substr(std::string_view{greeting_word}.size())};
  int protocol = 0;
  std::string version, name;
  if (!(words >> protocol >> version >> name)) return "malformed greeting";
  if (auto fault = version_fault(version_text, version); !fault.empty()) return fault;
  if (protocol != protocol_version)
    return "messages have version " + std::to_string(protocol_version) + " here and " +
           std::to_string(protocol) + " there; use the same version of the program";
  if (name != node) return "the certificate is of node " + node + ", not of " + name;
  return {};
}

void node_links::accepted(unique_fd socket) {
  auto with = current();
  tls_stream stream{std::move(socket), with->server.get(),
                    tls_stream::clock::now() + options_.handshake_timeout};
  waiting half_open{*this, stream.descriptor(), true};
  auto error = stream.accept();
  auto line = error ? caf::expected<std::string>{error} : stream.read_line(max_line_bytes);
  if (!line) {
    spdlog::debug("a connection to the nodes' address came to nothing: {}", text_of(line.error()));
    return;
  }
  auto node = node_of(stream.ssl());
  if (line->starts_with("ENROL ") || line->starts_with("RENEW ")) {
    auto answer = options_.answer ? options_.answer(*line, node) : "no this node is not the head";
    if (auto failed = stream.write(answer + "\n"); !failed) stream.finish();
  } else if (!node.empty() && line->starts_with(greeting_word)) {
    half_open.end();
    welcome(stream, node, *line);
  }
}

void node_links::welcome(tls_stream& stream, const std::string& node, const std::string& greeting) {
  auto refuse = [&](const std::string& why) {
    spdlog::warn("node {} is not let in: {}", node, why);
    if (!stream.write("no " + why + "\n")) stream.finish();
  };
  if (auto fault = greeting_fault(greeting, node); !fault.empty()) return refuse(fault);
  auto pair = inner_pair();
  if (!pair) return refuse(text_of(pair.error()));
  link_facts facts{0, node, {}};
  auto end = add_link(facts);
  if (!end) return refuse("too many links");
  auto port = options_.factory(facts);
  if (!port) {
    drop_link(facts.number);
    return refuse("this node takes no links now");
  }
  auto failed = stream.write("ok " + greeting_of(options_.node) + "\n");
  if (!failed) failed = publish_over(system_, std::move(pair->first), port, options_.interface);
  if (!failed)
    carry(facts, stream, std::move(pair->second), end);
  else
    drop_link(facts.number);
  caf::anon_send_exit(port, caf::exit_reason::user_shutdown);
}

node_links::pump_end_ptr node_links::add_link(link_facts& facts) {
  auto end = std::make_shared<pump_end>();
  std::lock_guard lock{mutex_};
  if (stopped_ || links_.size() >= options_.max_links) return nullptr;
  facts.number = next_number_++;
  links_[facts.number] = {end, facts.node, facts.address.empty(), {}};
  return end;
}

/// A framework's name belongs to one link at a time. Who dials once more has lost the old link,
/// which makes room; one that shows another node's certificate is only refused.
bool node_links::take_name(uint64_t number, const node_bytes& name) {
  auto until = tls_stream::clock::now() + options_.handshake_timeout;
  std::unique_lock lock{mutex_};
  for (;;) {
    auto mine = links_.find(number);
    if (mine == links_.end() || stopped_) return false;
    auto holder = std::find_if(links_.begin(), links_.end(), [&](const auto& one) {
      return one.first != number && one.second.name == name;
    });
    if (holder == links_.end()) {
      mine->second.name = name;
      return true;
    }
    auto& old = holder->second;
    if (old.accepted != mine->second.accepted || old.node != mine->second.node) return false;
    // The greeting of a link that has been replaced already may come last.
    if (holder->first > number) return false;
    old.end->set("it has been dialled again");
    if (changed_.wait_until(lock, until) == std::cv_status::timeout) return false;
  }
}

link_policy node_links::policy_of(const link_facts& facts) {
  link_policy policy;
  policy.peer = facts.address.empty() ? peer_kind::dialling_node : peer_kind::accepting_node;
  policy.own_node = wire_node(system_.node());
  policy.max_payload_bytes = max_payload_bytes;
  policy.is_free = [this, number = facts.number](const node_bytes& name) {
    return take_name(number, name);
  };
  return policy;
}

void node_links::drop_link(uint64_t number) {
  std::lock_guard lock{mutex_};
  links_.erase(number);
  changed_.notify_all();
}

void node_links::carry(const link_facts& facts, tls_stream& stream, unique_fd inside,
                       const pump_end_ptr& end) {
  auto reason = run_pump({stream.ssl(), stream.descriptor(), inside.get(), policy_of(facts),
                          options_.handshake_timeout},
                         *end);
  inside.reset();
  stream.finish();
  settle_closed_link(system_);
  drop_link(facts.number);
  if (options_.on_closed) options_.on_closed(facts.number, facts.node, reason);
}

caf::expected<node_links::connected> node_links::connect(const std::string& address,
                                                         const std::string& node,
                                                         std::chrono::milliseconds timeout) {
  visit inside{*this};
  if (!inside) return fail(errc::unavailable, "the links of this node have been stopped");
  return link_up(address, node, timeout);
}

caf::expected<node_links::connected> node_links::link_up(const std::string& address,
                                                         const std::string& node,
                                                         std::chrono::milliseconds timeout) {
  auto until = tls_stream::clock::now() + timeout;
  auto socket = connect_to(address, until);
  if (!socket) return socket.error();
  auto with = current();
  auto stream = std::make_shared<tls_stream>(std::move(*socket), with->client.get(), until);
  waiting answer_due{*this, stream->descriptor(), false};
  if (auto error = stream->connect()) return with_context(error, address);
  connected made{{0, node_of(stream->ssl()), address}, nullptr};
  if (made.facts.node.empty() || (!node.empty() && made.facts.node != node))
    return fail(errc::not_authorised,
                address + " shows the certificate of node " + made.facts.node + ", not of " + node);
  auto hello = std::string{greeting_word} + " " + greeting_of(options_.node) + "\n";
  if (auto error = stream->write(hello)) return with_context(error, address);
  auto answer = stream->read_line(max_line_bytes);
  if (!answer) return with_context(answer.error(), address);
  if (!answer->starts_with("ok "))
    return fail(errc::not_authorised, address + " does not let this node in: " +
                                          answer->substr(std::min<size_t>(3, answer->size())));
  auto pair = inner_pair();
  if (!pair) return pair.error();
  auto end = add_link(made.facts);
  if (!end) return fail(errc::limit_reached, "too many links");
  answer_due.end();
  auto inside = std::make_shared<unique_fd>(std::move(pair->second));
  bool carried = in_thread([this, facts = made.facts, stream, inside, end, with] {
    carry(facts, *stream, std::move(*inside), end);
  });
  if (!carried) {
    drop_link(made.facts.number);
    return fail(errc::limit_reached, "no thread for a link");
  }
  auto found = connect_untyped(system_, std::move(pair->first), timeout);
  if (!found) {
    end->set("the framework could not connect");
    return with_context(found.error(), address);
  }
  made.port = found->actor;
  return made;
}

caf::expected<std::string> node_links::ask(const std::string& address, const std::string& question,
                                           std::chrono::milliseconds timeout) {
  visit inside{*this};
  if (!inside) return fail(errc::unavailable, "the links of this node have been stopped");
  auto until = tls_stream::clock::now() + timeout;
  auto socket = connect_to(address, until);
  if (!socket) return socket.error();
  auto with = current();
  tls_stream stream{std::move(*socket), with->client.get(), until};
  waiting answer_due{*this, stream.descriptor(), false};
  if (auto error = stream.connect()) return with_context(error, address);
  if (auto error = stream.write(question + "\n")) return with_context(error, address);
  return stream.read_line(max_line_bytes);
}

void node_links::close(uint64_t number, std::string reason) {
  pump_end_ptr end;
  {
    std::lock_guard lock{mutex_};
    auto found = links_.find(number);
    if (found == links_.end()) return;
    end = found->second.end;
  }
  end->set(std::move(reason));
}

void node_links::stop() {
  stopping_.set("stopped");
  {
    std::lock_guard lock{mutex_};
    stopped_ = true;
    for (auto& [number, one] : links_) one.end->set("this node stops");
    for (auto& [number, one] : waiting_) ::shutdown(one.socket, SHUT_RDWR);
  }
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [this] { return inside_ == 0; });
}

}  // namespace et::cluster
