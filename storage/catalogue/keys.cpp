#include "storage/catalogue/keys.hpp"

#include "storage/catalogue/codec.hpp"

namespace et::keys {

namespace {

constexpr int batch_bytes = 8;
constexpr int workspace_bytes = 4;
constexpr int number_bytes = 4;
constexpr size_t aggregation_bytes = batch_bytes + number_bytes;

std::string id_and_path(uint64_t id, std::string_view path) {
  std::string out;
  out.resize(batch_bytes);
  out.reserve(batch_bytes + path.size());
  write_big_endian(out.data(), id, batch_bytes);
  out.append(path);
  return out;
}

std::string number(uint64_t value, int size) {
  std::string out(static_cast<size_t>(size), '\0');
  write_big_endian(out.data(), value, size);
  return out;
}

/// The least string that sorts behind everything that begins with `prefix`.
std::string behind_prefix(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(prefix.back() + 1);
  return prefix;
}

template <family F>
range<F> all_of(const std::string& prefix) {
  return {key<F>{prefix}, key<F>{behind_prefix(prefix)}};
}

std::optional<std::string_view> path_after(std::string_view stored, size_t prefix_bytes) {
  if (stored.size() <= prefix_bytes) return std::nullopt;
  return stored.substr(prefix_bytes);
}

}  // namespace

const char* name_of(family f) {
  static constexpr std::array<const char*, family_count> names = {
      "default", "workspace",   "batch",     "workspace_batch", "file",
      "path",    "aggregation", "placement", "failure",         "volume",
      "alert",   "retrieval",   "token",     "audit",           "request"};
  return names[static_cast<size_t>(f)];
}

key<family::meta> version() {
  return key<family::meta>{"version"};
}
key<family::meta> next_workspace() {
  return key<family::meta>{"next_workspace"};
}
key<family::meta> next_batch() {
  return key<family::meta>{"next_batch"};
}
key<family::meta> next_alert() {
  return key<family::meta>{"next_alert"};
}
key<family::meta> next_retrieval() {
  return key<family::meta>{"next_retrieval"};
}
key<family::meta> next_token() {
  return key<family::meta>{"next_token"};
}
key<family::meta> next_audit() {
  return key<family::meta>{"next_audit"};
}
key<family::meta> runs() {
  return key<family::meta>{"runs"};
}
key<family::meta> epoch() {
  return key<family::meta>{"epoch"};
}
key<family::meta> next_delivery(std::string_view target) {
  return key<family::meta>{"next_delivery " + std::string{target}};
}

key<family::workspace> workspace(std::string_view name) {
  return key<family::workspace>{std::string{name}};
}

key<family::batch> batch(batch_id id) {
  return key<family::batch>{number(id.value, batch_bytes)};
}

key<family::workspace_batch> workspace_batch(workspace_id workspace, batch_id batch) {
  return key<family::workspace_batch>{number(workspace.value, workspace_bytes) +
                                      number(batch.value, batch_bytes)};
}

key<family::file> file(batch_id batch, std::string_view path) {
  return key<family::file>{id_and_path(batch.value, path)};
}

key<family::path> path(workspace_id workspace, std::string_view path, batch_id batch) {
  std::string out(workspace_bytes + path.size() + 1 + batch_bytes, '\0');
  auto* at = write_big_endian(out.data(), workspace.value, workspace_bytes);
  at += path.copy(at, path.size());
  write_big_endian(at + 1, batch.value, batch_bytes);
  return key<family::path>{std::move(out)};
}

key<family::path> path_prefix(workspace_id workspace, std::string_view path) {
  std::string out(workspace_bytes + path.size() + 1, '\0');
  auto* at = write_big_endian(out.data(), workspace.value, workspace_bytes);
  path.copy(at, path.size());
  return key<family::path>{std::move(out)};
}

key<family::aggregation> aggregation(aggregation_id id) {
  return key<family::aggregation>{number(id.batch.value, batch_bytes) +
                                  number(id.number, number_bytes)};
}

key<family::placement> placement(aggregation_id id, std::string_view first_path) {
  return key<family::placement>{aggregation(id).bytes() + std::string{first_path}};
}

key<family::failure> failure(batch_id batch, std::string_view path) {
  return key<family::failure>{id_and_path(batch.value, path)};
}

key<family::volume> volume(const barcode& id) {
  return key<family::volume>{id.value};
}
key<family::alert> alert(uint64_t n) {
  return key<family::alert>{number(n, 8)};
}
key<family::retrieval> retrieval(retrieval_id id) {
  return key<family::retrieval>{number(id.value, 8)};
}
key<family::token> token(std::string_view hash) {
  return key<family::token>{std::string{hash}};
}

key<family::audit> audit(uint64_t n) {
  return key<family::audit>{number(n, 8)};
}
key<family::request> request(std::string_view user, std::string_view request) {
  std::string out{user};
  out.push_back('\0');
  return key<family::request>{out.append(request)};
}

std::optional<key<family::request>> request_of_key(std::string_view stored) {
  constexpr size_t request_bytes = 16;
  if (stored.size() <= request_bytes) return std::nullopt;
  auto zero = stored.size() - request_bytes - 1;
  if (stored.find('\0') != zero) return std::nullopt;
  return key<family::request>{std::string{stored}};
}

range<family::workspace_batch> batches_of(workspace_id workspace) {
  return all_of<family::workspace_batch>(number(workspace.value, workspace_bytes));
}
range<family::file> files_of(batch_id batch) {
  return all_of<family::file>(number(batch.value, batch_bytes));
}
range<family::path> paths_of(workspace_id workspace) {
  return all_of<family::path>(number(workspace.value, workspace_bytes));
}
range<family::aggregation> aggregations_of(batch_id batch) {
  return all_of<family::aggregation>(number(batch.value, batch_bytes));
}
range<family::placement> placements_of(batch_id batch) {
  return all_of<family::placement>(number(batch.value, batch_bytes));
}
range<family::placement> placements_of(aggregation_id id) {
  return all_of<family::placement>(aggregation(id).bytes());
}
range<family::failure> failures_of(batch_id batch) {
  return all_of<family::failure>(number(batch.value, batch_bytes));
}

std::optional<batch_id> batch_of_batch_key(std::string_view stored) {
  if (stored.size() != batch_bytes) return std::nullopt;
  return batch_id{read_big_endian(stored.data(), batch_bytes)};
}

std::optional<batch_id> batch_of_workspace_batch_key(std::string_view stored) {
  if (stored.size() != workspace_bytes + batch_bytes) return std::nullopt;
  return batch_id{read_big_endian(stored.data() + workspace_bytes, batch_bytes)};
}

std::optional<std::string_view> path_of_file_key(std::string_view stored) {
  return path_after(stored, batch_bytes);
}

std::optional<std::string_view> path_of_failure_key(std::string_view stored) {
  return path_after(stored, batch_bytes);
}

std::optional<std::string_view> path_of_placement_key(std::string_view stored) {
  return path_after(stored, aggregation_bytes);
}

std::optional<batch_id> batch_of_path_key(std::string_view stored) {
  constexpr size_t around_path = workspace_bytes + 1 + batch_bytes;
  if (stored.size() <= around_path || stored[stored.size() - batch_bytes - 1] != '\0')
    return std::nullopt;
  return batch_id{read_big_endian(stored.data() + stored.size() - batch_bytes, batch_bytes)};
}

std::optional<aggregation_id> aggregation_of_key(std::string_view stored) {
  if (stored.size() != aggregation_bytes) return std::nullopt;
  return aggregation_id{
      batch_id{read_big_endian(stored.data(), batch_bytes)},
      static_cast<uint32_t>(read_big_endian(stored.data() + batch_bytes, number_bytes))};
}

std::optional<uint64_t> number_of_alert_key(std::string_view stored) {
  if (stored.size() != 8) return std::nullopt;
  return read_big_endian(stored.data(), 8);
}

std::optional<retrieval_id> retrieval_of_key(std::string_view stored) {
  if (stored.size() != 8) return std::nullopt;
  return retrieval_id{read_big_endian(stored.data(), 8)};
}

std::string path_behind(std::string_view path) {
  std::string out{path};
  out.push_back('\0');
  return out;
}

}  // namespace et::keys
