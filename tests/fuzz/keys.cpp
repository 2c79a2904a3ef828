// Keys of the catalogue: what is accepted is the key of what it was taken for.
#include "storage/catalogue/keys.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace et;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto stored = fuzz::text_of_input(data, size);
  auto same = [&](const std::string& bytes) {
    fuzz::require(bytes == stored, "an accepted key is made as it was");
  };
  if (auto id = keys::batch_of_batch_key(stored)) same(keys::batch(*id).bytes());
  if (auto id = keys::retrieval_of_key(stored)) same(keys::retrieval(*id).bytes());
  if (auto id = keys::aggregation_of_key(stored)) same(keys::aggregation(*id).bytes());
  if (auto number = keys::number_of_alert_key(stored)) {
    same(keys::alert(*number).bytes());
    same(keys::audit(*number).bytes());
  }
  if (auto key = keys::request_of_key(stored)) {
    auto zero = stored.find('\0');
    same(keys::request(stored.substr(0, zero), stored.substr(zero + 1)).bytes());
    same(key->bytes());
  }
  if (auto path = keys::path_of_file_key(stored))
    fuzz::require(stored.ends_with(*path), "a path is the end of its key");
  if (auto path = keys::path_of_failure_key(stored))
    fuzz::require(stored.ends_with(*path), "a path is the end of its key");
  if (auto path = keys::path_of_placement_key(stored))
    fuzz::require(stored.ends_with(*path), "a path is the end of its key");
  [[maybe_unused]] auto holder = keys::batch_of_path_key(stored);
  [[maybe_unused]] auto batch = keys::batch_of_workspace_batch_key(stored);

  auto behind = keys::path_behind(stored);
  fuzz::require(behind > stored, "what is behind a path sorts behind it");
  // Keys sort as what they are made of.
  auto half = stored.substr(0, size / 2);
  fuzz::require(
      (keys::file(batch_id{1}, half) < keys::file(batch_id{1}, stored)) == (half < stored),
      "files of a batch sort by their paths");
  return 0;
}
