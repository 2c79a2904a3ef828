// A put that is asked for again, in another session, under the name its client gave it.
#include "tests/actors/session_port_fixture.hpp"

using namespace et;
using namespace et::test;

namespace {

const std::string request(16, 'r');

struct asking_node : node {
  upload_info begin(const client_actor& port, const std::string& name = request) {
    upload_info upload;
    REQUIRE(ask<upload_info>(port, &upload, put_begin_atom_v, std::string{"mine"}, std::string{"t"},
                             false, name) == errc::none);
    return upload;
  }
  size_t refused(const client_actor& port, const upload_info& upload, const std::string& file) {
    std::vector<entry_error> errors;
    REQUIRE(ask<std::vector<entry_error>>(port, &errors, put_chunk_atom_v, upload.upload,
                                          chunk({{file, 1}})) == errc::none);
    return errors.size();
  }
  errc commit(const client_actor& port, const upload_info& upload, batch_record* batch = nullptr) {
    return ask<batch_record>(port, batch, put_commit_atom_v, upload.upload);
  }
};

}  // namespace

TEST_CASE("requests: a put that is a batch is told, not begun again") {
  asking_node n;
  auto first = n.port("user of mine");
  auto upload = n.begin(first);
  CHECK(upload.committed.value == 0);
  CHECK(n.refused(first, upload, "/mine/a") == 0);
  batch_record batch;
  REQUIRE(n.commit(first, upload, &batch) == errc::none);

  auto again = n.begin(n.port("user of mine"));
  CHECK(again.committed == batch.id);
  CHECK(again.upload == 0);
  // What was begun for the question does not stay.
  CHECK(n.begin(first, std::string(16, 's')).committed.value == 0);
  // Others may call theirs the same.
  auto other = n.port("somebody", true);
  CHECK(n.begin(other).committed.value == 0);
}

TEST_CASE("requests: beginning a put again ends its earlier upload, whose paths are free") {
  asking_node n;
  auto first = n.port("user of mine");
  auto second = n.port("user of mine");
  auto lost = n.begin(first);
  CHECK(n.refused(first, lost, "/mine/a") == 0);
  auto again = n.begin(second);
  CHECK(again.committed.value == 0);
  CHECK(n.refused(second, again, "/mine/a") == 0);
  // Had the first session only been slow, its commit comes too late.
  CHECK(n.commit(first, lost) == errc::not_found);
  batch_record batch;
  CHECK(n.commit(second, again, &batch) == errc::none);
  CHECK(n.begin(first).committed == batch.id);
}

TEST_CASE("requests: a put without a name is its own each time") {
  asking_node n;
  auto port = n.port("user of mine");
  auto one = n.begin(port, {});
  auto two = n.begin(port, {});
  CHECK(n.refused(port, one, "/mine/a") == 0);
  CHECK(n.refused(port, two, "/mine/b") == 0);
  CHECK(n.commit(port, one) == errc::none);
  CHECK(n.commit(port, two) == errc::none);
  CHECK(n.ask<upload_info>(port, nullptr, put_begin_atom_v, std::string{"mine"}, std::string{},
                           false, std::string{"short"}) == errc::invalid_argument);
}

TEST_CASE("requests: what became of a put is forgotten with the batch") {
  asking_node n;
  auto port = n.port("user of mine");
  auto upload = n.begin(port);
  CHECK(n.refused(port, upload, "/mine/a") == 0);
  batch_record batch;
  REQUIRE(n.commit(port, upload, &batch) == errc::none);
  REQUIRE(n.ask<batch_record>(port, nullptr, remove_atom_v, std::string{"mine"}, batch.id) ==
          errc::none);
  CHECK(n.begin(port).committed.value == 0);
}
