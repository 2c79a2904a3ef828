#include "tests/support/lossy_disk.hpp"

#include <cerrno>
#include <stdexcept>
#include <unordered_map>

#include "tests/support/name_changes.hpp"
#include "tests/support/open_files.hpp"
#include "tests/support/raw_calls.hpp"
#include "tests/support/unsynced_data.hpp"

namespace et::test {

namespace {

struct lossy_file : disk_node {
  unsynced_data data;
};

uint64_t mix(uint64_t a, uint64_t b) {
  uint64_t x = a + 0x9e3779b97f4a7c15 * (b + 1);
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// Of a text; the same in every program.
uint64_t mix(uint64_t seed, const std::string& text) {
  for (unsigned char c : text) seed = mix(seed, c);
  return seed;
}

}  // namespace

class lossy_disk::state : public recorded_disk {
 public:
  explicit state(const std::string& folder)
      : recorded_disk(folder), names_(this->folder() + ".removed") {
    take_part();
  }
  ~state() override {
    leave();
    open_files::forget_disk(this);
    unnoted self;
    names_.keep_all();
  }

  void set_faults(const disk_faults& faults) {
    std::lock_guard lock{mutex_};
    faults_ = faults;
  }
  void power_off() {
    std::lock_guard lock{mutex_};
    off_ = true;
  }
  void power_loss(uint64_t seed);
  void sync_all();
  disk_figures figures();

 private:
  int refuse(disk_call call, const std::string& name, size_t* size) override;
  node_ptr opened(int fd, const struct stat& status, const std::string& path,
                  bool created) override;
  void last_closed(const node_ptr& node) override;
  void before_write(disk_node& node, int fd, off_t offset, size_t size) override {
    data(node).before_write(fd, offset, size);
  }
  void written(disk_node& node, off_t offset, const iovec* parts, int count, size_t size) override {
    ++figures_.writes;
    data(node).written(offset, parts, count, size);
  }
  void before_truncate(disk_node& node, int fd, off_t size) override {
    data(node).before_truncate(fd, size);
  }
  void truncated(disk_node& node, off_t size) override { data(node).truncated(size); }
  void synced(disk_node& node) override;
  int do_rename(const std::string& from, const std::string& to, unsigned flags) override;
  int do_unlink(const std::string& path) override;
  int do_remove_folder(const std::string& path) override;
  int do_make_folder(const std::string& path, mode_t mode) override;
  int do_link(const std::string& from, const std::string& to) override;

  static unsynced_data& data(disk_node& node) { return static_cast<lossy_file&>(node).data; }
  bool happens(double probability, uint64_t chance) {
    // 53 bits of a number as a fraction.
    return probability > 0 &&
           static_cast<double>(mix(chance, ++draws_) >> 11) * 0x1p-53 < probability;
  }
  void drop_unreachable();

  name_changes names_;
  std::unordered_map<uint64_t, std::shared_ptr<lossy_file>> files_;
  disk_faults faults_;
  std::unordered_map<std::string, uint64_t> calls_;  ///< seen for each name, while there are faults
  uint64_t draws_ = 0;                               ///< within one call
  disk_figures figures_;
  bool off_ = false;
};

int lossy_disk::state::refuse(disk_call call, const std::string& name, size_t* size) {
  if (off_ && call != disk_call::read) return EIO;
  const auto& f = faults_;
  if (f.write_error + f.short_write + f.full + f.sync_error + f.read_error <= 0) return 0;
  if (!f.only.empty() && name.find(f.only) == std::string::npos) return 0;
  auto chance = mix(mix(f.seed, name), ++calls_[name]);
  draws_ = 0;
  bool write = call == disk_call::write;
  int code = 0;
  if (write && happens(f.write_error, chance)) code = EIO;
  if ((write || call == disk_call::change_name) && happens(f.full, chance)) code = ENOSPC;
  if (call == disk_call::sync && happens(f.sync_error, chance)) code = EIO;
  if (call == disk_call::read && happens(f.read_error, chance)) code = EIO;
  if (code != 0) {
    ++figures_.faults;
  } else if (write && size && *size > 1 && happens(f.short_write, chance)) {
    *size = 1 + mix(chance, *size) % (*size - 1);
    ++figures_.faults;
  }
  return code;
}

node_ptr lossy_disk::state::opened(int, const struct stat& status, const std::string& path,
                                   bool created) {
  auto& file = files_[status.st_ino];
  if (!file || created) {
    file = std::make_shared<lossy_file>();
    file->inode = status.st_ino;
    file->is_folder = S_ISDIR(status.st_mode);
    file->name = relative(path);
  }
  if (created) {
    place at;
    if (names_.find(path, at) == 0) names_.made(at);
  }
  return file;
}

void lossy_disk::state::last_closed(const node_ptr& node) {
  // With unsynced data it stays, and its own descriptor keeps the number from being another file's.
  if (data(*node).empty()) files_.erase(node->inode);
}

void lossy_disk::state::synced(disk_node& node) {
  if (!node.is_folder) {
    ++figures_.syncs;
    data(node).synced();
    if (node.descriptors == 0) files_.erase(node.inode);
    return;
  }
  ++figures_.folder_syncs;
  names_.synced(node.inode);
  drop_unreachable();
}

/// Files whose last name is gone for good, and that nobody has open, are lost to everybody.
void lossy_disk::state::drop_unreachable() {
  std::erase_if(files_, [](const auto& one) {
    const auto& file = *one.second;
    return file.descriptors == 0 && (file.data.empty() || file.data.names() == 0);
  });
}

int lossy_disk::state::do_rename(const std::string& from, const std::string& to, unsigned flags) {
  place old_place, new_place;
  if (names_.find(from, old_place) != 0 || names_.find(to, new_place) != 0) return -1;
  return names_.rename(old_place, new_place, flags);
}

int lossy_disk::state::do_unlink(const std::string& path) {
  place at;
  return names_.find(path, at) == 0 ? names_.unlink(at) : -1;
}

int lossy_disk::state::do_remove_folder(const std::string& path) {
  place at;
  return names_.find(path, at) == 0 ? names_.remove_folder(at) : -1;
}

int lossy_disk::state::do_make_folder(const std::string& path, mode_t mode) {
  place at;
  if (names_.find(path, at) != 0) return -1;
  if (raw::make_folder_at(AT_FDCWD, path.c_str(), mode) != 0) return -1;
  names_.made(at);
  return 0;
}

int lossy_disk::state::do_link(const std::string& from, const std::string& to) {
  place at;
  if (names_.find(to, at) != 0) return -1;
  if (raw::link_at(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), 0) != 0) return -1;
  names_.made(at);
  return 0;
}

void lossy_disk::state::power_loss(uint64_t seed) {
  std::lock_guard lock{mutex_};
  unnoted self;
  for (auto& [inode, file] : files_) {
    std::mt19937_64 random{mix(seed, file->name)};
    if (!file->is_folder) file->data.lose(random);
    file->dead = true;
  }
  files_.clear();
  std::mt19937_64 random{mix(seed, std::string{})};
  names_.lose(random);
  off_ = false;
}

void lossy_disk::state::sync_all() {
  std::lock_guard lock{mutex_};
  unnoted self;
  for (auto& [inode, file] : files_) file->data.synced();
  names_.keep_all();
  drop_unreachable();
}

disk_figures lossy_disk::state::figures() {
  std::lock_guard lock{mutex_};
  auto result = figures_;
  for (auto& [inode, file] : files_) result.unsynced_files += file->data.empty() ? 0 : 1;
  result.unsynced_names = names_.count();
  return result;
}

lossy_disk::lossy_disk(const std::filesystem::path& folder)
    : state_(std::make_unique<state>(std::filesystem::canonical(folder).string())) {}
lossy_disk::~lossy_disk() = default;
void lossy_disk::set_faults(const disk_faults& faults) {
  state_->set_faults(faults);
}
void lossy_disk::power_off() {
  state_->power_off();
}
void lossy_disk::power_loss(uint64_t seed) {
  state_->power_loss(seed);
}
void lossy_disk::sync_all() {
  state_->sync_all();
}
disk_figures lossy_disk::figures() const {
  return state_->figures();
}

}  // namespace et::test
