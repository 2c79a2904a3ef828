// Decides which drive does what next: a decision, without actors, devices or clocks.
//
// Rules, in this order, for each drive that is free:
//  1. recalls of the volume it has mounted, ascending by block, except that a due write goes first
//     after a read session (so neither starves);
//  2. a pool whose writes are due (enough bytes gathered, or the oldest has waited long enough) and
//     that no drive is writing; a drive with an appendable volume of the pool mounted is preferred;
//  3. recalls of volumes that are in no drive, the one whose recall has waited longest first.
// A mounted volume stays mounted until its drive is needed for another or has been idle long
// enough.
//
// A drive belongs to a node, with the library that can fill it. An aggregation is written by a
// drive of the node whose cache has it; when that node has no drive, or no volume for the pool, by
// any other, to which its bytes travel. What a lost node has in its cache waits for it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/messages.hpp"

namespace et {

struct mount_policy {
  uint64_t write_after_bytes = 16ull << 20;  ///< a pool is due when so much has gathered
  int64_t write_after_ms = 300;              ///< or the oldest has waited so long
  uint64_t job_bytes = 4ull << 30;           ///< a write job ends after about so much
  size_t job_items = 256;                    ///< or so many aggregations
  int64_t idle_dismount_ms = 60'000;         ///< a mounted drive without work is emptied after this
  int64_t drive_rest_ms = 30'000;            ///< a drive that failed is left alone so long
};

/// A copy of an aggregation that must be written to a pool.
struct queued_write {
  tape_item item;
  std::string pool;
  int64_t since_ms = 0;
  uint32_t tries = 0;
};

struct queued_recall {
  recall_job job;
  int64_t since_ms = 0;
};

enum class drive_activity : uint8_t { idle, mounting, writing, reading, dismounting };

const char* to_string(drive_activity activity);

struct drive_slot {
  std::string node;
  uint32_t number = 0;  ///< on its node
  bool away = false;    ///< its node is lost, or its library's inventory is not known yet
  drive_activity activity = drive_activity::idle;
  std::optional<barcode> mounted;
  std::optional<barcode> target;  ///< what it works with, also while that is on its way
  std::string pool;               ///< being written
  int64_t idle_since_ms = 0;
  int64_t rest_until_ms = 0;  ///< after a failure
  bool read_last = false;
  /// By a former run or a move that failed: `mounted` must leave before anything else.
  bool left_loaded = false;
  aggregation_id recalled;  ///< being read, or what the volume is mounted for
};

/// What to do with one drive.
struct mount_action {
  enum class kind_type : uint8_t { write, read, dismount } kind = kind_type::dismount;
  uint32_t drive = 0;
  barcode volume;  ///< to be mounted first, if it is not
  std::string pool;
  std::vector<queued_write> writes;
  std::optional<queued_recall> recall;
};

/// The queues and the drives. Every method is cheap; the caller reports what happened.
class mount_plan {
 public:
  explicit mount_plan(mount_policy policy) : policy_(policy) {}

  /// The drives of a node: known ones stay what they are, and are there again.
  void set_drives(size_t count, const std::string& node = {});
  /// A node is lost: its drives, its cartridges and what its cache has cannot be used.
  void set_lost(const std::string& node);
  /// Its cache can be read. Nodes are lost until this is said.
  void set_found(const std::string& node) { found_.insert(node); }
  void set_volume(const volume_record& volume);
  /// Cartridges that the library of a node holds; others are not mounted there.
  void set_present(const std::vector<barcode>& present, const std::string& node = {});
  /// The node whose library holds a cartridge; nullopt: none that is there.
  std::optional<std::string> place_of(const barcode& volume) const;
  /// The lost node whose library held a cartridge last; empty: none.
  std::string lost_place_of(const barcode& volume) const;
  /// The library does not have a cartridge any more.
  void set_absent(const barcode& volume);
  bool present(const barcode& volume) const { return present_.count(volume) > 0; }

  /// Nothing: the volume may be read; else why not, in words.
  std::optional<std::string> read_obstacle(const barcode& volume) const;

  /// Queues a write unless the same aggregation is queued for the pool; false then.
  bool add_write(queued_write write);
  void add_recall(queued_recall recall) { recalls_.push_back(std::move(recall)); }
  /// Forgets the queued writes of an aggregation, or of a batch.
  void cancel_writes(aggregation_id id);
  void cancel_batch(batch_id batch);
  /// Takes a queued recall out; nullopt when it is not queued any more.
  std::optional<queued_recall> take_recall(uint64_t number);

  /// The next action, taken out of the queues and with its drive marked; nullopt: nothing to do
  /// now.
  std::optional<mount_action> next(int64_t now_ms);

  /// The drive's state as the caller found it.
  drive_slot& drive(uint32_t number) { return drives_[number]; }
  const std::vector<drive_slot>& drives() const { return drives_; }
  const std::map<barcode, volume_record>& volumes() const { return volumes_; }
  /// Volumes whose record or presence changed behind `revision` (0: all), in that order, at most
  /// `limit`; `to` becomes the revision of the last.
  std::vector<barcode> changed_volumes(uint64_t revision, size_t limit, uint64_t& to) const;
  const std::vector<queued_write>& writes() const { return writes_; }
  const std::vector<queued_recall>& recalls() const { return recalls_; }
  bool queued(aggregation_id id) const;
  /// A drive is doing something with it, or is about to.
  bool in_use(const barcode& volume) const;

  /// When next() may have something to do without any other event, in milliseconds; nullopt: never.
  std::optional<int64_t> next_time_ms(int64_t now_ms) const;

  /// Why a pool cannot be written now, in words; empty when it can.
  std::string write_obstacle(const std::string& pool) const;

 private:
  void changed(const barcode& volume);
  bool taken_elsewhere(const barcode& volume, uint32_t drive) const;
  /// Whether a drive of `node` may write it.
  bool suits(const queued_write& write, const std::string& node) const;
  bool has_volume(const std::string& node, const std::string& pool) const;
  bool due(const std::string& pool, const std::string& node, int64_t now_ms) const;
  std::optional<barcode> volume_for(const std::string& pool, uint32_t drive) const;
  std::optional<mount_action> write_action(uint32_t drive, int64_t now_ms);
  std::optional<mount_action> read_mounted(uint32_t drive);
  std::optional<mount_action> read_other(uint32_t drive);
  mount_action take_writes(uint32_t drive, const std::string& pool, const barcode& volume);
  bool usable(const drive_slot& slot, int64_t now_ms) const;

  mount_policy policy_;
  std::vector<drive_slot> drives_;
  std::map<barcode, volume_record> volumes_;
  std::map<barcode, std::string> present_;  ///< in the library of which node
  std::set<std::string> found_;             ///< nodes that are not lost
  std::map<barcode, uint64_t> revisions_;   ///< of the last change
  std::map<uint64_t, barcode> changes_;     ///< the same the other way round
  std::vector<queued_write> writes_;        ///< oldest first
  std::vector<queued_recall> recalls_;      ///< oldest first
};

}  // namespace et
