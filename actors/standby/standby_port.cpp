#include "actors/standby/standby_port.hpp"

#include "actors/actor_base.hpp"
#include "actors/cluster/cluster_protocol.hpp"
#include "actors/version.hpp"
#include "actors/watch.hpp"

namespace et {

namespace {

/// The client that asked for the promotion has so long to hear of it and go.
constexpr std::chrono::seconds farewell{2};

/// What every handler needs.
struct port {
  client_actor::pointer self;
  identity who;
  standby_port_options options;

  caf::error not_administrator() const {
    return fail(errc::not_authorised, "user " + who.user + " is no administrator");
  }
};

/// Calls `promoted` when the client of `p` has gone, or does not go in time: its session ends with
/// this process's part as the standby, and it would not hear the answer.
void tell_promoted_later(const std::shared_ptr<port>& p) {
  auto promoted = p->options.on_promoted;
  if (!promoted) return;
  auto gone = p->self->address();
  p->self->system().spawn([promoted, gone](caf::event_based_actor* self) -> caf::behavior {
    guard(self);
    auto tell = [=] {
      promoted();
      self->quit();
    };
    self->set_down_handler([tell](const caf::down_msg&) { tell(); });
    if (watch(self, gone))
      self->delayed_send(self, farewell, tick_atom_v);
    else
      self->send(self, tick_atom_v);
    return {[tell](tick_atom) { tell(); }};
  });
}

/// Every message but those below: asks the follower where the head is, and says so.
template <class Message>
struct refusal;

template <class... Words, class Result>
struct refusal<caf::typed_mpi<caf::detail::type_list<Words...>, caf::output_tuple<Result>>> {
  static auto make(const std::shared_ptr<port>& p) {
    return [p](const Words&...) -> caf::result<Result> {
      auto promise = p->self->make_response_promise<Result>();
      auto refuse = [p, promise](const std::string& head) mutable {
        (void)promise.deliver(
            fail(errc::unavailable,
                 "node " + p->options.node + " is a standby: ask the head" +
                     (head.empty() ? std::string{} : ", node " + head) +
                     ", or make this one the head: elastictape admin cluster promote"));
      };
      p->self->request(p->options.follower, defaults::request_timeout, nodes_atom_v)
          .then([refuse](const std::string& head) mutable { refuse(head); },
                [refuse](const caf::error&) mutable { refuse({}); });
      return promise;
    };
  }
};

template <>
struct refusal<handles<session_info(hello_atom, std::string)>> {
  static auto make(const std::shared_ptr<port>& p) {
    return [p](hello_atom, const std::string&) -> caf::result<session_info> {
      return session_info{version_text, p->who.user, p->who.administrator};
    };
  }
};

/// Not delegated: the answer must come from the actor that the session knows.
template <class Handle, class Atom>
caf::result<std::vector<report>> passed_on(const std::shared_ptr<port>& p, const Handle& whom,
                                           Atom what) {
  auto promise = p->self->template make_response_promise<std::vector<report>>();
  p->self->request(whom, defaults::request_timeout, what)
      .then([promise](std::vector<report>& all) mutable { promise.deliver(std::move(all)); },
            [promise](caf::error& error) mutable { promise.deliver(std::move(error)); });
  return promise;
}

template <>
struct refusal<handles<std::vector<report>(admin_inspect_atom)>> {
  static auto make(const std::shared_ptr<port>& p) {
    return [p](admin_inspect_atom) -> caf::result<std::vector<report>> {
      if (!p->who.administrator) return p->not_administrator();
      return passed_on(p, p->options.follower, report_atom_v);
    };
  }
};

template <>
struct refusal<handles<std::vector<report>(nodes_atom)>> {
  static auto make(const std::shared_ptr<port>& p) {
    return [p](nodes_atom) -> caf::result<std::vector<report>> {
      if (!p->who.administrator) return p->not_administrator();
      if (!p->options.membership) return std::vector<report>{};
      return passed_on(p, caf::actor_cast<membership_actor>(p->options.membership), nodes_atom_v);
    };
  }
};

template <>
struct refusal<handles<std::string(promote_atom, bool)>> {
  static auto make(const std::shared_ptr<port>& p) {
    return [p](promote_atom, bool force) -> caf::result<std::string> {
      if (!p->who.administrator) return p->not_administrator();
      auto promise = p->self->make_response_promise<std::string>();
      spdlog::warn("{} asks for the promotion of this standby{}", p->who.user,
                   force ? ", by force" : "");
      p->self->request(p->options.follower, defaults::catalogue_timeout, promote_atom_v, force)
          .then(
              [p, promise](const epoch_record& now) mutable {
                promise.deliver("node " + now.node + " is the head, in epoch " +
                                std::to_string(now.epoch));
                tell_promoted_later(p);
              },
              [promise](const caf::error& error) mutable { (void)promise.deliver(error); });
      return promise;
    };
  }
};

template <class... Messages>
client_actor::behavior_type all_of(const std::shared_ptr<port>& p,
                                   caf::detail::type_list<Messages...>) {
  return {refusal<Messages>::make(p)...};
}

}  // namespace

client_actor::behavior_type standby_port(client_actor::pointer self, const identity& who,
                                         const standby_port_options& options) {
  guard(self);
  return all_of(std::make_shared<port>(port{self, who, options}), client_actor::signatures{});
}

}  // namespace et
