#include "actors/standby/node_role.hpp"

#include "storage/os/file.hpp"
#include "tests/storage/catalogue/fixture.hpp"

using namespace et;
using namespace et::test;

TEST_CASE("a node remembers the highest epoch", "[epoch]") {
  temporary_folder folder;
  auto path = folder.path() / "epoch";
  {
    auto file = need(epoch_file::open(path));
    CHECK(file.known() == epoch_record{});
    need(file.remember({2, "two and more", 5}));
    need(file.remember({1, "one", 6}));
    CHECK(file.known().node == "two and more");
    CHECK(errc_of(file.remember({3, "a\nb", 6})) == errc::protocol);
    CHECK(errc_of(file.remember({3, std::string(256, 'x'), 6})) == errc::protocol);
  }
  CHECK(need(epoch_file::open(path)).known() == epoch_record{2, "two and more", 5});
}

TEST_CASE("a damaged epoch file is not taken for epoch 0", "[epoch]") {
  temporary_folder folder;
  auto path = folder.path() / "epoch";
  for (const auto* text : {"", "\n", "2\n", "2 5\n", "x 5 two\n", "2 5 two", "2 5 two\nmore\n",
                           "-2 5 two\n", "99999999999999999999 5 two\n"}) {
    INFO(text);
    need(replace_file(path, text));
    CHECK(errc_of(epoch_file::open(path)) == errc::corrupt);
  }
}

TEST_CASE("a head of a lower epoch is refused, one of a higher remembered", "[epoch]") {
  temporary_folder folder;
  auto file = need(epoch_file::open(folder.path() / "epoch"));
  need(file.accept_head("a", {}));
  need(file.accept_head("b", {4, "b", 1'700'000'000'000'000'000}));
  auto refused = file.accept_head("a", {3, "a", 1});
  CHECK(errc_of(refused) == errc::not_authorised);
  CHECK(message_of(refused).find("node b is the head since") != std::string::npos);
  need(file.accept_head("b", {4, "b", 1}));

  need(check_fenced("b", {4, "b", 1}, {4, "b", 1}));
  need(check_fenced("b", {4, "b", 1}, {}));
  auto fenced = check_fenced("a", {3, "a", 1}, file.known());
  CHECK(errc_of(fenced) == errc::unavailable);
  CHECK(message_of(fenced).find("fenced: node b is the head since") != std::string::npos);
  CHECK(message_of(fenced).find("--rejoin-as-standby") != std::string::npos);
}

TEST_CASE("the role of a node is kept", "[epoch]") {
  temporary_folder folder;
  CHECK(need(read_role(folder.path())) == node_role::none);
  need(write_role(folder.path(), node_role::standby));
  CHECK(need(read_role(folder.path())) == node_role::standby);
  need(write_role(folder.path(), node_role::head));
  CHECK(need(read_role(folder.path())) == node_role::head);
  need(replace_file(folder.path() / "role", "king\n"));
  CHECK(errc_of(read_role(folder.path())) == errc::corrupt);
}

TEST_CASE("a promoted copy is in an epoch above all that is known", "[epoch]") {
  temporary_folder folder;
  auto open = [&] {
    return need(catalogue_store::open((folder.path() / "catalogue").string(), {}));
  };
  need(open()->log().raise_epoch({5, "old", 1}));
  auto file = need(epoch_file::open(folder.path() / "epoch"));
  need(file.remember({7, "other", 1}));
  need(write_role(folder.path(), node_role::standby));
  auto now = need(promote_copy(folder.path(), {}, "new", file));
  CHECK(now.epoch == 8);
  CHECK(now.node == "new");
  CHECK(need(open()->log().epoch()) == now);
  CHECK(need(epoch_file::open(folder.path() / "epoch")).known() == now);
  CHECK(need(read_role(folder.path())) == node_role::head);
}

TEST_CASE("a former catalogue is kept under a name that is free", "[epoch]") {
  temporary_folder folder;
  auto first = kept_catalogue(folder.path(), 1'700'000'000'000'000'000);
  CHECK(first.filename().string().rfind("catalogue.kept-2023111", 0) == 0);
  std::filesystem::create_directories(first);
  CHECK(kept_catalogue(folder.path(), 1'700'000'000'000'000'000) != first);
}
