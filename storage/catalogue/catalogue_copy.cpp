#include "storage/catalogue/catalogue_copy.hpp"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "storage/catalogue/codec.hpp"
#include "storage/catalogue/store.hpp"

namespace et {

namespace fs = std::filesystem;

namespace {

caf::error check_version(const database& db, const std::string& folder) {
  rocksdb::PinnableSlice value;
  auto found = db.get(keys::version(), nullptr, value);
  if (!found) return found.error();
  if (!*found || value.size() != 4)
    return fail(errc::corrupt, "the copy of the catalogue in " + folder + " has no version");
  auto version = read_big_endian(value.data(), 4);
  if (version <= catalogue_version) return {};
  return fail(errc::newer_version, "the copy of the catalogue in " + folder + " has version " +
                                       std::to_string(version) + ", this program knows version " +
                                       std::to_string(catalogue_version));
}

}  // namespace

caf::expected<std::unique_ptr<catalogue_copy>> catalogue_copy::open(const std::string& folder,
                                                                    uint64_t memory_bytes) {
  using result_type = caf::expected<std::unique_ptr<catalogue_copy>>;
  return guarded([&]() -> result_type {
    // Opening would make an empty one, with numbers of its own.
    std::error_code code;
    if (!fs::exists(fs::path{folder} / "CURRENT", code))
      return fail(errc::not_found, "there is no copy of the catalogue in " + folder);
    auto db = database::open(folder, memory_bytes);
    if (!db) return db.error();
    if (auto error = check_version(**db, folder)) return error;
    return std::unique_ptr<catalogue_copy>{new catalogue_copy{std::move(*db)}};
  });
}

caf::error catalogue_copy::apply(std::string_view piece) {
  return guarded([&]() -> caf::error {
    // Whole frames are taken from where they are; only what is cut is copied.
    std::string joined;
    if (!partial_.empty()) {
      joined = std::exchange(partial_, {});
      joined.append(piece);
      piece = joined;
    }
    log_frame frame;
    for (;;) {
      auto more = take_frame(piece, frame);
      if (!more) return more.error();
      if (!*more) break;
      if (auto error = apply(frame)) return error;
    }
    partial_.assign(piece);
    return {};
  });
}

caf::error catalogue_copy::apply(const log_frame& frame) {
  if (auto error = db_->ready()) return error;
  if (frame.sequence != sequence() + 1)
    return fail(errc::wrong_position, "write " + std::to_string(frame.sequence) +
                                          " came, the copy of the catalogue is at " +
                                          std::to_string(sequence()));
  change_set changes{*db_};
  if (auto error = changes.assign(frame.batch)) return error;
  auto count = changes.count();
  if (auto error = db_->write(changes, false)) return error;
  // A copy whose numbers went another way is worth nothing: let the head see it.
  if (sequence() != frame.sequence + count - 1)
    return fail(errc::corrupt, "write " + std::to_string(frame.sequence) +
                                   " took other numbers in the copy of the catalogue");
  return {};
}

caf::error catalogue_copy::sync() {
  return to_error(db_->raw().SyncWAL(), "sync the copy of the catalogue");
}

caf::expected<std::unique_ptr<checkpoint_receiver>> checkpoint_receiver::begin(
    const std::string& folder, std::vector<checkpoint_file> files) {
  auto refuse = [](const std::string& why) {
    return fail(errc::protocol, "a checkpoint of the catalogue was refused: " + why);
  };
  if (files.empty()) return refuse("it has no files");
  if (files.size() > max_checkpoint_files) return refuse("it has too many files");
  std::set<std::string_view> names;
  for (const auto& file : files) {
    auto& name = file.name;
    if (name.empty() || name.size() > max_checkpoint_name_bytes || name.front() == '.' ||
        name.find('/') != std::string::npos || name.find('\0') != std::string::npos)
      return refuse("a file has no plain name");
    if (!names.insert(name).second) return refuse("two files have the same name");
  }
  std::unique_ptr<checkpoint_receiver> result{new checkpoint_receiver{folder, std::move(files)}};
  result->temporary_ = folder + ".incoming";
  std::error_code code;
  fs::remove_all(result->temporary_, code);
  if (!code) fs::create_directories(result->temporary_, code);
  if (code) return fail_errno("cannot make " + result->temporary_, code.value());
  if (auto error = result->open_next()) return error;
  return result;
}

/// Opens the file at hand, and passes those that are complete with no byte.
caf::error checkpoint_receiver::open_next() {
  for (; at_ < files_.size(); ++at_) {
    auto file =
        open_file(fs::path{temporary_} / files_[at_].name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (!file) return file.error();
    file_ = std::move(*file);
    offset_ = 0;
    if (files_[at_].size_bytes > 0) return {};
    if (auto error = sync_data(file_.get())) return error;
  }
  file_.reset();
  return {};
}

caf::error checkpoint_receiver::add(std::string_view data) {
  while (!data.empty()) {
    if (complete())
      return fail(errc::protocol, "a checkpoint of the catalogue has more data than it said");
    auto& file = files_[at_];
    auto size = std::min<uint64_t>(data.size(), file.size_bytes - offset_);
    if (auto error = write_at(file_.get(), data.data(), size, offset_)) return error;
    start_writeback(file_.get(), offset_, size);
    offset_ += size;
    received_bytes_ += size;
    data.remove_prefix(size);
    if (offset_ < file.size_bytes) continue;
    if (auto error = sync_data(file_.get())) return error;
    ++at_;
    if (auto error = open_next()) return error;
  }
  return {};
}

caf::error checkpoint_receiver::install(const std::string& aside) {
  for (const auto& file : files_) {
    auto found = checksum_of_file((fs::path{temporary_} / file.name).string());
    if (!found) return found.error();
    if (*found != file.checksum)
      return fail(errc::corrupt, "file " + file.name +
                                     " of a checkpoint of the catalogue does not match its "
                                     "checksum; it is asked for again");
  }
  if (auto error = sync_folder(temporary_)) return error;
  auto parent = fs::path{folder_}.parent_path();
  auto old = aside.empty() ? folder_ + ".old" : aside;
  std::error_code code;
  if (aside.empty()) fs::remove_all(old, code);
  if (!code && fs::exists(folder_, code)) fs::rename(folder_, old, code);
  if (!code) fs::rename(temporary_, folder_, code);
  if (code) return fail_errno("cannot put the checkpoint into " + folder_, code.value());
  if (auto error = sync_folder(parent)) return error;
  if (aside.empty()) fs::remove_all(old, code);
  return {};
}

}  // namespace et
