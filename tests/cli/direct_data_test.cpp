// Data that a client reads straight from the node that has it, and what it does when that fails.

#include <arpa/inet.h>
#include <sys/socket.h>

#include <atomic>
#include <catch2/catch.hpp>

#include "cli/data_nodes.hpp"
#include "cli/service_api.hpp"
#include "storage/auth/certificates.hpp"
#include "tests/cli/remote_fixture.hpp"

using namespace et;
using namespace et::test;

namespace {

const aggregation_id wanted{batch_id{1}, 1};

/// What a node answers for data, or nothing: then it never answers. The ticket is good.
using node_answer = std::optional<caf::expected<bytes>>;

caf::behavior fake_node(caf::event_based_actor* self, node_answer answer) {
  return {
      [](hello_atom, const std::string& version) {
        return session_info{version, "retrieval 1", false};
      },
      [=](get_data_atom, retrieval_id, aggregation_id, uint64_t, uint32_t) -> caf::result<bytes> {
        if (!answer) return self->make_response_promise<bytes>();
        if (!*answer) return answer->error();
        return **answer;
      }};
}

void with_fake_node(front_door::options& options, remote_service& of, node_answer answer) {
  options.remote->ticket_port = [&of, answer](const std::string&, uint64_t) {
    return caf::actor_cast<caf::strong_actor_ptr>(of.system.spawn(fake_node, answer));
  };
}

/// Where a node's data are.
delivery delivery_from(const remote_service& node, const std::string& address) {
  delivery given;
  given.kind = delivery_kind::ready;
  given.range = {wanted, 0, 10};
  given.address = address;
  given.fingerprint = *fingerprint_of(*read_small_file(node.file("cert.pem"), max_pem_bytes));
  given.ticket = "good";
  return given;
}

/// A head whose only range lies where `given` says; it has the data, too.
caf::behavior fake_head(caf::event_based_actor*, delivery given, std::atomic<int>* asked) {
  return {[](hello_atom, const std::string& version) {
            return session_info{version, "anna", false};
          },
          [=](get_next_atom, retrieval_id) { return given; },
          [=](get_data_atom, retrieval_id, aggregation_id, uint64_t, uint32_t size) {
            ++*asked;
            return bytes(size, 'h');
          }};
}

/// A client that was given a range on another node, which answers so.
class reader {
 public:
  /// `address`: where the head says that the node is, if elsewhere.
  explicit reader(node_answer of_node, const std::string& address = {})
      : node_([&](front_door::options& options) { with_fake_node(options, node_, of_node); }) {
    auto given = delivery_from(node_, address.empty() ? node_.door->remote_address() : address);
    head_.make_port = [this, given](const identity&) {
      return head_.system.spawn(fake_head, given, &asked_head_);
    };
    auto connected = connect_service(head_.door->remote_address(), head_.options());
    REQUIRE(connected);
    service_ = std::move(*connected);
    REQUIRE(service_->get_next(retrieval_id{1}));
  }
  pending<bytes> begin_read() { return service_->get_data(retrieval_id{1}, wanted, 0, 10); }
  caf::expected<bytes> read() { return begin_read().get(); }
  void leave() { service_.reset(); }
  int asked_head() const { return asked_head_; }

 private:
  std::atomic<int> asked_head_{0};
  remote_service node_;
  remote_service head_;
  std::unique_ptr<service_api> service_;
};

/// Each time, and without asking the node again.
void head_gives_instead(reader& one) {
  for (int i = 1; i <= 2; ++i) {
    auto data = one.read();
    REQUIRE(data);
    CHECK(*data == bytes(10, 'h'));
    CHECK(one.asked_head() == i);
  }
}

}  // namespace

TEST_CASE("data comes straight from the node that has it") {
  reader one{bytes(10, 'n')};
  auto data = one.read();
  REQUIRE(data);
  CHECK(*data == bytes(10, 'n'));
  CHECK(one.asked_head() == 0);
}

TEST_CASE("a node that was lost and forgot the retrieval does not fail it: the head is asked") {
  reader one{fail(errc::not_authorised, "that range is not ready, or not of this retrieval")};
  head_gives_instead(one);
}

TEST_CASE("a node that does not answer in time does not fail a get: the head is asked") {
  reader one{fail(errc::timeout, "no answer in time")};
  head_gives_instead(one);
}

TEST_CASE("a node that cannot be reached is tried once in a while, not for each range") {
  int tried = 0;
  data_nodes::steady::time_point now{};
  data_nodes nodes{[&](const delivery&) -> caf::expected<std::unique_ptr<client>> {
                     ++tried;
                     return fail(errc::timeout, "nobody answers");
                   },
                   [&] { return now; }};
  delivery given;
  given.range = {wanted, 0, 10};
  given.address = "node-one:7000";
  for (int i = 0; i < 5; ++i) nodes.learn(given);
  CHECK(tried == 1);
  CHECK(nodes.of(wanted) == nullptr);
  delivery other = given;
  other.address = "node-two:7000";
  nodes.learn(other);
  CHECK(tried == 2);
  now += defaults::data_retry_wait;
  nodes.learn(given);
  CHECK(tried == 3);
}

TEST_CASE("a node that was lost is connected to again after a while, and so often at most") {
  remote_service node{
      [&](front_door::options& options) { with_fake_node(options, node, bytes(10, 'n')); }};
  size_t connected = 0;
  data_nodes::steady::time_point now{};
  data_nodes nodes{[&](const delivery& given) {
                     ++connected;
                     return client::connect_with_ticket(given.address, given.fingerprint,
                                                        given.ticket, std::chrono::seconds{20});
                   },
                   [&] { return now; }};
  auto given = delivery_from(node, node.door->remote_address());
  for (size_t i = 1; i <= defaults::max_lost_data_nodes; ++i) {
    nodes.learn(given);
    CHECK(connected == i);
    auto found = nodes.of(wanted);
    REQUIRE(found);
    CHECK_FALSE(nodes.give_up(wanted, found.get(), errc::io_error));
    CHECK(nodes.give_up(wanted, found.get(), errc::timeout));
    CHECK(nodes.of(wanted) == nullptr);
    nodes.learn(given);
    CHECK(connected == i);
    CHECK(nodes.of(wanted) == nullptr);
    now += defaults::data_retry_wait;
  }
  nodes.learn(given);
  CHECK(connected == defaults::max_lost_data_nodes);
  CHECK(nodes.of(wanted) == nullptr);
}

TEST_CASE("what a node was asked for is answered when the client leaves") {
  reader one{std::nullopt};
  auto data = one.begin_read();
  one.leave();
  REQUIRE(data.wait_for(std::chrono::seconds{0}) == std::future_status::ready);
  CHECK_FALSE(data.get());
  CHECK(one.asked_head() == 0);
}

TEST_CASE("what a node says of the data itself is not asked of the head") {
  reader one{fail(errc::io_error, "cannot read")};
  auto data = one.read();
  REQUIRE_FALSE(data);
  CHECK(code_of(data.error()) == errc::io_error);
  CHECK(one.asked_head() == 0);
}

TEST_CASE("a node that cannot be reached from here does not fail a get: the head is asked") {
  // Connections are taken by the kernel, and nobody ever says a word.
  unique_fd silent{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof where;
  REQUIRE(::bind(silent.get(), reinterpret_cast<sockaddr*>(&where), size) == 0);
  REQUIRE(::listen(silent.get(), 8) == 0);
  REQUIRE(::getsockname(silent.get(), reinterpret_cast<sockaddr*>(&where), &size) == 0);
  reader one{bytes(10, 'n'), "127.0.0.1:" + std::to_string(ntohs(where.sin_port))};
  auto data = one.read();
  REQUIRE(data);
  CHECK(*data == bytes(10, 'h'));
  CHECK(one.asked_head() == 1);
}
