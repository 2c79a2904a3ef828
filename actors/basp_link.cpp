#include "actors/basp_link.hpp"

#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

namespace et {

namespace {

// The framework files published actors under a port number. Ours are found over their link alone,
// so the number only has to be free for the instant between two messages to the broker.
uint16_t next_port() {
  static std::atomic<uint32_t> counter{0};
  return static_cast<uint16_t>(1 + counter.fetch_add(1) % 65'000);
}

caf::actor broker_of(caf::actor_system& system) {
  return system.middleman().named_broker<caf::io::basp_broker>(caf::atom("BASP"));
}

caf::expected<caf::io::scribe_ptr> scribe_over(caf::actor_system& system, unique_fd fd) {
  int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) < 0)
    return fail_errno("cannot use the connection", errno);
  return system.middleman().backend().new_scribe(fd.release());
}

caf::error explain(const caf::error& error) {
  if (code_of(error) == errc::timeout) return fail(errc::timeout, "the other side does not answer");
  if (error == caf::sec::incompatible_application_ids || error == caf::sec::incompatible_versions)
    return fail(errc::protocol, "the other side is of another version");
  return fail(errc::unavailable, "the other side closed the connection");
}

}  // namespace

node_bytes wire_node(const caf::node_id& node) {
  node_bytes result{};
  auto write = [&](size_t at, uint64_t value, size_t size_bytes) {
    for (size_t i = 0; i < size_bytes; ++i)
      result[at + i] = static_cast<uint8_t>(value >> 8 * (size_bytes - 1 - i));
  };
  if (!node || node->implementation_id() != caf::node_id::default_data::class_id) return result;
  const auto& data = static_cast<const caf::node_id::default_data&>(*node);
  write(0, static_cast<uint64_t>(caf::node_id::default_data::class_id), 8);
  write(8, data.process_id(), 4);
  auto host = data.host_id();
  std::copy(host.begin(), host.end(), result.begin() + 12);
  return result;
}

void forget_ended_nodes(caf::actor_system& system) {
  auto broker = broker_of(system);
  // The broker runs in the thread of the framework's loop, and so does what is posted to it.
  system.middleman().backend().post([broker] {
    auto& state =
        static_cast<caf::io::basp_broker&>(*caf::actor_cast<caf::abstract_actor*>(broker));
    if (state.getf(caf::abstract_actor::is_terminated_flag)) return;
    for (auto helper = state.spawn_servers.begin(); helper != state.spawn_servers.end();) {
      if (state.instance.tbl().lookup_direct(helper->first)) {
        ++helper;
        continue;
      }
      caf::anon_send_exit(helper->second, caf::exit_reason::kill);
      helper = state.spawn_servers.erase(helper);
    }
  });
}

caf::error publish_over(caf::actor_system& system, unique_fd fd, caf::strong_actor_ptr whom,
                        std::set<std::string> interface) {
  forget_ended_nodes(system);
  auto scribe = scribe_over(system, std::move(fd));
  if (!scribe) return scribe.error();
  auto broker = broker_of(system);
  auto port = next_port();
  caf::anon_send(broker, caf::publish_atom::value, std::move(*scribe), port, std::move(whom),
                 std::move(interface));
  // The greeting has been written by then; the entry would only keep the actor alive for ever.
  caf::anon_send(broker, caf::close_atom::value, port);
  return caf::none;
}

caf::expected<remote_actor_info> connect_untyped(caf::actor_system& system, unique_fd fd,
                                                 std::chrono::milliseconds timeout) {
  auto scribe = scribe_over(system, std::move(fd));
  if (!scribe) return scribe.error();
  caf::scoped_actor self{system};
  caf::expected<remote_actor_info> result{caf::sec::none};
  self->request(broker_of(system), timeout, caf::connect_atom::value, std::move(*scribe),
                uint16_t{0})
      .receive(
          [&](caf::node_id& node, caf::strong_actor_ptr& actor, std::set<std::string>& interface) {
            result = remote_actor_info{std::move(node), std::move(actor), std::move(interface)};
          },
          [&](caf::error& error) { result = explain(error); });
  if (result && !result->actor) return fail(errc::protocol, "the other side published no actor");
  return result;
}

void settle_links(caf::actor_system& system) {
  constexpr std::chrono::seconds patience{5};
  caf::scoped_actor self{system};
  // Any request: it is answered behind everything that waits in the same mailbox.
  self->request(broker_of(system), patience, caf::get_atom::value, system.node())
      .receive([](const caf::node_id&, const std::string&, uint16_t) {}, [](const caf::error&) {});
}

void settle_closed_link(caf::actor_system& system) {
  // Each request makes the framework ask the kernel once what has happened. The first may meet an
  // answer from before the end; the second may be handled in front of the end, in the same round;
  // the third is not.
  for (int i = 0; i < 3; ++i) settle_links(system);
  forget_ended_nodes(system);
}

}  // namespace et
