#include "storage/catalogue/keys.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <vector>

using namespace et;
using namespace std::string_literals;

TEST_CASE("every key has exactly these bytes", "[keys]") {
  auto big = batch_id{0x0102030405060708};
  CHECK(keys::version().bytes() == "version");
  CHECK(keys::next_workspace().bytes() == "next_workspace");
  CHECK(keys::next_batch().bytes() == "next_batch");
  CHECK(keys::next_alert().bytes() == "next_alert");
  CHECK(keys::next_retrieval().bytes() == "next_retrieval");
  CHECK(keys::next_token().bytes() == "next_token");
  CHECK(keys::next_delivery("mail ops").bytes() == "next_delivery mail ops");
  CHECK(keys::workspace("climate").bytes() == "climate");
  CHECK(keys::batch(big).bytes() == "\x01\x02\x03\x04\x05\x06\x07\x08");
  CHECK(keys::workspace_batch(workspace_id{0x0a0b0c0d}, big).bytes() ==
        "\x0a\x0b\x0c\x0d\x01\x02\x03\x04\x05\x06\x07\x08");
  CHECK(keys::file(batch_id{258}, "/a").bytes() == "\0\0\0\0\0\0\1\2/a"s);
  CHECK(keys::path(workspace_id{3}, "/a", batch_id{258}).bytes() ==
        "\0\0\0\3/a\0\0\0\0\0\0\0\1\2"s);
  CHECK(keys::path_prefix(workspace_id{3}, "/a").bytes() == "\0\0\0\3/a\0"s);
  CHECK(keys::aggregation({batch_id{1}, 0x01020304}).bytes() == "\0\0\0\0\0\0\0\1\1\2\3\4"s);
  CHECK(keys::placement({batch_id{1}, 2}, "/a").bytes() == "\0\0\0\0\0\0\0\1\0\0\0\2/a"s);
  CHECK(keys::failure(batch_id{1}, "/a").bytes() == "\0\0\0\0\0\0\0\1/a"s);
  CHECK(keys::volume(barcode{"ET0001L8"}).bytes() == "ET0001L8");
  CHECK(keys::alert(513).bytes() == "\0\0\0\0\0\0\2\1"s);
  CHECK(keys::retrieval(retrieval_id{513}).bytes() == "\0\0\0\0\0\0\2\1"s);
  CHECK(keys::token(std::string(32, '\xfe')).bytes() == std::string(32, '\xfe'));
}

TEST_CASE("ranges end before the next owner, also at the end of a byte's range", "[keys]") {
  CHECK(keys::files_of(batch_id{1}).begin.bytes() == "\0\0\0\0\0\0\0\1"s);
  CHECK(keys::files_of(batch_id{1}).end.bytes() == "\0\0\0\0\0\0\0\2"s);
  CHECK(keys::files_of(batch_id{255}).end.bytes() == "\0\0\0\0\0\0\1"s);
  CHECK(keys::paths_of(workspace_id{0xff}).end.bytes() == "\0\0\1"s);
  CHECK(keys::placements_of(aggregation_id{batch_id{1}, 2}).end.bytes() ==
        "\0\0\0\0\0\0\0\1\0\0\0\3"s);
  auto range = keys::files_of(batch_id{255});
  CHECK(keys::file(batch_id{255}, std::string(40, '\xff')) < range.end);
  CHECK(keys::file(batch_id{256}, "/") >= range.end);
}

TEST_CASE("keys parse back, and other bytes do not parse", "[keys]") {
  auto id = batch_id{0xfffefdfcfbfaf9f8};
  CHECK(keys::batch_of_batch_key(keys::batch(id).bytes()) == id);
  CHECK(keys::batch_of_workspace_batch_key(keys::workspace_batch(workspace_id{9}, id).bytes()) ==
        id);
  CHECK(keys::path_of_file_key(keys::file(id, "/x\ny").bytes()) == "/x\ny");
  CHECK(keys::path_of_failure_key(keys::failure(id, "/x").bytes()) == "/x");
  CHECK(keys::path_of_placement_key(keys::placement({id, 7}, "/x").bytes()) == "/x");
  CHECK(keys::batch_of_path_key(keys::path(workspace_id{9}, "/x", id).bytes()) == id);
  CHECK(keys::aggregation_of_key(keys::aggregation({id, 77}).bytes()) == aggregation_id{id, 77});
  CHECK(keys::number_of_alert_key(keys::alert(5).bytes()) == 5u);
  CHECK(keys::retrieval_of_key(keys::retrieval(retrieval_id{6}).bytes()) == retrieval_id{6});

  CHECK_FALSE(keys::batch_of_batch_key("1234567"));
  CHECK_FALSE(keys::batch_of_workspace_batch_key("1234567890123"));
  CHECK_FALSE(keys::path_of_file_key("12345678"));
  CHECK_FALSE(keys::path_of_placement_key("123456789012"));
  CHECK_FALSE(keys::batch_of_path_key("1234/a+12345678"));
  CHECK_FALSE(keys::batch_of_path_key("1234\00012345678"s));
  CHECK_FALSE(keys::aggregation_of_key("12345678901"));
  CHECK_FALSE(keys::number_of_alert_key(""));
  CHECK_FALSE(keys::retrieval_of_key("1234567"));
}

TEST_CASE("keys sort as the paths in them do, whatever bytes those have", "[keys]") {
  std::mt19937 random{42};
  std::vector<std::string> paths = {"/a", "/a/b", "/a.b", "/a\x01", "/\xff", "/a b", "/"};
  for (int i = 0; i < 300; ++i) {
    std::string path = "/";
    for (auto length = random() % 6; length > 0; --length)
      path.push_back(static_cast<char>(random() % 255 + 1));
    paths.push_back(path);
  }
  auto by_file = paths;
  auto by_path = paths;
  std::sort(paths.begin(), paths.end());
  std::sort(by_file.begin(), by_file.end(), [](const auto& a, const auto& b) {
    return keys::file(batch_id{1}, a) < keys::file(batch_id{1}, b);
  });
  std::sort(by_path.begin(), by_path.end(), [](const auto& a, const auto& b) {
    return keys::path(workspace_id{1}, a, batch_id{~uint64_t{0}}) <
               keys::path(workspace_id{1}, b, batch_id{0}) &&
           a != b;
  });
  CHECK(by_file == paths);
  CHECK(by_path == paths);
}

TEST_CASE("nothing sorts between a path and what is behind it", "[keys]") {
  auto behind = keys::path_behind("/a");
  CHECK(behind > "/a"s);
  CHECK(behind < "/a\x01"s);
  CHECK(behind == "/a\0"s);
}
