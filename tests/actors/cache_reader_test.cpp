#include "actors/cache_reader.hpp"

#include <catch2/catch.hpp>
#include <filesystem>

using namespace et;

namespace {

struct cache_folder {
  std::string path = "/tmp/elastictape-reader.XXXXXX";
  cache_folder() { REQUIRE(mkdtemp(path.data())); }
  ~cache_folder() { std::filesystem::remove_all(path); }
};

const aggregation_id some{batch_id{1}, 1};

void cache(cache_store& store, const std::string& text) {
  auto sink = store.create_temporary(some);
  REQUIRE(sink);
  REQUIRE_FALSE(sink->write({reinterpret_cast<const uint8_t*>(text.data()), text.size()}));
  REQUIRE_FALSE(store.publish(*sink));
}

}  // namespace

TEST_CASE(
    "cache reader: a file evicted by another reader and recalled is read anew, not as it was") {
  cache_folder folder;
  auto store = cache_store::open(folder.path);
  REQUIRE(store);
  auto channels = std::make_shared<descriptor_channels>();
  auto client = channels->open(7);
  REQUIRE(client);
  descriptor_receiver receiver{std::move(*client)};
  cache_reader_state reader;
  reader.store = &*store;
  reader.channels = channels;
  cache(*store, "first");
  auto lent = reader.lend(some, 0, 7);
  REQUIRE((lent && *lent != 0));
  CHECK(reader.read(some, 0, 0, 5)->size() == 5);
  auto first = receiver.take(*lent);

  REQUIRE_FALSE(store->remove(some));
  cache(*store, "again");
  auto data = reader.read(some, 0, 0, 5);
  REQUIRE(data);
  CHECK(std::string(data->begin(), data->end()) == "again");
  lent = reader.lend(some, 0, 7);
  REQUIRE((lent && *lent != 0));
  char text[5] = {};
  CHECK(*read_at(receiver.take(*lent).get(), text, 5, 0) == 5);
  CHECK(std::string(text, 5) == "again");
  // What was lent before the eviction holds nothing any more.
  CHECK(*read_at(first.get(), text, 5, 0) == 0);
  // A session without a channel gets bytes, not descriptors.
  CHECK(*reader.lend(some, 0, 8) == 0);
}
