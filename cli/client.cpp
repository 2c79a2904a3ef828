#include "cli/client.hpp"

#include <set>

#include "actors/basp_link.hpp"
#include "actors/descriptor_channel.hpp"
#include "actors/door_socket.hpp"
#include "actors/node_config.hpp"

namespace et {

namespace {

using job_ptr = std::shared_ptr<client_job>;

struct speaker_state {
  client_actor session;
  std::set<job_ptr> under_way;
  bool ended = false;
};

caf::error session_ended() {
  return fail(errc::unavailable, "the service closed the session");
}

/// Sends what is posted and watches the session: the framework does not fail requests to a peer
/// that has gone.
caf::behavior speaker(caf::stateful_actor<speaker_state>* self, const client_actor& session) {
  self->state.session = session;
  self->monitor(session);
  self->set_down_handler([self](const caf::down_msg&) {
    self->state.ended = true;
    for (auto& job : std::exchange(self->state.under_way, {})) job->fail_with(session_ended());
  });
  return {[self](const job_ptr& job) {
    if (self->state.ended) return job->fail_with(session_ended());
    self->state.under_way.insert(job);
    job->send(self, self->state.session, [self, watched = std::weak_ptr{job}] {
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

  node_config config;
  caf::actor_system system;
  session_info info;
  std::unique_ptr<descriptor_receiver> descriptors;
  caf::actor worker;
};

client::client(std::unique_ptr<node> node_of) : node_(std::move(node_of)) {}
client::~client() = default;
const session_info& client::info() const {
  return node_->info;
}

unique_fd client::take_descriptor(uint64_t number) {
  return node_->descriptors->take(number);
}

void client::start(std::shared_ptr<client_job> job) {
  caf::anon_send(node_->worker, std::move(job));
}

caf::expected<std::unique_ptr<client>> client::connect(const std::string& address,
                                                       std::chrono::milliseconds timeout) {
  constexpr std::string_view scheme = "unix:";
  if (!address.starts_with(scheme))
    return fail(errc::invalid_argument, "the address must be unix:PATH: " + address);
  auto door = knock_at(address.substr(scheme.size()), timeout);
  if (!door) return door.error();
  try {
    auto begun = std::make_unique<node>();
    auto session = connect_over<client_actor>(begun->system, std::move(door->session), timeout);
    if (!session) return with_context(session.error(), address);
    begun->descriptors = std::make_unique<descriptor_receiver>(std::move(door->channel));
    begun->worker = begun->system.spawn(speaker, *session);
    std::unique_ptr<client> result{new client(std::move(begun))};
    auto info = result->call<session_info>(hello_atom::value, std::to_string(protocol_version));
    if (!info) return info.error();
    result->node_->info = std::move(*info);
    return result;
  } catch (const std::exception& e) {
    return fail(errc::internal, std::string{"cannot start a client: "} + e.what());
  }
}

}  // namespace et
