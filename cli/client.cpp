#include "cli/client.hpp"

#include <atomic>
#include <set>

#include "actors/basp_link.hpp"
#include "actors/descriptor_channel.hpp"
#include "actors/door_socket.hpp"
#include "actors/node_config.hpp"
#include "actors/tls_bridge.hpp"

namespace et {

namespace {

using job_ptr = std::shared_ptr<client_job>;

struct speaker_state {
  client_actor session;
  std::set<job_ptr> under_way;
  std::shared_ptr<std::atomic<bool>> ended;
};

caf::error session_ended() {
  return fail(errc::unavailable, "the service closed the session");
}

/// Sends what is posted and watches the session: the framework does not fail requests to a peer
/// that has gone.
caf::behavior speaker(caf::stateful_actor<speaker_state>* self, const client_actor& session,
                      const std::shared_ptr<std::atomic<bool>>& ended,
                      std::chrono::milliseconds timeout) {
  self->state.session = session;
  self->state.ended = ended;
  self->monitor(session);
  self->set_down_handler([self](const caf::down_msg&) {
    *self->state.ended = true;
    for (auto& job : std::exchange(self->state.under_way, {})) job->fail_with(session_ended());
  });
  return {[self, timeout](const job_ptr& job) {
    if (*self->state.ended) return job->fail_with(session_ended());
    self->state.under_way.insert(job);
    job->send(self, self->state.session, timeout, [self, watched = std::weak_ptr{job}] {
      self->state.under_way.erase(watched.lock());
    });
  }};
}

}  // namespace

struct client::node {
  node() : config(short_lived_node()), system(config) {}
  ~node() {
    if (worker) caf::anon_send_exit(worker, caf::exit_reason::kill);
  }

  std::unique_ptr<tls_bridge> bridge;  // of a service on another machine; ends after the system
  node_config config;
  caf::actor_system system;
  std::shared_ptr<std::atomic<bool>> ended = std::make_shared<std::atomic<bool>>(false);
  session_info info;
  std::unique_ptr<descriptor_receiver> descriptors;
  caf::actor worker;
};

client::client(std::unique_ptr<node> node_of) : node_(std::move(node_of)) {}
client::~client() = default;
bool client::ended() const {
  return *node_->ended;
}
const session_info& client::info() const {
  return node_->info;
}

unique_fd client::take_descriptor(uint64_t number) {
  return node_->descriptors->take(number);
}

void client::start(std::shared_ptr<client_job> job) {
  caf::anon_send(node_->worker, std::move(job));
}

caf::expected<std::unique_ptr<client>> client::begin(std::unique_ptr<node> begun, unique_fd session,
                                                     const std::string& address,
                                                     const client_options& options) {
  auto speaks = connect_over<client_actor>(begun->system, std::move(session), options.timeout);
  if (!speaks) return with_context(speaks.error(), address);
  begun->worker = begun->system.spawn(speaker, *speaks, begun->ended, options.request_timeout);
  std::unique_ptr<client> result{new client(std::move(begun))};
  auto info = result->call<session_info>(hello_atom::value, std::to_string(protocol_version));
  if (!info) return info.error();
  result->node_->info = std::move(*info);
  return result;
}

caf::expected<std::unique_ptr<client>> client::connect(const std::string& address,
                                                       const client_options& options) {
  constexpr std::string_view scheme = "unix:";
  try {
    if (address.starts_with(scheme)) {
      auto door = knock_at(address.substr(scheme.size()), options.timeout);
      if (!door) return door.error();
      auto begun = std::make_unique<node>();
      begun->descriptors = std::make_unique<descriptor_receiver>(std::move(door->channel));
      return begin(std::move(begun), std::move(door->session), address, options);
    }
    auto stream = connect_remote(address, options);
    if (!stream) return stream.error();
    auto bridge = tls_bridge::start(std::move(*stream));
    if (!bridge) return bridge.error();
    auto begun = std::make_unique<node>();
    auto session = (*bridge)->take_plain();
    begun->bridge = std::move(*bridge);
    begun->descriptors = std::make_unique<descriptor_receiver>(unique_fd{});
    return begin(std::move(begun), std::move(session), address, options);
  } catch (const std::exception& e) {
    return fail(errc::internal, std::string{"cannot start a client: "} + e.what());
  }
}

caf::expected<std::unique_ptr<client>> client::connect_with_ticket(
    const std::string& address, const std::string& fingerprint, const std::string& ticket,
    std::chrono::milliseconds timeout) {
  client_options options;
  options.timeout = timeout;
  options.request_timeout = defaults::data_timeout;
  options.trust.fingerprint = fingerprint;
  options.prove = [&]() -> caf::expected<credential> {
    return credential{credential::kind::ticket, ticket};
  };
  return connect(address, options);
}

}  // namespace et
