#include "storage/catalogue/catalogue_log.hpp"

#include <fcntl.h>
#include <rocksdb/utilities/checkpoint.h>
#include <xxhash.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "storage/catalogue/codec.hpp"
#include "storage/catalogue/values.hpp"
#include "storage/os/file.hpp"

namespace et {

namespace fs = std::filesystem;
using keys::family;

namespace {

constexpr size_t run_name_bytes = 16;
constexpr size_t copy_buffer_bytes = 1024 * 1024;

struct run {
  std::string name;
  uint64_t behind = 0;  ///< the last number before it
};

std::string encode(const std::vector<run>& runs) {
  encoder out;
  out.u8(values::version).varint(runs.size());
  for (const auto& one : runs) out.string(one.name).varint(one.behind);
  return out.take();
}

bool decode(std::string_view value, std::vector<run>& runs) {
  decoder in{value};
  if (in.u8() != values::version) return false;
  runs.resize(in.varint_up_to(max_runs));
  for (auto& one : runs) {
    one.name = in.string();
    one.behind = in.varint();
  }
  return in.complete();
}

caf::expected<std::vector<run>> runs_of(const database& db) {
  rocksdb::PinnableSlice value;
  auto found = db.get(keys::runs(), nullptr, value);
  if (!found) return found.error();
  std::vector<run> runs;
  if (*found && !decode(value.ToStringView(), runs))
    return values::undecodable(value.ToStringView(), "the runs of the catalogue");
  return runs;
}

std::string random_name() {
  std::random_device random;
  std::string name;
  while (name.size() < run_name_bytes) name.push_back(static_cast<char>(random()));
  return name;
}

std::string families_of(const database& db) {
  std::string text;
  for (size_t i = 0; i < keys::family_count; ++i) {
    auto f = static_cast<family>(i);
    text += std::string{keys::name_of(f)} + "=" + std::to_string(db.handle(f)->GetID()) + " ";
  }
  return text;
}

}  // namespace

caf::expected<uint64_t> checksum_of_file(const std::string& path) {
  auto file = open_file(path, O_RDONLY);
  if (!file) return file.error();
  std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state{XXH3_createState(),
                                                                        XXH3_freeState};
  XXH3_64bits_reset(state.get());
  std::vector<char> buffer(copy_buffer_bytes);
  for (uint64_t offset = 0;;) {
    auto got = read_at(file->get(), buffer.data(), buffer.size(), offset);
    if (!got) return with_context(got.error(), path);
    if (*got == 0) return XXH3_64bits_digest(state.get());
    XXH3_64bits_update(state.get(), buffer.data(), *got);
    offset += *got;
  }
}

caf::expected<copy_position> position_of(const database& db) {
  auto runs = runs_of(db);
  if (!runs) return runs.error();
  copy_position result;
  result.families = families_of(db);
  if (!runs->empty()) result.run = runs->back().name;
  result.sequence = db.raw().GetLatestSequenceNumber();
  return result;
}

caf::expected<epoch_record> epoch_of(const database& db) {
  rocksdb::PinnableSlice value;
  auto found = db.get(keys::epoch(), nullptr, value);
  if (!found) return found.error();
  epoch_record result;
  if (!*found) return result;
  decoder in{value.ToStringView()};
  bool known = in.u8() == values::version;
  result.epoch = in.varint();
  result.node = in.string();
  result.since_ns = in.signed_varint();
  if (!known || !in.complete())
    return values::undecodable(value.ToStringView(), "the epoch of the catalogue");
  return result;
}

catalogue_log::catalogue_log(database& db) : db_(db) {
  db_.on_close([this] { forget_snapshots(); });
}

catalogue_log::~catalogue_log() {
  forget_snapshots();
  db_.on_close({});
}

caf::expected<copy_position> catalogue_log::position() const {
  database::lease lease{db_};
  if (lease.error()) return lease.error();
  return position_of(db_);
}

caf::error catalogue_log::can_follow(const copy_position& position) const {
  auto anew = [](const std::string& why) {
    return fail(errc::not_found, "the copy must begin anew: " + why);
  };
  if (position.run.empty()) return anew("it has no catalogue");
  database::lease lease{db_};
  if (lease.error()) return lease.error();
  auto runs = runs_of(db_);
  if (!runs) return runs.error();
  if (position.families != families_of(db_)) return anew("its families of keys are others");
  auto named = [&](const run& one) { return one.name == position.run; };
  auto found = std::find_if(runs->begin(), runs->end(), named);
  if (found == runs->end()) return anew("what it has was written by another head");
  auto next = found + 1;
  auto end = next == runs->end() ? db_.raw().GetLatestSequenceNumber() : next->behind;
  if (position.sequence > end)
    return anew("it has writes that this catalogue lost, or never had, behind number " +
                std::to_string(end));
  return {};
}

caf::expected<std::vector<checkpoint_file>> catalogue_log::checkpoint(
    const std::string& folder) const {
  database::lease lease{db_};
  if (lease.error()) return lease.error();
  rocksdb::Checkpoint* made = nullptr;
  auto status = rocksdb::Checkpoint::Create(&db_.raw(), &made);
  std::unique_ptr<rocksdb::Checkpoint> owned{made};
  if (status.ok()) status = made->CreateCheckpoint(folder);
  if (!status.ok()) return to_error(status, "make a checkpoint of the catalogue in " + folder);
  auto list = [&]() -> caf::expected<std::vector<checkpoint_file>> {
    std::vector<checkpoint_file> files;
    std::error_code code;
    for (fs::directory_iterator it{folder, code}, end; !code && it != end; it.increment(code)) {
      checkpoint_file file;
      file.name = it->path().filename().string();
      file.size_bytes = it->file_size(code);
      if (code) break;
      auto checksum = checksum_of_file(it->path().string());
      if (!checksum) return checksum.error();
      file.checksum = *checksum;
      files.push_back(std::move(file));
    }
    if (code) return fail_errno("cannot list the checkpoint " + folder, code.value());
    return files;
  };
  auto files = list();
  std::error_code ignored;
  if (!files) fs::remove_all(folder, ignored);
  return files;
}

void catalogue_log::hold(bool all) {
  holding_ = true;
  waiting_.clear();
  acknowledged_ = all ? sequence() : 0;
  held now{sequence(), db_.snapshot()};
  if (!all) waiting_.push_back(now);
  std::lock_guard lock{mutex_};
  restricted_ = true;
  shown_ = all ? now : held{};
}

void catalogue_log::let_go() {
  holding_ = false;
  waiting_.clear();
  std::lock_guard lock{mutex_};
  restricted_ = false;
  shown_ = {};
}

void catalogue_log::acknowledge(uint64_t sequence) {
  if (!holding_) return;
  acknowledged_ = std::max(acknowledged_, sequence);
  held newest;
  while (!waiting_.empty() && waiting_.front().sequence <= acknowledged_) {
    newest = std::move(waiting_.front());
    waiting_.pop_front();
  }
  if (!newest.snapshot) return;
  std::lock_guard lock{mutex_};
  shown_ = std::move(newest);
}

uint64_t catalogue_log::shown() const {
  if (!holding_) return sequence();
  std::lock_guard lock{mutex_};
  return shown_.sequence;
}

void catalogue_log::wrote() {
  auto now = sequence();
  if (holding_) {
    if (waiting_.size() == max_held_snapshots) waiting_.pop_back();
    waiting_.push_back({now, db_.snapshot()});
  }
  if (told_) told_(now);
}

database::shared_snapshot catalogue_log::shown_snapshot() const {
  std::lock_guard lock{mutex_};
  return restricted_ ? shown_.snapshot : db_.snapshot();
}

void catalogue_log::forget_snapshots() {
  waiting_.clear();
  std::lock_guard lock{mutex_};
  shown_ = {};
}

caf::expected<epoch_record> catalogue_log::epoch() const {
  database::lease lease{db_};
  if (lease.error()) return lease.error();
  return epoch_of(db_);
}

caf::error catalogue_log::raise_epoch(const epoch_record& record) {
  if (auto error = db_.ready()) return error;
  auto now = epoch_of(db_);
  if (!now) return now.error();
  if (record.epoch <= now->epoch)
    return fail(errc::invalid_argument, "epoch " + std::to_string(record.epoch) + " is not above " +
                                            std::to_string(now->epoch) + ", that of the catalogue");
  change_set changes{db_};
  encoder out;
  out.u8(values::version).varint(record.epoch).string(record.node).signed_varint(record.since_ns);
  changes.put(keys::epoch(), out.take());
  if (auto error = db_.write(changes, true)) return error;
  wrote();
  return {};
}

caf::error catalogue_log::begin_run() {
  auto runs = runs_of(db_);
  if (!runs) return runs.error();
  runs->push_back({random_name(), sequence()});
  if (runs->size() > max_runs) runs->erase(runs->begin(), runs->end() - max_runs);
  change_set changes{db_};
  changes.put(keys::runs(), encode(*runs));
  if (auto error = db_.write(changes, true)) return error;
  wrote();
  return {};
}

}  // namespace et
