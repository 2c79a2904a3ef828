#include "tests/cli/dummy_port.hpp"

namespace et {

namespace {

template <class Message>
struct empty_answer;

template <class... Args, class Result>
struct empty_answer<caf::typed_mpi<caf::detail::type_list<Args...>, caf::output_tuple<Result>>> {
  static auto make(client_actor::pointer, const identity&) {
    return [](Args...) -> caf::result<Result> { return Result{}; };
  }
};

template <>
struct empty_answer<handles<session_info(hello_atom, std::string)>> {
  static auto make(client_actor::pointer, const identity& who) {
    return [who](hello_atom, const std::string& version) -> caf::result<session_info> {
      return session_info{version, who.user, who.administrator};
    };
  }
};

template <>
struct empty_answer<
    handles<upload_info(put_begin_atom, std::string, std::string, bool, std::string)>> {
  static auto make(client_actor::pointer self, const identity&) {
    auto held = std::make_shared<std::vector<caf::typed_response_promise<upload_info>>>();
    return [self, held](put_begin_atom, const std::string& workspace, const std::string&, bool,
                        const std::string&) -> caf::result<upload_info> {
      if (workspace != "wait") return fail(errc::not_found, "no such workspace: " + workspace);
      held->push_back(self->make_response_promise<upload_info>());
      return held->back();
    };
  }
};

template <>
struct empty_answer<handles<std::vector<entry_error>(put_chunk_atom, uint64_t, packed_page)>> {
  static auto make(client_actor::pointer, const identity&) {
    return [](put_chunk_atom, uint64_t,
              const packed_page& page) -> caf::result<std::vector<entry_error>> {
      auto size = static_cast<uint32_t>(page.data.size());
      return std::vector<entry_error>{{size, errc::rejected, "size"}};
    };
  }
};

template <>
struct empty_answer<
    handles<bytes(get_data_atom, retrieval_id, aggregation_id, uint64_t, uint32_t)>> {
  static auto make(client_actor::pointer, const identity&) {
    return [](get_data_atom, retrieval_id, aggregation_id, uint64_t offset,
              uint32_t size) -> caf::result<bytes> {
      return bytes(size, static_cast<uint8_t>(offset));
    };
  }
};

template <class... Messages>
client_actor::behavior_type all_of(client_actor::pointer self, const identity& who,
                                   caf::detail::type_list<Messages...>) {
  return {empty_answer<Messages>::make(self, who)...};
}

}  // namespace

client_actor::behavior_type dummy_port(client_actor::pointer self, identity who) {
  return all_of(self, who, client_actor::signatures{});
}

}  // namespace et
