// Values of the catalogue's records: what is accepted is just what would be written.
#include "storage/catalogue/values.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace et;

namespace {

template <class Record>
void again(std::string_view value) {
  Record record;
  if (!values::decode(value, record)) return;
  auto written = values::encode(record);
  Record second;
  fuzz::require(values::decode(written, second), "an accepted value can be written and read");
  fuzz::require(values::encode(second) == written, "written twice it is the same");
  // Numbers have one form each, so there is nothing else that means the same.
  fuzz::require(written == value, "an accepted value is written as it was");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto value = fuzz::text_of_input(data, size);
  again<workspace_record>(value);
  again<batch_record>(value);
  again<aggregation_record>(value);
  again<volume_record>(value);
  again<alert_record>(value);
  again<retrieval_record>(value);
  again<token_record>(value);
  again<audit_record>(value);
  again<request_record>(value);
  again<file_entry>(value);
  again<file_failure>(value);
  std::vector<placed_file> run;
  if (values::decode(value, run) && !run.empty())
    fuzz::require(values::encode(std::span<const placed_file>{run}) == value,
                  "an accepted run is written as it was");
  uint64_t counter = 0;
  if (values::decode_counter(value, counter))
    fuzz::require(values::encode_counter(counter) == value, "a counter is written as it was");
  [[maybe_unused]] auto ignored = values::undecodable(value, "an input");
  return 0;
}
