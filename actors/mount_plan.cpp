#include "actors/mount_plan.hpp"

#include <algorithm>
#include <set>

namespace et {

const char* to_string(drive_activity activity) {
  switch (activity) {
    case drive_activity::idle:
      return "idle";
    case drive_activity::mounting:
      return "mounting";
    case drive_activity::writing:
      return "writing";
    case drive_activity::reading:
      return "reading";
    case drive_activity::dismounting:
      return "dismounting";
  }
  return "unknown";
}

void mount_plan::changed(const barcode& volume) {
  auto next = changes_.empty() ? 1 : changes_.rbegin()->first + 1;
  auto& last = revisions_[volume];
  changes_.erase(last);
  last = next;
  changes_.emplace(next, volume);
}

std::vector<barcode> mount_plan::changed_volumes(uint64_t revision, size_t limit,
                                                 uint64_t& to) const {
  std::vector<barcode> page;
  to = revision;
  for (auto i = changes_.upper_bound(revision); i != changes_.end() && page.size() < limit; ++i) {
    to = i->first;
    if (volumes_.count(i->second)) page.push_back(i->second);
  }
  return page;
}

void mount_plan::set_volume(const volume_record& volume) {
  volumes_[volume.id] = volume;
  changed(volume.id);
}

void mount_plan::set_drives(size_t count, const std::string& node) {
  found_.insert(node);
  for (uint32_t number = 0; number < count; ++number) {
    auto known = std::find_if(drives_.begin(), drives_.end(), [&](const drive_slot& slot) {
      return slot.node == node && slot.number == number;
    });
    if (known == drives_.end()) {
      drives_.emplace_back();
      known = drives_.end() - 1;
      known->node = node;
      known->number = number;
    }
    known->away = false;
  }
}

void mount_plan::set_lost(const std::string& node) {
  found_.erase(node);
  for (auto& slot : drives_)
    if (slot.node == node) slot.away = true;
  std::vector<barcode> gone;
  for (auto& [id, where] : present_)
    if (where == node) gone.push_back(id);
  for (auto& id : gone) set_absent(id);
}

void mount_plan::set_present(const std::vector<barcode>& present, const std::string& node) {
  std::vector<barcode> before;
  for (auto& [id, where] : present_)
    if (where == node) before.push_back(id);
  for (auto& id : before) set_absent(id);
  for (auto& id : present) {
    // Two libraries with the same barcode: the first stays, or records would mix.
    if (!present_.emplace(id, node).second) continue;
    auto known = volumes_.find(id);
    if (known != volumes_.end()) known->second.node = node;
    changed(id);
  }
}

std::optional<std::string> mount_plan::place_of(const barcode& volume) const {
  auto found = present_.find(volume);
  if (found == present_.end()) return std::nullopt;
  return found->second;
}

std::string mount_plan::lost_place_of(const barcode& volume) const {
  auto found = volumes_.find(volume);
  if (present(volume) || found == volumes_.end()) return {};
  auto& node = found->second.node;
  return node.empty() || found_.count(node) ? std::string{} : node;
}

void mount_plan::set_absent(const barcode& volume) {
  if (present_.erase(volume) > 0) changed(volume);
}

std::optional<std::string> mount_plan::read_obstacle(const barcode& volume) const {
  if (auto node = lost_place_of(volume); !node.empty())
    return "volume " + volume.value + " is in the library of node " + node + ", which is lost";
  if (!present(volume)) return "cartridge " + volume.value + " is not in the library; put it back";
  auto found = volumes_.find(volume);
  if (found != volumes_.end() && found->second.status == volume_status::quarantined)
    return "volume " + volume.value + " is quarantined; an administrator may release it";
  return std::nullopt;
}

bool mount_plan::queued(aggregation_id id) const {
  return std::any_of(writes_.begin(), writes_.end(),
                     [&](const auto& write) { return write.item.aggregation.id == id; });
}

bool mount_plan::add_write(queued_write write) {
  for (auto& other : writes_)
    if (other.item.aggregation.id == write.item.aggregation.id && other.pool == write.pool)
      return false;
  writes_.push_back(std::move(write));
  return true;
}

void mount_plan::cancel_batch(batch_id batch) {
  std::erase_if(writes_,
                [&](const auto& write) { return write.item.aggregation.id.batch == batch; });
}

void mount_plan::cancel_writes(aggregation_id id) {
  std::erase_if(writes_, [&](const auto& write) { return write.item.aggregation.id == id; });
}

std::optional<queued_recall> mount_plan::take_recall(uint64_t number) {
  for (auto i = recalls_.begin(); i != recalls_.end(); ++i) {
    if (i->job.number != number) continue;
    auto taken = std::move(*i);
    recalls_.erase(i);
    return taken;
  }
  return std::nullopt;
}

bool mount_plan::usable(const drive_slot& slot, int64_t now_ms) const {
  return slot.activity == drive_activity::idle && slot.rest_until_ms <= now_ms && !slot.away;
}

bool mount_plan::taken_elsewhere(const barcode& volume, uint32_t drive) const {
  for (uint32_t i = 0; i < drives_.size(); ++i)
    if (i != drive && (drives_[i].mounted == volume || drives_[i].target == volume)) return true;
  return false;
}

bool mount_plan::in_use(const barcode& volume) const {
  return std::any_of(drives_.begin(), drives_.end(), [&](const drive_slot& slot) {
    return slot.target == volume ||
           (slot.mounted == volume && slot.activity != drive_activity::idle);
  });
}

bool mount_plan::has_volume(const std::string& node, const std::string& pool) const {
  for (uint32_t i = 0; i < drives_.size(); ++i)
    if (drives_[i].node == node && !drives_[i].away &&
        (drives_[i].pool == pool || volume_for(pool, i)))
      return true;
  return false;
}

bool mount_plan::suits(const queued_write& write, const std::string& node) const {
  auto& holder = write.item.aggregation.node;
  // Of a catalogue from before there were nodes.
  if (holder.empty() || holder == node) return true;
  if (!found_.count(holder)) return false;
  return !has_volume(holder, write.pool);
}

bool mount_plan::due(const std::string& pool, const std::string& node, int64_t now_ms) const {
  uint64_t gathered_bytes = 0;
  for (auto& write : writes_) {
    if (write.pool != pool || !suits(write, node)) continue;
    gathered_bytes += write.item.aggregation.size_bytes;
    if (gathered_bytes >= policy_.write_after_bytes ||
        now_ms - write.since_ms >= policy_.write_after_ms)
      return true;
  }
  return false;
}

std::optional<barcode> mount_plan::volume_for(const std::string& pool, uint32_t drive) const {
  auto fits = [&](const volume_record& volume) {
    auto where = present_.find(volume.id);
    return where != present_.end() && where->second == drives_[drive].node &&
           !taken_elsewhere(volume.id, drive);
  };
  auto belongs = [&](const volume_record& volume) {
    return volume.status == volume_status::appendable && volume.pool == pool;
  };
  if (auto& mounted = drives_[drive].mounted) {
    auto found = volumes_.find(*mounted);
    if (found != volumes_.end() && fits(found->second) && belongs(found->second)) return *mounted;
  }
  for (auto& [id, volume] : volumes_)
    if (belongs(volume) && fits(volume)) return id;
  for (auto& [id, volume] : volumes_)
    if (volume.status == volume_status::blank && (volume.pool.empty() || volume.pool == pool) &&
        fits(volume))
      return id;
  return std::nullopt;
}

mount_action mount_plan::take_writes(uint32_t drive, const std::string& pool,
                                     const barcode& volume) {
  mount_action action;
  action.kind = mount_action::kind_type::write;
  action.drive = drive;
  action.volume = volume;
  action.pool = pool;
  uint64_t taken_bytes = 0;
  for (auto i = writes_.begin(); i != writes_.end() && action.writes.size() < policy_.job_items &&
                                 taken_bytes < policy_.job_bytes;) {
    if (i->pool != pool || !suits(*i, drives_[drive].node)) {
      ++i;
      continue;
    }
    taken_bytes += i->item.aggregation.size_bytes;
    action.writes.push_back(std::move(*i));
    i = writes_.erase(i);
  }
  drives_[drive].activity = drive_activity::writing;
  drives_[drive].pool = pool;
  drives_[drive].target = volume;
  drives_[drive].read_last = false;
  return action;
}

std::optional<mount_action> mount_plan::write_action(uint32_t drive, int64_t now_ms) {
  auto& node = drives_[drive].node;
  std::set<std::string> seen;
  for (auto& slot : drives_)
    if (!slot.pool.empty() && slot.node == node) seen.insert(slot.pool);
  for (auto& write : writes_) {
    auto pool = write.pool;
    if (!seen.insert(pool).second || !due(pool, node, now_ms)) continue;
    // Another free drive that has the pool's volume already does it without a mount.
    bool better = false;
    for (uint32_t i = 0; i < drives_.size() && !better; ++i) {
      if (i == drive || !usable(drives_[i], now_ms) || !drives_[i].mounted) continue;
      if (drives_[i].node != node) continue;
      auto found = volumes_.find(*drives_[i].mounted);
      better = found != volumes_.end() && found->second.pool == pool &&
               found->second.status == volume_status::appendable;
    }
    if (better) continue;
    if (auto volume = volume_for(pool, drive)) return take_writes(drive, pool, *volume);
  }
  return std::nullopt;
}

namespace {

mount_action read_action(uint32_t drive, queued_recall recall) {
  mount_action action;
  action.kind = mount_action::kind_type::read;
  action.drive = drive;
  action.volume = recall.job.copy.volume;
  action.recall = std::move(recall);
  return action;
}

}  // namespace

std::optional<mount_action> mount_plan::read_mounted(uint32_t drive) {
  auto& slot = drives_[drive];
  if (!slot.mounted) return std::nullopt;
  auto best = recalls_.end();
  for (auto i = recalls_.begin(); i != recalls_.end(); ++i)
    if (i->job.copy.volume == *slot.mounted &&
        (best == recalls_.end() || i->job.copy.data < best->job.copy.data))
      best = i;
  if (best == recalls_.end()) return std::nullopt;
  auto recall = std::move(*best);
  recalls_.erase(best);
  slot.activity = drive_activity::reading;
  slot.target = slot.mounted;
  slot.read_last = true;
  slot.recalled = recall.job.aggregation.id;
  return read_action(drive, std::move(recall));
}

std::optional<mount_action> mount_plan::read_other(uint32_t drive) {
  for (auto& oldest : recalls_) {
    auto volume = oldest.job.copy.volume;
    auto where = present_.find(volume);
    if (where == present_.end() || where->second != drives_[drive].node) continue;
    if (taken_elsewhere(volume, drive)) continue;
    // Mounted once, its recalls are read from the lowest block on.
    auto best = recalls_.end();
    for (auto i = recalls_.begin(); i != recalls_.end(); ++i)
      if (i->job.copy.volume == volume &&
          (best == recalls_.end() || i->job.copy.data < best->job.copy.data))
        best = i;
    auto recall = std::move(*best);
    recalls_.erase(best);
    drives_[drive].activity = drive_activity::reading;
    drives_[drive].target = volume;
    drives_[drive].read_last = true;
    drives_[drive].recalled = recall.job.aggregation.id;
    return read_action(drive, std::move(recall));
  }
  return std::nullopt;
}

std::optional<mount_action> mount_plan::next(int64_t now_ms) {
  // Drives that need no mount come first, then empty ones, then those that must change volumes.
  std::vector<uint32_t> order;
  for (uint32_t i = 0; i < drives_.size(); ++i)
    if (usable(drives_[i], now_ms)) order.push_back(i);
  for (auto drive : order) {
    if (drives_[drive].read_last)
      if (auto action = write_action(drive, now_ms)) return action;
    if (auto action = read_mounted(drive)) return action;
  }
  for (auto drive : order)
    if (auto action = write_action(drive, now_ms)) return action;
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return !drives_[a].mounted.has_value() && drives_[b].mounted.has_value();
  });
  for (auto drive : order)
    if (auto action = read_other(drive)) return action;
  for (auto drive : order) {
    auto& slot = drives_[drive];
    if (!slot.mounted || now_ms - slot.idle_since_ms < policy_.idle_dismount_ms) continue;
    mount_action action;
    action.drive = drive;
    action.volume = *slot.mounted;
    slot.activity = drive_activity::dismounting;
    return action;
  }
  return std::nullopt;
}

std::optional<int64_t> mount_plan::next_time_ms(int64_t now_ms) const {
  std::optional<int64_t> soonest;
  auto consider = [&](int64_t time_ms) {
    auto wait_ms = std::max<int64_t>(time_ms - now_ms, 1);
    if (!soonest || wait_ms < *soonest) soonest = wait_ms;
  };
  bool free = false;
  for (auto& slot : drives_) {
    if (slot.activity != drive_activity::idle || slot.away) continue;
    if (slot.rest_until_ms > now_ms) {
      consider(slot.rest_until_ms);
    } else {
      free = true;
      if (slot.mounted) consider(slot.idle_since_ms + policy_.idle_dismount_ms);
    }
  }
  if (free)
    for (auto& write : writes_)
      if (write.since_ms + policy_.write_after_ms > now_ms)
        consider(write.since_ms + policy_.write_after_ms);
  return soonest;
}

std::string mount_plan::write_obstacle(const std::string& pool) const {
  for (uint32_t i = 0; i < drives_.size(); ++i)
    if (!drives_[i].away && (volume_for(pool, i) || drives_[i].pool == pool)) return {};
  return "no volume of pool " + pool + " has room and no blank one is left";
}

}  // namespace et
