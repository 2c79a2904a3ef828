#include "actors/gateway.hpp"

#include "actors/defaults.hpp"

namespace et {

namespace {

using gateway_pointer = client_actor::stateful_pointer<gateway_state>;

template <class Message>
struct forwarder;

/// Passes one kind of message on. Moved-in values travel on without being copied.
template <class... Args, class Result>
struct forwarder<caf::typed_mpi<caf::detail::type_list<Args...>, caf::output_tuple<Result>>> {
  static auto make(gateway_pointer self) {
    return [self](Args&... args) -> caf::result<Result> {
      auto& state = self->state;
      if (state.under_way >= defaults::max_requests_per_session)
        return fail(errc::limit_reached, "too many requests at once");
      ++state.under_way;
      auto promise = self->template make_response_promise<Result>();
      self->request(state.port, defaults::client_timeout, std::move(args)...)
          .then(
              [self, promise](Result& result) mutable {
                --self->state.under_way;
                promise.deliver(std::move(result));
              },
              [self, promise](caf::error& error) mutable {
                --self->state.under_way;
                promise.deliver(std::move(error));
              });
      return promise;
    };
  }
};

template <class... Messages>
client_actor::behavior_type forward_all(gateway_pointer self, caf::detail::type_list<Messages...>) {
  return {forwarder<Messages>::make(self)...};
}

}  // namespace

client_actor::behavior_type gateway(gateway_pointer self, client_actor port) {
  self->state.port = port;
  self->monitor(port);
  self->set_down_handler([self](const caf::down_msg& down) { self->quit(down.reason); });
  return forward_all(self, client_actor::signatures{});
}

}  // namespace et
