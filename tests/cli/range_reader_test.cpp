#include "cli/commands/range_reader.hpp"

#include <catch2/catch.hpp>

#include "tests/cli/fake_service.hpp"

using namespace et;
using namespace et::test;

namespace {

/// Its node is lost for some of the first questions.
class losing_service : public fake_service {
 public:
  pending<bytes> get_data(retrieval_id retrieval, aggregation_id aggregation, uint64_t offset_bytes,
                          uint32_t size_bytes) override {
    ++asked;
    if (asked > 1 && asked < 4) {
      std::promise<caf::expected<bytes>> lost;
      lost.set_value(fail(errc::node_lost, "node m is lost"));
      return lost.get_future();
    }
    return fake_service::get_data(retrieval, aggregation, offset_bytes, size_bytes);
  }
  int asked = 0;
};

}  // namespace

TEST_CASE("a get goes on where it was when the node that it reads from is lost") {
  const aggregation_id id{batch_id{1}, 1};
  losing_service service;
  auto& data = service.aggregations[id];
  data.resize(max_packed_bytes * 2 + 10);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<uint8_t>(i / 1000);
  std::atomic<bool> stop{false};
  range_reader reader{service, retrieval_id{1}, {id, 0, data.size()}, -1, 2, stop};
  bytes got;
  while (got.size() < data.size()) {
    auto more = reader.at(got.size(), data.size());
    REQUIRE(more);
    got.insert(got.end(), more->begin(), more->end());
  }
  CHECK((got == data));
  CHECK(service.asked == 5);
}
