#include "actors/data_port.hpp"

#include "actors/actor_base.hpp"
#include "actors/defaults.hpp"
#include "actors/node_config.hpp"
#include "actors/version.hpp"

namespace et {

namespace {

using self_pointer = client_actor::stateful_pointer<data_port_state>;

caf::error only_data() {
  return fail(errc::not_authorised, "a ticket is for reading the data of one retrieval only");
}

template <class Message>
struct answer_to;

template <class... Args, class Result>
struct answer_to<caf::typed_mpi<caf::detail::type_list<Args...>, caf::output_tuple<Result>>> {
  static auto make(self_pointer) {
    return [](const Args&...) -> caf::result<Result> { return only_data(); };
  }
};

template <>
struct answer_to<handles<session_info(hello_atom, std::string)>> {
  static auto make(self_pointer self) {
    return [self](hello_atom, const std::string& version) -> caf::result<session_info> {
      if (version != std::to_string(protocol_version))
        return fail(errc::protocol, "this node speaks version " + std::to_string(protocol_version) +
                                        " of the protocol, the client another");
      if (self->state.ticket.empty()) return only_data();
      auto promise = self->make_response_promise<session_info>();
      self->request(self->state.actors->tickets, defaults::request_timeout, redeem_atom_v,
                    std::exchange(self->state.ticket, {}))
          .then(
              [=](retrieval_id retrieval) mutable {
                self->state.retrieval = retrieval;
                promise.deliver(
                    session_info{version_text, "retrieval " + std::to_string(retrieval.value)});
              },
              [=](caf::error& error) mutable { promise.deliver(std::move(error)); });
      return promise;
    };
  }
};

template <>
struct answer_to<handles<bytes(get_data_atom, retrieval_id, aggregation_id, uint64_t, uint32_t)>> {
  static auto make(self_pointer self) {
    return [self](get_data_atom, retrieval_id retrieval, aggregation_id id, uint64_t offset_bytes,
                  uint32_t length_bytes) -> caf::result<bytes> {
      if (retrieval != self->state.retrieval || retrieval.value == 0) return only_data();
      // Not delegated: the answer must come from the actor that the session knows.
      auto promise = self->make_response_promise<bytes>();
      self->request(self->state.actors->tickets, defaults::catalogue_timeout, get_data_atom_v,
                    retrieval, id, offset_bytes, length_bytes)
          .then([promise](bytes& piece) mutable { promise.deliver(std::move(piece)); },
                [promise](caf::error& error) mutable { promise.deliver(std::move(error)); });
      return promise;
    };
  }
};

template <class... Messages>
client_actor::behavior_type answers(self_pointer self, caf::detail::type_list<Messages...>) {
  return {answer_to<Messages>::make(self)...};
}

}  // namespace

client_actor::behavior_type data_port(self_pointer self, actors_ptr actors, std::string ticket,
                                      uint64_t session) {
  guard(self);
  self->state.actors = std::move(actors);
  self->state.ticket = std::move(ticket);
  spdlog::info("session {}: a client with a ticket", session);
  return answers(self, client_actor::signatures{});
}

}  // namespace et
